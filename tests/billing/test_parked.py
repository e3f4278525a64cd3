"""An account that cannot be billed waits with its reason; the others are billed, and it is billed when released."""

import datetime as dt

import pytest

from postledger.billing import operations as billing
from postledger.billing import queries
from postledger.ledger import queries as ledger
from postledger.workflows import billing_run

from .conftest import SYSTEM, at

APRIL, MAY = dt.date(2025, 4, 1), dt.date(2025, 5, 1)


@pytest.fixture
def pair(house):
    """Two customers of whom one will be answered something odd for."""
    for name in ("good", "odd"):
        house.customer(name, on=APRIL)
    house.read("good", "3", on=at(MAY, 6))
    return house


def break_it(house, kind):
    if kind == "repeated with another value":
        house.read("odd", "4", on=at(MAY, 6))
        return house.read("odd", "5", on=at(MAY, 6))
    value = {"negative": "-1", "not a number": "NaN", "from the future": "4", "beyond all bounds": "1e20"}[
        kind
    ]
    taken = at(MAY, 22) if kind == "from the future" else at(MAY, 6)
    return house.read("odd", value, on=taken, now=at(MAY, 6))


@pytest.mark.parametrize(
    "kind",
    ["negative", "not a number", "from the future", "beyond all bounds", "repeated with another value"],
)
def test_an_odd_answer_parks_its_account_and_no_other(pair, kind):
    assert break_it(pair, kind) == 0
    result = billing_run.billing_run(SYSTEM, now=at(MAY))
    assert (result.closes, result.parked) == (1, 1)
    (parked,) = queries.parked(SYSTEM)
    assert parked.buyer == "odd"
    assert "release the account" in parked.reason
    assert ledger.balance(SYSTEM, pair.customers["good"]) == -(1500 + 800 + 1000)
    assert ledger.balance(SYSTEM, pair.customers["odd"]) == -1500


def test_a_released_account_is_billed_once(pair):
    break_it(pair, "negative")
    billing_run.billing_run(SYSTEM, now=at(MAY))
    assert billing_run.billing_run(SYSTEM, now=at(MAY, 13)).closes == 0
    pair.read("odd", "6", on=at(MAY, 7))
    billing.release_parked(SYSTEM, subscription_id=pair.subscriptions["odd"], now=at(MAY, 14))
    assert billing_run.billing_run(SYSTEM, now=at(MAY, 15)).closes == 1
    assert queries.parked(SYSTEM) == ()
    assert ledger.balance(SYSTEM, pair.customers["odd"]) == -(1500 + 4 * 800 + 1000)


def test_the_same_reading_twice_is_harmless(pair):
    assert pair.read("odd", "4", on=at(MAY, 6)) == 1
    assert pair.read("odd", "4", on=at(MAY, 6)) == 0
    assert billing_run.billing_run(SYSTEM, now=at(MAY)).parked == 0
