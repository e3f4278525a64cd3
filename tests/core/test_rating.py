"""One fee, one line: multiplied out exactly, rounded once, and explained by what is stored with it (M1, M2, R3, R6, F1)."""

import datetime as dt
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from postledger.core import lots, money, rating
from postledger.core.period import Period, add_months
from postledger.core.terms import Charge, Discounts, Terms

PRICES = st.decimals(0, 1000, places=4).map(Fraction)
PERCENTS = st.lists(st.decimals(0, 40, places=2).map(Fraction), max_size=2)
STARTS = st.dates(dt.date(2020, 1, 1), dt.date(2030, 12, 31))


def terms(currency="USD", **prices):
    charge = Charge("mailbox", "reserved", prices.pop("cadence", "period"), **prices)
    return Terms(
        1, "hosting", currency, {"mailbox": charge}, {1: Discounts(), 12: Discounts(recurring=Fraction(10))}
    )


def fee(price, units, full, start, promotions=(), currency="USD"):
    return rating.recurring(
        item="mailbox",
        price=price,
        units=Fraction(units),
        full=full,
        start=start,
        is_whole=False,
        months=1,
        terms=terms(currency),
        promotions=promotions,
        rule="R3",
    )


def test_two_mailboxes_for_twenty_of_thirty_days():
    april = Period(dt.date(2025, 4, 1), dt.date(2025, 5, 1))
    assert fee(Fraction(2), 2, april, dt.date(2025, 4, 11)).amount == 267  # 2.00 × 2 × 20 / 30 = 2.667


@given(PRICES, st.integers(1, 500), STARTS, st.sampled_from([1, 3, 12]), st.data())
def test_a_fee_and_its_refund_on_one_day_cancel(price, units, start, months, data):
    full = Period(start, add_months(start, months))
    day = start + dt.timedelta(days=data.draw(st.integers(0, full.days - 1)))
    line = fee(price, units, full, day)
    back = lots.refunds([lots.lot_of(line, 0)], None, day=day, percent=Fraction(100), currency="USD")
    assert line.amount + sum(refund.amount for refund in back) == 0


@given(PRICES, st.integers(1, 500), STARTS, st.sampled_from([1, 3, 12]), st.data())
def test_the_two_parts_of_a_period_make_the_whole_but_for_a_cent(price, units, start, months, data):
    full = Period(start, add_months(start, months))
    day = start + dt.timedelta(days=data.draw(st.integers(0, full.days - 1)))
    whole = fee(price, units, full, start)
    back = lots.refunds([lots.lot_of(whole, 0)], None, day=day, percent=Fraction(100), currency="USD")
    used = money.to_minor(price * units * (day - start).days / full.days, "USD")
    assert abs(whole.amount + back[0].amount - used) <= 1


@given(PRICES, st.integers(1, 500), STARTS, st.data(), PERCENTS, st.sampled_from(["USD", "JPY", "KWD"]))
def test_a_booked_line_is_figured_again_from_what_is_stored(price, units, start, data, percents, currency):
    full = Period(start, add_months(start, 1))
    day = start + dt.timedelta(days=data.draw(st.integers(0, full.days - 1)))
    line = fee(price, units, full, day, tuple(percents), currency)
    for booked in rating.with_promotions(line, tuple(percents), currency):
        assert rating.rerate(booked.kind, booked.why, currency) == booked.amount


@given(st.decimals("0.01", 1000, places=2).map(Fraction), PERCENTS)
def test_promotions_never_make_more_of_a_fee_nor_less_than_nothing(price, percents):
    full = Period(dt.date(2025, 4, 1), dt.date(2025, 5, 1))
    line, *reductions = rating.with_promotions(
        fee(price, 1, full, full.start, tuple(percents)), tuple(percents), "USD"
    )
    net = line.amount + sum(reduction.amount for reduction in reductions)
    assert 0 <= net <= line.amount


def test_each_promotion_is_kept_to_three_decimals():
    april = Period(dt.date(2025, 4, 1), dt.date(2025, 5, 1))
    twice = (Fraction("2.5"), Fraction("2.5"))
    _, reduction = rating.with_promotions(fee(Fraction("1.30"), 1, april, april.start, twice), twice, "USD")
    assert reduction.amount == -7  # 1.30 − 0.033 − 0.033 = 1.234


def test_an_explicit_price_takes_no_discount_and_a_month_fee_divides_it():
    year = {1: Fraction(10), 12: Fraction(99)}
    assert terms(recurring=year).rates("mailbox", 12).recurring == 99
    assert terms(recurring=year, cadence="month").rates("mailbox", 12).recurring == Fraction(99, 12)
    assert terms(recurring={1: Fraction(10)}).rates("mailbox", 12).recurring == 108
    assert terms(recurring={1: Fraction(10)}, cadence="month").rates("mailbox", 12).recurring == 9
    assert terms(setup={1: Fraction(5)}).rates("mailbox", 12).setup == 5


def test_of_lots_at_different_prices_the_latest_goes_first():
    april = Period(dt.date(2025, 4, 1), dt.date(2025, 5, 1))
    held = [
        lots.lot_of(fee(Fraction(2), 2, april, april.start), 0),
        lots.lot_of(fee(Fraction(3), 1, april, dt.date(2025, 4, 7)), 0),
    ]
    back = lots.refunds(held, Fraction(2), day=dt.date(2025, 4, 16), percent=Fraction(100), currency="USD")
    assert [refund.amount for refund in back] == [-150, -100]  # 3.00 × 15 / 30, then 2.00 × 15 / 30
    assert [lot.units for lot in held] == [1]
