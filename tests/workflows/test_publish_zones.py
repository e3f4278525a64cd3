"""Zones are published to the DNS host of their seller, and only what is ours there is ever touched."""

import json
import urllib.request

import pytest

from postledger.provisioning import operations, queries, zones
from postledger.workflows import publish_zones
from tests.connectors.powerdns.conftest import KEY, server_url  # noqa: F401 - a fixture
from tests.provisioning.conftest import NOW, build
from tests.workflows.story import SYSTEM


@pytest.fixture
def house(fresh_db, server_url):  # noqa: F811
    house = build()
    operations.create_connection(
        SYSTEM,
        seller_id=house.provider.id,
        connector="powerdns",
        name="DNS",
        values={"url": server_url, "api_key": KEY},
        mail={"name_servers": ["ns1.host.example", "ns2.host.example"]},
        now=NOW,
    )
    return house


def _published(url: str, zone: str) -> dict:
    request = urllib.request.Request(
        f"{url}/api/v1/servers/localhost/zones/{zone}.", headers={"X-API-Key": KEY}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        sets = json.loads(answer.read())["rrsets"]
    return {
        (entry["name"].rstrip("."), entry["type"]): {record["content"] for record in entry["records"]}
        for entry in sets
    }


def _replace(url: str, zone: str, name: str, kind: str, content: str) -> None:
    body = {
        "rrsets": [
            {
                "name": name + ".",
                "type": kind,
                "ttl": 60,
                "changetype": "REPLACE",
                "records": [{"content": content, "disabled": False}],
            }
        ]
    }
    request = urllib.request.Request(
        f"{url}/api/v1/servers/localhost/zones/{zone}.",
        json.dumps(body).encode(),
        {"X-API-Key": KEY, "Content-Type": "application/json"},
        method="PATCH",
    )
    urllib.request.urlopen(request, timeout=5).close()


def test_a_zone_is_made_and_kept_as_ours_is(house, server_url):  # noqa: F811
    zone = zones.create_zone(
        SYSTEM,
        account_id=house.acme.id,
        name="acme.example",
        builtin=[("", "A", ["192.0.2.1"]), ("www", "A", ["192.0.2.1"])],
        now=NOW,
    )
    assert publish_zones.publish_zones(now=NOW) == 1
    there = _published(server_url, "acme.example")
    assert there["acme.example", "NS"] == {"ns1.host.example.", "ns2.host.example."}
    assert there["www.acme.example", "A"] == {"192.0.2.1"}
    assert queries.zone(SYSTEM, zone.id).is_published
    assert publish_zones.publish_zones(now=NOW) == 0, "nothing is due any more"

    _replace(server_url, "acme.example", "theirs.acme.example", "A", "192.0.2.99")
    zones.set_records(SYSTEM, zone_id=zone.id, name="www.acme.example", type="A", values=[], now=NOW)
    assert publish_zones.publish_zones(now=NOW) == 1
    there = _published(server_url, "acme.example")
    assert ("www.acme.example", "A") not in there
    assert there["theirs.acme.example", "A"] == {"192.0.2.99"}, "what we did not make stays"


def test_a_host_that_does_not_answer_is_tried_again_later(house, server_url):  # noqa: F811
    (dns,) = [found for found in queries.connections_of(SYSTEM, house.provider.id) if found.name == "DNS"]
    operations.change_connection(SYSTEM, connection_id=dns.id, values={"url": "http://127.0.0.1:9"}, now=NOW)
    zone = zones.create_zone(SYSTEM, account_id=house.acme.id, name="late.example", now=NOW)
    assert publish_zones.publish_zones(now=NOW) == 0
    found = queries.zone(SYSTEM, zone.id)
    assert not found.is_published and found.publish_words
