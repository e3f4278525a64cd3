"""Zones of a server that takes signed updates.

Invariant: the condition is part of the message. Each set that changes has to be what the plan saw, or the server refuses
the whole update, so nobody's change is overwritten. Sets are replaced whole and in one message, because a server
may refuse an MX whose host has no address yet. Only authoritative answers are believed.
"""

import itertools
import socket
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update

from postledger.connectors import contract
from postledger.connectors.rfc2136.settings import Settings
from postledger.core.errors import Refusal
from postledger.resources import dns as records
from postledger.resources import names as naming

_STALE = frozenset({dns.rcode.YXDOMAIN, dns.rcode.YXRRSET, dns.rcode.NXRRSET, dns.rcode.NXDOMAIN})


class Host:
    """A `contract.DnsHost` for one primary server."""

    def __init__(self, *, settings: Settings, audit: contract.Audit) -> None:
        self._settings = settings
        self._audit = audit
        self._numbers = itertools.count(1)
        try:
            self._zones = tuple(
                sorted(naming.domain(text=text) for text in settings.zones.replace(",", " ").split())
            )
        except Refusal as refusal:
            raise contract.PermanentFailure(
                f"The list of zones is wrong: {refusal}", reason="bad_zones"
            ) from None
        try:
            self._keys = dns.tsigkeyring.from_text(
                {settings.key_name: (settings.algorithm, str(settings.key))}
            )
        except (ValueError, dns.exception.DNSException):
            raise contract.PermanentFailure(
                "The key is not Base64. Correct the connection.", reason="credentials"
            ) from None

    def check(self) -> contract.CheckReport:
        """Whether each zone is answered with authority."""
        lines: list[contract.CheckLine] = []
        for zone in self._zones:
            try:
                self._ask(zone, zone, "SOA")
                text = f"{self._settings.host} answers for {zone} with authority."
                lines.append(contract.CheckLine(code="zone", state="ok", text=text))
            except contract.Failure as failure:
                lines.append(contract.CheckLine(code="zone", state="failed", text=failure.message))
        if not lines:
            lines.append(
                contract.CheckLine(code="zones", state="failed", text="No zone is named. Enter some.")
            )
        return contract.CheckReport(product="RFC 2136", lines=tuple(lines))

    def zones(self) -> tuple[str, ...]:
        """The zones named in the settings."""
        return self._zones

    def read(self, *, zone: str, names: Sequence[str] = ()) -> tuple[records.RecordSet, ...]:
        """The record sets of the given names, each asked for by type.

        Raises:
            PermanentFailure: reason `names_needed`: zone transfers are not asked for, so names have to be given.
        """
        self._known(zone)
        if not names:
            raise contract.PermanentFailure(
                f"The records of {zone} can only be read by name on this server.", reason="names_needed"
            )
        found = []
        for name in sorted(set(names)):
            for kind in records.RECORD_TYPES:
                entry = self._ask(zone, name, kind)
                if entry is not None:
                    found.append(entry)
        return tuple(found)

    def ensure_zone(self, *, zone: str, name_servers: Sequence[str]) -> bool:
        """False when the zone is there.

        Raises:
            PermanentFailure: reason `not_supported` when it is not.
        """
        if zone in self._zones:
            return False
        raise contract.PermanentFailure(
            f"The zone {zone} has to be made on the DNS server by hand. Make it, then name it in the connection.",
            reason="not_supported",
        )

    def change(self, *, zone: str, changes: Sequence[records.RecordChange]) -> tuple[records.RecordSet, ...]:
        """The sets concerned as they stand afterwards."""
        if not changes:
            return ()
        self._known(zone)
        update = dns.update.UpdateMessage(zone + ".", keyring=self._keys)
        for change in changes:
            owner = dns.name.from_text(change.set.name + ".")
            if change.before is None:
                update.absent(owner, change.set.type)
            else:
                update.present(owner, change.set.type, *sorted(change.before.values))
        for change in sorted(changes, key=lambda entry: entry.after is not None):
            owner = dns.name.from_text(change.set.name + ".")
            update.delete(owner, change.set.type)
            if change.after is not None:
                ttl = change.after.ttl_s or records.DEFAULT_TTL_S
                update.add(owner, ttl, change.after.type, *sorted(change.after.values))
        self._update(zone, update, changes)
        after = [
            entry
            for change in changes
            if (entry := self._ask(zone, change.set.name, change.set.type)) is not None
        ]
        shown = {entry.key: entry for entry in after}
        for change in changes:
            now = shown.get(change.set.key)
            if (now.values if now else None) != (change.after.values if change.after else None):
                raise contract.TemporaryFailure(
                    f"The server said done, but the {change.set.type} records of {change.set.name} do not show it. They are "
                    "looked at again.",
                    reason="not_shown",
                    retry_after_s=30,
                )
        return tuple(after)

    def close(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    # --- below ------------------------------------------------------------------------------------------------------

    def _known(self, zone: str) -> None:
        if zone not in self._zones:
            raise contract.PermanentFailure(
                f"The zone {zone} is not among those we may change on this server. Name it in the connection.",
                reason="no_zone",
            )

    def _address(self) -> str:
        try:
            found = socket.getaddrinfo(self._settings.host, self._settings.port, type=socket.SOCK_STREAM)
        except OSError:
            raise contract.TemporaryFailure(
                f"The name of the DNS server {self._settings.host} is not known.", reason="unreachable"
            ) from None
        return str(found[0][4][0])

    def _ask(self, zone: str, name: str, kind: str) -> records.RecordSet | None:
        """One set, asked of the primary server over TCP without recursion."""
        question = dns.message.make_query(name + ".", kind)
        question.flags &= ~dns.flags.RD
        answer = self._exchange(question, f"the {kind} records of {name}")
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN) or not answer.flags & dns.flags.AA:
            raise contract.PermanentFailure(
                f"{self._settings.host} does not answer for {zone} with authority "
                f"({dns.rcode.to_text(answer.rcode())}). Check that the zone is there.",
                reason="no_zone",
            )
        if kind == "SOA":
            return None
        owner = dns.name.from_text(name + ".")
        found = answer.get_rrset(answer.answer, owner, dns.rdataclass.IN, dns.rdatatype.from_text(kind))
        if found is None:
            return None
        values = frozenset(_content(kind, record) for record in found)
        return records.RecordSet(zone=zone, name=name, type=kind, values=values, ttl_s=found.ttl)

    def _update(
        self, zone: str, update: dns.update.UpdateMessage, changes: Sequence[records.RecordChange]
    ) -> None:
        started = time.monotonic()
        number = next(self._numbers)
        outcome: contract.Outcome = "sent"
        detail = ""

        def note() -> None:
            self._audit(
                contract.AuditEntry(
                    number=number,
                    operation="update",
                    request={"zone": zone, "changes": [_words(change) for change in changes]},
                    answer={"rcode": detail or "NOERROR"} if outcome in ("done", "refused") else {},
                    duration_s=round(time.monotonic() - started, 4),
                    outcome=outcome,
                    detail=detail,
                )
            )

        note()
        outcome = "unknown"
        try:
            answer = self._exchange(update, f"the zone {zone}")
            code = answer.rcode()
            detail = "" if code == dns.rcode.NOERROR else dns.rcode.to_text(code)
            outcome = "done" if code == dns.rcode.NOERROR else "refused"
        except contract.Failure as failure:
            detail = failure.message
            raise
        finally:
            note()
        if code == dns.rcode.NOERROR:
            return
        if code in _STALE:
            raise contract.TemporaryFailure(
                f"Records of {zone} were changed by somebody else in the meantime. They are read and planned again.",
                reason="zone_changed",
                retry_after_s=1,
            )
        if code == dns.rcode.NOTAUTH:
            raise contract.PermanentFailure(
                f"{self._settings.host} refuses our key for {zone}, or is not its primary server.",
                reason="credentials",
            )
        if code == dns.rcode.SERVFAIL:
            raise contract.TemporaryFailure(
                f"{self._settings.host} failed with {zone}.", reason="unavailable"
            )
        raise contract.PermanentFailure(
            f"{self._settings.host} refuses the change of {zone} ({detail}); its log says why. A mail host inside the "
            "zone needs an address record.",
            reason="refused",
        )

    def _exchange(self, message: dns.message.Message, what: str) -> dns.message.Message:
        try:
            return dns.query.tcp(
                message, self._address(), timeout=self._settings.timeout_s, port=self._settings.port
            )
        except dns.exception.Timeout:
            raise contract.TemporaryFailure(
                f"{self._settings.host} did not answer about {what} in time.", reason="timed_out"
            ) from None
        except dns.tsig.PeerError:
            raise contract.PermanentFailure(
                f"{self._settings.host} refuses our key. Check its name, its text and both clocks.",
                reason="credentials",
            ) from None
        except (OSError, EOFError) as error:
            raise contract.TemporaryFailure(
                f"{self._settings.host} cannot be reached ({error.__class__.__name__}).", reason="unreachable"
            ) from None
        except dns.exception.DNSException as error:
            raise contract.TemporaryFailure(
                f"The answer of {self._settings.host} about {what} could not be read ({error.__class__.__name__}).",
                reason="unreadable_answer",
            ) from None


def _content(kind: str, record: dns.rdata.Rdata) -> str:
    text = record.to_text()
    try:
        return records.canonical(type=kind, text=text)
    except Refusal:
        return text


def _words(change: records.RecordChange) -> str:
    entry = change.set
    before = ", ".join(sorted(change.before.values)) if change.before else "nothing"
    after = ", ".join(sorted(change.after.values)) if change.after else "nothing"
    return f"{entry.name} {entry.type}: {before} → {after}"
