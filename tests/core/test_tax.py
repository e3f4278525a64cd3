"""Tax: one figure, split without a cent lost (M3)."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from postledger.core import tax
from postledger.core.facts import Line

RATES = st.lists(st.decimals(0, 30, places=3), min_size=1, max_size=5).map(
    lambda rates: tuple((f"tax {position}", Fraction(rate)) for position, rate in enumerate(rates))
)


def line(amount, is_taxed=True):
    return Line(kind="recurring", item="account", amount=amount, why={}, is_taxed=is_taxed)


def test_odd_cents_go_to_the_taxes_in_the_order_listed():
    three = (("A", Fraction(1)), ("B", Fraction(1)), ("C", Fraction(1)))
    assert tax.split(5, three) == {"A": 2, "B": 2, "C": 1}
    assert tax.split(-5, three) == {"A": -2, "B": -2, "C": -1}


def test_the_summed_rate_is_applied_once():
    rates = (("GST", Fraction(5)), ("QST", Fraction("9.975")))
    found = tax.line([line(500), line(307)], rates)  # 8.07 × 14.975 % = 1.208
    assert found.amount == 121
    assert found.why["breakdown"] == {"GST": 41, "QST": 80}


def test_refunds_reduce_the_taxed_subtotal():
    assert tax.line([line(1000), line(-1500)], (("VAT", Fraction(20)),)).amount == -100


def test_what_is_not_taxed_makes_no_tax_line():
    assert tax.line([line(1000, is_taxed=False)], (("VAT", Fraction(20)),)) is None
    assert tax.line([line(1000)], (("VAT", Fraction(0)),)) is None
    assert tax.line([line(1000)], ()) is None


@given(st.integers(-(10**9), 10**9), RATES)
def test_the_parts_add_up_to_the_tax(total, rates):
    parts = tax.split(total, rates)
    assert sum(parts.values()) == (total if any(rate for _, rate in rates) else 0)


@given(st.integers(0, 10**9), RATES)
def test_no_part_is_off_by_more_than_a_cent_and_none_turns_its_sign(total, rates):
    whole = sum(rate for _, rate in rates)
    for name, rate in rates if whole else ():
        part = tax.split(total, rates)[name]
        assert 0 <= part
        assert abs(part - total * rate / whole) <= 1
