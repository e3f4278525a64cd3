"""Reads of readings."""

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from django.db import connection

from postledger.accounts.types import Viewer
from postledger.core import literals
from postledger.core.quantity import Reading as Fact
from postledger.subscriptions import queries as subscriptions
from postledger.usage.models import Reading
from postledger.usage.types import ReadingView

Facts = dict[int, dict[str, list[Fact]]]

# taken_at as text is built by the database: it is only printed, and parsing it costs more than all the rest
_SELECT = (
    "SELECT r.subscription_id, r.meter, r.day, r.value, "
    "to_char(r.taken_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), r.source FROM usage_reading r "
)


def on_days(wanted: Iterable[tuple[int, dt.date]]) -> Facts:
    """The readings of each subscription on one day: its closing readings."""
    pairs = list(wanted)
    return _facts(
        "JOIN unnest(%s::bigint[], %s::date[]) AS w(id, day) ON r.subscription_id = w.id AND r.day = w.day",
        [literals.array(pair[0] for pair in pairs), literals.array(pair[1] for pair in pairs)],
    )


def between(wanted: Iterable[tuple[int, dt.date, dt.date]]) -> Facts:
    """The readings of each subscription from a day to a day, both included."""
    rows = list(wanted)
    return _facts(
        "JOIN unnest(%s::bigint[], %s::date[], %s::date[]) AS w(id, first, last) "
        "ON r.subscription_id = w.id AND r.day BETWEEN w.first AND w.last",
        [literals.array(row[column] for row in rows) for column in range(3)],
    )


def latest(
    subscription_ids: Iterable[int], *, since: dt.date
) -> dict[int, dict[str, tuple[dt.date, Fraction]]]:
    """The last reading of each meter that was kept from a day on: subscription → meter → its day and value."""
    found: dict[int, dict[str, tuple[dt.date, Fraction]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (subscription_id, meter) subscription_id, meter, day, value FROM usage_reading "
            "WHERE subscription_id = ANY(%s::bigint[]) AND day >= %s "
            "ORDER BY subscription_id, meter, day DESC, taken_at DESC",
            [literals.array(subscription_ids), since],
        )
        for subscription_id, meter, day, value in cursor.fetchall():
            found.setdefault(subscription_id, {})[meter] = (day, _exact(value))
    return found


def is_any_read(subscription_ids: Sequence[int], *, day: dt.date) -> bool:
    """Whether any of these subscriptions has a reading of this day."""
    return Reading.objects.filter(subscription_id__in=list(subscription_ids), day=day).exists()


def refused(subscription_ids: Sequence[int]) -> dict[int, str]:
    """In words, what was answered that cannot be a reading and nobody has cleared yet, by subscription."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subscription_id, value, meter, to_char(taken_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), reason "
            "FROM usage_refusedreading WHERE subscription_id = ANY(%s::bigint[]) AND cleared_at IS NULL ORDER BY id",
            [literals.array(subscription_ids)],
        )
        return {
            subscription_id: f"The platform answered {value} for {meter} at {taken_at} UTC, which {reason}. "
            "Look at the platform, put right what is wrong there, then release the account."
            for subscription_id, value, meter, taken_at, reason in cursor.fetchall()
        }


def readings_of(
    viewer: Viewer, subscription_id: int, *, first: dt.date, last: dt.date
) -> tuple[ReadingView, ...]:
    """The readings of a subscription the viewer may see, from a day to a day, both included, oldest first."""
    subscriptions.subscription(viewer, subscription_id)
    return tuple(
        ReadingView(row.meter, row.day, row.taken_at, row.value, row.source)
        for row in Reading.objects.filter(
            subscription_id=subscription_id, day__gte=first, day__lte=last
        ).order_by("taken_at", "pk")
    )


def _facts(join: str, parameters: list) -> Facts:
    found: Facts = {}
    if parameters[0] == "{}":
        return found
    with connection.cursor() as cursor:
        cursor.execute(_SELECT + join + " ORDER BY r.subscription_id, r.meter, r.taken_at, r.id", parameters)
        for subscription_id, meter, day, value, taken_at, source in cursor.fetchall():
            found.setdefault(subscription_id, {}).setdefault(meter, []).append(
                Fact(day, _exact(value), taken_at, source)
            )
    return found


_known: dict[Decimal, Fraction] = {}


def _exact(value: Decimal) -> Fraction:
    """Most readings are the same few numbers; keep their fractions."""
    found = _known.get(value)
    if found is None:
        if len(_known) > 100_000:
            _known.clear()
        found = _known[value] = Fraction(value)
    return found
