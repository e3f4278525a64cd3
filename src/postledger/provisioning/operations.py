"""Writes of provisioning: connections, offers, and the wish and finding of every hosted thing.

Invariant: what a worker writes about a thing is written only while he holds the lease on its tree. Leases are counted by
the database's clock, as they are a matter of machines; everything else is counted by the `now` that is passed in.
"""

import dataclasses
import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.catalog import queries as catalog
from postledger.connectors import registry
from postledger.core.errors import Refusal
from postledger.events import operations as events
from postledger.provisioning import queries, sealing
from postledger.provisioning.models import Connection, PlanOffer, PlatformCall, PlatformPlan, Resource
from postledger.provisioning.types import Claim, ConnectionView, Offer, ResourceView
from postledger.resources import exchange, spec

_FIRST_RETRY_S = 30
_LAST_RETRY_S = 6 * 3600
_CIRCUIT_OPENS_AFTER = 3
_CIRCUIT_FIRST_S = 60
_CIRCUIT_LAST_S = 15 * 60
_LOOKED_AT_NIGHTLY = (exchange.ACCOUNT, exchange.ORGANIZATION, exchange.DOMAIN)
_SHOWN = 4000
_PLACES = 0x504C  # apart from what else uses advisory locks in this database


class NameTaken(Refusal):
    """Something of that name is held by somebody already."""

    reason = "name_taken"


class NotOffered(Refusal):
    """The platform plan cannot be switched on or is not switched on for this plan."""

    reason = "not_offered"


class StillInUse(Refusal):
    """Something still depends on it."""

    reason = "still_in_use"


class LostLease(Exception):
    """Another worker has taken the tree over; this one stops without a word."""


# --- connections ----------------------------------------------------------------------------------------------------


def create_connection(
    viewer: Viewer,
    *,
    seller_id: int,
    connector: str,
    name: str,
    values: Mapping[str, Any],
    now: dt.datetime,
    mail: Mapping[str, Any] | None = None,
) -> ConnectionView:
    """A seller's new access to a platform, not tested yet.

    Args:
        values: the connector's settings, secrets among them; secrets are kept encrypted and never shown again.
        mail: the records its mail domains need, as `ConnectionView.mail`.
    Raises:
        NotVisible, NotAllowed: the viewer does not act for the seller.
        registry.UnknownConnector, registry.InvalidSettings, NameTaken: the message says what.
    """
    seller = accounts.require_seller(viewer, seller_id)
    settings = registry.settings(code=connector, values=values)
    row = Connection(
        seller_id=seller.id,
        connector=connector,
        name=name.strip() or connector,
        settings=registry.stored(settings=settings, secrets=False),
        secrets=sealing.sealed(registry.stored(settings=settings, secrets=True)),
        mail=dict(mail or {}),
        created_at=now,
    )
    with transaction.atomic():
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            raise NameTaken(f"There is a connection {row.name} already. Choose another name.") from error
        _note(row.seller_id, None, "connection.created", row.name, viewer.actor, now)
    return queries.connection_view(row)


def change_connection(
    viewer: Viewer,
    *,
    connection_id: int,
    now: dt.datetime,
    values: Mapping[str, Any] | None = None,
    mail: Mapping[str, Any] | None = None,
    name: str | None = None,
    is_enabled: bool | None = None,
) -> ConnectionView:
    """The connection changed; what is None stays. New settings make it untested and end a stop.

    Args:
        values: new settings; a secret left out or empty stays as it is.
    """
    found = queries.connection(viewer, connection_id)
    accounts.require_seller(viewer, found.seller_id)
    fields: dict[str, Any] = {}
    if values is not None:
        kept = queries.credentials(connection_id).values
        given = {key: value for key, value in values.items() if value not in (None, "")}
        settings = registry.settings(code=found.connector, values={**kept, **given})
        fields["settings"] = registry.stored(settings=settings, secrets=False)
        fields["secrets"] = sealing.sealed(registry.stored(settings=settings, secrets=True))
        fields |= {"condition": "untested", "words": "", "failures": 0, "retry_at": None}
    if mail is not None:
        fields["mail"] = dict(mail)
    if name is not None:
        fields["name"] = name.strip()
    if is_enabled is not None:
        fields["is_enabled"] = is_enabled
    with transaction.atomic():
        try:
            with transaction.atomic():
                Connection.objects.filter(pk=connection_id).update(**fields)
        except IntegrityError as error:
            raise NameTaken(f"There is a connection {name} already. Choose another name.") from error
        if values is not None:
            _wake_stopped(connection_id, now)
        shown = sorted(set(fields) - {"secrets", "failures", "retry_at", "words", "condition"})
        _note(found.seller_id, None, "connection.changed", found.name, viewer.actor, now, {"fields": shown})
    return queries.connection(viewer, connection_id)


