"""Reads of subscriptions: the facts that billing is figured from, what is due, and views for people."""

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from fractions import Fraction

from django.db import connection

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.catalog.queries import PlanBook
from postledger.core import facts, literals
from postledger.core.errors import Refusal
from postledger.core.period import add_months
from postledger.subscriptions.models import Change, Item, Subscription
from postledger.subscriptions.types import ChangeView, SoldView, SubscriptionView

_ZERO = Fraction(0)

_COLUMNS = (
    'id, seller_id, buyer_id, plan_id, kept_version_id, currency, status, months, anchor, "offset", month_index, '
    "is_period_over, activated_on, suspended_on, exchange_since, promotions::text, packages::text, suspended_from"
)


class NoSubscription(Refusal):
    """The buyer has no open subscription."""

    reason = "no_subscription"


def load(ids: Sequence[int], book: PlanBook, *, lock: bool = False) -> dict[int, facts.Subscription]:
    """The facts of subscriptions by id: calendar, items, packages and terms; readings and prepaid lots are for others to add.

    With `lock` the rows are held until the transaction ends.
    """
    found: dict[int, facts.Subscription] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM subscriptions_subscription WHERE id = ANY(%s::bigint[]) ORDER BY id"
            + (" FOR UPDATE" if lock else ""),
            [literals.array(ids)],
        )
        rows = cursor.fetchall()
        book.load({row[3] for row in rows})
        terms_at = {(row[3], row[4]): book.terms_at(row[3], row[4]) for row in rows}
        for row in rows:
            found[row[0]] = facts.Subscription(
                id=row[0],
                seller_id=row[1],
                buyer_id=row[2],
                currency=row[5],
                months=row[7],
                terms_at=terms_at[row[3], row[4]],
                status=row[6],
                anchor=row[8],
                offset=row[9],
                month_index=row[10],
                is_period_over=row[11],
                activated_on=row[12],
                suspended_on=row[13],
                exchange_since=row[14],
                promotions=_promotions(row[15]),
                packages=_packages(row[16]),
                suspended_from=row[17],
            )
        cursor.execute(
            "SELECT subscription_id, charge, quantity, is_on, usage_from, pool_units "
            "FROM subscriptions_item WHERE subscription_id = ANY(%s::bigint[])",
            [literals.array(ids)],
        )
        for subscription_id, charge, quantity, is_on, usage_from, pool_units in cursor.fetchall():
            found[subscription_id].items[charge] = facts.Item(
                Fraction(quantity), is_on, usage_from, Fraction(pool_units) if pool_units else _ZERO
            )
    return found


def claim_due(
    *,
    seller_ids: Sequence[int],
    as_of: dt.date,
    most: int,
    after: tuple[dt.date, int] | None = None,
    lock: bool,
) -> list[tuple[dt.date, int]]:
    """The next subscriptions whose month closes by `as_of`, as (close, id), oldest close first.

    With `lock` they are held for the caller's transaction, and those that another run holds are left to it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT next_close, id FROM subscriptions_subscription "
            "WHERE next_close <= %s AND next_close IS NOT NULL AND NOT is_parked AND seller_id = ANY(%s) "
            + ("AND (next_close, id) > (%s, %s) " if after else "")
            + "ORDER BY next_close, id LIMIT %s"
            + (" FOR NO KEY UPDATE SKIP LOCKED" if lock else ""),
            [as_of, list(seller_ids), *(after or ()), most],
        )
        return cursor.fetchall()


def hold(ids: Sequence[int]) -> None:
    """Keep everybody else from changing or closing these subscriptions until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM subscriptions_subscription WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE",
            [literals.array(ids)],
        )


def due(subscription_id: int, *, as_of: dt.date) -> bool:
    """Whether this subscription has a close due by `as_of`."""
    return Subscription.objects.filter(pk=subscription_id, next_close__lte=as_of).exists()


