"""Units acquired, held and given up: setup, recurring fees and refunds (R1–R4, F1, F2, F8).

Invariant: whatever is charged ahead leaves a lot behind, and refunds are figured from lots, the latest first.
"""

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction

from postledger.core import lots, quantity, rating, wholesale
from postledger.core.facts import ZERO, Line, Subscription
from postledger.core.quantity import Reading
from postledger.core.terms import Charge, Terms

ONE = Fraction(1)


def held(sub: Subscription, charge: Charge) -> Fraction:
    """The units a subscription holds of a charge: 1 of a fixed one, what was ordered of the others; 0 while it is off."""
    item = sub.items.get(charge.name)
    if charge.measure == "fixed":
        return ONE if (item.is_on if item else charge.activated) else ZERO
    if item is None or not item.is_on:
        return ZERO
    return item.quantity


def is_on(sub: Subscription, charge: Charge) -> bool:
    """Whether a charge is activated on this subscription (R8)."""
    item = sub.items.get(charge.name)
    return item.is_on if item else charge.activated


def fees(
    sub: Subscription, terms: Terms, charge: Charge, *, day: dt.date, by_period: bool, by_month: bool
) -> Iterator[Line]:
    """The recurring lines of all units held above free, from `day` on; of the period's cadence, the month's, or both."""
    opens = by_month if charge.cadence == "month" else by_period
    if charge.measure == "metered":
        yield from _commitment(sub, terms, charge, day=day, by_period=by_period)
        if charge.timing == "advance":
            if opens:
                yield from _ahead(sub, terms, charge, day=day)
            return
    if opens and sub.pool is not None:
        _note_own(sub, charge, min(held(sub, charge), sub.free_units(terms, charge.name)))
    if opens and charge.recurring:
        units = held(sub, charge) - sub.free_units(terms, charge.name)
        if charge.cadence == "month" and sub.lots:
            units -= _prepaid(sub, charge, day)
        if units > 0:
            yield from _recurring(sub, terms, charge, units, day=day)


def _note_own(sub: Subscription, charge: Charge, units: Fraction) -> None:
    """Remember how many of the free units a reseller uses himself; those he pays for leave them to his customers (M10)."""
    if sub.pool is not None and charge.measure == "reserved" and (units or charge.name in sub.items):
        sub.item(charge.name).pool_units = sub.pool.own[charge.name] = units


def _prepaid(sub: Subscription, charge: Charge, day: dt.date) -> Fraction:
    """Units whose month is paid already: by a fee that was due by the period when they were bought, or, where a buyer
    comes back to a plan inside the month, by the month fee that stayed (U12, F5, M11)."""
    return sum(
        (
            lot.units
            for lot in sub.lots.get(charge.name, ())
            if not lot.is_package and lot.full.end > day and (lot.is_whole or charge.measure != "metered")
        ),
        ZERO,
    )


def setup(sub: Subscription, terms: Terms, name: str, units: Fraction) -> Iterator[Line]:
    """The one-time fee for `units` acquired above free (R2)."""
    price = terms.rates(name, sub.months).setup
    if price is not None and units > 0:
        line = rating.setup(item=name, price=price, units=units, terms=terms)
        yield from rating.with_promotions(line, sub.promotions, sub.currency)


def package_fees(
    sub: Subscription,
    terms: Terms,
    name: str,
    count: Fraction,
    *,
    day: dt.date,
    is_new: bool,
    is_trial: bool = False,
) -> Iterator[Line]:
    """An extra package's setup (when bought) and its recurring fee for the days left, while the plan has it (F8)."""
    if name not in terms.packages:
        return
    rates = terms.package_rates(name, sub.months)
    if is_new and rates.setup is not None:
        line = rating.setup(item=name, price=rates.setup, units=count, terms=terms, kind="package")
        yield from rating.with_promotions(line, sub.promotions, sub.currency)
    if rates.recurring is not None and not is_trial:
        line = rating.recurring(
            item=name,
            price=rates.recurring,
            units=count,
            full=sub.period,
            start=max(day, sub.period.start),
            is_whole=False,
            months=sub.months,
            terms=terms,
            promotions=sub.promotions,
            rule="F8",
            kind="package",
        )
        yield from rating.with_promotions(line, sub.promotions, sub.currency)


def acquire(
    sub: Subscription, terms: Terms, name: str, units: Fraction, *, day: dt.date, is_trial: bool = False
) -> Iterator[Line]:
    """The lines for `units` more, already counted in the item: free units are used up first (R1–R4, F7)."""
    charge = terms.charges[name]
    prepaid = sum((lot.units for lot in sub.lots.get(name, ()) if not lot.is_package), ZERO)
    paid = min(units, held(sub, charge) - sub.free_units(terms, name) - prepaid)
    _note_own(sub, charge, sub.item(name).pool_units + units - max(paid, ZERO))
    if paid > 0:
        yield from setup(sub, terms, name, paid)
        if not is_trial:
            yield from _recurring(sub, terms, charge, paid, day=day)
    if not is_trial:
        wholesale.acquire(sub, charge, units, day=day)


