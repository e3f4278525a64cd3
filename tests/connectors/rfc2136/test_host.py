"""Signed updates against a real BIND: conditions travel with the change."""

import contextlib
import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from postledger.connectors import contract
from postledger.connectors.rfc2136.host import Host
from postledger.connectors.rfc2136.settings import Settings
from postledger.resources import dns

KEY = "c2VjcmV0IGtleSBmb3IgdGVzdHMgb25seSwgMzIgYnl0ZXM="
ZONE = "example.test"
ZONE_FILE = f"""$TTL 300
@ IN SOA ns1.{ZONE}. hostmaster.{ZONE}. 1 3600 600 86400 300
@ IN NS ns1
ns1 IN A 127.0.0.1
www IN A 192.0.2.7
"""


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def settings(tmp_path: pathlib.Path) -> Iterator[Settings]:
    program = shutil.which("named") or shutil.which("named", path="/usr/sbin")
    if program is None:
        pytest.skip("BIND is not installed: apt-get install bind9")
    port = _free_port()
    (tmp_path / "zone").write_text(ZONE_FILE)
    (tmp_path / "named.conf").write_text(
        f"""
        key "updates" {{ algorithm hmac-sha256; secret "{KEY}"; }};
        options {{
            directory "{tmp_path}"; pid-file none; session-keyfile none; recursion no;
            listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
        }};
        controls {{ }};
        zone "{ZONE}" {{ type primary; file "{tmp_path}/zone"; allow-update {{ key updates; }}; }};
        """
    )
    log = tmp_path / "log"
    process = subprocess.Popen(
        [program, "-g", "-c", str(tmp_path / "named.conf"), "-n", "1"],
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
    )
    try:
        found = Settings(
            host="127.0.0.1", zones=ZONE, key_name="updates", key=contract.Secret(KEY), port=port
        )
        deadline = time.monotonic() + 20
        while not Host(settings=found, audit=contract.no_audit).check().is_usable:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"BIND did not start: {log.read_text()[-800:]}")
            time.sleep(0.05)
        yield found
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def host(settings: Settings) -> Host:
    return Host(settings=settings, audit=contract.no_audit)


def _set(name: str, kind: str, *values: str) -> dns.RecordSet:
    return dns.record_set(zone=ZONE, name=name, type=kind, values=values, ttl_s=300)


def _made(*entries: dns.RecordSet) -> list[dns.RecordChange]:
    return [dns.RecordChange(before=None, after=entry) for entry in entries]


def test_what_was_written_reads_the_same_and_the_rest_stays(host: Host) -> None:
    wanted = (
        _set("", "MX", "10 mx1.provider.test", "20 mx2.provider.test"),
        _set(f"autodiscover.{ZONE}", "CNAME", "auto.provider.test"),
        _set("", "TXT", "v=spf1 include:spf.provider.test ~all"),
    )
    assert set(host.change(zone=ZONE, changes=_made(*wanted))) == set(wanted)
    found = host.read(zone=ZONE, names=[ZONE, f"autodiscover.{ZONE}", f"www.{ZONE}"])
    assert {*wanted, _set(f"www.{ZONE}", "A", "192.0.2.7")} <= set(found)


def test_a_set_somebody_changed_meanwhile_is_not_overwritten(host: Host) -> None:
    first, second, third = (_set("", "MX", f"10 {name}.test") for name in ("one", "two", "three"))
    host.change(zone=ZONE, changes=_made(first))
    host.change(zone=ZONE, changes=[dns.RecordChange(before=first, after=second)])
    with pytest.raises(contract.TemporaryFailure) as caught:
        host.change(zone=ZONE, changes=[dns.RecordChange(before=first, after=third)])
    assert caught.value.reason == "zone_changed"
    assert second in host.read(zone=ZONE, names=[ZONE])


def test_a_set_that_appeared_meanwhile_is_not_overwritten(host: Host) -> None:
    host.change(zone=ZONE, changes=_made(_set("", "MX", "10 one.test")))
    with pytest.raises(contract.TemporaryFailure) as caught:
        host.change(zone=ZONE, changes=_made(_set("", "MX", "10 two.test")))
    assert caught.value.reason == "zone_changed"


def test_a_mail_host_inside_the_zone_goes_in_together_with_its_address(host: Host) -> None:
    mail = _set("", "MX", f"10 mail.{ZONE}")
    with pytest.raises(contract.PermanentFailure) as caught:
        host.change(zone=ZONE, changes=_made(mail))
    assert caught.value.reason == "refused"
    host.change(zone=ZONE, changes=_made(mail, _set(f"mail.{ZONE}", "A", "192.0.2.9")))
    assert mail in host.read(zone=ZONE, names=[ZONE])


def test_removing_restores_the_absence(host: Host) -> None:
    entry = _set("", "MX", "10 one.test")
    host.change(zone=ZONE, changes=_made(entry))
    assert host.change(zone=ZONE, changes=[dns.RecordChange(before=entry, after=None)]) == ()
    assert not [found for found in host.read(zone=ZONE, names=[ZONE]) if found.type == "MX"]


def test_a_wrong_key_is_a_permanent_failure(settings: Settings) -> None:
    wrong = Settings(
        host=settings.host,
        port=settings.port,
        zones=ZONE,
        key_name="updates",
        key=contract.Secret("d3JvbmcgIGtleSBmb3IgdGVzdHMgb25seSwgMzIgYnl0ZXM="),
    )
    with pytest.raises(contract.PermanentFailure) as caught:
        Host(settings=wrong, audit=contract.no_audit).change(
            zone=ZONE, changes=_made(_set("", "MX", "10 one.test"))
        )
    assert caught.value.reason == "credentials"


def test_a_zone_not_named_in_the_connection_is_not_touched(host: Host) -> None:
    with pytest.raises(contract.PermanentFailure) as caught:
        host.read(zone="other.test", names=["other.test"])
    assert caught.value.reason == "no_zone"