def next_due(*, seller_ids: Sequence[int], as_of: dt.date, after: dt.date | None) -> dt.date | None:
    """The oldest day, later than `after`, on which something of these sellers is due by `as_of`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT next_close FROM subscriptions_subscription "
            "WHERE next_close > %s AND next_close <= %s AND NOT is_parked AND seller_id = ANY(%s) "
            "ORDER BY next_close LIMIT 1",
            [after or dt.date.min, as_of, list(seller_ids)],
        )
        row = cursor.fetchone()
        return row[0] if row else None


def is_late(*, seller_ids: Sequence[int], as_of: dt.date) -> bool:
    """Whether any of what these sellers sold may have two closes or more due by `as_of`."""
    return Subscription.objects.filter(
        seller_id__in=list(seller_ids), next_close__lte=as_of - dt.timedelta(days=28), is_parked=False
    ).exists()


def sellers_due(*, latest: dt.date) -> list[int]:
    """The sellers who have something due by `latest`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT seller_id FROM subscriptions_subscription "
            "WHERE next_close <= %s AND next_close IS NOT NULL AND NOT is_parked ORDER BY seller_id",
            [latest],
        )
        return [row[0] for row in cursor.fetchall()]


def count_due(*, seller_ids: Sequence[int], as_of: dt.date) -> int:
    """How many subscriptions of these sellers have a close due by `as_of`."""
    return Subscription.objects.filter(
        seller_id__in=list(seller_ids), next_close__lte=as_of, is_parked=False
    ).count()


def of_buyers(buyer_ids: Iterable[int]) -> dict[int, int]:
    """The open subscription of each of these buyers who has one."""
    return dict(
        Subscription.objects.filter(buyer_id__in=set(buyer_ids))
        .exclude(status__in=["closed", "deleted"])
        .values_list("buyer_id", "pk")
    )


def statuses(ids: Iterable[int]) -> dict[int, str]:
    """How these subscriptions stand, by id."""
    return dict(Subscription.objects.filter(pk__in=set(ids)).values_list("pk", "status"))


def sold_by(seller_id: int) -> dict[int, SoldView]:
    """The subscriptions a seller has sold and that were ever paid for: a trial counts from its conversion (M9, U11)."""
    rows = Subscription.objects.filter(seller_id=seller_id, trial_ends_on=None).exclude(status="waiting")
    return {
        id: SoldView(status in ("closed", "deleted"), activated_on, since)
        for id, status, activated_on, since in rows.values_list(
            "pk", "status", "activated_on", "exchange_since"
        )
        if activated_on is not None
    }


def pool_used(seller_ids: Sequence[int]) -> dict[int, dict[str, Fraction]]:
    """Per reseller and charge: how many wholesale free units his customers use (M10)."""
    used: dict[int, dict[str, Fraction]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.seller_id, i.charge, sum(i.pool_units) FROM subscriptions_item i "
            "JOIN subscriptions_subscription s ON s.id = i.subscription_id AND s.status NOT IN ('closed', 'deleted') "
            "WHERE i.seller_id = ANY(%s) AND i.pool_units > 0 GROUP BY 1, 2",
            [list(seller_ids)],
        )
        for seller_id, charge, units in cursor.fetchall():
            used.setdefault(seller_id, {})[charge] = Fraction(units)
    return used


def trials_over(*, seller_ids: Sequence[int], today: dt.date) -> list[int]:
    """Subscriptions on trial whose days have passed."""
    return list(
        Subscription.objects.filter(
            seller_id__in=list(seller_ids), status="trial", trial_ends_on__lte=today
        ).values_list("pk", flat=True)
    )


def active_on_plans(plan_ids: Iterable[int]) -> list[int]:
    """The active subscriptions to these plans."""
    return list(
        Subscription.objects.filter(plan_id__in=set(plan_ids), status="active", is_parked=False)
        .order_by("pk")
        .values_list("pk", flat=True)
    )


def on_plan(plan_id: int) -> list[tuple[int, int, bool]]:
    """The open subscriptions to a plan as (id, buyer, whether it keeps an older version of the terms)."""
    rows = Subscription.objects.filter(plan_id=plan_id).exclude(status__in=["closed", "deleted"])
    return [
        (id, buyer_id, kept is not None)
        for id, buyer_id, kept in rows.order_by("pk").values_list("pk", "buyer_id", "kept_version_id")
    ]


def latest_id(buyer_id: int) -> int:
    """The newest subscription of a buyer, open or not.

    Raises:
        NoSubscription: he never had one.
    """
    found = (
        Subscription.objects.filter(buyer_id=buyer_id).order_by("-pk").values_list("pk", flat=True).first()
    )
    if found is None:
        raise NoSubscription("There is no subscription. Subscribe to a plan first.")
    return found


