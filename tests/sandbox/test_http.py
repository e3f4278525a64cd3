# SPDX-License-Identifier: Apache-2.0
"""The HTTP server below it all, spoken to in raw bytes."""

import socket

import pytest

from tests.sandbox.client import Client, fetch

CREDENTIALS = b"Authorization: Basic cmVzZWxsZXI6U2VjcmV0LTE=\r\n"


@pytest.fixture
def dialect():
    return "W"


@pytest.fixture
def line(sandbox):
    with socket.create_connection(("127.0.0.1", sandbox.server.port), timeout=10) as connection:
        yield connection


def request(client: Client, extra: bytes = b"", body: bytes | None = None) -> bytes:
    envelope = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f"{client.body('esUsers', 'UserExists', username='reseller')}</s:Body></s:Envelope>"
    ).encode()
    action = client.action("esUsers", "UserExists").encode()
    head = (
        b"POST /esUsers.asmx HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nSOAPAction: "
        + action
        + b"\r\n"
        + CREDENTIALS
    )
    if body is None:
        return head + b"Content-Length: %d\r\n" % len(envelope) + extra + b"\r\n" + envelope
    return head + extra + b"\r\n" + body


def answer(line: socket.socket) -> bytes:
    received = b""
    while b"</soap:Envelope>" not in received:
        part = line.recv(65536)
        assert part, received
        received += part
    return received


def test_a_connection_serves_many_calls(client, line):
    for _ in range(3):
        line.sendall(request(client))
        assert b">true</UserExistsResult>" in answer(line)


def test_a_connection_is_closed_when_asked(client, line):
    line.sendall(request(client, b"Connection: close\r\n"))
    assert b"Connection: close" in answer(line)
    assert line.recv(10) == b""


def test_a_connection_of_the_first_version_is_closed_unless_kept(client, line):
    line.sendall(request(client, b"Connection: keep-alive\r\n").replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    assert b"Connection: close" not in answer(line)
    line.sendall(request(client).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    assert b"Connection: close" in answer(line)
    assert line.recv(10) == b""


def test_an_operation_has_no_address_of_its_own(sandbox):
    reply = fetch(f"{sandbox.url}/esUsers.asmx/UserExists?username=reseller")
    assert (reply.status, reply.headers["Content-Type"]) == (500, "text/html")


def test_a_body_in_chunks_is_read(client, line):
    whole = request(client).partition(b"\r\n\r\n")[2]
    half = len(whole) // 2
    chunks = (
        b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (whole[:half], whole[half:])) + b"0\r\n\r\n"
    )
    line.sendall(request(client, b"Transfer-Encoding: chunked\r\n", chunks))
    assert b">true</UserExistsResult>" in answer(line)


def test_a_client_that_waits_is_told_to_go_on(client, line):
    whole = request(client, b"Expect: 100-continue\r\n")
    head, _, body = whole.partition(b"\r\n\r\n")
    line.sendall(head + b"\r\n\r\n")
    assert line.recv(1000).startswith(b"HTTP/1.1 100 ")
    line.sendall(body)
    assert b">true</UserExistsResult>" in answer(line)


@pytest.mark.parametrize(
    "bad", [b"nonsense\r\n\r\n", b"POST / HTTP/1.1\r\nno colon\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
)  # fmt: skip
def test_what_is_no_request_is_refused(line, bad):
    line.sendall(bad)
    assert line.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_a_foreign_name_for_this_machine_reaches_no_commands(sandbox):
    assert fetch(f"{sandbox.control_url}/summary", headers={"Host": "evil.example"}).status == 403
