"""Reads of provisioning. What a door can reach takes `viewer`; what workers ask says so."""

import dataclasses
import datetime as dt
from collections.abc import Iterable

from django.db.models import F, Q

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.provisioning import sealing
from postledger.provisioning.models import (
    Connection,
    PlanOffer,
    PlatformCall,
    PlatformPlan,
    RecordSet,
    Resource,
    Zone,
)
from postledger.provisioning.types import (
    CallView,
    ConnectionView,
    Credentials,
    Offer,
    PlatformAccount,
    PlatformPlanView,
    Progress,
    ProgressLine,
    RecordSetView,
    ResourceView,
    ZoneView,
)
from postledger.resources import exchange

DEPTH = {
    None: 0,
    exchange.ACCOUNT: 0,
    exchange.ORGANIZATION: 1,
    exchange.DOMAIN: 2,
    exchange.DISTRIBUTION_LIST: 4,
}
"""Kind → when its turn comes in a tree; what is not named here comes after the domains, and before the lists of it."""

MASS_CHANGE = "mass_change"
"""Why a thing was stopped: too much would be taken away on its connection in one go."""

_TITLES = {
    exchange.ACCOUNT: "Exchange account",
    exchange.ORGANIZATION: "Organization",
    exchange.DOMAIN: "Mail domain",
    exchange.MAILBOX: "Mailbox",
    exchange.CONTACT: "Contact",
    exchange.DISTRIBUTION_LIST: "Distribution list",
    exchange.PUBLIC_FOLDER: "Public folder",
}
_WORDS = dict(Resource.CONDITIONS)


# --- connections and plans ------------------------------------------------------------------------------------------


def connection(viewer: Viewer, connection_id: int) -> ConnectionView:
    """A connection of a seller this viewer acts for.

    Raises:
        NotVisible: there is none such for him.
    """
    row = Connection.objects.filter(pk=connection_id).first()
    if row is None:
        raise accounts.NotVisible("There is no such connection.")
    _require_selling(viewer, row.seller_id)
    return connection_view(row)


def connections_of(viewer: Viewer, seller_id: int) -> tuple[ConnectionView, ...]:
    """The connections of a seller, by name.

    Raises:
        NotVisible: the seller is none of his.
    """
    _require_selling(viewer, seller_id)
    return tuple(
        connection_view(row) for row in Connection.objects.filter(seller_id=seller_id).order_by("name")
    )


def accounts_on(*, connection_id: int) -> tuple[ResourceView, ...]:
    """Every account we hold on a connection; for the walk over a platform."""
    rows = Resource.objects.filter(connection_id=connection_id, kind=exchange.ACCOUNT, gone_at=None)
    return tuple(resource_view(row) for row in rows.order_by("pk"))


def enabled_connections(*, connector: str | None = None) -> tuple[ConnectionView, ...]:
    """All connections in use, of all sellers; for workers."""
    rows = Connection.objects.filter(is_enabled=True).order_by("pk")
    if connector is not None:
        rows = rows.filter(connector=connector)
    return tuple(connection_view(row) for row in rows)


def failing_connections(*, now: dt.datetime) -> tuple[int, ...]:
    """Connections in use that were out of order and may be tried again now."""
    rows = Connection.objects.filter(is_enabled=True, condition="failing")
    return tuple(
        rows.filter(Q(retry_at=None) | Q(retry_at__lte=now)).order_by("pk").values_list("pk", flat=True)
    )


def credentials(connection_id: int) -> Credentials:
    """What opens a session on a connection; for the one workflow module that opens them."""
    row = Connection.objects.get(pk=connection_id)
    return Credentials(
        connection_id=row.pk,
        seller_id=row.seller_id,
        connector=row.connector,
        name=row.name,
        values={**row.settings, **sealing.opened(row.secrets)},
        condition=row.condition,
        words=row.words,
        retry_at=row.retry_at,
    )


def platform_plans(viewer: Viewer, connection_id: int) -> tuple[PlatformPlanView, ...]:
    """The plans seen on a connection, gone ones last, each with our plans it is switched on for.

    Raises:
        NotVisible: the connection is none of his.
    """
    connection(viewer, connection_id)
    offered: dict[int, list[int]] = {}
    for plan, ours in PlanOffer.objects.filter(platform_plan__connection_id=connection_id).values_list(
        "platform_plan_id", "plan_id"
    ):
        offered.setdefault(plan, []).append(ours)
    rows = PlatformPlan.objects.filter(connection_id=connection_id).order_by(
        F("gone_at").asc(nulls_first=True), "scope", "name"
    )
    return tuple(platform_plan_view(row, tuple(sorted(offered.get(row.pk, ())))) for row in rows)