def has_none(buyer_id: int) -> bool:
    """Whether a buyer never had a subscription."""
    return not Subscription.objects.filter(buyer_id=buyer_id).exists()


def subscription_of(viewer: Viewer, buyer_id: int) -> SubscriptionView:
    """The newest subscription of a buyer the viewer may see.

    Raises:
        NotVisible: not his to see. NoSubscription: the buyer has none.
    """
    accounts.require_account(viewer, buyer_id)
    return view(Subscription.objects.get(pk=latest_id(buyer_id)))


def subscription(viewer: Viewer, subscription_id: int) -> SubscriptionView:
    """A subscription the viewer may see."""
    row = Subscription.objects.filter(pk=subscription_id).first()
    if row is None:
        raise accounts.NotVisible("There is no such subscription here.")
    accounts.require_account(viewer, row.buyer_id)
    return view(row)


def of_accounts(viewer: Viewer, buyer_ids: Iterable[int]) -> dict[int, SubscriptionView]:
    """The newest subscription of each of these buyers, of those the viewer may see."""
    visible = set(accounts.accounts_by_id(viewer, set(buyer_ids)))
    rows = {row.buyer_id: row for row in Subscription.objects.filter(buyer_id__in=visible).order_by("pk")}
    items: dict[int, list[Item]] = {}
    for item in Item.objects.filter(subscription_id__in=[row.pk for row in rows.values()]):
        items.setdefault(item.subscription_id, []).append(item)
    return {buyer_id: view(row, items.get(row.pk, [])) for buyer_id, row in rows.items()}


def buyer_of(subscription_id: int) -> tuple[int, int]:
    """The seller and the buyer of a subscription."""
    return Subscription.objects.values_list("seller_id", "buyer_id").get(pk=subscription_id)


def plan_of(subscription_id: int) -> tuple[int, int | None]:
    """The plan of a subscription, and the version it keeps where it keeps one (F6)."""
    return Subscription.objects.values_list("plan_id", "kept_version_id").get(pk=subscription_id)


def recorded(subscription_id: int) -> list[dict]:
    """The lines recorded on trial, in their stored form (M9)."""
    return Subscription.objects.values_list("recorded", flat=True).get(pk=subscription_id)


def changes(viewer: Viewer, subscription_id: int) -> tuple[ChangeView, ...]:
    """The dated changes of a subscription the viewer may see, newest first."""
    subscription(viewer, subscription_id)
    return tuple(
        ChangeView(row.on, row.kind, row.data, row.actor, row.at)
        for row in Change.objects.filter(subscription_id=subscription_id).order_by("-pk")
    )


def view(row: Subscription, items: Sequence[Item] | None = None) -> SubscriptionView:
    """The frozen value of a row."""
    if items is None:
        items = list(Item.objects.filter(subscription_id=row.pk))
    return SubscriptionView(
        id=row.pk,
        seller_id=row.seller_id,
        buyer_id=row.buyer_id,
        plan_id=row.plan_id,
        currency=row.currency,
        status=row.status,
        months=row.months,
        period_start=add_months(row.anchor, row.offset),
        period_end=add_months(row.anchor, row.offset + row.months),
        month_start=add_months(row.anchor, row.offset + row.month_index),
        month_end=add_months(row.anchor, row.offset + row.month_index + 1),
        next_close=row.next_close,
        activated_on=row.activated_on,
        trial_ends_on=row.trial_ends_on,
        suspended_on=row.suspended_on,
        suspended_reason=row.suspended_reason,
        exchange_since=row.exchange_since,
        is_parked=row.is_parked,
        quantities={item.charge: item.quantity for item in items if item.quantity},
        switched={item.charge: item.is_on for item in items},
        packages=row.packages,
    )


_known_promotions: dict[str, tuple[Fraction, ...]] = {"[]": ()}


def _promotions(text: str) -> tuple[Fraction, ...]:
    found = _known_promotions.get(text)
    if found is None:
        found = _known_promotions[text] = tuple(Fraction(percent) for percent in json.loads(text))
    return found


def _packages(text: str) -> dict[str, Fraction]:
    if text == "{}":
        return {}
    return {name: Fraction(count) for name, count in json.loads(text).items()}
