"""Compare the records a zone should show with what the live DNS shows."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.connectors import lookup
from postledger.provisioning import queries, zones
from postledger.provisioning.types import ZoneView

_HELPED_BY = "Enter the records shown here where the zone is hosted."


def check_dns(
    viewer: Viewer,
    *,
    zone_id: int,
    now: dt.datetime,
    servers: lookup.Servers | None = None,
    timeout_s: float = 3,
) -> ZoneView:
    """The zone with, for each record set, what its name servers and a resolver answer now.

    A set counts as seen when the responsible servers (or, when none of them answers, the resolver) show at least what is
    wanted, and exactly that for MX and CNAME.

    Raises:
        NotVisible: not this viewer's zone.
    """
    zone = queries.zone(viewer, zone_id)
    shown = [record for record in zone.records if not record.is_hidden]
    found, words = lookup.look_up(
        zone=zone.name,
        questions=[(record.name, record.type) for record in shown],
        servers=servers,
        timeout_s=timeout_s,
    )
    kept = {}
    missing = []
    for record in shown:
        seen = found[record.name, record.type]
        live = seen.authoritative if seen.authoritative is not None else seen.resolver
        wanted = frozenset(record.data)
        exact = record.type in ("MX", "CNAME")
        is_seen = None if live is None else (live == wanted if exact else wanted <= live)
        kept[record.id] = (
            is_seen,
            None if seen.authoritative is None else sorted(seen.authoritative),
            None if seen.resolver is None else sorted(seen.resolver),
        )
        if is_seen is False and record.owner == "exchange":
            missing.append(f"{record.type} {record.name}")
    if missing and not words:
        words = f"Not in the live DNS yet: {', '.join(missing)}."
        if zone.hosting == "elsewhere":
            words = f"{words} {_HELPED_BY}"
    zones.record_dns_check(zone_id=zone.id, found=kept, words=words, now=now)
    return queries.zone(viewer, zone_id)
