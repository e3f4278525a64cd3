"""Changes between closes: quantities, activation, packages, plan, period, start date, Exchange, suspension, the end.

Each function applies one event to the facts of a subscription on a day and returns the lines it books, in the order of
R7. A request that cannot be granted raises `Refusal` before anything is changed.
"""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from fractions import Fraction
from itertools import chain

from postledger.core import closing, fees, lots, money, rating, wholesale
from postledger.core.errors import Refusal
from postledger.core.facts import ZERO, Line, Lot, Subscription
from postledger.core.period import Period, add_months
from postledger.core.terms import Charge, Terms


class AboveMaximum(Refusal):
    """More units than the plan allows (R9)."""

    reason = "max"


class ExchangeExists(Refusal):
    """The target plan does not sell Exchange while an organization exists (F5)."""

    reason = "exchange_exists"


class NotOffered(Refusal):
    """The plan has no such charge, package or billing period."""

    reason = "not_offered"


class BadQuantity(Refusal):
    """A quantity that nothing can have: negative, or no number."""

    reason = "bad_quantity"


class NotOpen(Refusal):
    """The subscription is not in a state in which this can be done."""

    reason = "not_open"


def check_quantities(terms: Terms, quantities: Mapping[str, Fraction]) -> None:
    """Refuse a request as a whole: unknown charges, negative quantities, more than the maximum (R9)."""
    for name, units in quantities.items():
        charge = terms.charges.get(name)
        if (
            charge is None
            or charge.measure == "fixed"
            or (charge.measure == "metered" and not charge.recurring)
        ):
            raise NotOffered(f"Plan {terms.plan} has no charge {name!r} that can be ordered by quantity.")
        if units < 0:
            raise BadQuantity(f"{name}: a quantity cannot be negative, and {money.decimal_text(units)} is.")
        if charge.max is not None and units > charge.max:
            raise AboveMaximum(
                f"{name}: {money.decimal_text(units)} is more than plan {terms.plan} allows, which is at most "
                f"{money.decimal_text(charge.max)}. Nothing was changed."
            )


def set_quantities(sub: Subscription, quantities: Mapping[str, Fraction], *, day: dt.date) -> list[Line]:
    """Reserved quantities from `day` on: what is added is charged, what is given up refunded (R1–R3, F1, F4)."""
    _require(sub, "active", "trial", "waiting")
    terms = sub.terms_at(day)
    check_quantities(terms, quantities)
    given_up: list[Line] = []
    added: list[Line] = []
    for name in terms.charges:
        if name not in quantities:
            continue
        item = sub.item(name, is_on=terms.charges[name].activated)
        change = quantities[name] - item.quantity
        item.quantity = quantities[name]
        if sub.status == "waiting" or not item.is_on:
            continue
        if change < 0:
            given_up += fees.release(sub, terms, name, -change, day=day)
        elif change > 0:
            added += fees.acquire(sub, terms, name, change, day=day, is_trial=sub.status == "trial")
    return given_up + added


def switch_on(sub: Subscription, name: str, *, day: dt.date) -> list[Line]:
    """An optional charge is billed from its activation (R8)."""
    _require(sub, "active", "trial", "waiting")
    terms = sub.terms_at(day)
    charge = terms.charges.get(name)
    if charge is None:
        raise NotOffered(f"Plan {terms.plan} has no charge {name!r}.")
    if fees.is_on(sub, charge):
        return []
    item = sub.item(name)
    item.is_on = True
    if sub.status == "waiting":
        return []
    if charge.measure == "metered":
        if sub.status == "active" and day > sub.month.start:
            item.usage_from = max(day, item.usage_from or day)
        return list(
            fees.fees(sub, terms, charge, day=day, by_period=True, by_month=True)
            if sub.status == "active"
            else ()
        )
    units = fees.held(sub, charge)
    return list(fees.acquire(sub, terms, name, units, day=day, is_trial=sub.status == "trial"))


