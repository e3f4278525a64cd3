"""Readings become a quantity: last, average, peak, sum (U2, U6)."""

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postledger.core import quantity
from postledger.core.period import Period
from postledger.core.quantity import Reading
from postledger.core.terms import Charge

APRIL = Period(dt.date(2025, 4, 1), dt.date(2025, 5, 1))


def charge(aggregate="last", *, step="1", started_unit=False):
    return Charge(
        "exchange.disk",
        "metered",
        "month",
        aggregate=aggregate,
        step=Fraction(step),
        started_unit=started_unit,
    )


def readings(*pairs):
    return [Reading(APRIL.start + dt.timedelta(days=day - 1), Fraction(value)) for day, value in pairs]


def units(aggregate, *pairs, free=0, step="1", counts_closing=False):
    found = quantity.measured(
        charge(aggregate, step=step),
        readings(*pairs),
        window=APRIL,
        month_days=30,
        closes_on=APRIL.end,
        threshold=Fraction(free),
        counts_closing=counts_closing,
    )
    return found and found.units


@pytest.mark.parametrize(
    ("aggregate", "pairs", "free", "expected"),
    [
        ("last", [(1, 2), (31, 6)], 2, 4),
        ("last", [(1, 9), (31, 1)], 2, 0),
        ("average", [(1, 2), (20, 6)], 2, Fraction(44, 30)),  # 4 above free on 11 days of 30
        ("average", [(11, 3)], 0, 2),  # nothing before the first reading
        ("peak", [(3, 4), (12, 9), (31, 12)], 2, 7),  # what is read at the close belongs to the next month
        ("sum", [(1, 4), (2, 5), (31, 50)], 3, 6),
    ],
)
def test_each_aggregate_has_its_own_quantity(aggregate, pairs, free, expected):
    assert units(aggregate, *pairs, free=free) == expected


def test_the_closing_reading_counts_where_exchange_ends():
    assert units("peak", (3, 4), (31, 12), counts_closing=True) == 12


@pytest.mark.parametrize(
    ("aggregate", "pairs"), [("last", [(30, 5)]), ("peak", [(31, 5)]), ("average", []), ("sum", [])]
)
def test_no_answer_is_never_a_zero(aggregate, pairs):
    assert units(aggregate, *pairs) is None


def test_an_earlier_reading_stands_for_the_days_before_the_first_of_the_window():
    held = [Reading(dt.date(2025, 3, 20), Fraction(6)), *readings((16, 0))]
    found = quantity.measured(
        charge("average"), held, window=APRIL, month_days=30, closes_on=APRIL.end, threshold=Fraction(0)
    )
    assert found.units == 3  # 6 on 15 days of 30


@pytest.mark.parametrize(
    ("days", "stands"), [((20, 29), 29), ((20, 31), 31), ((28, 32), 28), ((25, 31), 31), ((20, 21), 21)]
)
def test_the_nearest_reading_stands_for_a_missed_close_the_earlier_of_two(days, stands):
    """The close of 30 April was missed (U4)."""
    first = dt.date(2025, 4, 1)
    readings = [Reading(first + dt.timedelta(days=day - 1), Fraction(day)) for day in days]
    found = quantity.nearest(readings, dt.date(2025, 4, 30))
    assert found is not None
    assert found.value == stands


def test_a_reading_less_than_nothing_cannot_be_billed():
    with pytest.raises(quantity.Unrateable, match="less than nothing"):
        units("last", (31, -1))


@pytest.mark.parametrize(
    ("megabytes", "gigabytes"), [("12595", "12.30"), ("5125.12", "5.01"), ("5", "0.00"), ("6", "0.01")]
)
def test_megabytes_become_gigabytes_half_up(megabytes, gigabytes):
    assert quantity.megabytes_to_gigabytes(Fraction(megabytes)) == Fraction(gigabytes)


def test_a_started_unit_counts_whole():
    assert quantity.kept(charge(step="0.01", started_unit=True), Fraction("12.301")) == 13
    assert quantity.kept(charge(step="0.01", started_unit=True), Fraction("12.001")) == 12  # 12.00 first
    assert quantity.kept(charge(step="0.01"), Fraction("12.305")) == Fraction("12.31")


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 50)), min_size=1, max_size=12), st.integers(0, 20)
)
def test_an_average_lies_between_nothing_and_the_peak(pairs, free):
    pairs = sorted(pairs, key=lambda pair: pair[0])
    assert 0 <= units("average", *pairs, free=free) <= units("peak", *pairs, free=free)


@given(st.lists(st.integers(0, 50), min_size=30, max_size=30), st.integers(0, 20))
def test_an_average_of_daily_readings_is_their_mean_above_free(values, free):
    expected = Fraction(sum(max(0, value - free) for value in values), 30)
    assert units("average", *enumerate(values, start=1), free=free) == expected


@given(st.fractions(0, 10**6, max_denominator=10**4), st.sampled_from(["1", "0.01", "0.5", "10"]))
def test_what_is_kept_is_a_multiple_of_the_step_and_near(value, step):
    kept = quantity.kept(charge(step=step), value)
    assert (kept / Fraction(step)).denominator == 1 or step == "1"
    assert abs(kept - value) <= Fraction(step) / 2