def release(sub: Subscription, terms: Terms, name: str, units: Fraction, *, day: dt.date) -> list[Line]:
    """The refund of `units` given up: the paid ones go first, of those the latest; free ones refund nothing (F1, F4)."""
    charge = terms.charges.get(name)
    if charge is not None:
        _note_own(sub, charge, min(sub.item(name).pool_units, held(sub, charge)))
        wholesale.release(sub, name, units, day=day)
    return lots.refunds(
        sub.lots.get(name, []), units, day=day, percent=terms.refund_percent, currency=sub.currency
    )


def correct(sub: Subscription, terms: Terms, charge: Charge, *, day: dt.date) -> list[Line]:
    """Metered in advance: the prorated charge or refund for what a daily reading shows changed (U9)."""
    reading = quantity.closing(sub.readings.get(charge.name, ()), day)
    if reading is None or (charge.is_exchange and not sub.has_exchange):
        return []
    item, now = sub.item(charge.name), quantity.kept(charge, reading.value)
    change = now - item.quantity
    free = sub.free_units(terms, charge.name)
    above = max(ZERO, now - free) - max(ZERO, item.quantity - free)
    item.quantity = now
    if change > 0 and above > 0:
        return list(_ahead_line(sub, terms, charge, above, reading, day=day))
    if change < 0 and above < 0:
        return lots.refunds(
            sub.lots.get(charge.name, []),
            -above,
            day=day,
            percent=terms.refund_percent,
            currency=sub.currency,
        )
    return []


def _recurring(
    sub: Subscription, terms: Terms, charge: Charge, units: Fraction, *, day: dt.date
) -> Iterator[Line]:
    price = terms.rates(charge.name, sub.months).recurring
    if price is None:
        return
    is_monthly = charge.cadence == "month"
    full = sub.month if is_monthly else sub.period
    line = rating.recurring(
        item=charge.name,
        price=price,
        units=units,
        full=full,
        start=max(day, full.start),
        is_whole=is_monthly,
        months=sub.months,
        terms=terms,
        promotions=sub.promotions,
        rule="R4" if is_monthly else "R3",
    )
    yield from rating.with_promotions(line, sub.promotions, sub.currency)


def _commitment(
    sub: Subscription, terms: Terms, charge: Charge, *, day: dt.date, by_period: bool
) -> Iterator[Line]:
    """Units prepaid for the period at the period's discount (U8)."""
    if not charge.commitment:
        return
    price = terms.rates(charge.name, sub.months).commitment
    if price is None or not (by_period and charge.commitment_units and is_on(sub, charge)):
        return
    line = rating.recurring(
        item=charge.name,
        price=price,
        units=charge.commitment_units,
        full=sub.period,
        start=max(day, sub.period.start),
        is_whole=False,
        months=sub.months,
        terms=terms,
        promotions=sub.promotions,
        rule="U8",
    )
    yield from rating.with_promotions(line, sub.promotions, sub.currency)


def _ahead(sub: Subscription, terms: Terms, charge: Charge, *, day: dt.date) -> Iterator[Line]:
    """The reading at the opening, charged for the time to come; without an answer the last known one stands (U9, U4)."""
    if not is_on(sub, charge):
        return
    if charge.is_exchange and not sub.has_exchange:
        sub.item(charge.name).quantity = ZERO
        return
    reading = quantity.closing(sub.readings.get(charge.name, ()), day)
    item = sub.item(charge.name)
    if reading is not None:
        item.quantity = quantity.kept(charge, reading.value)
    units = item.quantity - sub.free_units(terms, charge.name)
    if units > 0:
        yield from _ahead_line(sub, terms, charge, units, reading, day=day)


def _ahead_line(
    sub: Subscription, terms: Terms, charge: Charge, units: Fraction, reading: Reading | None, *, day: dt.date
) -> Iterator[Line]:
    price = terms.rates(charge.name, sub.months).usage
    if price is None:
        return
    full = sub.month if charge.cadence == "month" else sub.period
    line = rating.recurring(
        item=charge.name,
        price=price,
        units=units,
        full=full,
        start=max(day, full.start),
        is_whole=False,
        months=sub.months,
        terms=terms,
        promotions=sub.promotions,
        rule="U9",
        readings=(reading,) if reading else (),
    )
    yield from rating.with_promotions(line, sub.promotions, sub.currency)
