"""What a reseller owes for the reserved units of his customers: one wholesale line per retail event (M10).

Invariant: the reseller's free units are one pool, used up in the order in which units are acquired.
"""

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction

from postledger.core import lots, rating
from postledger.core.facts import ZERO, Line, Subscription, Wholesale
from postledger.core.period import Period
from postledger.core.terms import Charge, Rates, Terms


def acquire(sub: Subscription, charge: Charge, units: Fraction, *, day: dt.date) -> None:
    """Append the wholesale lines for units that a customer acquires on `day`."""
    found = _charge(sub, charge.name, day)
    if found is None:
        return
    owed, terms, sold = found
    paid = units - _take(sub, owed, terms, charge.name, units)
    if paid <= 0:
        return
    rates = terms.rates(charge.name, sub.months)
    if rates.setup is not None:
        line = rating.setup(item=charge.name, price=rates.setup, units=paid, terms=terms)
        sub.wholesale_lines.extend(rating.with_promotions(line, owed.promotions, owed.currency))
    sub.wholesale_lines.extend(_recurring(sub, owed, terms, sold, rates, paid, day=day))


def release(sub: Subscription, name: str, units: Fraction, *, day: dt.date) -> None:
    """Append the wholesale refund for units that a customer gives up; what was free goes back to the pool."""
    found = _charge(sub, name, day)
    if found is None:
        return
    owed, terms, _ = found
    held = owed.lots.get(name, [])
    paid = min(units, sum((lot.units for lot in held), ZERO))
    sub.wholesale_lines.extend(
        lots.refunds(held, paid, day=day, percent=terms.refund_percent, currency=owed.currency)
    )
    item = sub.item(name)
    back = min(item.pool_units, units - paid)
    item.pool_units -= back
    owed.pool.used[name] = owed.pool.used.get(name, ZERO) - back


def refund_all(sub: Subscription, *, day: dt.date, by_month: bool) -> None:
    """Append the wholesale refund of everything prepaid for this customer; month fees only where `by_month`."""
    owed = sub.wholesale
    if owed is None:
        return
    terms = owed.terms_at(day)
    for name in list(owed.lots):
        held = [lot for lot in owed.lots[name] if by_month or not lot.is_whole]
        sub.wholesale_lines.extend(
            lots.refunds(held, None, day=day, percent=terms.refund_percent, currency=owed.currency)
        )


def renew(
    sub: Subscription, charge: Charge, units: Fraction, *, day: dt.date, by_period: bool, by_month: bool
) -> None:
    """Append the wholesale fee of the time that opens for the units a customer holds."""
    found = _charge(sub, charge.name, day)
    if found is None:
        return
    owed, terms, sold = found
    if not (by_month if sold.cadence == "month" else by_period):
        return
    item = sub.item(charge.name, is_on=charge.activated)
    owed.pool.used[charge.name] = owed.pool.used.get(charge.name, ZERO) - item.pool_units
    item.pool_units = ZERO
    paid = units - _take(sub, owed, terms, charge.name, units)
    if paid > 0:
        rates = terms.rates(charge.name, sub.months)
        sub.wholesale_lines.extend(_recurring(sub, owed, terms, sold, rates, paid, day=day))


def _charge(sub: Subscription, name: str, day: dt.date) -> tuple[Wholesale, Terms, Charge] | None:
    if sub.wholesale is None:
        return None
    terms = sub.wholesale.terms_at(day)
    sold = terms.charges.get(name)
    if sold is None or sold.measure != "reserved":
        return None
    return sub.wholesale, terms, sold


def _take(sub: Subscription, owed: Wholesale, terms: Terms, name: str, units: Fraction) -> Fraction:
    used = owed.pool.used.get(name, ZERO)
    taken = max(ZERO, min(units, terms.charges[name].free - used - owed.pool.own.get(name, ZERO)))
    if taken:
        owed.pool.used[name] = used + taken
        sub.item(name).pool_units += taken
    return taken


def _recurring(
    sub: Subscription,
    owed: Wholesale,
    terms: Terms,
    sold: Charge,
    rates: Rates,
    units: Fraction,
    *,
    day: dt.date,
) -> Iterator[Line]:
    if rates.recurring is None:
        return
    is_monthly = sold.cadence == "month"
    full: Period = sub.month if is_monthly else sub.period
    line = rating.recurring(
        item=sold.name,
        price=rates.recurring,
        units=units,
        full=full,
        start=max(day, full.start),
        is_whole=is_monthly,
        months=sub.months,
        terms=terms,
        promotions=owed.promotions,
        rule="M10",
    )
    yield from rating.with_promotions(line, owed.promotions, owed.currency)