def switch_off(sub: Subscription, name: str, *, day: dt.date) -> list[Line]:
    """An optional charge ends: its usage is read and billed first, what was prepaid is refunded (R8, U5, F1)."""
    _require(sub, "active", "trial", "waiting")
    terms = sub.terms_at(day)
    charge = terms.charges.get(name)
    if charge is None:
        raise NotOffered(f"Plan {terms.plan} has no charge {name!r}.")
    if not fees.is_on(sub, charge):
        return []
    lines: list[Line] = []
    units = fees.held(sub, charge)
    if sub.status == "active" and charge.measure == "metered" and charge.timing == "arrears":
        line = closing.charge_usage(sub, terms, charge, closes_on=day, is_leaving=True)
        if line is not None:
            lines += rating.with_promotions(line, sub.promotions, sub.currency)
        _usage_is_billed(sub, terms, name, day)
    if sub.status == "active":
        wholesale.release(sub, name, units, day=day)
        lines += _refund_all(sub, terms, names=(name,), day=day, by_month=True)
    sub.item(name).is_on = False
    return lines


def buy_package(sub: Subscription, name: str, *, day: dt.date) -> list[Line]:
    """One more extra package: its fees now, its units free from now on; what is prepaid is not refunded (F8)."""
    _require(sub, "active", "trial")
    terms = sub.terms_at(day)
    if name not in terms.packages:
        raise NotOffered(f"Plan {terms.plan} has no package {name!r}.")
    lines = list(
        fees.package_fees(sub, terms, name, fees.ONE, day=day, is_new=True, is_trial=sub.status == "trial")
    )
    sub.packages[name] = sub.packages.get(name, ZERO) + 1
    return lines


def change_plan(sub: Subscription, target: Terms, *, day: dt.date) -> list[Line]:
    """The open period stays open: refund what the old plan prepaid, charge the new one for the days left (F5).

    The caller lets `sub.terms_at` answer with the target from now on.
    """
    _require(sub, "active", "trial")
    old = sub.terms_at(day)
    if sub.has_exchange and not target.sells_exchange:
        raise ExchangeExists(
            f"Plan {target.plan} has no Exchange, and an Exchange organization exists. "
            "Delete Exchange first, or choose a plan that has it."
        )
    check_quantities(
        target,
        {
            name: item.quantity
            for name, item in sub.items.items()
            if item.quantity and _is_ordered(target, name) and item.is_on
        },
    )
    was_on = {name for name, charge in old.charges.items() if fees.is_on(sub, charge)}
    _switch_on_included(sub, old, target, was_on)
    if sub.status == "trial":
        _forget_missing(sub, target)
        return []
    lines: list[Line] = []
    for name in old.charges:
        gone = name not in target.charges
        if gone and old.charges[name].measure != "metered":
            wholesale.release(sub, name, fees.held(sub, old.charges[name]), day=day)
        lines += _refund_all(sub, old, names=(name,), day=day, by_month=gone)
    lines += _refund_all(sub, old, names=sub.package_names(old), day=day, by_month=True, packages=True)
    _forget_missing(sub, target)
    for name, charge in target.charges.items():
        is_new = name not in was_on and fees.is_on(sub, charge)
        if is_new and charge.measure != "metered":
            units = fees.held(sub, charge)
            lines += fees.setup(sub, target, name, units - sub.free_units(target, name))
            wholesale.acquire(sub, charge, units, day=day)
        was_by_period = name in old.charges and old.charges[name].cadence == "period"
        lines += fees.fees(
            sub,
            target,
            charge,
            day=day,
            by_period=True,
            by_month=is_new or was_by_period or _is_month_ahead(charge),
        )
    for name in sub.package_names(target):
        lines += fees.package_fees(
            sub, target, name, sub.packages[name], day=day, is_new=name not in old.packages
        )
    return lines


