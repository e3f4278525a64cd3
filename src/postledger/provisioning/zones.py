"""Writes of DNS zones and their records, and the planning of the records mail needs.

Invariant: a set somebody else made is never changed for good. What stood in the way of ours is hidden and comes back;
what ours was merged into gets back what it said before.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.events import operations as events
from postledger.provisioning import queries
from postledger.provisioning.models import Connection, RecordSet, Resource, Zone
from postledger.provisioning.types import ZoneView
from postledger.resources import dns, exchange, names

_RETRY_FIRST = dt.timedelta(seconds=30)
_RETRY_LAST = dt.timedelta(hours=1)


class ZoneTaken(Refusal):
    """A zone of that name, above or below it, is held by somebody else."""

    reason = "zone_taken"


class RecordKept(Refusal):
    """The set belongs to something else and is changed there."""

    reason = "record_kept"


def create_zone(
    viewer: Viewer,
    *,
    account_id: int,
    name: str,
    now: dt.datetime,
    hosting: str = "here",
    builtin: Sequence[tuple[str, str, Sequence[str]]] = (),
) -> ZoneView:
    """A zone of an account, newly made, with the records every zone of its seller starts with.

    Args:
        hosting: `here` or `elsewhere`; elsewhere we only show and check what is needed.
        builtin: name ("" for the zone itself, else relative), type and values of each set.
    Raises:
        NotVisible, NotAllowed: not this viewer's to make.
        ZoneTaken: somebody else's zone is in the way.
        names.InvalidDomain, dns.InvalidRecord: with words.
    """
    found = accounts.require_acting(viewer, account_id)
    name = names.domain(text=name)
    above = [".".join(name.split(".")[start:]) for start in range(1, name.count("."))]
    others = Zone.objects.exclude(account_id=account_id)
    if others.filter(name__in=above).exists() or others.filter(name__endswith="." + name).exists():
        raise ZoneTaken(f"{name} lies in the zone of another account. Ask your provider.")
    sets = [
        dns.record_set(zone=name, name=f"{label}.{name}" if label else name, type=kind, values=tuple(values))
        for label, kind, values in builtin
    ]
    publisher = _publisher(found.seller_id or found.id) if hosting == "here" else None
    with transaction.atomic():
        try:
            with transaction.atomic():
                row = Zone.objects.create(
                    seller_id=found.seller_id or found.id,
                    account_id=found.id,
                    name=name,
                    hosting=hosting,
                    connection=publisher,
                    publish_due_at=now if publisher else None,
                    created_at=now,
                )
        except IntegrityError as error:
            raise ZoneTaken(
                f"There is a zone {name} already. Ask your provider if it should be yours."
            ) from error
        for entry in sets:
            _insert(row, entry, "builtin", now)
        events.note(
            seller_id=row.seller_id,
            account_id=row.account_id,
            kind="zone.created",
            subject=name,
            at=now,
            actor=viewer.actor,
            data={"hosting": hosting},
        )
        plan_mail(zone_id=row.pk, now=now)
    return queries.zone(viewer, row.pk)


def set_records(
    viewer: Viewer,
    *,
    zone_id: int,
    name: str,
    type: str,
    values: Sequence[str],
    now: dt.datetime,
    ttl_s: int = 3600,
) -> ZoneView:
    """The zone with these records of one name and type entered by its holder; no values removes them.

    Raises:
        RecordKept: the set is one mail needs, or a built-in one hidden by it.
        dns.InvalidRecord: with words.
    """
    found = queries.zone(viewer, zone_id)
    accounts.require_acting(viewer, found.account_id)
    wish = (
        dns.record_set(zone=found.name, name=name, type=type, values=tuple(values) or ("0",), ttl_s=ttl_s)
        if (values)
        else None
    )
    owner_name = (
        wish.name if wish else names.record_name(text=name) if name.strip() not in ("", "@") else found.name
    )
    with transaction.atomic():
        row = Zone.objects.select_for_update().get(pk=zone_id)
        present = RecordSet.objects.filter(
            zone=row, name=owner_name, type=type.upper(), is_hidden=False
        ).first()
        if present is not None and present.owner == "exchange":
            raise RecordKept(
                f"The {present.type} records of {owner_name} are needed by Exchange. Remove the mail domain first."
            )
        if present is not None and wish is None:
            present.delete()
        elif present is not None and wish is not None:
            present.data = sorted(wish.values)
            present.ttl = ttl_s
            present.save(update_fields=["data", "ttl"])
        elif wish is not None:
            _insert(row, wish, "customer", now)
        _changed(row, now)
        events.note(
            seller_id=row.seller_id,
            account_id=row.account_id,
            kind="zone.changed",
            subject=row.name,
            at=now,
            actor=viewer.actor,
            data={"name": owner_name, "type": type.upper()},
        )
    return queries.zone(viewer, zone_id)


def plan_mail(*, zone_id: int, now: dt.datetime) -> bool:
    """True when the zone's records were changed so that they are what the wanted mail domains in it need.

    Built-in records that stand in the way are hidden, SPF is merged; what is no longer needed goes and what it hid
    comes back. Running it again changes nothing.

    Raises:
        dns.SpfTooManyLookups, dns.SpfAmbiguous: the SPF record has to be put right by its owner first; nothing changed.
    """
    with transaction.atomic():
        row = Zone.objects.select_for_update().get(pk=zone_id)
        wanted: list[dns.RecordSet] = []
        spf: dict[str, tuple[str, ...]] = {}
        for domain, mail in _mail_domains(row):
            if not mail.get("mx"):
                continue
            wanted += dns.mail_records(
                zone=row.name,
                domain=domain,
                mail_hosts=tuple((int(preference), host) for preference, host in mail["mx"]),
                autodiscover=mail.get("autodiscover") or None,
            )
            if mail.get("spf"):
                spf[domain] = tuple(mail["spf"])
        rows = list(RecordSet.objects.filter(zone=row, is_hidden=False))
        marks = tuple(_mark(row.name, data) for data in row.marks)
        plan = dns.plan_zone(
            present=tuple(_set(row.name, record) for record in rows),
            wanted=tuple(wanted),
            marks=marks,
            spf=spf,
        )
        new_marks = [_mark_data(mark) for mark in plan.marks]
        if not plan.changes and new_marks == row.marks:
            return False
        for change in sorted(plan.changes, key=lambda entry: entry.after is not None):
            _apply(row, change, plan, now)
        row.marks = new_marks
        row.save(update_fields=["marks"])
        if plan.changes:
            _changed(row, now)
        return bool(plan.changes)


def leave_mail(*, account_id: int, now: dt.datetime, actor: str) -> tuple[str, ...]:
    """The zones of an account whose records for mail are its own from now on and stay published as they are.

    For mail domains that are held here no more and go on taking mail where they are: taking the records away would lose it.
    What they hid was kept to come back with the end of the domain; it is given up, and its values stand in the event.
    """
    left = []
    with transaction.atomic():
        for row in Zone.objects.select_for_update().filter(account_id=account_id).order_by("pk"):
            ours = list(RecordSet.objects.filter(zone=row, owner="exchange"))
            if not ours and not row.marks:
                continue
            hidden = RecordSet.objects.filter(zone=row, is_hidden=True)
            given_up = [f"{entry.name} {entry.type} {value}" for entry in hidden for value in entry.data]
            hidden.delete()
            RecordSet.objects.filter(pk__in=[entry.pk for entry in ours]).update(owner="customer")
            row.marks = []
            row.save(update_fields=["marks"])
            events.note(
                seller_id=row.seller_id,
                account_id=row.account_id,
                kind="zone.left",
                subject=row.name,
                at=now,
                actor=actor,
                data={"records": len(ours), "given_up": given_up},
            )
            left.append(row.name)
    return tuple(left)


def record_published(
    *, zone_id: int, generation: int, published: Sequence[Mapping[str, Any]], now: dt.datetime
) -> None:
    """The zone of this generation is published; if it has changed since, it stays due."""
    with transaction.atomic():
        row = Zone.objects.select_for_update().get(pk=zone_id)
        row.published_generation = generation
        row.published = [dict(entry) for entry in published]
        row.publish_due_at = None if generation == row.generation else now
        row.publish_attempts = 0
        row.publish_words = ""
        row.save(
            update_fields=[
                *("published_generation", "published", "publish_due_at", "publish_attempts", "publish_words")
            ]
        )


def record_publish_failure(*, zone_id: int, words: str, is_permanent: bool, now: dt.datetime) -> None:
    """The publication is tried again later, or waits for a change when trying is of no use."""
    with transaction.atomic():
        row = Zone.objects.select_for_update().get(pk=zone_id)
        row.publish_attempts += 1
        row.publish_words = words[:2000]
        delay = min(_RETRY_FIRST * 2 ** (row.publish_attempts - 1), _RETRY_LAST)
        row.publish_due_at = None if is_permanent else now + delay
        row.save(update_fields=["publish_attempts", "publish_words", "publish_due_at"])


def record_dns_check(
    *,
    zone_id: int,
    found: Mapping[int, tuple[bool | None, Sequence[str] | None, Sequence[str] | None]],
    words: str,
    now: dt.datetime,
) -> None:
    """What the live DNS showed is kept with each record set.

    Args:
        found: record set id → seen as wanted, the authoritative servers' answer, a resolver's answer.
    """
    with transaction.atomic():
        Zone.objects.filter(pk=zone_id).update(checked_at=now, check_words=words)
        for record_id, (is_seen, authoritative, resolver) in found.items():
            RecordSet.objects.filter(pk=record_id, zone_id=zone_id).update(
                is_seen=is_seen,
                seen_authoritative=None if authoritative is None else list(authoritative),
                seen_resolver=None if resolver is None else list(resolver),
                checked_at=now,
            )


def _mail_domains(zone: Zone) -> list[tuple[str, dict[str, Any]]]:
    """Wanted mail domains that lie in the zone, belong to its holder and take mail already, and what each needs."""
    rows = Resource.objects.select_related("connection").filter(
        account_id=zone.account_id, kind=exchange.DOMAIN, gone_at=None, is_wanted=True, observed__isnull=False
    )
    held = [row for row in rows if row.key == zone.name or row.key.endswith("." + zone.name)]
    return [(row.key, row.connection.mail) for row in sorted(held, key=lambda row: row.key)]


def _apply(zone: Zone, change: dns.RecordChange, plan: dns.ZonePlan, now: dt.datetime) -> None:
    name, kind = change.set.key
    rows = RecordSet.objects.filter(zone=zone, name=name, type=kind)
    present = rows.filter(is_hidden=False).first()
    hidden = rows.filter(is_hidden=True).first()
    if change.after is None:
        if present is None:
            return
        if present.owner == "exchange":
            present.delete()
        elif any(entry.key == change.set.key for mark in plan.marks for entry in mark.hidden):
            RecordSet.objects.filter(pk=present.pk).update(is_hidden=True)
        else:
            present.delete()
        return
    data = {"data": sorted(change.after.values), "ttl": change.after.ttl_s or dns.DEFAULT_TTL_S}
    is_ours = any(mark.made.key == change.set.key for mark in plan.marks)
    is_merged = any(mark.made.key == change.set.key and mark.spf for mark in plan.marks)
    if (
        present is not None
        and (present.owner == "exchange") == is_ours
        or (present is not None and is_merged)
    ):
        RecordSet.objects.filter(pk=present.pk).update(**data)
    elif is_ours:
        if present is not None:
            RecordSet.objects.filter(pk=present.pk).update(is_hidden=True)
        _insert(zone, change.after, "exchange", now)
    else:
        if present is not None and present.owner == "exchange" and hidden is not None:
            present.delete()
        if hidden is not None:
            RecordSet.objects.filter(pk=hidden.pk).update(is_hidden=False, **data)
        elif present is not None:
            RecordSet.objects.filter(pk=present.pk).update(owner="customer", **data)
        else:
            _insert(zone, change.after, "customer", now)


def _insert(zone: Zone, entry: dns.RecordSet, owner: str, now: dt.datetime) -> None:
    RecordSet.objects.create(
        zone=zone,
        name=entry.name,
        type=entry.type,
        ttl=entry.ttl_s or dns.DEFAULT_TTL_S,
        data=sorted(entry.values),
        owner=owner,
        created_at=now,
    )


def _changed(zone: Zone, now: dt.datetime) -> None:
    Zone.objects.filter(pk=zone.pk).update(
        generation=F("generation") + 1,
        serial=F("serial") + 1,
        publish_due_at=now if zone.connection_id else None,
        publish_attempts=0,
    )


def _publisher(seller_id: int) -> Connection | None:
    """The connection a seller's zones are published through: his own, else his seller's."""
    sellers = [seller_id, *(entry.id for entry in accounts.seller_chain(seller_id))]
    for candidate in sellers:
        found = (
            Connection.objects.filter(
                seller_id=candidate, connector__in=["powerdns", "rfc2136"], is_enabled=True
            )
            .order_by("pk")
            .first()
        )
        if found is not None:
            return found
    return None


def _set(zone: str, record: RecordSet) -> dns.RecordSet:
    return dns.RecordSet(
        zone=zone, name=record.name, type=record.type, values=frozenset(record.data), ttl_s=record.ttl
    )


def _set_data(entry: dns.RecordSet) -> dict[str, Any]:
    return {"name": entry.name, "type": entry.type, "values": sorted(entry.values), "ttl": entry.ttl_s}


def _set_from(zone: str, data: Mapping[str, Any]) -> dns.RecordSet:
    return dns.RecordSet(
        zone=zone, name=data["name"], type=data["type"], values=frozenset(data["values"]), ttl_s=data["ttl"]
    )


def _mark(zone: str, data: Mapping[str, Any]) -> dns.Mark:
    return dns.Mark(
        made=_set_from(zone, data["made"]),
        hidden=tuple(_set_from(zone, entry) for entry in data["hidden"]),
        spf=tuple(data["spf"]),
    )


def _mark_data(mark: dns.Mark) -> dict[str, Any]:
    return {
        "made": _set_data(mark.made),
        "hidden": [_set_data(entry) for entry in mark.hidden],
        "spf": list(mark.spf),
    }