def offers_for(viewer: Viewer, *, account_id: int, plan_id: int) -> tuple[Offer, ...]:
    """The platform plans a buyer on this plan may choose from, the default one first.

    Raises:
        NotVisible: no such account for him.
    """
    found = accounts.require_account(viewer, account_id)
    rows = (
        PlanOffer.objects.select_related("platform_plan")
        .filter(seller_id=found.seller_id, plan_id=plan_id, platform_plan__connection__is_enabled=True)
        .order_by("-is_default", "platform_plan__name")
    )
    return tuple(offer_view(row) for row in rows)


def offered_plan_ids(viewer: Viewer, *, seller_id: int) -> frozenset[int]:
    """Ids of a seller's plans for which a platform plan is switched on.

    Raises:
        NotVisible: the seller is none of his.
    """
    _require_selling(viewer, seller_id)
    return frozenset(PlanOffer.objects.filter(seller_id=seller_id).values_list("plan_id", flat=True))


# --- resources ------------------------------------------------------------------------------------------------------


def resource(viewer: Viewer, resource_id: int) -> ResourceView:
    """A hosted thing of an account this viewer may see.

    Raises:
        NotVisible: there is none such for him.
    """
    row = Resource.objects.filter(pk=resource_id).first()
    if row is None:
        raise accounts.NotVisible("There is no such thing here.")
    accounts.require_account(viewer, row.account_id)
    return _told(viewer, resource_view(row))


def resources_of(
    viewer: Viewer, account_id: int, *, kind: str | None = None, with_gone: bool = False
) -> tuple[ResourceView, ...]:
    """The hosted things of an account, containing ones first, then by key.

    Raises:
        NotVisible: no such account for him.
    """
    accounts.require_account(viewer, account_id)
    rows = Resource.objects.filter(account_id=account_id)
    if kind is not None:
        rows = rows.filter(kind=kind)
    if not with_gone:
        rows = rows.filter(gone_at=None)
    return tuple(sorted((_told(viewer, resource_view(row)) for row in rows), key=_order))


def page_of(
    viewer: Viewer, account_id: int, *, kind: str, search: str = "", after: int = 0, most: int = 50
) -> tuple[tuple[ResourceView, ...], int]:
    """Some of an account's things of a kind, by key, and how many there are in all.

    Args:
        search: part of the address, path or display name.
        after: how many to leave out.
    Raises:
        NotVisible: no such account for him.
    """
    accounts.require_account(viewer, account_id)
    rows = Resource.objects.filter(account_id=account_id, kind=kind, gone_at=None)
    for word in search.split()[:5]:
        rows = rows.filter(
            Q(key__icontains=word)
            | Q(desired__display_name__icontains=word)
            | Q(observed__display_name__icontains=word)
        )
    found = rows.order_by("key", "pk")[after : after + most]
    return tuple(_told(viewer, resource_view(row)) for row in found), rows.count()


def find(*, connection_id: int, kind: str, key: str, parent_id: int | None = None) -> ResourceView | None:
    """The thing that holds this key on a connection, or None; for workflows.

    Args:
        parent_id: the organization, for kinds that are named within one.
    """
    rows = Resource.objects.filter(connection_id=connection_id, kind=kind, key=key, gone_at=None)
    if kind in exchange.NAMED_WITHIN:
        rows = rows.filter(parent_id=parent_id)
    row = rows.first()
    return None if row is None else resource_view(row)


def lists_with(*, parent_id: int, address: str) -> tuple[ResourceView, ...]:
    """The wanted distribution lists of an organization that have this address as a member or manager, or were seen to;
    for workflows."""
    rows = Resource.objects.filter(
        parent_id=parent_id, kind=exchange.DISTRIBUTION_LIST, is_wanted=True, gone_at=None
    ).filter(
        Q(desired__members__contains=address)
        | Q(observed__members__contains=address)
        | Q(desired__manager=address)
        | Q(observed__manager=address)
    )
    return tuple(resource_view(row) for row in rows.order_by("pk"))


def domain_holder(*, name: str) -> ResourceView | None:
    """The mail domain of this name among all customers of all sellers, or None; for workflows."""
    row = Resource.objects.filter(kind=exchange.DOMAIN, key=name, gone_at=None).first()
    return None if row is None else resource_view(row)


