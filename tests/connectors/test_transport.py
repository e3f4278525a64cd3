"""HTTP: whatever the server does, a call ends in time, and no answer is taken for another."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from postledger.connectors import transport

Script = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """A server on a free port that plays one script per connection."""

    def __init__(self) -> None:
        self.scripts: list[Script] = []
        self.connections = 0
        self.closed = threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/base"
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            script = self.scripts[min(self.connections, len(self.scripts) - 1)]
            self.connections += 1
            thread = threading.Thread(target=self._play, args=(script, accepted), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _play(self, script: Script, accepted: socket.socket) -> None:
        with accepted:
            try:
                script(accepted)
            except OSError:
                pass
        self.closed.release()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def client(server: Server) -> Iterator[transport.Transport]:
    made = transport.Transport(base_url=server.url)
    yield made
    made.close()


def _read_request(accepted: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = accepted.recv(65536)
        if not piece:
            raise OSError
        received += piece
    return received


def _get(client: transport.Transport, *, timeout_s: float = 5, repeatable: bool = True) -> transport.Answer:
    return client.request(method="GET", path="/x", headers={}, timeout_s=timeout_s, repeatable=repeatable)


def _answers(*answers: bytes) -> Script:
    def play(accepted: socket.socket) -> None:
        for answer in answers:
            _read_request(accepted)
            accepted.sendall(answer)

    return play


def _drips(start: bytes, drop: bytes) -> Script:
    def play(accepted: socket.socket) -> None:
        _read_request(accepted)
        accepted.sendall(start)
        while True:
            accepted.sendall(drop)
            time.sleep(0.02)

    return play


def test_a_connection_is_used_again(server: Server, client: transport.Transport) -> None:
    server.scripts = [_answers(OK, OK, OK)]
    assert [_get(client).body for _ in range(3)] == [b"ok"] * 3
    assert server.connections == 1


def test_the_path_of_the_base_url_is_kept(server: Server, client: transport.Transport) -> None:
    seen: list[bytes] = []

    def play(accepted: socket.socket) -> None:
        seen.append(_read_request(accepted))
        accepted.sendall(OK)

    server.scripts = [play]
    _get(client)
    assert seen[0].startswith(b"GET /base/x HTTP/1.1\r\n")


def test_dripping_headers_end_with_the_deadline(server: Server, client: transport.Transport) -> None:
    server.scripts = [_drips(b"HTTP/1.1 200 OK\r\n", b"X-Drop: 1\r\n")]
    started = time.monotonic()
    with pytest.raises(transport.TransportError):
        _get(client, timeout_s=0.5)
    assert time.monotonic() - started < 2


def test_a_dripping_line_ends_with_the_deadline(server: Server, client: transport.Transport) -> None:
    server.scripts = [_drips(b"HTTP/1.1 200 OK\r\nX: ", b"1")]
    started = time.monotonic()
    with pytest.raises(transport.DeadlineExceeded):
        _get(client, timeout_s=0.3)
    assert time.monotonic() - started < 1


def test_a_dripping_body_ends_with_the_deadline(server: Server, client: transport.Transport) -> None:
    server.scripts = [_drips(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x")]
    started = time.monotonic()
    with pytest.raises(transport.DeadlineExceeded) as caught:
        _get(client, timeout_s=0.3)
    assert time.monotonic() - started < 1
    assert caught.value.sent


def test_a_silent_server_ends_with_the_deadline(server: Server, client: transport.Transport) -> None:
    server.scripts = [lambda accepted: time.sleep(2)]
    with pytest.raises(transport.DeadlineExceeded):
        _get(client, timeout_s=0.2)


@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"],
)
def test_a_body_beyond_the_limit_is_not_read(
    server: Server, client: transport.Transport, start: bytes
) -> None:
    server.scripts = [_drips(start, b"x" * 200_000)]
    with pytest.raises(transport.BodyTooLarge):
        client.request(
            method="GET", path="/", headers={}, timeout_s=5, repeatable=True, body_limit=1024 * 1024
        )


def test_half_a_body_is_no_answer(server: Server, client: transport.Transport) -> None:
    server.scripts = [_answers(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")]
    with pytest.raises(transport.TransportError):
        _get(client)


def test_chunked_and_closed_bodies_are_read_to_the_end(server: Server, client: transport.Transport) -> None:
    server.scripts = [
        _answers(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", OK
        ),
    ]
    assert _get(client).body == b"abcde"
    assert _get(client).body == b"ok"
    assert server.connections == 1
    server.scripts.append(_answers(b"HTTP/1.0 200 OK\r\n\r\nuntil the end"))
    other = transport.Transport(base_url=server.url)
    assert _get(other).body == b"until the end"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
        b"",
    ],
)
def test_what_is_no_http_is_no_answer(server: Server, client: transport.Transport, answer: bytes) -> None:
    server.scripts = [_answers(answer)]
    with pytest.raises(transport.TransportError) as caught:
        _get(client)
    assert not isinstance(caught.value, transport.DeadlineExceeded)


def test_interim_answers_and_empty_ones_are_understood(server: Server, client: transport.Transport) -> None:
    server.scripts = [_answers(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", OK)]
    assert (_get(client).status, _get(client).body) == (204, b"ok")
    assert server.connections == 1


def test_an_answer_with_more_behind_it_ends_its_connection(
    server: Server, client: transport.Transport
) -> None:
    server.scripts = [_answers(OK + b"HTTP/1.1 200 OK"), _answers(OK)]
    assert [_get(client).body, _get(client).body] == [b"ok", b"ok"]
    assert server.connections == 2


def test_a_header_cannot_break_out_of_its_line(server: Server, client: transport.Transport) -> None:
    server.scripts = [_answers(OK)]
    with pytest.raises(ValueError, match="line break"):
        client.request(method="GET", path="/", headers={"X": "a\r\nB: c"}, timeout_s=2, repeatable=True)


def test_a_redirect_is_an_answer_and_not_followed(server: Server, client: transport.Transport) -> None:
    server.scripts = [_answers(b"HTTP/1.1 302 Found\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n")]
    assert _get(client).status == 302
    assert server.connections == 1


def test_a_closed_connection_is_not_used_again(server: Server, client: transport.Transport) -> None:
    server.scripts = [_answers(OK)]
    _get(client)
    assert server.closed.acquire(timeout=5)
    assert _get(client, repeatable=False).body == b"ok"
    assert server.connections == 2


def test_what_changes_something_is_not_sent_twice(server: Server, client: transport.Transport) -> None:
    received: list[bytes] = []

    def play(accepted: socket.socket) -> None:
        _read_request(accepted)
        accepted.sendall(OK)
        received.append(_read_request(accepted))

    server.scripts = [play]
    _get(client)
    with pytest.raises(transport.TransportError) as caught:
        _get(client, repeatable=False)
    assert caught.value.sent
    assert len(received) == 1


def test_a_read_is_sent_again_when_the_connection_was_dead(
    server: Server, client: transport.Transport
) -> None:
    def play(accepted: socket.socket) -> None:
        _read_request(accepted)
        accepted.sendall(OK)
        _read_request(accepted)

    server.scripts = [play, _answers(OK)]
    _get(client)
    assert _get(client, repeatable=True).body == b"ok"


def test_nobody_listening_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(transport.TransportError, match="refused") as caught:
        _get(transport.Transport(base_url=f"http://127.0.0.1:{port}"))
    assert not caught.value.sent


@pytest.mark.parametrize("url", ["", "example.com", "ftp://example.com", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not an http address"):
        transport.Transport(base_url=url)