def record_check(
    *, connection_id: int, product: str, lines: Sequence[Mapping[str, str]], now: dt.datetime
) -> None:
    """The result of a check is kept; a usable connection works again at once, one that cannot be reached is tried again
    by itself, another waits for its seller.

    Args:
        lines: code, state (ok, warning, failed) and text of each finding.
    """
    failed = [line for line in lines if line["state"] == "failed"]
    is_permanent = any(line["code"] != "reachable" for line in failed)
    report = {"product": product, "lines": [dict(line) for line in lines]}
    with transaction.atomic():
        Connection.objects.filter(pk=connection_id).update(report=report, checked_at=now)
        if failed:
            words = " ".join(line["text"] for line in failed)
            record_connection_failure(
                connection_id=connection_id, words=words, is_permanent=is_permanent, now=now
            )
        else:
            record_connection_ok(connection_id=connection_id)
            _wake_stopped(connection_id, now)


def record_connection_failure(
    *, connection_id: int, words: str, is_permanent: bool, now: dt.datetime
) -> None:
    """The platform could not be used. After three failures in a row everybody leaves it alone for a growing while;
    a permanent failure (wrong password) stops its use until somebody changes or checks it."""
    with transaction.atomic():
        row = Connection.objects.select_for_update().get(pk=connection_id)
        if row.condition == "blocked" and not is_permanent:
            return  # a call that was under way when it was stopped
        row.failures += 1
        row.words = words[:_SHOWN]
        row.condition = "blocked" if is_permanent else "failing"
        if row.failures >= _CIRCUIT_OPENS_AFTER:
            wait_s = min(_CIRCUIT_FIRST_S * 2 ** (row.failures - _CIRCUIT_OPENS_AFTER), _CIRCUIT_LAST_S)
            row.retry_at = now + dt.timedelta(seconds=wait_s)
        row.save(update_fields=["failures", "words", "condition", "retry_at"])


def record_connection_ok(*, connection_id: int) -> None:
    """The platform answers and takes our login; earlier failures are forgotten."""
    Connection.objects.filter(pk=connection_id).exclude(condition="ok", failures=0).update(
        condition="ok", words="", failures=0, retry_at=None
    )


