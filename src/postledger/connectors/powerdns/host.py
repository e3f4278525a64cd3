"""Zones of a PowerDNS server.

Invariant: a change names its record sets and touches no other. The API has no condition on a change, so each set is
compared with what the plan saw just before, and read back just after.
"""

import itertools
import json
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from postledger.connectors import contract, transport
from postledger.connectors.powerdns.settings import Settings
from postledger.core.errors import Refusal
from postledger.resources import dns

BODY_LIMIT_BYTES = 64 * 1024 * 1024


class Host:
    """A `contract.DnsHost` for one PowerDNS server."""

    def __init__(self, *, settings: Settings, audit: contract.Audit) -> None:
        self._settings = settings
        self._audit = audit
        self._numbers = itertools.count(1)
        try:
            self._transport = transport.Transport(base_url=settings.url, verify_tls=settings.verify_tls)
        except ValueError as error:
            raise contract.PermanentFailure(f"The API URL is {error}.", reason="bad_url") from None
        self._root = f"/api/v1/servers/{urllib.parse.quote(settings.server_id, safe='')}"

    def check(self) -> contract.CheckReport:
        """Whether the server answers, takes the key, and has zones."""
        lines: list[contract.CheckLine] = []
        product = ""
        try:
            server = self._get(self._root, what="the server")
            product = f"PowerDNS {server.get('version', '')}".strip()
            text = f"{self._settings.url} answers as {product} and takes the key."
            lines.append(contract.CheckLine(code="reachable", state="ok", text=text))
            if server.get("daemon_type") != "authoritative":
                text = "This is not an authoritative server, so it has no zones to change. Check the address."
                lines.append(contract.CheckLine(code="product", state="failed", text=text))
            else:
                count = len(self.zones())
                text = f"It hosts {count} zone(s)."
                lines.append(contract.CheckLine(code="zones", state="ok" if count else "warning", text=text))
        except contract.Failure as failure:
            lines.append(contract.CheckLine(code="reachable", state="failed", text=failure.message))
        if self._settings.url.startswith("http://"):
            text = "The key travels without encryption. Use https, or a network of your own."
            lines.append(contract.CheckLine(code="tls", state="warning", text=text))
        return contract.CheckReport(product=product, lines=tuple(lines))

    def zones(self) -> tuple[str, ...]:
        """Names of the zones it is the source of, sorted."""
        found = self._get(f"{self._root}/zones", what="the list of zones")
        return tuple(
            sorted(
                _name(zone["name"])
                for zone in found
                if str(zone.get("kind", "")).lower() in ("native", "master", "primary", "producer")
            )
        )

    def read(self, *, zone: str, names: Sequence[str] = ()) -> tuple[dns.RecordSet, ...]:
        """The record sets of the zone, those of the given names only when there are any."""
        found = self._zone(zone)
        sets = []
        for entry in found.get("rrsets", []):
            name, kind = _name(entry["name"]), entry["type"]
            if kind not in dns.RECORD_TYPES or (names and name not in names):
                continue
            values = frozenset(
                _content(kind, record["content"]) for record in entry["records"] if not record["disabled"]
            )
            if values:
                sets.append(dns.RecordSet(zone=zone, name=name, type=kind, values=values, ttl_s=entry["ttl"]))
        return tuple(sorted(sets, key=lambda found: found.key))

    def ensure_zone(self, *, zone: str, name_servers: Sequence[str]) -> bool:
        """True when the zone was made, False when it was there."""
        answer = self._send(
            "GET", f"{self._root}/zones/{_path(zone)}?rrsets=false", None, what=f"the zone {zone}"
        )
        if answer.status == 200:
            return False
        body = {
            "name": zone + ".",
            "kind": "Native",
            "nameservers": [server.rstrip(".") + "." for server in name_servers],
        }
        answer = self._change(
            "POST", f"{self._root}/zones", body, what=f"the zone {zone}", operation="create zone"
        )
        if answer.status == 409:
            return False
        if answer.status != 201:
            raise self._refused(answer, f"the zone {zone}")
        return True

    def change(self, *, zone: str, changes: Sequence[dns.RecordChange]) -> tuple[dns.RecordSet, ...]:
        """The sets concerned as they stand afterwards."""
        if not changes:
            return ()
        names = sorted({change.set.name for change in changes})
        present = {entry.key: entry for entry in self.read(zone=zone, names=names)}
        for change in changes:
            if not _equal(present.get(change.set.key), change.before):
                raise contract.TemporaryFailure(
                    f"The {change.set.type} records of {change.set.name} were changed by somebody else in the meantime. They are read and "
                    "planned again.",
                    reason="zone_changed",
                    retry_after_s=1,
                )
        rrsets: list[dict[str, Any]] = []
        for change in sorted(changes, key=lambda entry: entry.after is not None):
            rrset: dict[str, Any] = {
                "name": change.set.name + ".",
                "type": change.set.type,
                "changetype": "DELETE",
            }
            if change.after is not None:
                rrset |= {
                    "changetype": "REPLACE",
                    "ttl": change.after.ttl_s or dns.DEFAULT_TTL_S,
                    "records": [
                        {"content": value, "disabled": False} for value in sorted(change.after.values)
                    ],
                }
            rrsets.append(rrset)
        answer = self._change(
            "PATCH",
            f"{self._root}/zones/{_path(zone)}",
            {"rrsets": rrsets},
            what=f"the zone {zone}",
            operation="change records",
        )
        if answer.status != 204:
            raise self._refused(answer, f"the zone {zone}")
        after = self.read(zone=zone, names=names)
        shown = {entry.key: entry for entry in after}
        for change in changes:
            if not _equal(shown.get(change.set.key), change.after):
                raise contract.TemporaryFailure(
                    f"The server said done, but the {change.set.type} records of {change.set.name} do not show it. They are "
                    "looked at again.",
                    reason="not_shown",
                    retry_after_s=30,
                )
        concerned = {change.set.key for change in changes}
        return tuple(entry for entry in after if entry.key in concerned)

    def close(self) -> None:
        """Release the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    # --- below ------------------------------------------------------------------------------------------------------

    def _zone(self, zone: str) -> Mapping[str, Any]:
        answer = self._send("GET", f"{self._root}/zones/{_path(zone)}", None, what=f"the zone {zone}")
        if answer.status in (404, 422):
            raise contract.PermanentFailure(
                f"The DNS server hosts no zone {zone}. Make it there, or host it elsewhere.", reason="no_zone"
            )
        if answer.status != 200:
            raise self._refused(answer, f"the zone {zone}")
        found: Mapping[str, Any] = _json(answer)
        return found

    def _get(self, path: str, *, what: str) -> Any:
        answer = self._send("GET", path, None, what=what)
        if answer.status != 200:
            raise self._refused(answer, what)
        return _json(answer)

    def _change(
        self, method: str, path: str, body: Mapping[str, Any], *, what: str, operation: str
    ) -> transport.Answer:
        started = time.monotonic()
        number = next(self._numbers)
        outcome: contract.Outcome = "sent"
        detail, status = "", 0

        def note() -> None:
            self._audit(
                contract.AuditEntry(
                    number=number,
                    operation=operation,
                    request={"path": path, **body},
                    answer={"status": status} if status else {},
                    duration_s=round(time.monotonic() - started, 4),
                    outcome=outcome,
                    detail=detail,
                )
            )

        note()
        outcome = "unknown"
        try:
            answer = self._send(method, path, body, what=what)
            status = answer.status
            outcome = "done" if status in (201, 204) else "refused"
            detail = "" if outcome == "done" else _error(answer)
            return answer
        except contract.Failure as failure:
            detail = failure.message
            raise
        finally:
            note()

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, *, what: str) -> transport.Answer:
        headers = {"X-API-Key": str(self._settings.api_key), "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = self._transport.request(
                method=method,
                path=path,
                headers=headers,
                body=None if body is None else json.dumps(body).encode(),
                timeout_s=self._settings.timeout_s,
                repeatable=method == "GET",
                body_limit=BODY_LIMIT_BYTES,
            )
        except transport.DeadlineExceeded:
            raise contract.TemporaryFailure(
                f"The DNS server did not answer about {what} in time.", reason="timed_out"
            ) from None
        except transport.TransportError as error:
            raise contract.TemporaryFailure(
                f"The DNS server cannot be reached: {error}.", reason="unreachable"
            ) from None
        if answer.status == 401:
            raise contract.PermanentFailure(
                "The DNS server refuses the API key. Correct the connection.", reason="credentials"
            )
        if answer.status in (429, 500, 502, 503, 504):
            raise contract.TemporaryFailure(
                f"The DNS server failed with HTTP {answer.status}: {_error(answer)}", reason="unavailable"
            )
        return answer

    def _refused(self, answer: transport.Answer, what: str) -> contract.PermanentFailure:
        return contract.PermanentFailure(
            f"The DNS server refused the work on {what}: {_error(answer)}", reason="refused"
        )


def _json(answer: transport.Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        raise contract.PermanentFailure(
            "The address answers, but not as a PowerDNS API. Check it.", reason="no_platform"
        ) from None


def _error(answer: transport.Answer) -> str:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return f"HTTP {answer.status}"
    text = found.get("error", "") if isinstance(found, dict) else ""
    return str(text)[:300] or f"HTTP {answer.status}"


def _content(kind: str, text: str) -> str:
    try:
        return dns.canonical(type=kind, text=text)
    except Refusal:
        return text


def _equal(one: dns.RecordSet | None, other: dns.RecordSet | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.values == other.values and (one.ttl_s == other.ttl_s or None in (one.ttl_s, other.ttl_s))


def _name(text: str) -> str:
    return text.rstrip(".").lower()


def _path(zone: str) -> str:
    return urllib.parse.quote(zone + ".", safe="")
