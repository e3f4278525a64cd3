"""Answers meant to hurt: each ends as a failure in words, soon, and without filling the memory."""

import gzip
import os
import pickle
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from postledger.connectors import contract
from postledger.connectors.wsp import connector
from postledger.connectors.wsp.settings import Settings
from postledger.resources import exchange
from postledger_sandbox.server import Sandbox

LIMIT_S = 2
MEMORY_BYTES = 512 * 1024 * 1024

Script = Callable[[socket.socket], None]


class Platform:
    """An Enterprise Server that describes itself well and answers each call as a script says."""

    def __init__(self, documents: dict[str, bytes]) -> None:
        self.script: Script = lambda accepted: None
        self._documents = documents
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(accepted,), daemon=True).start()

    def _answer(self, accepted: socket.socket) -> None:
        with accepted:
            try:
                while (head := _head(accepted)) is not None:
                    document = self._documents.get(head.split(" ")[1])
                    if document is None:
                        self.script(accepted)
                        return
                    accepted.sendall(_answer(document))
            except OSError:
                pass

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _head(accepted: socket.socket) -> str | None:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = accepted.recv(65536)
        if not piece:
            return None
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    length = next((int(v) for k, _, v in _lines(text) if k == "content-length"), 0)
    while len(body) < length:
        body += accepted.recv(65536)
    return text


def _lines(head: str) -> list[tuple[str, str, str]]:
    return [line.lower().partition(": ") for line in head.split("\r\n")[1:]]


def _answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        "Content-Type: text/xml; charset=utf-8",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join((*lines, "", "")).encode() + body


def _soap(inner: bytes, declaration: bytes = b"") -> bytes:
    return (
        declaration
        + b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        + b'<GetUserByIdResponse xmlns="http://smbsaas/websitepanel/enterpriseserver">'
        + inner
        + b"</GetUserByIdResponse></s:Body></s:Envelope>"
    )


def _user(city: bytes = b"", number: bytes = b"7") -> bytes:
    return _soap(
        b"<GetUserByIdResult><UserId>"
        + number
        + b"</UserId><OwnerId>7</OwnerId><City>"
        + city
        + b"</City></GetUserByIdResult>"
    )


def _sends(*pieces: bytes) -> Script:
    def play(accepted: socket.socket) -> None:
        for piece in pieces:
            accepted.sendall(piece)

    return play


