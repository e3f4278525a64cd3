"""What the last invoice said of each meter, for comparing it with a platform."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import connection

from postledger.core import literals


@dataclass(frozen=True, slots=True)
class BilledUsage:
    """Units of one meter on the last invoice that closed a month.

    Attributes:
        units: all of them, those not charged among them.
        amount: net, minor units of the invoice's currency, promotions not taken off.
    """

    units: Decimal
    amount: int


@dataclass(frozen=True, slots=True)
class LastBilled:
    """The last invoice that closed a month of a subscription: its number, and the usage on it by meter."""

    number: int
    usage: dict[str, BilledUsage] = field(default_factory=dict)


def last_billed(subscription_ids: Iterable[int]) -> dict[int, LastBilled]:
    """The last month that was billed of each of these subscriptions; one that was never billed is left out.

    A meter without a line was within its free units.
    """
    found: dict[int, LastBilled] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH latest AS (SELECT DISTINCT ON (subscription_id) subscription_id, id, number FROM billing_invoice "
            "WHERE closes_on IS NOT NULL AND subscription_id = ANY(%s::bigint[]) "
            "ORDER BY subscription_id, closes_on DESC, id DESC) "
            "SELECT i.subscription_id, i.number, l.item, l.quantity, l.why ->> 'free', l.amount FROM latest i "
            "LEFT JOIN billing_invoiceline l ON l.invoice_id = i.id AND l.kind = 'usage'",
            [literals.array(subscription_ids)],
        )
        for subscription_id, number, item, quantity, free, amount in cursor.fetchall():
            last = found.setdefault(subscription_id, LastBilled(number))
            if item is not None and quantity is not None and item not in last.usage:
                last.usage[item] = BilledUsage(quantity + _free(free), amount)
    return found


def _free(text: str | None) -> Decimal:
    if not text:
        return Decimal(0)
    numerator, _, denominator = text.partition("/")
    return Decimal(numerator) / Decimal(denominator or 1)
