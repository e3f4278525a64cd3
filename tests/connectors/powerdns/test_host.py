"""PowerDNS: changes touch their own record sets only, and hold only while nobody else changed them."""

import itertools

import pytest

from postledger.connectors import contract
from postledger.connectors.powerdns.host import Host
from postledger.connectors.powerdns.settings import Settings
from postledger.resources import dns

_numbers = itertools.count(1)


@pytest.fixture
def zone(host: Host) -> str:
    name = f"zone{next(_numbers)}.example"
    assert host.ensure_zone(zone=name, name_servers=("ns1.provider.example", "ns2.provider.example."))
    return name


def _set(zone: str, name: str, kind: str, *values: str, ttl_s: int = 300) -> dns.RecordSet:
    return dns.record_set(zone=zone, name=name, type=kind, values=values, ttl_s=ttl_s)


def _made(entry: dns.RecordSet) -> dns.RecordChange:
    return dns.RecordChange(before=None, after=entry)


def test_a_zone_is_made_once(host: Host, zone: str) -> None:
    assert not host.ensure_zone(zone=zone, name_servers=("ns1.provider.example",))
    assert zone in host.zones()
    servers = [entry for entry in host.read(zone=zone) if entry.type == "NS"]
    assert servers[0].values == {"ns1.provider.example.", "ns2.provider.example."}


def test_what_was_written_reads_the_same(host: Host, zone: str) -> None:
    wanted = (
        _set(zone, "", "MX", "10 mx1.provider.example", "20 mx2.provider.example"),
        _set(zone, f"autodiscover.{zone}", "CNAME", "auto.provider.example"),
        _set(zone, "@", "TXT", "v=spf1 include:spf.provider.example ~all"),
        _set(zone, f"_autodiscover._tcp.{zone}", "SRV", "0 0 443 auto.provider.example"),
        _set(zone, f"www.{zone}", "AAAA", "2001:DB8:0::1"),
    )
    shown = host.change(zone=zone, changes=[_made(entry) for entry in wanted])
    assert set(shown) == set(wanted)
    assert set(wanted) <= set(host.read(zone=zone))


def test_a_text_longer_than_255_bytes_reads_the_same(host: Host, zone: str) -> None:
    entry = _set(zone, f"key._domainkey.{zone}", "TXT", "v=DKIM1; k=rsa; p=" + "A" * 392)
    assert host.change(zone=zone, changes=[_made(entry)]) == (entry,)


def test_a_change_leaves_other_sets_alone(host: Host, zone: str) -> None:
    theirs = _set(zone, f"www.{zone}", "A", "192.0.2.7")
    ours = _set(zone, "", "MX", "10 mx1.provider.example")
    host.change(zone=zone, changes=[_made(theirs), _made(ours)])
    host.change(zone=zone, changes=[dns.RecordChange(before=ours, after=None)])
    left = host.read(zone=zone)
    assert theirs in left
    assert not [entry for entry in left if entry.type == "MX"]


def test_a_cname_takes_the_place_of_an_address_in_one_pass(host: Host, zone: str) -> None:
    address = _set(zone, f"autodiscover.{zone}", "A", "192.0.2.7")
    alias = _set(zone, f"autodiscover.{zone}", "CNAME", "auto.provider.example")
    host.change(zone=zone, changes=[_made(address)])
    host.change(zone=zone, changes=[_made(alias), dns.RecordChange(before=address, after=None)])
    assert host.read(zone=zone, names=[f"autodiscover.{zone}"]) == (alias,)


def test_a_set_somebody_changed_meanwhile_is_not_overwritten(host: Host, zone: str) -> None:
    seen = _set(zone, "", "MX", "10 old.example.net")
    host.change(zone=zone, changes=[_made(_set(zone, "", "MX", "10 other.example.net"))])
    wanted = _set(zone, "", "MX", "10 mx1.provider.example")
    with pytest.raises(contract.TemporaryFailure) as caught:
        host.change(zone=zone, changes=[dns.RecordChange(before=seen, after=wanted)])
    assert caught.value.reason == "zone_changed"
    assert [entry.values for entry in host.read(zone=zone) if entry.type == "MX"] == [
        {"10 other.example.net."}
    ]


def test_a_zone_that_is_not_there_is_an_error_and_not_an_empty_zone(host: Host) -> None:
    with pytest.raises(contract.PermanentFailure) as caught:
        host.read(zone="nobody.example")
    assert caught.value.reason == "no_zone"


def test_each_change_is_audited(host: Host, zone: str, audited: list[contract.AuditEntry]) -> None:
    audited.clear()
    host.change(zone=zone, changes=[_made(_set(zone, "", "MX", "10 mx1.provider.example"))])
    assert [(entry.operation, entry.outcome) for entry in audited] == [
        ("change records", "sent"),
        ("change records", "done"),
    ]
    assert audited[0].number == audited[1].number
    assert "a-key-for-tests" not in repr(audited)


def test_a_wrong_key_is_a_permanent_failure(server_url: str) -> None:
    with Host(
        settings=Settings(url=server_url, api_key=contract.Secret("wrong")), audit=contract.no_audit
    ) as host:
        with pytest.raises(contract.PermanentFailure) as caught:
            host.zones()
        assert caught.value.reason == "credentials"
        assert not host.check().is_usable


def test_the_check_names_product_and_zones(host: Host, zone: str) -> None:
    report = host.check()
    assert report.is_usable
    assert report.product.startswith("PowerDNS 4.")
    assert {line.code for line in report.lines} == {"reachable", "zones", "tls"}


def test_hiding_and_restoring_leaves_the_zone_as_it_was(host: Host, zone: str) -> None:
    built_in = _set(zone, "", "MX", "10 mail.old.example")
    texts = _set(zone, "", "TXT", "v=spf1 mx -all", "site=1")
    host.change(zone=zone, changes=[_made(built_in), _made(texts)])
    at_first = host.read(zone=zone)

    wanted = dns.mail_records(
        zone=zone,
        domain=zone,
        mail_hosts=((10, "mx1.provider.example"),),
        autodiscover="auto.provider.example",
    )
    spf = {zone: ("include:spf.provider.example",)}
    plan = dns.plan_zone(present=at_first, wanted=wanted, marks=(), spf=spf)
    host.change(zone=zone, changes=plan.changes)
    now = host.read(zone=zone)
    assert set(wanted) <= set(now)
    assert '"v=spf1 mx include:spf.provider.example -all"' in next(e for e in now if e.type == "TXT").values
    assert dns.plan_zone(present=now, wanted=wanted, marks=plan.marks, spf=spf).changes == ()

    back = dns.plan_zone(present=now, wanted=(), marks=plan.marks)
    host.change(zone=zone, changes=back.changes)
    assert host.read(zone=zone) == at_first
