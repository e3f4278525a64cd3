"""What last month's usage costs billed by the month, and billed once for the whole period (U3)."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core import money, quantity
from postledger.core.period import Period
from postledger.core.terms import Charge, Terms
from postledger.subscriptions import queries as subscriptions
from postledger.usage import queries as usage

_MOST = 500  # customers looked at
_EXAMPLE = 10  # units above the free ones, where nothing was read


@dataclass(frozen=True, slots=True)
class Comparison:
    """A metered charge billed by the period: the same usage under both cadences, net in minor units.

    Attributes:
        months: the longest billing period of the plan.
        units: read in the month, of all customers together.
        customers: of how many; 0 where nothing was read and the units are an example.
        month: its first day.
        monthly: one bill by the month.
        at_once: the one bill of a whole period.
    """

    charge: Charge
    months: int
    units: Fraction
    customers: int
    month: dt.date
    monthly: int
    at_once: int
    currency: str


def compare_cadences(
    viewer: Viewer, *, seller_id: int, plan_id: int | None, terms: Terms, currency: str, today: dt.date
) -> tuple[Comparison, ...]:
    """One comparison for each metered charge that these terms bill by a period longer than a month.

    Args:
        plan_id: whose subscribers' readings of the last calendar month are taken; None for a plan to be.
    Raises:
        NotVisible: no such seller for him.
    """
    longest = max(terms.periods, default=1)
    charges = [
        charge
        for charge in terms.charges.values()
        if charge.measure == "metered" and charge.cadence == "period" and longest > 1
    ]
    if not charges:
        return ()
    end = today.replace(day=1)
    month = Period((end - dt.timedelta(days=1)).replace(day=1), end)
    read = _readings(viewer, seller_id, plan_id, month)
    return tuple(_compared(charge, terms, longest, read, month, currency) for charge in charges)


def _readings(viewer: Viewer, seller_id: int, plan_id: int | None, month: Period) -> usage.Facts:
    """The month's readings of the plan's subscribers, with those of the day it closed on."""
    buyers = [buyer.id for buyer in accounts.sold_to(viewer, seller_id)] if plan_id is not None else []
    held = [
        found.id
        for found in subscriptions.of_accounts(viewer, buyers).values()
        if found.plan_id == plan_id and found.exchange_since is not None
    ]
    return usage.between((subscription_id, month.start, month.end) for subscription_id in held[:_MOST])


def _compared(
    charge: Charge, terms: Terms, months: int, read: usage.Facts, month: Period, currency: str
) -> Comparison:
    by_month = dataclasses.replace(
        terms,
        charges={**terms.charges, charge.name: dataclasses.replace(charge, cadence="month")},
        _rates={},
    )
    prices = [found.rates(charge.name, months).usage or Fraction(0) for found in (by_month, terms)]
    used = [_used(charge, meters.get(charge.name, ()), month) for meters in read.values()]
    known = [units for units in used if units is not None]
    pairs = known or [(charge.free + _EXAMPLE, Fraction(_EXAMPLE))]
    monthly, at_once = (
        sum(money.to_minor(price * above, currency) for _, above in pairs) for price in prices
    )
    return Comparison(
        charge=charge,
        months=months,
        units=sum((units for units, _ in pairs), Fraction(0)),
        customers=len(known),
        month=month.start,
        monthly=monthly,
        at_once=at_once,
        currency=currency,
    )


def _used(
    charge: Charge, readings: Sequence[quantity.Reading], month: Period
) -> tuple[Fraction, Fraction] | None:
    """Units of a month, and those above the free ones; None where nothing was read."""
    if not readings:
        return None
    units = []
    for threshold in (Fraction(0), charge.free):
        found = quantity.measured(
            charge,
            readings,
            window=month,
            month_days=month.days,
            closes_on=readings[-1].day,
            threshold=threshold,
            counts_closing=True,
        )
        units.append(found.units if found is not None else Fraction(0))
    return units[0], units[1]