def take_places(*, connection_id: int, places: int, most: int) -> tuple[int, ...]:
    """The numbers of the places taken, at most so many of all, for calls to the platform at the same time.

    They are taken across all processes and machines, belong to this thread's database connection, and are free again when
    that ends, as it does when the process is killed.

    Args:
        places: how many calls the platform bears at once.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select place from generate_series(0, %s) as place where pg_try_advisory_lock(%s + place) limit %s",
            [places - 1, _place_key(connection_id, 0), most],
        )
        return tuple(place for (place,) in cursor.fetchall())


def give_back_places(*, connection_id: int, places: Iterable[int]) -> None:
    """The places are free for others."""
    with connection.cursor() as cursor:
        for place in places:
            cursor.execute("select pg_advisory_unlock(%s)", [_place_key(connection_id, place)])


def _place_key(connection_id: int, place: int) -> int:
    return _PLACES << 48 | connection_id << 12 | place


def record_call_sent(
    *,
    connection_id: int,
    seller_id: int,
    resource_id: int | None,
    actor: str,
    purpose: str,
    operation: str,
    request: Mapping[str, Any],
    at: dt.datetime,
) -> int:
    """The number under which a changing call that is about to be made is kept; the connector has masked its secrets.

    It stays `sent` when the worker is killed before the answer.
    """
    row = PlatformCall.objects.create(
        connection_id=connection_id,
        seller_id=seller_id,
        resource_id=resource_id,
        actor=actor[:64],
        purpose=purpose[:64],
        operation=operation[:128],
        request=json.dumps(dict(request), ensure_ascii=False, default=str)[:_SHOWN],
        outcome="sent",
        at=at,
        duration_ms=0,
    )
    return row.pk


def record_call_ended(
    *, call_id: int, answer: Mapping[str, Any], outcome: str, detail: str, duration_s: float
) -> None:
    """What came of a changing call."""
    shown = json.dumps(dict(answer), ensure_ascii=False, default=str)
    PlatformCall.objects.filter(pk=call_id).update(
        answer=(f"{detail} {shown}" if detail else shown)[:_SHOWN],
        outcome=outcome,
        duration_ms=round(duration_s * 1000),
    )


# --- platform plans -------------------------------------------------------------------------------------------------


def record_platform_plans(
    *, connection_id: int, plans: Iterable[Mapping[str, Any]], now: dt.datetime
) -> None:
    """The plans seen on the platform are listed as they are now; those no longer there are marked gone.

    Args:
        plans: `reference`, `name`, `scope`, `is_available`, `description`, `limits` (meter → ceiling) of each.
    """
    with transaction.atomic():
        seen = []
        for plan in plans:
            row, _ = PlatformPlan.objects.update_or_create(
                connection_id=connection_id,
                scope=plan["scope"],
                reference=plan["reference"],
                defaults={
                    "name": plan["name"][:300],
                    "is_available": plan["is_available"],
                    "details": {"description": plan["description"], "limits": dict(plan["limits"])},
                    "seen_at": now,
                    "gone_at": None,
                },
            )
            seen.append(row.pk)
        PlatformPlan.objects.filter(connection_id=connection_id, gone_at=None).exclude(pk__in=seen).update(
            gone_at=now
        )


def switch_on_platform_plan(
    viewer: Viewer, *, seller_id: int, plan_id: int, platform_plan_id: int, now: dt.datetime
) -> Offer:
    """The platform plan offered with one of the seller's plans; the first one becomes the default.

    Raises:
        NotVisible, NotAllowed: the viewer does not act for the seller.
        NoSuchPlan: the plan is none of his.
        NotOffered: it is not on one of his connections, is gone there, or is none for accounts.
    """
    seller = accounts.require_seller(viewer, seller_id)
    if catalog.seller_of(plan_id) != seller.id:
        raise catalog.NoSuchPlan(f"There is no plan {plan_id} here.")
    found = PlatformPlan.objects.select_related("connection").filter(pk=platform_plan_id).first()
    if found is None or found.connection.seller_id != seller.id:
        raise NotOffered("This plan is not on one of your connections. Refresh the list of plans.")
    if found.gone_at is not None or not found.is_available:
        raise NotOffered(f"The plan {found.name} is no longer available on the platform. Refresh the list.")
    if found.scope != "account":
        raise NotOffered(f"{found.name} is an add-on or mailbox plan and cannot be the plan of an account.")
    with transaction.atomic():
        has_default = PlanOffer.objects.filter(seller_id=seller.id, plan_id=plan_id, is_default=True).exists()
        row, made = PlanOffer.objects.get_or_create(
            seller_id=seller.id,
            plan_id=plan_id,
            platform_plan=found,
            defaults={"is_default": not has_default, "switched_on_at": now},
        )
        if made:
            _note(
                seller.id, None, "platform_plan.switched_on", found.name, viewer.actor, now, {"plan": plan_id}
            )
    return queries.offer_view(row)


def switch_off_platform_plan(
    viewer: Viewer, *, seller_id: int, plan_id: int, platform_plan_id: int, now: dt.datetime
) -> None:
    """The platform plan no longer offered with this plan; accounts that have it keep it."""
    seller = accounts.require_seller(viewer, seller_id)
    with transaction.atomic():
        rows = PlanOffer.objects.filter(
            seller_id=seller.id, plan_id=plan_id, platform_plan_id=platform_plan_id
        )
        if not rows.exists():
            raise NotOffered("This plan is not switched on.")
        rows.delete()
        rest = PlanOffer.objects.filter(seller_id=seller.id, plan_id=plan_id)
        if not rest.filter(is_default=True).exists():
            first = rest.order_by("pk").first()
            if first is not None:
                PlanOffer.objects.filter(pk=first.pk).update(is_default=True)
        _note(seller.id, None, "platform_plan.switched_off", "", viewer.actor, now, {"plan": plan_id})


# --- the wish -------------------------------------------------------------------------------------------------------


def declare(
    *,
    account_id: int,
    connection_id: int,
    kind: str,
    desired: Any,
    now: dt.datetime,
    actor: str,
    parent_id: int | None = None,
    subscription_id: int | None = None,
) -> ResourceView:
    """The hosted thing with this wish, due at once. Declared again by its holder, it is the same thing.

    Args:
        desired: a spec of `kind` (`resources.exchange`); it is brought to proper form here.
        parent_id: the thing that contains it; None for an account on the platform.
    Raises:
        NameTaken: somebody holds the name; the message does not say who.
        Refusal: of `resources`, when the wish cannot be right.
    """
    desired = spec.validated(kind=kind, spec=desired)
    key = spec.name_of(kind=kind, spec=desired)
    with transaction.atomic():
        held = Resource.objects.select_for_update().filter(
            connection_id=connection_id, kind=kind, key=key, gone_at=None
        )
        if kind in exchange.NAMED_WITHIN:
            held = held.filter(parent_id=parent_id)
        row = held.first()
        if row is not None and (row.account_id != account_id or row.parent_id != parent_id):
            raise _taken(kind, key)
        if row is not None:
            _wish(row, spec.dump(spec=desired), now, actor, is_wanted=True)
            return queries.resource_view(row)
        holder = accounts.account(Viewer.system(), account_id)
        parent = None if parent_id is None else Resource.objects.get(pk=parent_id)
        try:
            with transaction.atomic():
                row = Resource.objects.create(
                    seller_id=Connection.objects.values_list("seller_id", flat=True).get(pk=connection_id),
                    account_id=holder.id,
                    subscription_id=subscription_id if parent is None else parent.subscription_id,
                    connection_id=connection_id,
                    parent=parent,
                    root_id=None if parent is None else (parent.root_id or parent.pk),
                    kind=kind,
                    key=key,
                    desired=spec.dump(spec=desired),
                    wished_by=actor[:64],
                    due_at=now,
                    created_at=now,
                )
        except IntegrityError as error:
            raise _taken(kind, key) from error
        _note(row.seller_id, row.account_id, f"{kind}.declared", key, actor, now)
    return queries.resource_view(row)


def change_wish(*, resource_id: int, desired: Any, now: dt.datetime, actor: str) -> ResourceView:
    """The thing with another wish, due at once; the same wish again changes nothing.

    Raises:
        StillInUse: it is being removed.
    """
    with transaction.atomic():
        row = Resource.objects.select_for_update().get(pk=resource_id)
        if not row.is_wanted or row.gone_at is not None:
            raise StillInUse(f"{row.key} is being removed and cannot be changed any more.")
        desired = spec.validated(kind=row.kind, spec=desired)
        assert spec.name_of(kind=row.kind, spec=desired) == row.key, "a wish keeps its name"
        if _wish(row, spec.dump(spec=desired), now, actor, is_wanted=True):
            _note(row.seller_id, row.account_id, f"{row.kind}.changed", row.key, actor, now)
    return queries.resource_view(row)


def change_members(
    *, resource_id: int, add: frozenset[str], remove: frozenset[str], now: dt.datetime, actor: str
) -> ResourceView:
    """The distribution list with these members more and these fewer; two who change it at once do not undo each other.

    Raises:
        StillInUse: it is being removed.
        InvalidResource, InvalidAddress: the message says what.
    """
    with transaction.atomic():
        row = Resource.objects.select_for_update().get(pk=resource_id)
        wish: exchange.DistributionList = spec.load(kind=row.kind, data=row.desired)
        present = wish.members
        if present is None:
            present = frozenset((row.observed or {}).get("members", ()))
        members = (present - remove) | add
        if members == present:
            return queries.resource_view(row)
        wish = dataclasses.replace(wish, members=members)
        return change_wish(resource_id=resource_id, desired=wish, now=now, actor=actor)


def rename(*, resource_id: int, desired: Any, now: dt.datetime, actor: str) -> ResourceView:
    """The thing with a wish for another name, which the platform gives to the thing it knows.

    Raises:
        StillInUse: it is being removed, or the platform does not know it yet.
        NameTaken: another one has that name.
    """
    with transaction.atomic():
        row = Resource.objects.select_for_update().get(pk=resource_id)
        if not row.is_wanted or row.gone_at is not None or not row.reference:
            raise StillInUse(f"{row.key} cannot be renamed before it is set up. Try again when it is ready.")
        desired = spec.validated(kind=row.kind, spec=desired)
        old, row.key = row.key, spec.name_of(kind=row.kind, spec=desired)
        try:
            with transaction.atomic():
                row.save(update_fields=["key"])
        except IntegrityError as error:
            raise _taken(row.kind, row.key) from error
        if _wish(row, spec.dump(spec=desired), now, actor, is_wanted=True):
            _note(row.seller_id, row.account_id, f"{row.kind}.changed", row.key, actor, now, {"was": old})
    return queries.resource_view(row)


def withdraw(*, resource_id: int, reason: str, now: dt.datetime, actor: str) -> ResourceView:
    """The thing, and all in it, no longer wanted; due at once.

    Args:
        reason: what stands behind the deletion ("subscription cancelled"); without one the brake stops it.
    """
    with transaction.atomic():
        top = Resource.objects.select_for_update().get(pk=resource_id)
        rows = [top]
        level = [top.pk]
        while level:
            below = list(Resource.objects.select_for_update().filter(parent_id__in=level, gone_at=None))
            rows += below
            level = [row.pk for row in below]
        for row in rows:
            if row.gone_at is not None or not row.is_wanted:
                continue
            row.removal_reason = reason[:64]
            _wish(row, row.desired, now, actor, is_wanted=False)
        _note(top.seller_id, top.account_id, f"{top.kind}.withdrawn", top.key, actor, now, {"reason": reason})
    return queries.resource_view(top)


def change_back(*, resource_id: int, now: dt.datetime, actor: str) -> ResourceView:
    """The thing that was to be removed, wanted again as it was wished before; due at once."""
    with transaction.atomic():
        row = Resource.objects.select_for_update().get(pk=resource_id)
        if row.gone_at is None and _wish(row, row.desired, now, actor, is_wanted=True):
            _note(row.seller_id, row.account_id, f"{row.kind}.kept", row.key, actor, now)
    return queries.resource_view(row)


def look_again(viewer: Viewer, *, resource_id: int, now: dt.datetime, confirm: bool = False) -> ResourceView:
    """The thing due at once, its delays forgotten.

    Args:
        confirm: the seller says that it is right so: what is found under its name is its holder's, what has vanished
            is to be made anew, what has drifted is to be put right, and the brake on mass changes lets it pass.
    Raises:
        NotVisible, NotAllowed: not his; only its seller may confirm.
    """
    found = queries.resource(viewer, resource_id)
    accounts.require_acting(viewer, found.account_id)
    if confirm:
        accounts.require_selling_to(viewer, found.account_id)
    with transaction.atomic():
        row = Resource.objects.select_for_update().get(pk=resource_id)
        row.due_at = now
        row.attempts = 0
        if confirm:
            row.may_adopt = row.is_confirmed = True
            row.generation += 1
            _note(row.seller_id, row.account_id, f"{row.kind}.confirmed", row.key, viewer.actor, now)
        row.condition = "waiting" if row.is_wanted else "removing"
        row.words = row.reason = ""
        row.save(
            update_fields=[
                *("due_at", "attempts", "may_adopt", "is_confirmed", "generation", "condition"),
                *("words", "reason"),
            ]
        )
    return queries.resource_view(row)


def link_existing(
    *, resource_id: int, key: str, desired: Any, now: dt.datetime, actor: str, may_adopt: bool = True
) -> ResourceView:
    """The thing under another name: one it already has on the platform, or one that is still free there.

    Args:
        may_adopt: what is found under the name is to be taken over and not made anew.

    Raises:
        NameTaken: another thing of ours holds that name.
    """
    with transaction.atomic():
        row = Resource.objects.select_for_update().get(pk=resource_id)
        old = row.key
        try:
            with transaction.atomic():
                row.key = key
                row.may_adopt = may_adopt
                row.creating_since = None  # that was said of the other name
                row.save(update_fields=["key", "may_adopt", "creating_since"])
        except IntegrityError as error:
            raise _taken(row.kind, key) from error
        _wish(row, spec.dump(spec=desired), now, actor, is_wanted=True)
        _note(row.seller_id, row.account_id, f"{row.kind}.linked", key, actor, now, {"instead_of": old})
    return queries.resource_view(row)


def attach_subscription(*, resource_id: int, subscription_id: int | None) -> None:
    """The thing and all in it belong to this subscription from now on."""
    Resource.objects.filter(Q(pk=resource_id) | Q(root_id=resource_id)).update(
        subscription_id=subscription_id
    )


# --- the work -------------------------------------------------------------------------------------------------------


def claim_due(
    *, now: dt.datetime, most: int = 20, lease_s: float = 60, connection_id: int | None = None
) -> tuple[Claim, ...]:
    """Trees in which something is due, now leased to the caller; nobody else is given them while he renews the lease.

    Trees on a connection that is switched off, blocked, or left alone for a while are not given out.
    """
    below = Resource.objects.filter(root_id=OuterRef("pk"), due_at__lte=now, gone_at=None)
    lease = uuid.uuid4()
    with transaction.atomic():
        rows = (
            Resource.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(root=None)
            .filter(Q(due_at__lte=now, gone_at=None) | Exists(below))
            .filter(Q(connection__retry_at=None) | Q(connection__retry_at__lte=now))
            .filter(connection__is_enabled=True)
            .exclude(connection__condition="blocked")
            .extra(
                where=[
                    "(provisioning_resource.leased_until is null or provisioning_resource.leased_until < clock_timestamp())"
                ]
            )
            .order_by(F("due_at").asc(nulls_last=True), "pk")
        )
        if connection_id is not None:
            rows = rows.filter(connection_id=connection_id)
        found = list(rows[:most])
        _lease([row.pk for row in found], lease, lease_s)
    return tuple(
        Claim(root_id=row.pk, seller_id=row.seller_id, connection_id=row.connection_id, lease=lease)
        for row in found
    )


def renew(*, claim: Claim, lease_s: float = 60) -> None:
    """The lease holds on.

    Raises:
        LostLease: it ran out and somebody else has the tree.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "update provisioning_resource set leased_until = clock_timestamp() + %s * interval '1 second'"
            " where id = %s and lease = %s",
            [lease_s, claim.root_id, claim.lease],
        )
        if cursor.rowcount != 1:
            raise LostLease


