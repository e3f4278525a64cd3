"""The DNS zones the platform itself hosts for one account.

Invariant: the platform answers *done* also when it has no zone, so every change is read back, and a zone that is not
there is an error and never an empty zone.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from postledger.connectors import contract
from postledger.connectors.wsp import client as c
from postledger.connectors.wsp import codes, reseller, soap
from postledger.resources import dns

_TARGETS = frozenset({"CNAME", "NS", "PTR"})


class Zones:
    """A `contract.DnsHost` for the zones of one account; belongs to the session that made it."""

    def __init__(
        self, *, client: c.Client, ownership: reseller.Ownership, ref: contract.Ref, name: str
    ) -> None:
        self._client = client
        self._own = ownership
        self._space_id, self._user_id = int(ref.get("space") or 0), int(ref["user"])
        self._name = name

    def check(self) -> contract.CheckReport:
        """Which zones there are."""
        try:
            found = self.zones()
        except (contract.Failure, contract.NeedsOperator) as failure:
            line = contract.CheckLine(code="zones", state="failed", text=str(failure))
        else:
            text = f"The platform hosts {len(found)} zones for {self._name}."
            line = contract.CheckLine(code="zones", state="ok" if found else "warning", text=text)
        return contract.CheckReport(product="", lines=(line,))

    def zones(self) -> tuple[str, ...]:
        """Names of the account's domains that have a zone."""
        return tuple(sorted(self._domains()))

    def _domains(self) -> dict[str, soap.Record]:
        what = f"the domains of {self._name}"
        if not self._space_id or self._own.space(self._space_id, user_id=self._user_id, what=what) is None:
            raise codes.failure(code=-300, what=what)
        found = self._client.records(c.SERVERS, "GetMyDomains", what=what, packageId=self._space_id)
        return {
            row.text("DomainName").lower(): row
            for row in found
            if row.int("ZoneItemId") > 0 and row.int("PackageId") == self._space_id
        }

    def _domain_id(self, zone: str) -> int:
        found = self._domains().get(zone)
        if found is None:
            raise contract.PermanentFailure(
                f"The platform hosts no DNS zone for {zone}. Switch DNS on for it there, or host the zone elsewhere.",
                reason="no_zone",
            )
        return found.int("DomainId")

    def read(self, *, zone: str, names: Sequence[str] = ()) -> tuple[dns.RecordSet, ...]:
        """The record sets of the zone, those of the given names only when there are any."""
        return self._read(self._domain_id(zone), zone, names)

    def _read(self, domain_id: int, zone: str, names: Sequence[str]) -> tuple[dns.RecordSet, ...]:
        rows = self._client.records(
            c.SERVERS, "GetDnsZoneRecords", what=f"the zone {zone}", domainId=domain_id
        )
        values: dict[tuple[str, str], set[str]] = {}
        ttls: dict[tuple[str, str], int | None] = {}
        for row in rows:
            kind = row.text("RecordType").upper()
            name = _full(row.text("RecordName"), zone)
            if kind not in dns.RECORD_TYPES or (names and name not in names):
                continue
            values.setdefault((name, kind), set()).add(_content(kind, row, zone))
            ttls[(name, kind)] = (row.int("RecordTTL") or None) if row.has("RecordTTL") else None
        return tuple(
            dns.RecordSet(zone=zone, name=name, type=kind, values=frozenset(found), ttl_s=ttls[(name, kind)])
            for (name, kind), found in sorted(values.items())
        )

    def ensure_zone(self, *, zone: str, name_servers: Sequence[str]) -> bool:
        """True when DNS was switched on for a domain of the account; the platform's own settings say what goes in."""
        what = f"the zone {zone}"
        if zone in self._domains():
            return False
        rows = self._client.records(c.SERVERS, "GetMyDomains", what=what, packageId=self._space_id)
        domain = next((row for row in rows if row.text("DomainName").lower() == zone), None)
        if domain is None or not self._client.has(c.SERVERS, "EnableDomainDns"):
            raise contract.PermanentFailure(
                f"{zone} is no domain of {self._name} on the platform. Add it there first.",
                reason="not_supported",
            )
        self._client.number(
            c.SERVERS, "EnableDomainDns", what=what, slow=True, domainId=domain.int("DomainId")
        )
        if zone not in self._domains():
            raise contract.TemporaryFailure(
                f"The zone {zone} was made but does not show yet. It is looked at again.", reason="not_shown"
            )
        return True

    def change(self, *, zone: str, changes: Sequence[dns.RecordChange]) -> tuple[dns.RecordSet, ...]:
        """The sets concerned as they stand afterwards."""
        domain_id = self._domain_id(zone)
        names = sorted({change.set.name for change in changes})
        present = {entry.key: entry for entry in self._read(domain_id, zone, names)}
        types = self._types()
        for change in changes:
            if change.set.type not in types:
                raise contract.PlatformRefusal(
                    f"This release of the platform cannot hold {change.set.type} records. Host the zone elsewhere.",
                    reason="unsupported_record",
                )
            found = present.get(change.set.key)
            before = change.before.values if change.before else frozenset()
            if (found.values if found else frozenset()) != before:
                raise contract.TemporaryFailure(
                    f"The {change.set.type} records of {change.set.name} were changed by somebody else in the meantime. They are read and "
                    "planned again.",
                    reason="zone_changed",
                    retry_after_s=1,
                )
        for change in sorted(changes, key=lambda entry: entry.after is not None):
            self._write(domain_id, zone, change)
        after = self._read(domain_id, zone, names)
        shown = {entry.key: entry for entry in after}
        for change in changes:
            wanted = change.after.values if change.after else frozenset()
            now = shown.get(change.set.key)
            if (now.values if now else frozenset()) != wanted:
                raise contract.TemporaryFailure(
                    f"The platform said done, but the {change.set.type} records of {change.set.name} do not show it. They are "
                    "looked at again.",
                    reason="not_shown",
                    retry_after_s=60,
                )
        concerned = {change.set.key for change in changes}
        return tuple(entry for entry in after if entry.key in concerned)

    def _write(self, domain_id: int, zone: str, change: dns.RecordChange) -> None:
        entry = change.set
        name = "" if entry.name == zone else entry.name.removesuffix("." + zone)
        before = change.before.values if change.before else frozenset()
        after = change.after.values if change.after else frozenset()
        what = f"the zone {zone}"
        for value in sorted(before - after):
            data = _data(entry.type, value)
            self._client.number(
                c.SERVERS,
                "DeleteDnsZoneRecord",
                what=what,
                domainId=domain_id,
                recordName=name,
                recordType=entry.type,
                recordData=data["recordData"],
            )
        for value in sorted(after - before):
            ttl = entry.ttl_s or dns.DEFAULT_TTL_S
            self._client.number(
                c.SERVERS,
                "AddDnsZoneRecord",
                what=what,
                domainId=domain_id,
                recordName=name,
                recordType=entry.type,
                RecordTTL_=ttl,
                **_data(entry.type, value),
            )

    def _types(self) -> frozenset[str]:
        interface = self._client.interface(c.SERVERS)
        declared = (
            interface.enumerations.get("DnsRecordType", frozenset()) if interface is not None else frozenset()
        )
        return declared & frozenset(dns.RECORD_TYPES)

    def close(self) -> None:
        """Nothing; the session that made this closes the connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


def _full(name: str, zone: str) -> str:
    name = name.strip().rstrip(".").lower()
    if name in ("", "@", zone):
        return zone
    return name if name.endswith("." + zone) else f"{name}.{zone}"


def _content(kind: str, row: soap.Record, zone: str) -> str:
    """The content in canonical form, or as it is when it is not in order: then it is not ours and only looked at."""
    data = row.text("RecordData").strip()
    if kind == "MX":
        data = f"{row.int('MxPriority')} {data}"
    elif kind == "SRV":
        data = f"{row.int('SrvPriority')} {row.int('SrvWeight')} {row.int('SrvPort')} {data}"
    try:
        return dns.canonical(type=kind, text=data)
    except Exception as error:
        if isinstance(error, dns.InvalidRecord) or hasattr(error, "reason"):
            return data
        raise


def _data(kind: str, value: str) -> dict[str, Any]:
    """The parameters of a record's content; host names without the trailing dot, as the platform's own forms send them."""
    if kind == "MX":
        preference, host = value.split()
        return {"recordData": host.rstrip("."), "mxPriority": int(preference)}
    if kind == "SRV":
        priority, weight, port, host = value.split()
        return {
            "recordData": host.rstrip("."),
            "srvPriority_": int(priority),
            "srvWeight_": int(weight),
            "srvPortNumber_": int(port),
        }
    if kind in _TARGETS:
        return {"recordData": value.rstrip(".")}
    if kind == "TXT":
        return {"recordData": dns.txt(content=value)}
    return {"recordData": value}
