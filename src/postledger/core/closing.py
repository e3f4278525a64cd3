"""A billing month closes: usage of the closed month, then what the time that opens costs (R5, R7, C1, C4).

Invariant: a close is proposed from the facts alone, and closing the same facts twice proposes the same lines.
"""

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction

from postledger.core import fees, money, quantity, rating, wholesale
from postledger.core.facts import ZERO, Booking, Line, Pending, Subscription
from postledger.core.period import Period, add_months
from postledger.core.quantity import Measured
from postledger.core.terms import Charge, Terms


def open_first(sub: Subscription, *, day: dt.date) -> list[Line]:
    """The lines of a purchase that opens the first period on `day`, charge by charge, setup before recurring (C1)."""
    sub.anchor, sub.offset, sub.month_index, sub.activated_on = day, 0, 0, day
    terms = sub.terms_at(day)
    lines: list[Line] = []
    for charge in terms.charges.values():
        units = fees.held(sub, charge)
        lines.extend(fees.setup(sub, terms, charge.name, units - sub.free_units(terms, charge.name)))
        lines.extend(fees.fees(sub, terms, charge, day=day, by_period=True, by_month=True))
        if charge.measure != "metered":
            wholesale.acquire(sub, charge, units, day=day)
    return lines


def opening_fees(sub: Subscription, terms: Terms, *, day: dt.date, by_period: bool) -> Iterator[Line]:
    """Recurring fees of the month that opens on `day`, with those of the period where that opens too (R3, R4, F8)."""
    for charge in terms.charges.values():
        yield from fees.fees(sub, terms, charge, day=day, by_period=by_period, by_month=True)
        if sub.wholesale is not None and charge.measure != "metered":
            units = fees.held(sub, charge)
            wholesale.renew(sub, charge, units, day=day, by_period=by_period, by_month=True)
    if by_period:
        for name in sub.package_names(terms):
            yield from fees.package_fees(sub, terms, name, sub.packages[name], day=day, is_new=False)


def close(sub: Subscription) -> Booking:
    """The lines of the next close, in the order of R7, with `sub` moved on to the month that opens.

    Raises:
        Unrateable: a fact that cannot be billed; the account is to be parked with these words.
    """
    closes_on = sub.next_close
    assert closes_on is not None, "nothing is open"
    terms = sub.terms_at(closes_on)
    _require_prices(sub, terms)
    ends_period = sub.month_index + 1 == sub.months
    is_suspended = sub.status == "suspended"
    lines = list(overdue_usage(sub, on=closes_on))
    # While suspended only the month in which the suspension fell is billed (U10).
    if not is_suspended or (sub.suspended_on is not None and sub.suspended_on >= sub.month.start):
        lines += month_usage(sub, terms, closes_on=closes_on, ends_period=ends_period)
    else:
        _report_unbilled(sub, terms, closes_on)
    for item in sub.items.values():
        if item.usage_from is not None and item.usage_from <= closes_on:
            item.usage_from = None
    if not ends_period:
        sub.month_index += 1
    elif is_suspended:
        sub.is_period_over = True  # suspension neither closes the period nor opens one (M8)
    else:
        sub.offset, sub.month_index = sub.offset + sub.months, 0
    if not is_suspended:
        lines += opening_fees(sub, terms, day=closes_on, by_period=ends_period)
        for debit in sub.debits:
            if debit.every == "month" or ends_period:
                lines.append(rating.debit(amount=debit.amount, text=debit.text, is_taxed=debit.is_taxed))
    return Booking(sub.id, closes_on, lines, closes=True)


def _require_prices(sub: Subscription, terms: Terms) -> None:
    """What is held has a price, if only of 0: a charge that was taken out of a plan is not given away unseen."""
    for name, item in sub.items.items():
        if name not in terms.charges and item.is_on and item.quantity:
            raise quantity.Unrateable(
                f"Plan {terms.label} has no price for {name}, of which this account holds "
                f"{money.decimal_text(item.quantity)}. Put the charge back into the plan, with a price of 0 if it is to "
                "be free, then release the account."
            )


def month_usage(
    sub: Subscription,
    terms: Terms,
    *,
    closes_on: dt.date,
    ends_period: bool,
    only_exchange: bool = False,
    is_cut: bool = False,
    is_leaving: bool = False,
) -> Iterator[Line]:
    """The usage lines of the open month, priced by the terms in force at its close (R5, U7); what cannot be read waits.

    Args:
        is_cut: the billing month itself ends on `closes_on`, before its time (C5, C6).
        is_leaving: Exchange, a charge or the account ends on `closes_on`: `last` and `peak` are billed for the whole
            month and count the closing reading, the others up to that day (U5).
    """
    for charge in terms.charges.values():
        if charge.measure != "metered" or charge.timing == "advance" or not fees.is_on(sub, charge):
            continue
        if only_exchange and not charge.is_exchange:
            continue
        if charge.cadence == "period" and not (ends_period or is_cut or is_leaving):
            continue
        line = charge_usage(sub, terms, charge, closes_on=closes_on, is_leaving=is_leaving)
        if line is not None:
            yield from rating.with_promotions(line, sub.promotions, sub.currency)