def release(*, claim: Claim) -> None:
    """The tree may be given to anybody again."""
    Resource.objects.filter(pk=claim.root_id, lease=claim.lease).update(lease=None, leased_until=None)


def mark_creating(*, claim: Claim, resource_id: int, now: dt.datetime) -> None:
    """It is written down, before the platform is asked to make it, that nothing of that name was there."""
    with transaction.atomic():
        row = _held(claim, resource_id)
        if row.creating_since is None:
            row.creating_since = now
        row.condition = "working"
        row.words = ""
        row.save(update_fields=["creating_since", "condition", "words"])


def record_last_reading(*, claim: Claim, resource_id: int, now: dt.datetime) -> None:
    """Its usage was read for the last time: what is read once its removal has begun would be too little."""
    with transaction.atomic():
        row = _held(claim, resource_id)
        row.last_read_at = now
        row.save(update_fields=["last_read_at"])


def record_reference(*, claim: Claim, resource_id: int, reference: Mapping[str, Any]) -> None:
    """The platform's ids of the thing, as soon as they are known."""
    with transaction.atomic():
        row = _held(claim, resource_id)
        row.reference = dict(reference)
        row.save(update_fields=["reference"])


def record_found(
    *,
    claim: Claim,
    resource_id: int,
    generation: int,
    observed: Any,
    reference: Mapping[str, Any],
    now: dt.datetime,
    actor: str = "system",
) -> None:
    """The thing is as wished; whatever waited for it is due.

    Args:
        generation: the wish that was worked on; if it has changed meanwhile the thing stays due.
        observed: a spec, read back from the platform.
    """
    with transaction.atomic():
        row = _held(claim, resource_id)
        was_ready = row.condition in ("ready", "drifted")
        if row.observed is None and row.creating_since is None:
            row.is_linked = True
        row.observed = spec.dump(spec=observed)
        row.observed_generation = generation
        row.observed_at = now
        row.reference = dict(reference)
        row.creating_since = None
        row.may_adopt = row.is_confirmed = False
        row.attempts = 0
        row.words = row.reason = ""
        row.condition = "ready" if generation == row.generation else "working"
        nightly = now + dt.timedelta(days=1) if row.kind in _LOOKED_AT_NIGHTLY else None
        row.due_at = nightly if generation == row.generation else now
        row.save(
            update_fields=[
                *("observed", "observed_generation", "observed_at", "reference", "creating_since"),
                *("is_linked", "may_adopt", "is_confirmed", "attempts", "words", "reason", "condition"),
                "due_at",
            ]
        )
        Resource.objects.filter(
            parent_id=row.pk, condition__in=("waiting", "removing"), due_at=None, gone_at=None
        ).update(due_at=now)
        if not was_ready and row.condition == "ready":
            _note(row.seller_id, row.account_id, f"{row.kind}.ready", row.key, actor, now)


