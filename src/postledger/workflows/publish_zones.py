"""Publish zones whose records have changed to the DNS host they are connected to."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from postledger.accounts.types import Viewer
from postledger.connectors import contract
from postledger.core.errors import NeedsOperator, Refusal
from postledger.provisioning import operations, queries, zones
from postledger.provisioning.types import ZoneView
from postledger.resources import dns
from postledger.workflows import _platform


def publish_zones(*, now: dt.datetime, most: int = 50) -> int:
    """How many due zones were published; what failed is tried again with growing delays.

    Only sets we hold, or published before, are touched on the DNS host; it may hold others.
    """
    done = 0
    for zone in queries.zones_to_publish(now=now, most=most):
        assert zone.connection_id is not None, "only connected zones are published"
        cause = _platform.Cause(actor="system", purpose="publish_zones", now=now)
        try:
            with _platform.dns_host(connection_id=zone.connection_id, cause=cause) as host:
                servers = queries.connection(Viewer.system(), zone.connection_id).mail.get("name_servers", [])
                published = _publish(host, zone, servers)
        except contract.TemporaryFailure as error:
            _platform.note_failure(connection_id=zone.connection_id, error=error, now=now)
            zones.record_publish_failure(zone_id=zone.id, words=str(error), is_permanent=False, now=now)
            continue
        except (contract.PermanentFailure, NeedsOperator, Refusal) as error:
            zones.record_publish_failure(zone_id=zone.id, words=str(error), is_permanent=True, now=now)
            continue
        operations.record_connection_ok(connection_id=zone.connection_id)
        zones.record_published(zone_id=zone.id, generation=zone.generation, published=published, now=now)
        done += 1
    return done


def _publish(host: Any, zone: ZoneView, name_servers: Sequence[str]) -> list[Mapping[str, Any]]:
    if name_servers:
        host.ensure_zone(zone=zone.name, name_servers=name_servers)
    wanted = {
        (record.name, record.type): dns.RecordSet(
            zone=zone.name,
            name=record.name,
            type=record.type,
            values=frozenset(record.data),
            ttl_s=record.ttl,
        )
        for record in zone.records
        if not record.is_hidden
    }
    before = {(entry["name"], entry["type"]) for entry in zone.published}
    owned = set(wanted) | before
    present = {
        found.key: found
        for found in host.read(zone=zone.name, names=sorted({name for name, _ in owned}))
        if found.key in owned
    }
    changes = [
        dns.RecordChange(before=present.get(key), after=wanted.get(key))
        for key in sorted(owned)
        if present.get(key) != wanted.get(key)
    ]
    if changes:
        host.change(zone=zone.name, changes=changes)
    return [{"name": name, "type": kind} for name, kind in sorted(wanted)]
