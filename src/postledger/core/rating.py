"""One fee becomes one line: price × units × share, multiplied out exactly and rounded once (M1).

Every line keeps the exact numbers it was made from in `why`; `rerate` multiplies them out again.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from postledger.core import money
from postledger.core.facts import Line, Pending
from postledger.core.period import Period
from postledger.core.quantity import Measured, Reading
from postledger.core.terms import Terms

_ONE = Fraction(1)


def setup(*, item: str, price: Fraction, units: Fraction, terms: Terms, kind: str = "setup") -> Line:
    """A one-time fee for units acquired above the free ones; never prorated (R2)."""
    return Line(
        kind=kind,
        item=item,
        amount=money.product(price, units, terms.currency),
        quantity=units,
        unit_price=price,
        why={
            "rule": "R2",
            "terms": terms.id,
            "version": terms.label,
            "price": str(price),
            "units": str(units),
        },
    )


def recurring(
    *,
    item: str,
    price: Fraction,
    units: Fraction,
    full: Period,
    start: dt.date,
    is_whole: bool,
    months: int,
    terms: Terms,
    promotions: Sequence[Fraction],
    rule: str,
    kind: str = "recurring",
    readings: Sequence[Reading] = (),
) -> Line:
    """A fee in advance for the days of `full` from `start` on; a month fee (`is_whole`) is not prorated (R3, R4)."""
    why: dict[str, Any] = {
        "rule": rule,
        "terms": terms.id,
        "version": terms.label,
        "months": months,
        "price": str(price),
        "units": str(units),
    }
    charged = units
    if not is_whole:
        left, days = (full.end - start).days, full.days
        why["share"] = (left, days)
        if left != days:
            charged = units * left / days
    if readings:
        why["readings"] = _reading_rows(readings)
    if promotions:
        why["promotions"] = [str(percent) for percent in promotions]
    return Line(
        kind=kind,
        item=item,
        amount=money.product(price, charged, terms.currency),
        start=start,
        end=full.end,
        quantity=units,
        unit_price=price,
        full=full,
        promotions=tuple(promotions),
        why=why,
    )


def usage(
    *,
    item: str,
    price: Fraction,
    measured: Measured,
    period: Period,
    months: int,
    terms: Terms,
    threshold: Fraction,
    late: str = "",
    pending: Pending | None = None,
) -> Line:
    """Usage of a closed month, in arrears: units above the free ones at the month's price (R5)."""
    why = {
        "rule": "R5",
        "terms": terms.id,
        "version": terms.label,
        "months": months,
        "price": str(price),
        "units": str(measured.units),
        "free": str(threshold),
        "readings": _reading_rows(measured.readings),
    }
    if late:
        why["late"] = late
    return Line(
        kind="usage",
        item=item,
        amount=money.product(price, measured.units, terms.currency),
        start=period.start,
        end=period.end,
        quantity=measured.units,
        unit_price=price,
        why=why,
        pending_id=pending.id if pending else None,
    )


def refund(
    *,
    item: str,
    price: Fraction,
    promotions: Sequence[Fraction],
    units: Fraction,
    full: Period,
    day: dt.date,
    is_whole: bool,
    percent: Fraction,
    currency: str,
    is_package: bool = False,
) -> Line:
    """What comes back for prepaid units given up on `day`: by the days left, a month fee whole (F1, F2).

    The full price is reduced by the promotions as the charge was (M2), so that buying and giving up cancel.
    """
    start = max(day, full.start)
    why: dict[str, Any] = {
        "rule": "F2" if is_whole else "F1",
        "price": str(price),
        "units": str(units),
        "percent": str(percent),
    }
    if promotions:
        why["less"] = [str(percent) for percent in promotions]
    if not is_whole:
        why["share"] = ((full.end - start).days, full.days)
    if is_package:
        why["package"] = True
    return Line(
        kind="refund",
        item=item,
        amount=-money.to_minor(_exact(why), currency),
        start=start,
        end=full.end,
        quantity=units,
        unit_price=reduced(price, promotions),
        full=full,
        why=why,
    )


def money_back(
    *,
    item: str,
    paid: int,
    units: Fraction,
    bought: Fraction,
    period: Period,
    full: Period,
    price: Fraction,
    is_package: bool,
) -> Line:
    """A recurring fee given back as it was paid, for the units still held (F3)."""
    why: dict[str, Any] = {"rule": "F3", "paid": paid, "units": str(units), "of": str(bought)}
    if is_package:
        why["package"] = True
    return Line(
        kind="refund",
        item=item,
        amount=-money.round_half_away(paid * units / bought),
        start=period.start,
        end=period.end,
        quantity=units,
        unit_price=price,
        full=full,
        why=why,
    )


def promotion(line: Line, percents: Sequence[Fraction], currency: str) -> Line:
    """The reduction of one fee by all promotions together: net by M2 less full price."""
    full = _exact(line.why)
    return Line(
        kind="promotion",
        item=line.item,
        amount=_promoted(full, percents, currency),
        start=line.start,
        end=line.end,
        why={"rule": "M2", "full": str(full), "percents": [str(percent) for percent in percents]},
    )


def debit(*, amount: int, text: str, is_taxed: bool) -> Line:
    """A one-time or repeating debit as the seller entered it (M4)."""
    return Line(
        kind="debit", item=text, amount=amount, is_taxed=is_taxed, why={"rule": "M4", "entered": amount}
    )


def with_promotions(line: Line, percents: Sequence[Fraction], currency: str) -> Iterator[Line]:
    """The line, followed by its promotion line where there are promotions (M2)."""
    yield line
    if percents:
        yield promotion(line, percents, currency)


def rerate(kind: str, why: dict[str, Any], currency: str) -> int:
    """The amount of a booked line, in minor units, multiplied out again from what is stored with it."""
    if "entered" in why:
        return int(why["entered"])
    if "subtotal" in why:
        rate = sum((Fraction(rate) for _, rate in why["rates"]), Fraction(0))
        return money.round_half_away(int(why["subtotal"]) * rate / 100)
    if "percents" in why:
        return _promoted(Fraction(why["full"]), [Fraction(p) for p in why["percents"]], currency)
    if "paid" in why:
        return -money.round_half_away(int(why["paid"]) * Fraction(why["units"]) / Fraction(why["of"]))
    amount = money.to_minor(_exact(why), currency)
    return -amount if kind == "refund" else amount


def _exact(why: dict[str, Any]) -> Fraction:
    exact = Fraction(why["price"]) * Fraction(why["units"])
    if "less" in why:
        exact = reduced(exact, [Fraction(percent) for percent in why["less"]])
    if "share" in why:
        exact = exact * why["share"][0] / why["share"][1]
    if "percent" in why:
        exact = exact * Fraction(why["percent"]) / 100
    return exact


def _promoted(full: Fraction, percents: Sequence[Fraction], currency: str) -> int:
    return money.to_minor(reduced(full, percents), currency) - money.to_minor(full, currency)


def reduced(full: Fraction, percents: Sequence[Fraction]) -> Fraction:
    """A full charge less its promotions, each kept to three decimals; together they take no more than all of it (M2)."""
    off = sum(
        (Fraction(money.round_half_away(full * percent * 10), 1000) for percent in percents), Fraction(0)
    )
    return max(Fraction(0), full - off)


def _reading_rows(readings: Sequence[Reading]) -> list[tuple[str, str, str]]:
    return [
        (reading.taken_at or reading.day.isoformat(), str(reading.value), reading.source)
        for reading in readings
    ]
