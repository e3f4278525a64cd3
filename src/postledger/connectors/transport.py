"""HTTP for connectors: pooled connections, one deadline over everything, bodies of bounded size.

Invariant: a call ends within its deadline, whatever the server does: slow handshake, dripping headers and dripping
bodies all count against the same clock. Redirects are never followed, and a connection is used again only after its
answer was read to the end.
"""

import base64
import http.client
import io
import select
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BODY_LIMIT_BYTES = 32 * 1024 * 1024
_CHUNK = 256 * 1024


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
    ) -> Answer:
        """The complete answer to one request.

        Args:
            path: below the base URL, with a leading slash.
            timeout_s: for everything together.
            repeatable: the request may be sent again when a pooled connection turns out to be dead.
        Raises:
            DeadlineExceeded, BodyTooLarge, TransportError: no complete answer; `sent` tells whether it may have arrived.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            connection, used = self._take()
            try:
                answer = self._exchange(
                    connection, method, self._path + path, headers, body, deadline, body_limit
                )
            except TransportError as error:
                connection.close()
                if (
                    used
                    and (repeatable or not error.sent)
                    and not isinstance(error, DeadlineExceeded | BodyTooLarge)
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
            connection.request(method, target, body=body, headers=dict(headers))
            response = connection.getresponse()
            received = _read(response, deadline, body_limit)
            answer = Answer(
                status=response.status,
                headers={name.lower(): value for name, value in response.getheaders()},
                body=received,
            )
            if response.will_close:
                connection.close()
            else:
                self._give_back(connection)
            return answer
        except TimeoutError:
            raise DeadlineExceeded("no complete answer in time", sent=sent) from None
        except (OSError, http.client.HTTPException) as error:
            raise TransportError(_words(error), sent=sent) from error


def _read(response: http.client.HTTPResponse, deadline: float, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        piece = response.read1(_CHUNK)
        if not piece:
            break
        size += len(piece)
        if size > limit:
            raise BodyTooLarge(f"the answer is longer than {limit // (1024 * 1024)} MiB", sent=True)
        if time.monotonic() > deadline:
            raise TimeoutError
        pieces.append(piece)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    response.close()
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _words(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "the host name is not known"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, ssl.SSLError):
        return f"the TLS connection failed: {getattr(error, 'verify_message', '') or error.reason}"
    if isinstance(error, http.client.HTTPException | ConnectionError):
        return "the connection broke"
    return error.__class__.__name__


def basic(*, username: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


class _Connection(http.client.HTTPConnection):
    """A connection whose socket operations share the deadline of the call that uses it."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, connect_timeout_s: float) -> None:
        super().__init__(host, port)
        self._tls = tls
        self._connect_timeout_s = connect_timeout_s
        self._timed: _TimedSocket | None = None

    def open(self, deadline: float) -> None:
        """Connect if need be, and give the socket the deadline of this call."""
        if self._timed is not None:
            self._timed.deadline = deadline
            return
        left = min(self._connect_timeout_s, deadline - time.monotonic())
        if left <= 0:
            raise TimeoutError
        plain = socket.create_connection((self.host, self.port), timeout=left)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                plain.settimeout(max(0.001, min(self._connect_timeout_s, deadline - time.monotonic())))
                plain = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
        self._timed = _TimedSocket(plain, deadline)
        self.sock = self._timed

    def is_dead(self) -> bool:
        """True when the server closed the connection, or sent what nobody asked for."""
        if self._timed is None:
            return True
        try:
            readable, _, _ = select.select([self._timed.raw], [], [], 0)
        except (OSError, ValueError):
            return True
        return bool(readable)

    def close(self) -> None:
        super().close()
        self._timed = None


class _TimedSocket:
    """As much of a socket as `http.client` uses, with a deadline instead of a time-out."""

    def __init__(self, raw: socket.socket, deadline: float) -> None:
        self.raw = raw
        self.deadline = deadline

    def _arm(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.raw.settimeout(left)

    def sendall(self, data: Any) -> None:
        self._arm()
        self.raw.sendall(data)

    def makefile(self, mode: str, *_: object) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self, self.raw.makefile("rb", buffering=0)), 64 * 1024)

    def close(self) -> None:
        self.raw.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, owner: _TimedSocket, inner: Any) -> None:
        super().__init__()
        self._owner = owner
        self._inner = inner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._owner._arm()
        count: int | None = self._inner.readinto(buffer)
        return count

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
        super().close()
