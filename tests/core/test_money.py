"""Rounding, once and symmetric (M1)."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postledger.core import money

EXACT = st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**6)


@pytest.mark.parametrize(
    ("exact", "currency", "minor"),
    [
        ("1.005", "USD", 101),  # a half goes away from zero
        ("-1.005", "USD", -101),
        ("1.0049999", "USD", 100),
        ("0.5", "JPY", 1),
        ("-0.5", "JPY", -1),
        ("1.4075", "KWD", 1408),
        ("166.5", "JPY", 167),
    ],
)
def test_an_amount_is_rounded_to_the_smallest_unit_of_its_currency(exact, currency, minor):
    assert money.to_minor(Fraction(exact), currency) == minor


@given(EXACT)
def test_rounding_is_symmetric(value):
    assert money.round_half_away(-value) == -money.round_half_away(value)


@given(EXACT)
def test_rounding_is_off_by_half_a_unit_at_most(value):
    assert abs(money.round_half_away(value) - value) <= Fraction(1, 2)


@given(st.integers(-(10**12), 10**12), st.sampled_from(["USD", "JPY", "KWD"]))
def test_an_amount_survives_its_text(minor, currency):
    assert money.parse(money.text(minor, currency), currency) == minor


def test_a_float_is_no_amount():
    with pytest.raises(TypeError):
        money.exact(0.1)


def test_more_decimals_than_the_currency_has_are_no_amount():
    with pytest.raises(ValueError, match="more decimals than JPY"):
        money.parse("10.5", "JPY")