def taken_keys(*, connection_id: int, kind: str, keys: Iterable[str] | None = None) -> frozenset[str]:
    """The keys of a kind that are held on a connection."""
    rows = Resource.objects.filter(connection_id=connection_id, kind=kind, gone_at=None)
    if keys is not None:
        rows = rows.filter(key__in=list(keys))
    return frozenset(rows.values_list("key", flat=True))


def by_reference(*, connection_id: int, kind: str, reference: dict, but_not: int) -> ResourceView | None:
    """Another thing of ours with the platform's same ids, or None; for workflows that adopt."""
    row = (
        Resource.objects.filter(connection_id=connection_id, kind=kind, reference=reference, gone_at=None)
        .exclude(pk=but_not)
        .first()
    )
    return None if row is None else resource_view(row)


def tree(*, root_id: int) -> tuple[ResourceView, ...]:
    """A root and everything below it that is not gone, containing things first; for workers."""
    rows = Resource.objects.filter(Q(pk=root_id) | Q(root_id=root_id), gone_at=None)
    return tuple(sorted((resource_view(row) for row in rows), key=_order))


def one(resource_id: int) -> ResourceView | None:
    """A thing as it stands now, or None when it is gone; for workers."""
    row = Resource.objects.filter(pk=resource_id, gone_at=None).first()
    return None if row is None else resource_view(row)


def trees_on(*, connection_id: int) -> int:
    """How many trees of ours a connection holds; for the mass brake."""
    return Resource.objects.filter(connection_id=connection_id, root=None, gone_at=None).count()


def wanted_of_seller(*, seller_id: int, kind: str) -> int:
    """How many wanted things of a kind all customers of a seller hold on his connections; for the ceiling he shares."""
    return Resource.objects.filter(seller_id=seller_id, kind=kind, is_wanted=True, gone_at=None).count()


def due_unconfirmed(*, connection_id: int, now: dt.datetime) -> tuple[ResourceView, ...]:
    """What is due on a connection or was stopped by the mass brake, was seen there before, and was not let pass; for that
    brake: what it stopped in earlier rounds counts, or the rest would slip through."""
    rows = Resource.objects.filter(
        Q(due_at__lte=now) | Q(condition="needs_operator", reason=MASS_CHANGE),
        connection_id=connection_id,
        gone_at=None,
        observed__isnull=False,
        is_confirmed=False,
    )
    return tuple(resource_view(row) for row in rows.order_by("pk"))


def metered(*, connection_id: int) -> tuple[ResourceView, ...]:
    """The platform accounts of a connection whose usage can be read; for the nightly collection."""
    rows = Resource.objects.filter(
        connection_id=connection_id, kind=exchange.ACCOUNT, gone_at=None, subscription_id__isnull=False
    ).exclude(reference={})
    return tuple(resource_view(row) for row in rows.order_by("pk"))


def metered_subscriptions(*, connection_id: int) -> list[int]:
    """The subscriptions behind the accounts that `metered` reads."""
    return list(
        Resource.objects.filter(
            connection_id=connection_id, kind=exchange.ACCOUNT, gone_at=None, subscription_id__isnull=False
        )
        .exclude(reference={})
        .values_list("subscription_id", flat=True)
    )


def platform_accounts() -> tuple[PlatformAccount, ...]:
    """Every wanted account on a platform that belongs to a subscription, in one query; for workers."""
    rows = Resource.objects.filter(
        kind=exchange.ACCOUNT, gone_at=None, is_wanted=True, subscription_id__isnull=False
    ).values_list("pk", "account_id", "subscription_id", "desired__status")
    return tuple(
        PlatformAccount(
            resource_id=pk, account_id=account_id, subscription_id=subscription_id, status=status or "active"
        )
        for pk, account_id, subscription_id, status in rows.order_by("pk")
    )


def account_resource(viewer: Viewer, account_id: int) -> ResourceView | None:
    """The platform account of a customer, or None before he has one.

    Raises:
        NotVisible: no such account for him.
    """
    found = resources_of(viewer, account_id, kind=exchange.ACCOUNT)
    return found[0] if found else None


def organization_of(viewer: Viewer, account_id: int) -> ResourceView | None:
    """The organization of a customer, or None before he has one.

    Raises:
        NotVisible: no such account for him.
    """
    found = resources_of(viewer, account_id, kind=exchange.ORGANIZATION)
    return found[0] if found else None