def charge_usage(
    sub: Subscription, terms: Terms, charge: Charge, *, closes_on: dt.date, is_leaving: bool
) -> Line | None:
    """The usage line of one charge, or None where there is nothing to bill; a missing reading is noted as pending (U4)."""
    rates = terms.rates(charge.name, sub.months)
    # Adding Exchange costs nothing; what it costs begins with the first close after it (U1).
    if rates.usage is None or (charge.is_exchange and not sub.had_exchange(closes_on)):
        return None
    month, price, start, days = sub.month, rates.usage, sub.month.start, sub.month.days
    if charge.cadence == "period":
        count = _unbilled_months(sub, charge.name)
        price = price * count / sub.months
        start = add_months(sub.anchor, sub.offset + sub.month_index + 1 - count)
        days = (month.end - start).days
    item = sub.items.get(charge.name)
    if item is not None and item.usage_from is not None:
        start = max(start, item.usage_from)
    window = Period(start, closes_on)
    if window.days <= 0:
        return None  # billed already, or not a day of it used
    is_whole_month = is_leaving and charge.aggregate in ("last", "peak")
    billed = Period(start, month.end) if is_whole_month else window
    threshold = _threshold(sub, terms, charge)
    readings = sub.readings.get(charge.name, ())
    since = start
    if charge.is_exchange and sub.exchange_since is not None and sub.resold_since is None:
        since = max(start, sub.exchange_since)
    if since > start:
        needs_a_day = charge.aggregate == "average" or (charge.aggregate != "last" and not is_leaving)
        if needs_a_day and since >= closes_on:
            return None  # the organization was there for none
        readings = [reading for reading in readings if reading.day >= since]  # before, it was another one
    measured = quantity.measured(
        charge,
        readings,
        window=window,
        month_days=days,
        closes_on=closes_on,
        threshold=threshold,
        counts_closing=is_leaving,
    )
    if measured is None:
        if charge.aggregate == "average":
            billed = Period(since, closes_on)  # the late reading will stand for these days
            price = price * billed.days / days
        sub.pending.append(Pending(charge.name, billed, closes_on, terms, sub.months, price, threshold))
        return None
    if not measured.units:
        return None
    return rating.usage(
        item=charge.name,
        price=price,
        measured=measured,
        period=billed,
        months=sub.months,
        terms=terms,
        threshold=threshold,
    )


def overdue_usage(sub: Subscription, *, on: dt.date) -> Iterator[Line]:
    """At the next close: usage still pending is billed from the stored reading nearest to the missed close (U4)."""
    for pending in list(sub.pending):
        reading = quantity.nearest(sub.readings.get(pending.item, ()), pending.closes_on)
        if reading is not None:
            yield from _late(sub, pending, reading, f"nearest stored reading, taken on {reading.day}")


def arrived_usage(sub: Subscription, *, today: dt.date) -> list[Line]:
    """Pending usage for which a reading has arrived since the missed close (U4)."""
    lines: list[Line] = []
    for pending in list(sub.pending):
        for reading in sub.readings.get(pending.item, ()):
            if pending.closes_on <= reading.day <= today and not reading.is_carried:
                lines += _late(sub, pending, reading, f"read late, on {reading.day}")
                break
    return lines


def _late(sub: Subscription, pending: Pending, reading: quantity.Reading, words: str) -> Iterator[Line]:
    """The late line: from the month's own readings where they came in the meantime, else from this one reading."""
    charge, month = pending.terms.charges[pending.item], Period(pending.period.start, pending.closes_on)
    sub.pending.remove(pending)
    measured = None
    if charge.aggregate != "last" and month.days > 0:
        measured = quantity.measured(
            charge,
            sub.readings.get(pending.item, ()),
            window=month,
            month_days=month.days,
            closes_on=pending.closes_on,
            threshold=pending.threshold,
        )
    if measured is None:
        units = max(ZERO, quantity.kept(charge, reading.value) - pending.threshold)
        measured = Measured(units, (reading,))
    if measured.units:
        line = rating.usage(
            item=pending.item,
            price=pending.price,
            measured=measured,
            period=pending.period,
            months=pending.months,
            terms=pending.terms,
            threshold=pending.threshold,
            late=words,
            pending=pending,
        )
        yield from rating.with_promotions(line, sub.promotions, sub.currency)


def _threshold(sub: Subscription, terms: Terms, charge: Charge) -> Fraction:
    """Units not billed as usage: the free ones, or the reserved limit where that is more (U2), plus a commitment (U8)."""
    threshold = sub.free_units(terms, charge.name)
    item = sub.items.get(charge.name)
    if item is not None and item.is_on and charge.recurring:
        threshold = max(threshold, item.quantity)
    if charge.commitment:
        threshold += charge.commitment_units
    return threshold


def _unbilled_months(sub: Subscription, charge: str) -> int:
    """How many months, the open one last, closed under cadence period and so wait for the period's end (U3, U12)."""
    count = 1
    while count <= sub.month_index:
        closed_on = add_months(sub.anchor, sub.offset + sub.month_index - count + 1)
        then = sub.terms_at(closed_on).charges.get(charge)
        if then is None or then.cadence != "period":
            break
        count += 1
    return count


def _report_unbilled(sub: Subscription, terms: Terms, closes_on: dt.date) -> None:
    """Usage of months after the suspension is reported to the seller, not billed (U10)."""
    for charge in terms.charges.values():
        if charge.measure == "metered":
            reading = quantity.closing(sub.readings.get(charge.name, ()), closes_on)
            if reading is not None and reading.value:
                sub.unbilled_usage.append(
                    {"item": charge.name, "month": sub.month.start.isoformat(), "value": str(reading.value)}
                )