def change_period(sub: Subscription, months: int, *, day: dt.date) -> list[Line]:
    """Another billing period: it keeps its start where less time has passed than its new length, else opens today (C5)."""
    _require(sub, "active")
    terms = sub.terms_at(day)
    if months not in terms.periods:
        offered = ", ".join(str(length) for length in terms.periods)
        raise NotOffered(f"Plan {terms.plan} is not sold for {months} months, only for {offered}.")
    if months == sub.months:
        return []
    if day >= add_months(sub.anchor, sub.offset + months):
        return _reopen(sub, terms, day=day, start=day, months=months)
    by_period = tuple(name for name, charge in terms.charges.items() if not _is_month_ahead(charge))
    lines = _refund_all(sub, terms, names=by_period, day=day, by_month=False)
    lines += _refund_all(sub, terms, names=sub.package_names(terms), day=day, by_month=False, packages=True)
    wholesale.refund_all(sub, day=day, by_month=False)
    sub.months = months
    for charge in terms.charges.values():
        lines += fees.fees(sub, terms, charge, day=day, by_period=True, by_month=False)
        if charge.measure != "metered":
            wholesale.renew(sub, charge, fees.held(sub, charge), day=day, by_period=True, by_month=False)
    for name in sub.package_names(terms):
        lines += fees.package_fees(sub, terms, name, sub.packages[name], day=day, is_new=False)
    return lines


def change_start(sub: Subscription, start: dt.date, *, day: dt.date) -> list[Line]:
    """The seller moves the start of the period: close, usage, refunds, open at `start`, recurring (C6)."""
    _require(sub, "active")
    if abs((start - day).days) > 366:
        raise NotOffered(f"A period cannot start more than a year away from today; {start} does.")
    return _reopen(sub, sub.terms_at(day), day=day, start=start, months=sub.months)


def paid_twice(sub: Subscription, start: dt.date, *, day: dt.date) -> Fraction:
    """What was prepaid for the time from `start` on and does not come back when the start is moved on `day`: the new
    period charges that time again (C6). Exact, in major units, net of promotions and tax.

    The days before `day` do not come back at all, nor do month fees of earlier months; of the rest comes back what the
    plan's refund percentage leaves (F1, F2).

    Args:
        sub: as before the change, with what was prepaid for any day from `start` on.
    """
    kept = 1 - sub.terms_at(day).refund_percent / 100
    twice = ZERO
    for lot in chain(*sub.lots.values(), *sub.past_lots.values()):
        first, end = max(start, lot.bought_in.start), lot.full.end
        if lot.is_whole or end <= day:
            days = (kept if end > day else 1) * max((end - first).days, 0)
        else:
            days = max((day - first).days, 0) + kept * max((end - max(first, day)).days, 0)
        twice += rating.reduced(lot.price * lot.units, lot.promotions) * days / lot.full.days
    return twice


def activate(sub: Subscription, *, day: dt.date) -> list[Line]:
    """A signup opens its first period (C1)."""
    _require(sub, "waiting")
    sub.status = "active"
    return closing.open_first(sub, day=day)


def start_trial(sub: Subscription, *, day: dt.date) -> list[Line]:
    """The charges a trial records: setup fees, no recurring ones (M9)."""
    sub.status, sub.activated_on, sub.anchor = "trial", day, day
    terms = sub.terms_at(day)
    lines: list[Line] = []
    for charge in terms.charges.values():
        units = fees.held(sub, charge) - sub.free_units(terms, charge.name)
        lines += fees.setup(sub, terms, charge.name, units)
    return lines


def convert(sub: Subscription, *, day: dt.date) -> list[Line]:
    """A trial becomes a paying account: the recurring fees of the period that opens; recorded lines go before (M9)."""
    if not (sub.status == "suspended" and sub.suspended_from == "trial"):
        _require(sub, "trial")
    sub.status, sub.activated_on, sub.suspended_on, sub.suspended_from = "active", day, None, ""
    sub.anchor, sub.offset, sub.month_index = day, 0, 0
    terms = sub.terms_at(day)
    lines: list[Line] = []
    for charge in terms.charges.values():
        lines += fees.fees(sub, terms, charge, day=day, by_period=True, by_month=True)
        if charge.measure != "metered":
            wholesale.acquire(sub, charge, fees.held(sub, charge), day=day)
    for name in sub.package_names(terms):
        lines += fees.package_fees(sub, terms, name, sub.packages[name], day=day, is_new=False)
    return lines