def progress(viewer: Viewer, account_id: int) -> Progress:
    """How everything an account holds on platforms stands, in words.

    Raises:
        NotVisible: no such account for him.
    """
    lines = []
    for found in resources_of(viewer, account_id):
        lines.append(
            ProgressLine(
                resource_id=found.id,
                kind=found.kind,
                title=title(found),
                condition=found.condition,
                words=found.words or _WORDS[found.condition],
                is_settled=found.is_settled,
                is_waiting_for_us=found.condition in ("waiting", "working", "retrying", "removing"),
            )
        )
    return Progress(lines=tuple(lines))


def title(found: ResourceView) -> str:
    """A hosted thing in words: "Mailbox ann@acme.example"."""
    return f"{title_of(found.kind)} {found.key}"


def title_of(kind: str) -> str:
    """A kind of hosted thing in words: "Mailbox"."""
    return _TITLES.get(kind, kind)


def attention(viewer: Viewer, seller_id: int) -> tuple[ResourceView, ...]:
    """What on a seller's connections waits for somebody: refused, drifted, or needing an operator.

    Raises:
        NotVisible: the seller is none of his.
    """
    _require_selling(viewer, seller_id)
    rows = Resource.objects.filter(
        seller_id=seller_id, gone_at=None, condition__in=["needs_operator", "refused", "drifted"]
    )
    return tuple(resource_view(row) for row in rows.order_by("account_id", "pk"))


def calls_of(viewer: Viewer, connection_id: int, *, most: int = 100) -> tuple[CallView, ...]:
    """The latest changing calls made on a connection, newest first.

    Raises:
        NotVisible: the connection is none of his.
    """
    connection(viewer, connection_id)
    rows = PlatformCall.objects.filter(connection_id=connection_id).order_by("-at", "-pk")[:most]
    return tuple(call_view(row) for row in rows)


# --- zones ----------------------------------------------------------------------------------------------------------


def zones_of(viewer: Viewer, account_id: int) -> tuple[ZoneView, ...]:
    """The zones of an account with their records, by name.

    Raises:
        NotVisible: no such account for him.
    """
    accounts.require_account(viewer, account_id)
    return _with_records(Zone.objects.filter(account_id=account_id).order_by("name"))


def zone(viewer: Viewer, zone_id: int) -> ZoneView:
    """A zone of an account this viewer may see.

    Raises:
        NotVisible: there is none such for him.
    """
    found = _with_records(Zone.objects.filter(pk=zone_id))
    if not found:
        raise accounts.NotVisible("There is no such zone.")
    accounts.require_account(viewer, found[0].account_id)
    return found[0]


def zone_for(*, domain: str) -> ZoneView | None:
    """The longest of our zones that holds this name, or None; for workflows."""
    labels = domain.split(".")
    candidates = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    found = _with_records(Zone.objects.filter(name__in=candidates))
    return max(found, key=lambda entry: len(entry.name), default=None)


def zones_to_publish(*, now: dt.datetime, most: int = 50) -> tuple[ZoneView, ...]:
    """Zones whose publication is due; for workers."""
    rows = Zone.objects.filter(publish_due_at__lte=now, connection__isnull=False).order_by("publish_due_at")
    return _with_records(rows[:most])


def _with_records(rows) -> tuple[ZoneView, ...]:
    found = list(rows)
    records: dict[int, list[RecordSet]] = {}
    for record in RecordSet.objects.filter(zone_id__in=[row.pk for row in found]).order_by(
        "name", "type", "owner"
    ):
        records.setdefault(record.zone_id, []).append(record)
    return tuple(zone_view(row, records.get(row.pk, [])) for row in found)


# --- rows to values -------------------------------------------------------------------------------------------------


def _require_selling(viewer: Viewer, seller_id: int) -> None:
    found = accounts.require_account(viewer, seller_id)
    if not (found.is_seller and viewer.is_seller):
        raise accounts.NotVisible("There is no such connection.")


_TOLD = {
    "retrying": "This takes longer than usual. It goes on by itself.",
    "needs_operator": "Your provider has to look at this and has been told.",
}


def _told(viewer: Viewer, found: ResourceView) -> ResourceView:
    """The thing as this viewer may be told of it: what is wrong with a platform, or who else is on it, is his seller's to
    know. A refusal is told as it is, for the customer can do something about it."""
    if viewer.kind != "customer":
        return found
    if found.condition == "drifted":
        return dataclasses.replace(found, condition="ready", words="", reason="")
    reason = found.reason if found.condition == "refused" else ""
    return dataclasses.replace(found, words=_TOLD.get(found.condition, found.words), reason=reason)


