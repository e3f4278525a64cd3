"""Half-open periods of days and the calendar that follows from an anchor.

Invariant: every boundary is counted from the anchor's original day, never from the boundary before it (C2).
"""

import calendar
import datetime as dt
import functools
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `start` up to, not including, `end`."""

    start: dt.date
    end: dt.date

    @property
    def days(self) -> int:
        """The number of calendar days; a clock change is still one day (C3)."""
        return (self.end - self.start).days

    def __contains__(self, day: dt.date) -> bool:
        return self.start <= day < self.end


@functools.lru_cache(maxsize=65_536)
def add_months(anchor: dt.date, months: int) -> dt.date:
    """The anniversary `months` after the anchor, clamped to the month's end: 31 Jan + 1 is 28 Feb (C2)."""
    index = anchor.year * 12 + anchor.month - 1 + months
    year, month = divmod(index, 12)
    day = min(anchor.day, calendar.monthrange(year, month + 1)[1])
    return dt.date(year, month + 1, day)


@functools.lru_cache(maxsize=65_536)
def span(anchor: dt.date, first: int, count: int) -> Period:
    """The months `first` to `first + count` after the anchor as a period; a run asks for the same few again and again."""
    return Period(add_months(anchor, first), add_months(anchor, first + count))


def share_left(full: Period, day: dt.date) -> Fraction:
    """The part of a period that is left on `day`, which counts as left (C3): day 11 of 30 leaves 20/30."""
    return Fraction((full.end - max(day, full.start)).days, full.days)