def delete_exchange(sub: Subscription, *, day: dt.date, is_waived: bool = False) -> list[Line]:
    """The organization is removed: its closing reading is billed first (U5).

    Args:
        is_waived: it was not his: what was used and not billed yet, months that wait for a reading (U4) with it, is billed
            nowhere; what was charged ahead is refunded as ever.
    """
    terms = sub.terms_at(day)
    lines: list[Line] = []
    if sub.exchange_since is None:
        return []
    if is_waived:
        sub.pending = [late for late in sub.pending if not late.terms.charges[late.item].is_exchange]
    if (
        sub.status in ("active", "suspended") and sub.resold_since is None
    ):  # else it is in the sum at his close (U11)
        is_billed = _bills_usage(sub) and not is_waived
        if is_billed:
            lines += closing.month_usage(
                sub, terms, closes_on=day, ends_period=False, only_exchange=True, is_leaving=True
            )
        for name, charge in terms.charges.items():
            if charge.is_exchange and charge.measure == "metered":
                if charge.timing == "advance":
                    lines += _refund_all(sub, terms, names=(name,), day=day, by_month=True)
                    sub.item(name).quantity = ZERO
                elif is_billed and fees.is_on(sub, charge):
                    _usage_is_billed(sub, terms, name, day)
    sub.exchange_since = None
    return lines


def cancel(sub: Subscription, *, day: dt.date) -> list[Line]:
    """The buyer quits: usage of the open month, then refunds by the days left, or all fees inside money-back days (U5, F1, F3)."""
    _require(sub, "active", "suspended", "trial", "waiting")
    terms = sub.terms_at(day)
    lines: list[Line] = []
    was, is_inside = sub.status, _in_money_back(sub, terms, day)
    if _bills_usage(sub):
        lines += closing.month_usage(sub, terms, closes_on=day, ends_period=False, is_leaving=True)
    if was in ("active", "suspended"):
        for name in terms.charges:
            lines += (
                _money_back(sub, name)
                if is_inside
                else _refund_all(sub, terms, names=(name,), day=day, by_month=True)
            )
        for name in sub.package_names(terms):
            lines += (
                _money_back(sub, name, packages=True)
                if is_inside
                else _refund_all(sub, terms, names=(name,), day=day, by_month=True, packages=True)
            )
        if sub.wholesale is not None:
            wholesale.refund_all(sub, day=day, by_month=True)
            for item in sub.items.values():
                item.pool_units = ZERO
    sub.status, sub.exchange_since = "closed", None
    return lines


def suspend(sub: Subscription, *, day: dt.date) -> None:
    """Suspension neither closes the period nor refunds (M8)."""
    _require(sub, "active", "trial")
    sub.suspended_from, sub.status, sub.suspended_on = sub.status, "suspended", day


def resume(sub: Subscription, *, day: dt.date) -> list[Line]:
    """Inside the period nothing is booked; after it a new period opens that day and the gap is not billed (M8)."""
    _require(sub, "suspended")
    sub.status, sub.suspended_on, sub.suspended_from = sub.suspended_from or "active", None, ""
    if not sub.is_period_over:
        return []
    sub.is_period_over = False
    sub.anchor, sub.offset, sub.month_index = day, 0, 0
    return list(closing.opening_fees(sub, sub.terms_at(day), day=day, by_period=True))


def _reopen(sub: Subscription, terms: Terms, *, day: dt.date, start: dt.date, months: int) -> list[Line]:
    """Close, usage, refunds, open, recurring (C6). A day already billed as usage is not billed again."""
    lines = list(closing.overdue_usage(sub, on=day))
    lines += closing.month_usage(sub, terms, closes_on=day, ends_period=False, is_cut=True)
    lines += _refund_all(sub, terms, names=tuple(terms.charges), day=day, by_month=True)
    lines += _refund_all(sub, terms, names=sub.package_names(terms), day=day, by_month=True, packages=True)
    wholesale.refund_all(sub, day=day, by_month=True)
    sub.anchor, sub.offset, sub.month_index, sub.months = start, 0, 0, months
    for charge in terms.charges.values():
        if charge.measure == "metered" and fees.is_on(sub, charge):
            sub.item(charge.name).usage_from = day if start < day else None
    lines += closing.opening_fees(sub, terms, day=start, by_period=True)
    return lines


def _is_month_ahead(charge: Charge) -> bool:
    """Usage of a month charged ahead: not of the period, yet prorated (U9)."""
    return charge.measure == "metered" and charge.timing == "advance" and charge.cadence == "month"