def record_gone(*, claim: Claim, resource_id: int, now: dt.datetime, actor: str = "system") -> None:
    """The thing is not there any more, as wished; its name may be used again."""
    with transaction.atomic():
        row = _held(claim, resource_id)
        row.observed = None
        row.observed_generation = row.generation
        row.observed_at = now
        row.reference = {}
        row.condition = "gone"
        row.words = row.reason = ""
        row.due_at = None
        row.gone_at = now
        row.save(
            update_fields=[
                *("observed", "observed_generation", "observed_at", "reference", "condition", "words"),
                *("reason", "due_at", "gone_at"),
            ]
        )
        _note(row.seller_id, row.account_id, f"{row.kind}.gone", row.key, actor, now)


def wake(*, claim: Claim, resource_id: int, now: dt.datetime) -> None:
    """A thing that waited for another one is due."""
    with transaction.atomic():
        row = _held(claim, resource_id)
        if row.due_at is None and row.gone_at is None and row.condition in ("waiting", "removing"):
            row.due_at = now
            row.save(update_fields=["due_at"])


def record_waiting(*, claim: Claim, resource_id: int, words: str) -> None:
    """The thing waits for the one that contains it, which will wake it."""
    with transaction.atomic():
        row = _held(claim, resource_id)
        row.condition = "waiting" if row.is_wanted else "removing"
        row.words, row.reason = words, ""
        row.due_at = None
        row.save(update_fields=["condition", "words", "reason", "due_at"])


