"""What a new version of a plan's terms changes, and from when each change counts (F6, F7, U7, U12)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from postledger.core import money
from postledger.core.terms import Charge, Discounts, Package, Prices, Terms

OPENING = "New purchases at once, present subscribers when their next period opens."
MONTH = "New purchases at once, present subscribers when their next month begins."
CLOSE = "Every month that closes from that day on, the whole of it."
ORDERS = "What is ordered from that day on; what is held stays."
SIGNUPS = "Whoever signs up from that day on."
REFUNDS = "What is given up from that day on."
_CADENCE = "From the first close on. What was not billed before is not billed afterwards; you may enter a debit for it."
_NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a version changes.

    Attributes:
        item: the charge or package; empty for the plan itself.
        what: the property, in words.
        before, after: in words; a dash where there is none.
        when: from when it counts, a sentence.
    """

    item: str
    what: str
    before: str
    after: str
    when: str


def differences(old: Terms, new: Terms) -> tuple[Difference, ...]:
    """Everything the newer terms change, the plan's own properties first, then charge by charge."""
    return tuple(
        found
        for found in (*_plan(old, new), *_charges(old, new), *_packages(old, new))
        if found.before != found.after
    )


def _plan(old: Terms, new: Terms) -> Iterator[Difference]:
    for months in sorted({*old.periods, *new.periods}):
        words = f"Period of {months} month{'' if months == 1 else 's'}"
        before, after = _discounts(old.periods.get(months)), _discounts(new.periods.get(months))
        is_offer = months not in old.periods or months not in new.periods
        yield Difference("", words, before, after, SIGNUPS if is_offer else OPENING)
    for what, told, when in (
        ("Refund", lambda terms: f"{_number(terms.refund_percent)} %", REFUNDS),
        ("Money back", lambda terms: _days(terms.money_back_days), REFUNDS),
        ("Trial", _trial, SIGNUPS),
        ("Signups wait for a review", lambda terms: _yes(terms.is_moderated), SIGNUPS),
        ("Subscribers keep their version", lambda terms: _yes(terms.is_grandfathered), SIGNUPS),
    ):
        yield Difference("", what, told(old), told(new), when)
    both = old.charges.keys() & new.charges.keys()
    before, after = (", ".join(name for name in terms.charges if name in both) for terms in (old, new))
    yield Difference("", "Order on the invoice", before, after, "Every invoice from that day on.")


def _charges(old: Terms, new: Terms) -> Iterator[Difference]:
    for name in dict.fromkeys((*old.charges, *new.charges)):
        was, becomes = old.charges.get(name), new.charges.get(name)
        if was is None or becomes is None:
            either = was or becomes
            assert either is not None
            is_new = was is None
            told = "charged" if either.activated else "charged when switched on"
            yield Difference(
                name,
                "The charge",
                _NOTHING if is_new else told,
                told if is_new else _NOTHING,
                CLOSE if either.measure == "metered" else OPENING,
            )
            continue
        for what, tell, when in _PROPERTIES:
            yield Difference(name, what, tell(was), tell(becomes), when(becomes))


def _packages(old: Terms, new: Terms) -> Iterator[Difference]:
    for name in dict.fromkeys((*old.packages, *new.packages)):
        was, becomes = old.packages.get(name), new.packages.get(name)
        yield Difference(name, "Extra package", _package(was), _package(becomes), OPENING)


def _recurring_when(charge: Charge) -> str:
    return MONTH if charge.cadence == "month" else OPENING


def _free_when(charge: Charge) -> str:
    return CLOSE if charge.measure == "metered" else _recurring_when(charge)


_PROPERTIES: tuple[tuple[str, Callable[[Charge], str], Callable[[Charge], str]], ...] = (
    ("Kind", lambda charge: charge.measure, _recurring_when),
    ("Billed each", lambda charge: charge.cadence, lambda _: _CADENCE),
    ("Charged", lambda charge: "ahead" if charge.timing == "advance" else "afterwards", lambda _: CLOSE),
    ("Counts", lambda charge: charge.aggregate, lambda _: CLOSE),
    ("Setup", lambda charge: _prices(charge.setup), lambda _: ORDERS),
    ("Fee", lambda charge: _prices(charge.recurring), _recurring_when),
    ("Usage", lambda charge: _prices(charge.usage), lambda _: CLOSE),
    ("Included units", lambda charge: _number(charge.free), _free_when),
    ("At most", lambda charge: _NOTHING if charge.max is None else _number(charge.max), lambda _: ORDERS),
    ("Kept to", lambda charge: _number(charge.step), lambda _: CLOSE),
    ("A started unit counts whole", lambda charge: _yes(charge.started_unit), lambda _: CLOSE),
    ("On from signup", lambda charge: _yes(charge.activated), lambda _: SIGNUPS),
    ("Units prepaid", lambda charge: _number(charge.commitment_units), lambda _: OPENING),
    ("Price of prepaid units", lambda charge: _prices(charge.commitment), lambda _: OPENING),
)


def _prices(prices: Prices) -> str:
    told = [
        _number(price) if months == 1 else f"{_number(price)} for {months} months"
        for months, price in sorted(prices.items())
        if price or months != 1
    ]
    return ", ".join(told) or _NOTHING


def _discounts(off: Discounts | None) -> str:
    if off is None:
        return _NOTHING
    told = [
        f"{_number(percent)} % off {what}"
        for what, percent in (("setup", off.setup), ("fees", off.recurring), ("usage", off.usage))
        if percent
    ]
    return ", ".join(told) or "no discount"


def _package(package: Package | None) -> str:
    if package is None:
        return _NOTHING
    adds = ", ".join(f"{_number(units)} × {name}" for name, units in _sorted(package.adds))
    return f"{adds or 'nothing'}; setup {_prices(package.setup)}; fee {_prices(package.recurring)}"


def _sorted(mapping: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(mapping.items())


def _trial(terms: Terms) -> str:
    if terms.trial is None:
        return _NOTHING
    limit = terms.trial.credit_limit
    return _days(terms.trial.days) + ("" if limit is None else f", up to {_number(limit)}")


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}" if count else _NOTHING


def _yes(claim: bool) -> str:
    return "yes" if claim else "no"


def _number(value: Fraction) -> str:
    return money.decimal_text(value)
