"""Writes of subscriptions. The engine in `core` decides; here what it decided is stored."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from postledger.core import facts, literals
from postledger.core.errors import Refusal
from postledger.subscriptions.models import Change, Item, Subscription


class AlreadySubscribed(Refusal):
    """The buyer has an open subscription."""

    reason = "already_subscribed"


def start(
    *,
    seller_id: int,
    buyer_id: int,
    plan_id: int,
    kept_version_id: int | None,
    currency: str,
    months: int,
    status: str,
    day: dt.date,
    promotions: Sequence[str],
    quantities: Mapping[str, Fraction],
    trial_ends_on: dt.date | None,
    actor: str,
    now: dt.datetime,
) -> int:
    """The id of a new subscription, waiting to open.

    Raises:
        AlreadySubscribed: the buyer has one that is open.
    """
    try:
        with transaction.atomic():
            row = Subscription.objects.create(
                seller_id=seller_id,
                buyer_id=buyer_id,
                plan_id=plan_id,
                kept_version_id=kept_version_id,
                currency=currency,
                months=months,
                status=status,
                anchor=day,
                promotions=list(promotions),
                trial_ends_on=trial_ends_on,
                created_at=now,
            )
    except IntegrityError as error:
        raise AlreadySubscribed(
            "This account has a subscription already. Change its plan instead."
        ) from error
    Item.objects.bulk_create(
        Item(subscription_id=row.pk, seller_id=seller_id, charge=charge, quantity=_decimal(units))
        for charge, units in quantities.items()
    )
    add_change(
        subscription_id=row.pk,
        seller_id=seller_id,
        on=day,
        kind="subscribe",
        data={
            "plan": plan_id,
            "months": months,
            "quantities": {charge: str(units) for charge, units in quantities.items()},
        },
        actor=actor,
        now=now,
    )
    return row.pk


def switch_off_at_start(*, subscription_id: int, seller_id: int, charge: str) -> None:
    """A charge that is on only when the buyer switches it on (R8)."""
    Item.objects.update_or_create(
        subscription_id=subscription_id,
        charge=charge,
        defaults={"is_on": False, "seller_id": seller_id},
    )


def save(sub: facts.Subscription, **columns: Any) -> None:
    """Store one subscription as the engine left it, with all its items; `columns` are further ones, by name."""
    Subscription.objects.filter(pk=sub.id).update(
        status=sub.status,
        months=sub.months,
        anchor=sub.anchor,
        offset=sub.offset,
        month_index=sub.month_index,
        next_close=sub.next_close,
        is_period_over=sub.is_period_over,
        activated_on=sub.activated_on,
        suspended_on=sub.suspended_on,
        suspended_from=sub.suspended_from,
        exchange_since=sub.exchange_since,
        packages={name: str(count) for name, count in sub.packages.items()},
        **columns,
    )
    Item.objects.filter(subscription_id=sub.id).exclude(charge__in=sub.items).delete()
    save_items([sub])


def save_closes(subs: Sequence[facts.Subscription]) -> None:
    """Move many subscriptions on to the month that opened: one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE subscriptions_subscription AS s SET "offset" = n.o, month_index = n.m, next_close = n.c, '
            "is_period_over = n.over FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::date[], %s::bool[]) "
            "AS n(id, o, m, c, over) WHERE s.id = n.id",
            [
                literals.array(sub.id for sub in subs),
                literals.array(sub.offset for sub in subs),
                literals.array(sub.month_index for sub in subs),
                literals.array(sub.next_close for sub in subs),
                literals.array(sub.is_period_over for sub in subs),
            ],
        )


def save_items(subs: Iterable[facts.Subscription]) -> None:
    """Store all items of these subscriptions as the engine left them: one statement."""
    rows = [(sub.id, sub.seller_id, charge, item) for sub in subs for charge, item in sub.items.items()]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO subscriptions_item "
            "(subscription_id, seller_id, charge, quantity, is_on, usage_from, pool_units) "
            "SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::numeric[], %s::bool[], %s::date[], "
            "%s::numeric[]) "
            "ON CONFLICT (subscription_id, charge) DO UPDATE SET quantity = excluded.quantity, "
            "is_on = excluded.is_on, usage_from = excluded.usage_from, pool_units = excluded.pool_units",
            [
                literals.array(row[0] for row in rows),
                literals.array(row[1] for row in rows),
                [row[2] for row in rows],
                literals.array(_decimal(row[3].quantity) for row in rows),
                literals.array(row[3].is_on for row in rows),
                literals.array(row[3].usage_from for row in rows),
                literals.array(_decimal(row[3].pool_units) for row in rows),
            ],
        )


def record(*, subscription_id: int, lines: list[dict]) -> None:
    """Keep the lines of a trial until it is converted (M9); an empty list forgets them."""
    Subscription.objects.filter(pk=subscription_id).update(recorded=lines)


def begin_exchange(
    *, subscription_id: int, seller_id: int, day: dt.date, actor: str, now: dt.datetime
) -> None:
    """An Exchange organization exists since this day, unless one did before."""
    is_news = Q(exchange_since=None) | Q(exchange_since__gt=day)
    changed = Subscription.objects.filter(is_news, pk=subscription_id).update(exchange_since=day)
    if changed:
        add_change(
            subscription_id=subscription_id,
            seller_id=seller_id,
            on=day,
            kind="begin_exchange",
            data={},
            actor=actor,
            now=now,
        )


def delete_open(*, buyer_id: int, now: dt.datetime) -> None:
    """The buyer's subscription ends as deleted: nothing of it is billed any more (M7)."""
    for row in (
        Subscription.objects.select_for_update()
        .filter(buyer_id=buyer_id)
        .exclude(status__in=["closed", "deleted"])
    ):
        row.status, row.next_close = "deleted", None
        row.save(update_fields=["status", "next_close"])
        add_change(
            subscription_id=row.pk,
            seller_id=row.seller_id,
            on=now.date(),
            kind="delete",
            data={},
            actor="system",
            now=now,
        )


def park(*, ids: Iterable[int]) -> None:
    """Leave subscriptions out of billing runs until they are released."""
    Subscription.objects.filter(pk__in=list(ids)).update(is_parked=True)


def release(*, ids: Iterable[int]) -> None:
    """Let billing runs take these subscriptions again."""
    Subscription.objects.filter(pk__in=list(ids)).update(is_parked=False)


def add_change(
    *,
    subscription_id: int,
    seller_id: int,
    on: dt.date,
    kind: str,
    data: Mapping[str, Any],
    actor: str,
    now: dt.datetime,
) -> None:
    """Note a dated change, as it was asked for."""
    Change.objects.create(
        subscription_id=subscription_id,
        seller_id=seller_id,
        on=on,
        kind=kind,
        data=dict(data),
        actor=actor,
        at=now,
    )


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
