"""Readings become one quantity by the charge's aggregate (U2). Invariant: no answer is never read as zero (U4)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from postledger.core.period import Period
from postledger.core.terms import Charge

_ZERO = Fraction(0)
_HUNDREDTH = Fraction(1, 100)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a meter showed at an instant; `day` is that instant's date in the seller's time zone.

    `is_carried` marks a sum over several organizations of which one did not answer that day: good enough for an
    average, not for a closing reading.
    """

    day: dt.date
    value: Fraction
    taken_at: str = ""
    source: str = ""
    is_carried: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """Units to bill above the threshold, exact, and the readings that made them."""

    units: Fraction
    readings: tuple[Reading, ...]


class Unrateable(ValueError):
    """A fact that cannot be billed as it stands; the message tells an operator what to look at."""


def kept(charge: Charge, value: Fraction) -> Fraction:
    """A reading kept to the charge's step, half up; where the charge says so, a started unit counts whole instead (U2, U6).

    Raises:
        Unrateable: the reading is less than nothing.
    """
    if value.numerator < 0:
        raise Unrateable(
            f"A reading of {charge.name} is {value}, less than nothing. "
            "Correct or remove the reading, then release the account."
        )
    step = min(charge.step, _HUNDREDTH) if charge.started_unit else charge.step
    steps, part = value.denominator * step.numerator, value.numerator * step.denominator
    if part % steps:
        value = Fraction((2 * part + steps) // (2 * steps) * step.numerator, step.denominator)
    if charge.started_unit:
        block = max(charge.step, Fraction(1))
        value = -((-value / block).__floor__()) * block
    return value


def megabytes_to_gigabytes(value: Fraction) -> Fraction:
    """MB ÷ 1024, kept to 0.01, half up (U6)."""
    return (value / 1024 * 100 + Fraction(1, 2)).__floor__() * Fraction(1, 100)


def closing(readings: Sequence[Reading], day: dt.date) -> Reading | None:
    """The closing reading: the last one taken on the day of the close, if the platform answered that day."""
    for reading in reversed(readings):
        if reading.day == day and not reading.is_carried:
            return reading
        if reading.day < day:
            return None
    return None


def nearest(readings: Sequence[Reading], day: dt.date) -> Reading | None:
    """The stored reading nearest to a missed close, the earlier of two equally near (U4)."""
    usable = [reading for reading in readings if not reading.is_carried]
    return min(usable, key=lambda reading: (abs((reading.day - day).days), reading.day), default=None)


def measured(
    charge: Charge,
    readings: Sequence[Reading],
    *,
    window: Period,
    month_days: int,
    closes_on: dt.date,
    threshold: Fraction,
    counts_closing: bool = False,
) -> Measured | None:
    """The units a metered charge bills for `window`, or None where there is no reading to bill from (U2, U4).

    Args:
        readings: of this meter, in the order they were taken, up to and including the day of the close; for an
            average the ones before the window too, whose last value holds until the next reading.
        month_days: the days of the whole billing month, the divisor of an average.
        threshold: free units, or the reserved limit; applied per day for an average.
        counts_closing: the closing reading belongs to this month (U5), not to the next.
    """
    if charge.aggregate == "last":
        last = closing(readings, closes_on)
        if last is None:
            return None
        return Measured(_above(kept(charge, last.value), threshold), (last,))
    if charge.aggregate == "average":
        return _average(charge, readings, window, month_days, threshold)
    inside = [
        reading
        for reading in readings
        if reading.day in window or (counts_closing and reading.day == closes_on)
    ]
    if not inside:
        return None
    if charge.aggregate == "peak":
        top = max(inside, key=lambda reading: reading.value)
        return Measured(_above(kept(charge, top.value), threshold), (top,))
    amounts = {reading.day: reading for reading in inside}  # the amount of a day: its last reading stands
    total = sum((kept(charge, reading.value) for reading in amounts.values()), _ZERO)
    return Measured(_above(total, threshold), tuple(amounts.values()))


def _above(units: Fraction, threshold: Fraction) -> Fraction:
    """Units above a threshold, never fewer than none."""
    if not threshold.numerator:
        return units
    if units.denominator == threshold.denominator == 1:
        return Fraction(max(0, units.numerator - threshold.numerator))
    above = units - threshold
    return above if above.numerator > 0 else _ZERO


def _average(
    charge: Charge, readings: Sequence[Reading], window: Period, month_days: int, threshold: Fraction
) -> Measured | None:
    """Time-weighted over days: each day counts with the last reading taken by its end, before the first with zero."""
    before = [reading for reading in readings if reading.day < window.start]
    inside = [reading for reading in readings if reading.day in window]
    if not inside and window.days:
        return None
    held = before[-1:] + inside
    unit_days = _ZERO
    for position, reading in enumerate(held):
        start = max(reading.day, window.start)
        end = held[position + 1].day if position + 1 < len(held) else window.end
        if end > start:
            unit_days += _above(kept(charge, reading.value), threshold) * (end - start).days
    return Measured(unit_days / month_days, tuple(held))