def _order(found: ResourceView) -> tuple:
    return (found.root_id, DEPTH.get(found.kind, 3), found.id)


def connection_view(row: Connection) -> ConnectionView:
    """The frozen value of a row; for this context only."""
    return ConnectionView(
        id=row.pk,
        seller_id=row.seller_id,
        connector=row.connector,
        name=row.name,
        settings=row.settings,
        mail=row.mail,
        is_enabled=row.is_enabled,
        condition=row.condition,
        words=row.words,
        failures=row.failures,
        retry_at=row.retry_at,
        checked_at=row.checked_at,
        report=row.report,
        created_at=row.created_at,
    )


def platform_plan_view(row: PlatformPlan, offered_with: tuple[int, ...] = ()) -> PlatformPlanView:
    """The frozen value of a row; for this context only."""
    return PlatformPlanView(
        id=row.pk,
        connection_id=row.connection_id,
        reference=row.reference,
        name=row.name,
        scope=row.scope,
        limits=row.details.get("limits", {}),
        is_available=row.is_available,
        seen_at=row.seen_at,
        gone_at=row.gone_at,
        offered_with=offered_with,
    )


def offer_view(row: PlanOffer) -> Offer:
    """The frozen value of a row; for this context only."""
    plan = row.platform_plan
    return Offer(
        id=row.pk,
        seller_id=row.seller_id,
        plan_id=row.plan_id,
        platform_plan_id=plan.pk,
        connection_id=plan.connection_id,
        reference=plan.reference,
        name=plan.name,
        limits=plan.details.get("limits", {}),
        is_default=row.is_default,
    )


def resource_view(row: Resource) -> ResourceView:
    """The frozen value of a row; for this context only."""
    return ResourceView(
        id=row.pk,
        seller_id=row.seller_id,
        account_id=row.account_id,
        subscription_id=row.subscription_id,
        connection_id=row.connection_id,
        parent_id=row.parent_id,
        root_id=row.root_id or row.pk,
        kind=row.kind,
        key=row.key,
        desired=row.desired,
        is_wanted=row.is_wanted,
        removal_reason=row.removal_reason,
        is_confirmed=row.is_confirmed,
        wished_by=row.wished_by,
        generation=row.generation,
        observed=row.observed,
        observed_generation=row.observed_generation,
        observed_at=row.observed_at,
        reference=row.reference,
        creating_since=row.creating_since,
        is_linked=row.is_linked,
        may_adopt=row.may_adopt,
        last_read_at=row.last_read_at,
        condition=row.condition,
        words=row.words,
        reason=row.reason,
        due_at=row.due_at,
        attempts=row.attempts,
        created_at=row.created_at,
        gone_at=row.gone_at,
    )


def call_view(row: PlatformCall) -> CallView:
    """The frozen value of a row; for this context only."""
    return CallView(
        id=row.pk,
        connection_id=row.connection_id,
        resource_id=row.resource_id,
        actor=row.actor,
        purpose=row.purpose,
        operation=row.operation,
        request=row.request,
        answer=row.answer,
        outcome=row.outcome,
        at=row.at,
        duration_ms=row.duration_ms,
    )


def record_view(row: RecordSet) -> RecordSetView:
    """The frozen value of a row; for this context only."""
    return RecordSetView(
        id=row.pk,
        name=row.name,
        type=row.type,
        ttl=row.ttl,
        data=tuple(row.data),
        owner=row.owner,
        is_hidden=row.is_hidden,
        is_seen=row.is_seen,
        seen_authoritative=None if row.seen_authoritative is None else tuple(row.seen_authoritative),
        seen_resolver=None if row.seen_resolver is None else tuple(row.seen_resolver),
        checked_at=row.checked_at,
    )


def zone_view(row: Zone, records: list[RecordSet]) -> ZoneView:
    """The frozen value of a row and its record sets; for this context only."""
    return ZoneView(
        id=row.pk,
        seller_id=row.seller_id,
        account_id=row.account_id,
        name=row.name,
        hosting=row.hosting,
        connection_id=row.connection_id,
        serial=row.serial,
        generation=row.generation,
        published_generation=row.published_generation,
        publish_words=row.publish_words,
        checked_at=row.checked_at,
        check_words=row.check_words,
        marks=tuple(row.marks),
        published=tuple(row.published),
        records=tuple(record_view(record) for record in records),
    )