def _refund_all(
    sub: Subscription,
    terms: Terms,
    *,
    names: tuple[str, ...],
    day: dt.date,
    by_month: bool,
    packages: bool = False,
) -> list[Line]:
    """Refunds of everything prepaid under these names; month fees only where `by_month` (F1, F2)."""
    lines: list[Line] = []
    for name in names:
        prepaid = [
            lot
            for lot in sub.lots.get(name, ())
            if lot.is_package == packages and (by_month or not lot.is_whole)
        ]
        lines += lots.refunds(prepaid, None, day=day, percent=terms.refund_percent, currency=sub.currency)
    return lines


def _money_back(sub: Subscription, name: str, *, packages: bool = False) -> list[Line]:
    """All recurring fees of the current period as they were paid (F3)."""
    given: list[Lot] = []
    for lot in reversed([*sub.past_lots.get(name, ()), *sub.lots.get(name, ())]):
        if lot.is_package == packages and lot.units > 0 and lot.full.end > sub.period.start:
            if given and (given[-1].price, given[-1].promotions, given[-1].full) == (
                lot.price,
                lot.promotions,
                lot.full,
            ):
                given[-1] = _together(lot, given[-1])
            else:
                given.append(lot)
    lines = [
        rating.money_back(
            item=name,
            paid=lot.net_amount,
            units=lot.units,
            bought=lot.bought_units,
            period=lot.bought_in,
            full=lot.full,
            price=lot.price,
            is_package=packages,
        )
        for lot in given
    ]
    return lines


def _together(one: Lot, other: Lot) -> Lot:
    """Two lots of the same price as one; of a lot partly given up, the fee of what is left."""
    left = [
        dataclasses.replace(
            lot,
            net_amount=money.round_half_away(Fraction(lot.net_amount) * lot.units / lot.bought_units),
            bought_units=lot.units,
        )
        for lot in (one, other)
    ]
    return dataclasses.replace(
        left[0],
        units=one.units + other.units,
        bought_units=one.units + other.units,
        net_amount=left[0].net_amount + left[1].net_amount,
        bought_in=Period(
            min(one.bought_in.start, other.bought_in.start), max(one.bought_in.end, other.bought_in.end)
        ),
    )


def _in_money_back(sub: Subscription, terms: Terms, day: dt.date) -> bool:
    return sub.activated_on is not None and (day - sub.activated_on).days < terms.money_back_days


def _bills_usage(sub: Subscription) -> bool:
    """Whether usage of the open month is billed: while suspended, only that of the month in which it was (U10)."""
    if sub.status != "suspended":
        return sub.status == "active"
    return sub.next_close is not None and sub.suspended_on is not None and sub.suspended_on >= sub.month.start


def _usage_is_billed(sub: Subscription, terms: Terms, name: str, day: dt.date) -> None:
    """`last` and `peak` were billed for the whole month, the others up to `day` (U5); on its first day nothing was."""
    if day <= sub.month.start:
        return
    is_whole = terms.charges[name].aggregate in ("last", "peak")
    sub.item(name).usage_from = sub.month.end if is_whole else day


def _switch_on_included(sub: Subscription, old: Terms, target: Terms, was_on: set[str]) -> None:
    """What was on stays on; what was optional and off, and is on from signup in the target, is on there (R8, F5)."""
    for name, charge in target.charges.items():
        if name in was_on and not charge.activated:
            sub.item(name).is_on = True
        before, item = old.charges.get(name), sub.items.get(name)
        if item is not None and charge.activated and before is not None and not before.activated:
            item.is_on = True


def _forget_missing(sub: Subscription, target: Terms) -> None:
    """Charges and packages the target lacks are removed (F5)."""
    sub.items = {name: item for name, item in sub.items.items() if name in target.charges}
    sub.packages = {name: count for name, count in sub.packages.items() if name in target.packages}


def _is_ordered(terms: Terms, name: str) -> bool:
    charge = terms.charges.get(name)
    return charge is not None and (
        charge.measure == "reserved" or (charge.measure == "metered" and bool(charge.recurring))
    )


def _require(sub: Subscription, *allowed: str) -> None:
    if sub.status not in allowed:
        raise NotOpen(
            f"The subscription is {sub.status}; this can only be done while it is {' or '.join(allowed)}."
        )