def record_retry(
    *,
    claim: Claim,
    resource_id: int,
    words: str,
    now: dt.datetime,
    retry_after_s: float = 0,
    reason: str = "",
) -> None:
    """The thing is tried again by itself: at the earliest after `retry_after_s`, and later the more often it failed."""
    with transaction.atomic():
        row = _held(claim, resource_id)
        row.attempts += 1
        wait_s = min(_FIRST_RETRY_S * 2 ** (row.attempts - 1), _LAST_RETRY_S) if row.attempts > 1 else 0
        row.condition = "retrying"
        row.words, row.reason = words[:_SHOWN], reason[:64]
        row.due_at = now + dt.timedelta(seconds=max(wait_s, retry_after_s))
        row.save(update_fields=["attempts", "condition", "words", "reason", "due_at"])


def record_stop(
    *,
    claim: Claim,
    resource_id: int,
    condition: str,
    words: str,
    generation: int,
    now: dt.datetime,
    reason: str = "",
) -> None:
    """The thing waits for somebody.

    Args:
        condition: `refused` until the wish changes, `needs_operator` until an operator decides, `drifted` until he
            says whether the platform or the wish is right.
        generation: the wish that was worked on; a newer one is tried at once.
        reason: the stable code of what stopped it.
    """
    with transaction.atomic():
        row = _held(claim, resource_id)
        was = row.condition
        row.condition = condition
        row.words, row.reason = words[:_SHOWN], reason[:64]
        row.due_at = None if generation == row.generation else now
        if condition == "drifted":
            row.due_at = now + dt.timedelta(days=1)
        if condition == "refused" and not row.reference:
            row.creating_since = None  # nothing was made, so what turns up later is not ours by that
        row.save(update_fields=["condition", "words", "reason", "due_at", "creating_since"])
        if was != condition:
            _note(
                row.seller_id,
                row.account_id,
                f"{row.kind}.{condition}",
                row.key,
                "system",
                now,
                {"why": words[:500], "reason": reason},
            )


