"""HTTP for connectors: pooled connections, one deadline over everything, bodies of bounded size.

Invariant: a call ends within its deadline, whatever the server does: slow handshake, dripping headers and dripping
bodies all count against the same clock. Redirects are never followed, and a connection is used again only after its
answer was read to the end.
"""

import base64
import math
import re
import select
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass

BODY_LIMIT_BYTES = 32 * 1024 * 1024
_CHUNK = 256 * 1024
_HEX = re.compile(rb"[0-9A-Fa-f]{1,15}")
_HEAD_LIMIT_BYTES = 64 * 1024
_LOOK_S = 0.1


class TransportError(Exception):
    """No complete answer came.

    Args:
        sent: False when it is certain that the server cannot have seen the request.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class DeadlineExceeded(TransportError):
    """The time for the call was used up."""


class GivenUp(TransportError):
    """The caller did not want to wait any longer."""


class BodyTooLarge(TransportError):
    """The answer is longer than anything we would work with."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, complete."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Connections to one server.

    Args:
        base_url: `http` or `https`, with an optional path; no query.
        verify_tls: False accepts any certificate, for a test installation.
    """

    def __init__(self, *, base_url: str, verify_tls: bool = True, connect_timeout_s: float = 10) -> None:
        parts = urllib.parse.urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http address: {base_url}")
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._path = parts.path.rstrip("/")
        self._connect_timeout_s = connect_timeout_s
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            self._tls = ssl.create_default_context()
            if not verify_tls:
                self._tls.check_hostname = False
                self._tls.verify_mode = ssl.CERT_NONE
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    def request(
        self,
        *,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        timeout_s: float,
        repeatable: bool,
        body_limit: int = BODY_LIMIT_BYTES,
        give_up: Callable[[], bool] | None = None,
    ) -> Answer:
        """The complete answer to one request.

        Args:
            path: below the base URL, with a leading slash.
            timeout_s: for everything together.
            repeatable: the request may be sent again when a pooled connection turns out to be dead.
            give_up: asked about every tenth of a second while nothing comes; True ends the waiting.
        Raises:
            DeadlineExceeded, GivenUp, BodyTooLarge, TransportError: no complete answer; `sent` tells whether it may have arrived.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            connection, used = self._take()
            connection.give_up = give_up
            try:
                answer = self._exchange(
                    connection, method, self._path + path, headers, body, deadline, body_limit
                )
            except TransportError as error:
                connection.close()
                if (
                    used
                    and (repeatable or not error.sent)
                    and not isinstance(error, DeadlineExceeded | GivenUp | BodyTooLarge)
                ):
                    continue
                raise
            except BaseException:
                connection.close()
                raise
            return answer

    def close(self) -> None:
        """Close all connections that are not in use; those in use close when their call ends."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> tuple["_Connection", bool]:
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_dead():
                    return connection, True
                connection.close()
        return _Connection(self._host, self._port, self._tls, self._connect_timeout_s), False

    def _give_back(self, connection: "_Connection") -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _exchange(
        self,
        connection: "_Connection",
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        deadline: float,
        body_limit: int,
    ) -> Answer:
        sent = False
        try:
            connection.open(deadline)
            sent = True
            connection.send(_request(connection.authority, method, target, headers, body))
            answer, is_reusable = connection.receive(body_limit)
        except TimeoutError:
            raise DeadlineExceeded("no complete answer in time", sent=sent) from None
        except (OSError, _Broken) as error:
            raise TransportError(_words(error), sent=sent) from error
        if is_reusable:
            self._give_back(connection)
        else:
            connection.close()
        return answer


def _request(
    authority: str, method: str, target: str, headers: Mapping[str, str], body: bytes | None
) -> bytes:
    """The whole request in one piece, so that it goes out in one packet where it fits.

    Raises:
        ValueError: a header or the target would break out of its line.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {authority}", "Accept-Encoding: identity"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    if any("\r" in line or "\n" in line for line in lines) or " " in target:
        raise ValueError("a header holds a line break")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + (body or b"")


class _Broken(Exception):
    """The server closed the connection in the middle, or does not speak HTTP."""


def _words(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "the host name is not known"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, ssl.SSLError):
        return f"the TLS connection failed: {getattr(error, 'verify_message', '') or error.reason}"
    if isinstance(error, _Broken):
        return str(error)
    if isinstance(error, ConnectionError):
        return "the connection broke"
    return error.__class__.__name__