def _goes_on(start: bytes, piece: bytes, pause_s: float = 0.0) -> Script:
    def play(accepted: socket.socket) -> None:
        accepted.sendall(start)
        while True:
            accepted.sendall(piece)
            time.sleep(pause_s)

    return play


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a0 "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]>"
)
BLOW_UP = b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "' + b"a" * 100_000 + b'">]>'
HOSTILE: dict[str, tuple[Script, str]] = {
    "200 MB, said before": (_goes_on(OK + b"Content-Length: 209715200\r\n\r\n", b" " * 65536), "too_long"),
    "endless, with no length": (_goes_on(OK + b"\r\n", b"x" * 65536), "too_long"),
    "endless chunks": (
        _goes_on(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        "too_long",
    ),
    "one chunk of a terabyte": (
        _goes_on(OK + b"Transfer-Encoding: chunked\r\n\r\n10000000000\r\n", b"x" * 65536),
        "too_long",
    ),
    "a body that drips": (_goes_on(OK + b"Content-Length: 9999\r\n\r\n", b" ", 0.02), "timed_out"),
    "chunks that drip": (
        _goes_on(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.02),
        "timed_out",
    ),
    "headers without end": (_goes_on(OK, b"X: y\r\n" * 100), "unreachable"),
    "an expansion of entities": (_sends(_answer(_soap(b"&a9;", LAUGHS))), "unreadable_answer"),
    "one large entity many times": (_sends(_answer(_soap(b"&a;" * 50_000, BLOW_UP))), "unreadable_answer"),
    "an entity from a file": (
        _sends(
            _answer(
                _soap(b"&a;", b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">]>')
            )
        ),
        "unreadable_answer",
    ),
    "a gzip bomb": (
        _sends(_answer(gzip.compress(b" " * 200_000_000, 9), "Content-Encoding: gzip")),
        "unreadable_answer",
    ),
    "millions of elements": (_sends(_answer(_soap(b"<a/>" * 8_000_000))), "unreadable_answer"),
    "millions of attributes": (
        _sends(_answer(_soap(b"<a " + b" ".join(b'a%d=""' % n for n in range(2_500_000)) + b"/>"))),
        "unreadable_answer",
    ),
    "a hundred thousand levels": (
        _sends(_answer(_soap(b"<a>" * 100_000 + b"</a>" * 100_000))),
        "unreadable_answer",
    ),
    "20 MB in one text": (_sends(_answer(_user(b"x" * 20_000_000))), "unreadable_answer"),
    "another charset than it says": (_sends(_answer(_user("Köln".encode("latin-1")))), "unreadable_answer"),
    "a charset nobody knows": (
        _sends(_answer(b'<?xml version="1.0" encoding="x-nobody"?>' + _user())),
        "unreadable_answer",
    ),
    "no bytes at all": (_sends(_answer(b"")), "unreadable_answer"),
    "zeros": (_sends(_answer(b"\0" * 1000)), "unreadable_answer"),
    "half an envelope": (_sends(_answer(_user()[:-30])), "unreadable_answer"),
    "a word for a number": (_sends(_answer(_user(number=b"seven"))), "unreadable_answer"),
    "a number of 10,000 digits": (_sends(_answer(_user(number=b"9" * 10_000))), "unreadable_answer"),
}


@pytest.fixture(scope="module")
def documents() -> dict[str, bytes]:
    """The descriptions of the services, as a sandbox gives them."""
    with Sandbox(dialect="W") as sandbox:
        paths = [f"/{name}.asmx" for name in ("esUsers", "esPackages", "esOrganizations")]
        return {f"{path}?wsdl": _fetched(sandbox.server.port, f"{path}?wsdl") for path in paths}


def _fetched(port: int, path: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port)) as made:
        made.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        received = b""
        while piece := made.recv(65536):
            received += piece
    return received.partition(b"\r\n\r\n")[2]


@pytest.fixture
def platform(documents: dict[str, bytes]) -> Iterator[Platform]:
    made = Platform(documents)
    yield made
    made.close()


def _looked(url: str) -> tuple[Any, float]:
    """What looking at an account ended with, and how long it took, in a process that may not have much memory."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            with open("/proc/self/statm") as counts:
                used = int(counts.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, used + MEMORY_BYTES))
            outcome = pickle.dumps(_look(url))
            with os.fdopen(writing, "wb") as told:
                told.write(outcome)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        found = told.read()
    os.waitpid(child, 0)
    assert found, "the process died"
    return pickle.loads(found)


def _look(url: str) -> tuple[Any, float]:
    settings = Settings(url=url, username="reseller", password=contract.Secret("Secret-1"), timeout_s=LIMIT_S)
    target = contract.Target(kind=exchange.ACCOUNT, name="acme", ref={"user": 7, "space": 0})
    with connector.open(settings=settings) as session:
        session._own._me = _ME
        started = time.monotonic()
        try:
            found: Any = repr(session.observe(target=target))
        except contract.Failure as failure:
            found = (type(failure).__name__, failure.reason, failure.message)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            found = repr(error)
        return found, time.monotonic() - started


class _Me:
    user_id = 7


_ME: Any = _Me()


@pytest.mark.parametrize("name", HOSTILE)
def test_it_ends_as_a_failure_in_words_in_time_and_memory(platform: Platform, name: str) -> None:
    platform.script, reason = HOSTILE[name]
    found, took_s = _looked(platform.url)
    assert isinstance(found, tuple), found
    assert found[1] == reason, found
    assert found[2][0].isupper() or found[1] == "unreadable_answer"
    assert len(found[2]) < 500
    assert took_s < LIMIT_S + 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "place", ["http://127.0.0.1:{port}/x", "https://127.0.0.1:{port}/", "file:///etc/passwd", "/x"]
)
def test_no_redirect_is_followed(platform: Platform, status: int, place: str) -> None:
    """Not to another host, nor from https to http, nor to the same server: our password is in each request."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        location = place.format(port=elsewhere.getsockname()[1])
        platform.script = _sends(_answer(b"", f"Location: {location}", status=f"{status} Elsewhere"))
        found, _ = _look(platform.url)
        assert found[:2] == ("PermanentFailure", "redirected"), found
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_a_description_cannot_send_us_elsewhere(documents: dict[str, bytes]) -> None:
    """Parts of an interface are fetched from the server it is for, whatever their address says, and not without end."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        port = elsewhere.getsockname()[1]
        lured = dict(documents)
        lure = f'<wsdl:import namespace="x" location="http://127.0.0.1:{port}/part?wsdl"/>'.encode()
        path = "/esUsers.asmx?wsdl"
        opening = documents[path].index(b">", documents[path].index(b"definitions")) + 1
        lured[path] = documents[path][:opening] + lure + documents[path][opening:]
        lured["/part?wsdl"] = (
            b'<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/">'
            + b"".join(b'<wsdl:import location="http://x/part?wsdl=%d"/>' % n for n in range(200))
            + b"</wsdl:definitions>"
        )
        lured |= {f"/part?wsdl={n}": lured["/part?wsdl"] for n in range(200)}
        platform = Platform(lured)
        platform.script = _sends(_answer(_user()))
        _look(platform.url)
        platform.close()
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_a_fault_of_many_words_is_shortened(platform: Platform) -> None:
    fault = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Server</faultcode>'
        b"<faultstring>" + b"no " * 1_000_000 + b"</faultstring></s:Fault></s:Body></s:Envelope>"
    )
    platform.script = _sends(_answer(fault, status="500 Internal Server Error"))
    found, _ = _look(platform.url)
    assert found[1] == "fault" and len(found[2]) < 500
