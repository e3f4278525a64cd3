"""What the live DNS shows is asked of the servers that are responsible, and said in words."""

import socketserver
import struct
import threading

import dns.flags
import dns.message
import dns.rrset
import pytest

from postledger.connectors import lookup
from postledger.provisioning import zones
from postledger.workflows import check_dns
from tests.provisioning.conftest import NOW
from tests.workflows.story import SYSTEM


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    answers: dict[tuple[str, str], list[str]]


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        (length,) = struct.unpack("!H", self.request.recv(2))
        asked = dns.message.from_wire(self.request.recv(length))
        question = asked.question[0]
        answer = dns.message.make_response(asked)
        answer.flags |= dns.flags.AA
        key = (question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype))
        for text in self.server.answers.get(key, []):
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", key[1], text))
        wire = answer.to_wire()
        self.request.sendall(struct.pack("!H", len(wire)) + wire)


@pytest.fixture
def server():
    with _Server(("127.0.0.1", 0), _Handler) as running:
        running.answers = {}
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()


def test_each_record_says_whether_it_is_seen(house, server):
    zone = zones.create_zone(
        SYSTEM,
        account_id=house.acme.id,
        name="acme.example",
        builtin=[("", "MX", ["10 mx1.host.example"]), ("www", "A", ["192.0.2.1"]), ("", "TXT", ["ours"])],
        now=NOW,
    )
    server.answers = {
        ("acme.example", "MX"): ["10 mx1.host.example."],
        ("acme.example", "TXT"): ['"theirs"', '"ours"'],
    }
    servers = lookup.Servers(resolver=("127.0.0.1", 9), authoritative=(server.server_address,))
    checked = check_dns.check_dns(SYSTEM, zone_id=zone.id, now=NOW, servers=servers, timeout_s=1)
    seen = {(record.name, record.type): record.is_seen for record in checked.records}
    assert seen == {
        ("acme.example", "MX"): True,
        ("acme.example", "TXT"): True,
        ("www.acme.example", "A"): False,
    }
    assert checked.checked_at == NOW


def test_no_answer_is_not_the_same_as_an_empty_one(house):
    zone = zones.create_zone(
        SYSTEM, account_id=house.acme.id, name="acme.example", builtin=[("", "A", ["192.0.2.1"])], now=NOW
    )
    servers = lookup.Servers(resolver=("127.0.0.1", 9), authoritative=(("127.0.0.1", 9),))
    checked = check_dns.check_dns(SYSTEM, zone_id=zone.id, now=NOW, servers=servers, timeout_s=1)
    assert [record.is_seen for record in checked.records] == [None]
