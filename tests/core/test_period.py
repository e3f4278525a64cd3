"""The calendar: anniversaries from the original day, days and nothing but days (C2, C3)."""

import calendar
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postledger.core.period import Period, add_months, share_left

DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2080, 12, 31))
MONTHS = st.integers(0, 240)


@pytest.mark.parametrize(
    ("anchor", "months", "day"),
    [
        ("2025-01-31", 1, "2025-02-28"),
        ("2025-01-31", 2, "2025-03-31"),  # from the original day, not from 28 February
        ("2024-01-31", 1, "2024-02-29"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2025-11-30", 3, "2026-02-28"),
    ],
)
def test_an_anniversary_is_counted_from_the_original_day(anchor, months, day):
    assert add_months(dt.date.fromisoformat(anchor), months) == dt.date.fromisoformat(day)


@given(DAYS, MONTHS)
def test_an_anniversary_falls_on_the_anchors_day_or_the_months_last(anchor, months):
    found = add_months(anchor, months)
    last = calendar.monthrange(found.year, found.month)[1]
    assert found.day == min(anchor.day, last)
    assert (found.year - anchor.year) * 12 + found.month - anchor.month == months


@given(DAYS, MONTHS)
def test_months_follow_each_other_without_gap_or_overlap(anchor, months):
    assert add_months(anchor, months) < add_months(anchor, months + 1)


@given(DAYS, st.integers(1, 24), st.data())
def test_what_is_used_and_what_is_left_make_the_whole(anchor, months, data):
    full = Period(anchor, add_months(anchor, months))
    day = anchor + dt.timedelta(days=data.draw(st.integers(0, full.days)))
    used = Period(anchor, day)
    assert share_left(full, day) * full.days + used.days == full.days


def test_day_eleven_of_thirty_leaves_twenty_days():
    full = Period(dt.date(2025, 4, 1), dt.date(2025, 5, 1))
    assert share_left(full, dt.date(2025, 4, 11)) * 30 == 20
