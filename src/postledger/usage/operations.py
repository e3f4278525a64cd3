"""Writes of readings: what is usable is kept once per instant; what is not is set aside in words."""

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from postledger.core import quantity
from postledger.subscriptions import queries as subscriptions
from postledger.usage.models import Reading, RefusedReading
from postledger.usage.types import NewReading

_TOLERANCE = dt.timedelta(minutes=5)  # clocks differ
_KEPT = Decimal("0.000001")


def record_readings(
    *, readings: Iterable[NewReading], now: dt.datetime, zones: Mapping[int, ZoneInfo]
) -> int:
    """The number of readings newly kept; a repeat is harmless.

    A reading that cannot be one (negative, not a number, from the future, of a day before one on file, another value for
    the same instant) is not kept: it is set aside with the reason, and its subscription is not billed until somebody has
    cleared it.

    Args:
        zones: the billing time zone of each subscription's seller, by subscription id.
    """
    kept: list[tuple] = []
    refused: list[RefusedReading] = []
    for reading in readings:
        reason = _reason(reading, now)
        if reason:
            refused.append(_refused(reading, subscriptions.buyer_of(reading.subscription_id)[0], reason))
            continue
        exact = kept_value(Decimal(reading.value), reading.unit)
        value = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(_KEPT, ROUND_HALF_UP)
        day = reading.taken_at.astimezone(zones[reading.subscription_id]).date()
        kept.append((reading.subscription_id, day, reading.meter, reading.taken_at, value, reading.source))
    late = _out_of_order(kept)
    if late:
        refused += late.values()
        kept = [row for position, row in enumerate(kept) if position not in late]
    added = _insert(kept)
    if added < len(kept):
        refused += _differing(kept)
    RefusedReading.objects.bulk_create(refused)
    return added


def kept_value(value: Decimal, unit: str) -> Fraction:
    """A reading as it is kept: megabytes as GB (U6), anything else as it is."""
    exact = Fraction(value)
    return quantity.megabytes_to_gigabytes(exact) if unit == "MB" else exact


def replace_day(
    *, subscription_id: int, meter: str, day: dt.date, value: Decimal, taken_at: dt.datetime, source: str
) -> None:
    """Put a reading on file for a day, in place of what is there: how an operator corrects a reading."""
    Reading.objects.filter(subscription_id=subscription_id, meter=meter, day=day).delete()
    Reading.objects.create(
        subscription_id=subscription_id,
        seller_id=subscriptions.buyer_of(subscription_id)[0],
        day=day,
        meter=meter,
        taken_at=taken_at,
        value=value,
        source=source,
    )


def set_aside(*, subscription_id: int, first: dt.date, reason: str, now: dt.datetime) -> int:
    """The number of readings from a day on that count no more; they are kept among those that somebody has looked at."""
    with transaction.atomic():
        rows = list(
            Reading.objects.select_for_update().filter(subscription_id=subscription_id, day__gte=first)
        )
        RefusedReading.objects.bulk_create(
            RefusedReading(
                subscription_id=subscription_id,
                seller_id=row.seller_id,
                meter=row.meter,
                taken_at=row.taken_at,
                value=str(row.value),
                source=row.source,
                reason=reason[:300],
                cleared_at=now,
            )
            for row in rows
        )
        Reading.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def clear_refused(*, subscription_id: int, now: dt.datetime) -> int:
    """The number of set-aside readings that somebody has now looked at."""
    return RefusedReading.objects.filter(subscription_id=subscription_id, cleared_at=None).update(
        cleared_at=now
    )


def _insert(rows: list[tuple]) -> int:
    if not rows:
        return 0
    columns = [list(column) for column in zip(*rows, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO usage_reading (subscription_id, seller_id, day, meter, taken_at, value, source) "
            "SELECT n.id, s.seller_id, n.day, n.meter, n.taken_at, n.value, n.source "
            "FROM unnest(%s::bigint[], %s::date[], %s::text[], %s::timestamptz[], %s::numeric[], %s::text[]) "
            "AS n(id, day, meter, taken_at, value, source) "
            "JOIN subscriptions_subscription s ON s.id = n.id ON CONFLICT DO NOTHING",
            columns,
        )
        return cursor.rowcount


def _out_of_order(rows: list[tuple]) -> dict[int, RefusedReading]:
    """New answers of a day before the latest on file, by their place: no clock goes back, and closed months stay closed."""
    if not rows:
        return {}
    columns = [list(column) for column in zip(*[row[:4] for row in rows], strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.place - 1, s.seller_id, (SELECT max(r.day) FROM usage_reading r WHERE r.subscription_id = n.id "
            "AND r.meter = n.meter AND r.day > n.day) "
            "FROM unnest(%s::bigint[], %s::date[], %s::text[], %s::timestamptz[]) WITH ORDINALITY "
            "AS n(id, day, meter, taken_at, place) JOIN subscriptions_subscription s ON s.id = n.id "
            "WHERE EXISTS (SELECT 1 FROM usage_reading r WHERE r.subscription_id = n.id AND r.day > n.day "
            "AND r.meter = n.meter) AND NOT EXISTS (SELECT 1 FROM usage_reading r WHERE r.subscription_id = n.id "
            "AND r.day = n.day AND r.meter = n.meter AND r.taken_at = n.taken_at)",
            columns,
        )
        found = cursor.fetchall()
    return {
        place: RefusedReading(
            subscription_id=rows[place][0],
            seller_id=seller_id,
            meter=rows[place][2],
            taken_at=rows[place][3],
            value=f"{rows[place][4].normalize():f}"[:100],
            source=rows[place][5],
            reason=f"is older than a reading on file, of {latest}",
        )
        for place, seller_id, latest in found
    }


def _differing(rows: list[tuple]) -> list[RefusedReading]:
    """Answers that contradict what is on file for the same instant."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.id, r.seller_id, n.meter, n.taken_at, trim_scale(n.value)::text, trim_scale(r.value)::text, n.source "
            "FROM unnest(%s::bigint[], %s::date[], %s::text[], %s::timestamptz[], %s::numeric[], %s::text[]) "
            "AS n(id, day, meter, taken_at, value, source) JOIN usage_reading r ON r.subscription_id = n.id "
            "AND r.day = n.day AND r.meter = n.meter AND r.taken_at = n.taken_at AND r.value <> n.value",
            columns,
        )
        return [
            RefusedReading(
                subscription_id=row[0],
                seller_id=row[1],
                meter=row[2],
                taken_at=row[3],
                value=row[4],
                source=row[6],
                reason=f"another value is on file for the same instant: {row[5]}",
            )
            for row in cursor.fetchall()
        ]


def _reason(reading: NewReading, now: dt.datetime) -> str:
    try:
        value = Decimal(reading.value)
    except (InvalidOperation, ValueError, TypeError):
        return "is not a number"
    if not value.is_finite():
        return "is not a number"
    if value < 0:
        return "is less than nothing"
    if value > 10**13:
        return "is beyond any real quantity"
    if reading.taken_at > now + _TOLERANCE:
        return "is from the future"
    return ""


def _refused(reading: NewReading, seller_id: int, reason: str) -> RefusedReading:
    return RefusedReading(
        subscription_id=reading.subscription_id,
        seller_id=seller_id,
        meter=reading.meter,
        taken_at=reading.taken_at,
        value=str(reading.value)[:100],
        reason=reason,
        source=reading.source,
    )