def _held(claim: Claim, resource_id: int) -> Resource:
    root = Resource.objects.select_for_update().filter(pk=claim.root_id, lease=claim.lease).first()
    if root is None:
        raise LostLease
    if resource_id == claim.root_id:
        return root
    return Resource.objects.select_for_update().get(pk=resource_id, root_id=claim.root_id)


def _lease(roots: list[int], lease: uuid.UUID, lease_s: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "update provisioning_resource set lease = %s, leased_until = clock_timestamp() + %s * interval '1 second'"
            " where id = any(%s)",
            [lease, lease_s, roots],
        )


def _wish(row: Resource, desired: dict[str, Any], now: dt.datetime, actor: str, *, is_wanted: bool) -> bool:
    """True when the row's wish is now another one, and due."""
    if row.desired == desired and row.is_wanted == is_wanted:
        return False
    row.desired = desired
    row.is_wanted = is_wanted
    row.is_confirmed = False
    row.wished_by = actor[:64]
    row.generation += 1
    row.condition = "working" if is_wanted else "removing"
    row.words = row.reason = ""
    row.due_at = now
    row.attempts = 0
    if is_wanted:
        row.removal_reason = ""
        row.last_read_at = None
    row.save(
        update_fields=[
            *("desired", "is_wanted", "is_confirmed", "wished_by", "generation", "condition", "words"),
            *("reason", "due_at", "attempts", "removal_reason", "last_read_at"),
        ]
    )
    return True


def _wake_stopped(connection_id: int, now: dt.datetime) -> None:
    Resource.objects.filter(connection_id=connection_id, gone_at=None, condition="retrying").update(
        due_at=now, attempts=0
    )


def _taken(kind: str, key: str) -> NameTaken:
    addressed = (exchange.MAILBOX, exchange.CONTACT, exchange.DISTRIBUTION_LIST)
    what = "The domain" if kind == exchange.DOMAIN else "The address" if kind in addressed else "The name"
    return NameTaken(f"{what} {key} is in use already. Choose another one, or ask your provider.")


def _note(
    seller_id: int,
    account_id: int | None,
    kind: str,
    subject: str,
    actor: str,
    now: dt.datetime,
    data: Mapping[str, Any] | None = None,
) -> None:
    events.note(
        seller_id=seller_id, account_id=account_id, kind=kind, subject=subject, at=now, actor=actor, data=data
    )
