"""Records mail needs: put in when the platform takes mail, what stood in the way hidden, and all put back afterwards."""

import pytest

from postledger.accounts.types import Viewer
from postledger.provisioning import operations, queries, zones
from postledger.resources import exchange
from tests.provisioning.conftest import NOW, House

BUILTIN = [
    ("", "A", ["192.0.2.1"]),
    ("", "MX", ["10 mail.acme.example"]),
    ("mail", "A", ["192.0.2.2"]),
    ("", "TXT", ["v=spf1 mx ~all", "site-proof=1"]),
]


def _ready_domain(house: House, name: str):
    account = operations.declare(
        account_id=house.acme.id,
        connection_id=house.connection.id,
        kind=exchange.ACCOUNT,
        desired=exchange.Account(username="acme"),
        now=NOW,
        actor="test",
    )
    domain = operations.declare(
        account_id=house.acme.id,
        connection_id=house.connection.id,
        parent_id=account.id,
        kind=exchange.DOMAIN,
        desired=exchange.OrganizationDomain(name=name),
        now=NOW,
        actor="test",
    )
    (claim,) = operations.claim_due(now=NOW)
    operations.record_found(
        claim=claim,
        resource_id=domain.id,
        generation=domain.generation,
        observed=exchange.OrganizationDomain(name=name),
        reference={"domain": 1},
        now=NOW,
    )
    operations.release(claim=claim)
    return domain


def _zone(house: House, **changes):
    return zones.create_zone(
        Viewer.system(), account_id=house.acme.id, name="acme.example", builtin=BUILTIN, now=NOW, **changes
    )


def _shown(zone_id: int) -> dict:
    zone = queries.zone(Viewer.system(), zone_id)
    return {
        (record.name, record.type): (record.owner, record.data)
        for record in zone.records
        if not record.is_hidden
    }


def test_mail_records_come_in_hide_what_stood_there_and_go_without_a_trace(house):
    zone = _zone(house)
    before = _shown(zone.id)
    domain = _ready_domain(house, "acme.example")
    assert zones.plan_mail(zone_id=zone.id, now=NOW)
    shown = _shown(zone.id)
    assert shown["acme.example", "MX"] == ("exchange", ("10 mx1.host.example.", "20 mx2.host.example."))
    assert shown["autodiscover.acme.example", "CNAME"] == ("exchange", ("autodiscover.host.example.",))
    assert shown["acme.example", "TXT"][1] == (
        '"site-proof=1"',
        '"v=spf1 mx include:spf.host.example ~all"',
    )
    hidden = [record for record in queries.zone(Viewer.system(), zone.id).records if record.is_hidden]
    assert [(record.type, record.owner, record.data) for record in hidden] == [
        ("MX", "builtin", ("10 mail.acme.example.",))
    ]
    assert not zones.plan_mail(zone_id=zone.id, now=NOW), "a second pass changes nothing"
    operations.withdraw(resource_id=domain.id, reason="removed", now=NOW, actor="test")
    assert zones.plan_mail(zone_id=zone.id, now=NOW)
    assert _shown(zone.id) == before


def test_nothing_is_put_in_before_the_platform_takes_mail(house):
    zone = _zone(house)
    operations.declare(
        account_id=house.acme.id,
        connection_id=house.connection.id,
        kind=exchange.DOMAIN,
        desired=exchange.OrganizationDomain(name="acme.example"),
        now=NOW,
        actor="test",
    )
    assert not zones.plan_mail(zone_id=zone.id, now=NOW)


def test_a_zone_hosted_elsewhere_shows_what_is_needed(house):
    _ready_domain(house, "acme.example")
    zone = zones.create_zone(
        Viewer.system(), account_id=house.acme.id, name="acme.example", hosting="elsewhere", now=NOW
    )
    assert {record.type for record in zone.records} == {"MX", "CNAME", "TXT"}


def test_a_domain_below_the_zone_gets_its_records_there(house):
    zone = _zone(house)
    _ready_domain(house, "mail.acme.example")
    zones.plan_mail(zone_id=zone.id, now=NOW)
    shown = _shown(zone.id)
    assert shown["mail.acme.example", "MX"][0] == "exchange"
    assert shown["acme.example", "MX"][0] == "builtin"


def test_the_holder_cannot_change_what_mail_needs_but_everything_else(house):
    zone = _zone(house)
    _ready_domain(house, "acme.example")
    zones.plan_mail(zone_id=zone.id, now=NOW)
    viewer = Viewer.system()
    with pytest.raises(zones.RecordKept):
        zones.set_records(viewer, zone_id=zone.id, name="@", type="MX", values=["1 evil.example"], now=NOW)
    zones.set_records(
        viewer, zone_id=zone.id, name="www.acme.example", type="A", values=["192.0.2.3"], now=NOW
    )
    assert _shown(zone.id)["www.acme.example", "A"] == ("customer", ("192.0.2.3",))
    zones.set_records(viewer, zone_id=zone.id, name="www.acme.example", type="A", values=[], now=NOW)
    assert ("www.acme.example", "A") not in _shown(zone.id)


def test_a_zone_inside_somebody_elses_is_refused(house):
    _zone(house)
    for name in ("acme.example", "www.acme.example"):
        with pytest.raises(zones.ZoneTaken):
            zones.create_zone(Viewer.system(), account_id=house.globex.id, name=name, now=NOW)
