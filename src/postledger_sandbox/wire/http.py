# SPDX-License-Identifier: Apache-2.0
"""A small HTTP/1.1 server: one thread per connection, keep-alive, and the means to misbehave on purpose.

The standard library's handler would do, but it cannot easily cut, hold or drip an answer, and it is several times slower.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

REQUEST_LIMIT = {"W": 8 << 20, "S": 16 << 20, "F": 32 << 20}
HEAD_LIMIT = 64 << 10
GZIP_FROM = 1024


@dataclass
class Request:
    """One request; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    gone: Callable[[], bool] = lambda: False
    version: str = "HTTP/1.1"

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        pairs = parse_qs(urlsplit(self.target).query, keep_blank_values=True)
        return {name.lower(): values[-1] for name, values in pairs.items()}

    @property
    def form(self) -> dict[str, str]:
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return {}
        pairs = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name.lower(): values[-1] for name, values in pairs.items()}


@dataclass
class Response:
    """One answer and how it is to be sent.

    `cut` closes the connection without any answer; `cut_at` closes it after so many bytes of the body; `drip_s` is the
    pause between small pieces of the body; `padding` is a number of bytes to append to the body while sending.
    """

    status: int = 200
    reason: str = "OK"
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    cut: bool = False
    cut_at: int | None = None
    drip_s: float = 0.0
    padding: int = 0


class Malformed(Exception):
    """The bytes received are not an HTTP request this server can read."""


class Server:
    """Listens on the loopback interface and hands every request to `application`."""

    def __init__(
        self, application: Callable[[Request], Response], *, port: int = 0, host: str = "127.0.0.1"
    ) -> None:
        self.application = application
        self.host = host
        self.request_limit = REQUEST_LIMIT["S"]
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._listener = self._listen(port)
        self.port = self._listener.getsockname()[1]

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.host, port))
        listener.listen(1024)
        return listener

    def start(self) -> None:
        threading.Thread(
            target=self._accept, args=(self._listener,), daemon=True, name="sandbox-accept"
        ).start()

    def stop(self) -> None:
        self._stopped.set()
        self._close_listener()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def refuse(self, seconds: float) -> None:
        """Refuse connections for so many seconds, as a server that is down does; open ones are closed."""
        self._close_listener()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        timer = threading.Timer(seconds, self._reopen)
        timer.daemon = True
        timer.start()

    def _reopen(self) -> None:
        if self._stopped.is_set():
            return
        self._listener = self._listen(self.port)
        self.start()

    def _close_listener(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        reader = _Reader(connection, self.request_limit)
        try:
            while (request := reader.next_request()) is not None:
                response = self.application(request)
                if not _send(connection, request, response):
                    break
        except Malformed:
            with contextlib.suppress(OSError):
                connection.sendall(
                    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
        except OSError:
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()


class _Reader:
    """Reads requests off one connection."""

    def __init__(self, connection: socket.socket, limit: int) -> None:
        self.connection = connection
        self.limit = limit
        self.buffer = b""

    def next_request(self) -> Request | None:
        head = self._head()
        if head is None:
            return None
        lines = head.decode("latin-1").split("\r\n")
        try:
            method, target, version = lines[0].split(" ")
        except ValueError as error:
            raise Malformed from error
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise Malformed
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return Request(method, target, headers, self._body(headers), self._is_gone, version)

    def _is_gone(self) -> bool:
        """Whether the client has closed its side while we were working."""
        try:
            return self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _head(self) -> bytes | None:
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            if len(self.buffer) > HEAD_LIMIT:
                raise Malformed
            if not self._more():
                return None
        head, self.buffer = self.buffer[:end], self.buffer[end + 4 :]
        return head.lstrip(b"\r\n")

    def _body(self, headers: dict[str, str]) -> bytes:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunks()
        try:
            length = int(headers.get("content-length") or 0)
        except ValueError as error:
            raise Malformed from error
        if not 0 <= length <= self.limit:
            raise Malformed
        return self._take(length)

    def _chunks(self) -> bytes:
        body = b""
        while True:
            try:
                size = int(self._line().split(b";")[0] or b"0", 16)
            except ValueError as error:
                raise Malformed from error
            if size == 0:
                while self._line():
                    pass
                return body
            body += self._take(size)
            self._take(2)
            if len(body) > self.limit:
                raise Malformed

    def _line(self) -> bytes:
        while (end := self.buffer.find(b"\r\n")) < 0:
            if not self._more():
                raise Malformed
        line, self.buffer = self.buffer[:end], self.buffer[end + 2 :]
        return line

    def _take(self, length: int) -> bytes:
        while len(self.buffer) < length:
            if not self._more():
                raise Malformed
        taken, self.buffer = self.buffer[:length], self.buffer[length:]
        return taken

    def _more(self) -> bool:
        data = self.connection.recv(65536)
        self.buffer += data
        return bool(data)


def _send(connection: socket.socket, request: Request, response: Response) -> bool:
    """Whether the connection stays open after the answer was sent."""
    if response.cut:
        return False
    body = response.body
    headers = list(response.headers)
    if (
        len(body) >= GZIP_FROM
        and not response.padding
        and "gzip" in request.headers.get("accept-encoding", "")
    ):
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        body = packer.compress(body) + packer.flush()
        headers.append(("Content-Encoding", "gzip"))
    wanted = request.headers.get("connection", "").lower()
    keep = wanted == "keep-alive" or (request.version != "HTTP/1.0" and wanted != "close")
    if not keep:
        headers.append(("Connection", "close"))
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(body) + response.padding}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    if request.method == "HEAD":
        body = b""
    if response.cut_at is not None:
        connection.sendall(head + body[: response.cut_at])
        return False
    if response.drip_s:
        return _drip(connection, head, body, response.drip_s) and keep
    connection.sendall(head + body)
    block = b" " * 65536
    left = response.padding
    while left > 0:
        connection.sendall(block[:left])
        left -= len(block)
    return keep


def _drip(connection: socket.socket, head: bytes, body: bytes, pause_s: float) -> bool:
    connection.sendall(head)
    for start in range(0, len(body), 64):
        connection.sendall(body[start : start + 64])
        time.sleep(pause_s)
    return True