def basic(*, username: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


class _Connection:
    """One connection. All its socket operations share the deadline of the call that uses it."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, connect_timeout_s: float) -> None:
        self._host = host
        self._port = port
        shown = f"[{host}]" if ":" in host else host
        self.authority = shown if port == (443 if tls else 80) else f"{shown}:{port}"
        self._tls = tls
        self._connect_timeout_s = connect_timeout_s
        self._socket: socket.socket | None = None
        self._deadline = 0.0
        self._buffer = bytearray()
        self.give_up: Callable[[], bool] | None = None

    def open(self, deadline: float) -> None:
        """Connect if need be, and take the deadline of this call."""
        self._deadline = deadline
        if self._socket is not None:
            return
        made = socket.create_connection((self._host, self._port), timeout=self._left(self._connect_timeout_s))
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                made.settimeout(self._left(self._connect_timeout_s))
                made = self._tls.wrap_socket(made, server_hostname=self._host)
        except BaseException:
            made.close()
            raise
        self._socket = made

    def _left(self, most_s: float) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, most_s)

    def _armed(self) -> socket.socket:
        """The socket, with what is left of the deadline as its time-out."""
        assert self._socket is not None, "open comes first"
        self._socket.settimeout(self._left(math.inf))
        return self._socket

    def send(self, data: bytes) -> None:
        """Send everything."""
        self._armed().sendall(data)

    def receive(self, body_limit: int) -> tuple[Answer, bool]:
        """The complete answer, and whether the connection can be used again."""
        while True:
            version, status, headers = self._head()
            if status >= 200:
                break
        options = headers.get("connection", "").lower()
        is_reusable = "close" not in options if version == "HTTP/1.1" else "keep-alive" in options
        length = headers.get("content-length")
        if status in (204, 304):
            body = b""
        elif "chunked" in headers.get("transfer-encoding", "").lower():
            body = self._chunked(body_limit)
        elif length is not None:
            if not length.isdigit():
                raise _Broken("the answer is no HTTP")
            _bounded(int(length), body_limit)
            body = self._exactly(int(length))
        else:
            body, is_reusable = self._rest(body_limit), False
        return Answer(status=status, headers=headers, body=body), is_reusable and not self._buffer

    def _piece(self) -> bytes:
        """What comes next; empty when the server has closed the connection."""
        armed = self._armed()
        if self.give_up is None:
            return armed.recv(_CHUNK)
        while True:
            left = self._left(math.inf)
            armed.settimeout(min(left, _LOOK_S))
            try:
                return armed.recv(_CHUNK)
            except TimeoutError:
                if self.give_up():
                    raise GivenUp("the answer was not waited for", sent=True) from None

    def _fill(self) -> None:
        piece = self._piece()
        if not piece:
            raise _Broken("the connection broke")
        self._buffer += piece

    def _until(self, mark: bytes, limit: int) -> bytes:
        """What comes before a mark, which is taken away too."""
        searched = 0
        while (at := self._buffer.find(mark, searched)) < 0:
            searched = max(0, len(self._buffer) - len(mark) + 1)
            if len(self._buffer) > limit:
                raise _Broken("the answer is no HTTP")
            self._fill()
        found = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        return found

    def _head(self) -> tuple[str, int, dict[str, str]]:
        first, *lines = self._until(b"\r\n\r\n", _HEAD_LIMIT_BYTES).decode("latin-1").split("\r\n")
        version, _, rest = first.partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
            raise _Broken("the answer is no HTTP")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise _Broken("the answer is no HTTP")
            headers[name.strip().lower()] = value.strip()
        return version, int(rest[:3]), headers

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        if len(self._buffer) == size:
            found = bytes(self._buffer)
            self._buffer.clear()
            return found
        found = bytes(self._buffer[:size])
        del self._buffer[:size]
        return found

    def _chunked(self, limit: int) -> bytes:
        pieces: list[bytes] = []
        total = 0
        while True:
            text = self._until(b"\r\n", _HEAD_LIMIT_BYTES).partition(b";")[0].strip()
            if not _HEX.fullmatch(text):
                raise _Broken("the answer is no HTTP")
            size = int(text, 16)
            if size == 0:
                while self._until(b"\r\n", _HEAD_LIMIT_BYTES):
                    pass
                return b"".join(pieces)
            total += size
            _bounded(total, limit)
            pieces.append(self._exactly(size))
            if self._exactly(2) != b"\r\n":
                raise _Broken("the answer is no HTTP")

    def _rest(self, limit: int) -> bytes:
        while True:
            piece = self._piece()
            if not piece:
                return self._exactly(len(self._buffer))
            self._buffer += piece
            _bounded(len(self._buffer), limit)

    def is_dead(self) -> bool:
        """True when the server closed the connection, or sent what nobody asked for."""
        if self._socket is None:
            return True
        try:
            poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            return bool(poll.poll(0))
        except (OSError, ValueError):
            return True

    def close(self) -> None:
        """Close the socket, if there is one."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._buffer.clear()


def _bounded(size: int, limit: int) -> None:
    if size > limit:
        raise BodyTooLarge(f"the answer is longer than {limit // (1024 * 1024)} MiB", sent=True)
