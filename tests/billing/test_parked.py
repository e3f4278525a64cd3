"""An account that cannot be billed waits with its reason; the others are billed, and it is billed when released (U4, M11)."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection

from postledger.billing import operations as billing
from postledger.billing import queries
from postledger.catalog import operations as catalog
from postledger.ledger import queries as ledger
from postledger.usage import operations as usage
from postledger.usage.types import NewReading
from postledger.workflows import billing_run, daily_jobs

from .conftest import SYSTEM, TERMS, UTC, at

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
    if kind == "out of order":
        house.read("odd", "4", on=at(MAY, 6))
        return house.read("odd", "5", on=at(APRIL, 22), now=at(MAY, 7))
    value = {"negative": "-1", "not a number": "NaN", "from the future": "4", "beyond all bounds": "1e20"}[
        kind
    ]
    taken = at(MAY, 22) if kind == "from the future" else at(MAY, 6)
    return house.read("odd", value, on=taken, now=at(MAY, 6))


@pytest.mark.parametrize(
    "kind",
    [
        "negative",
        "not a number",
        "from the future",
        "beyond all bounds",
        "repeated with another value",
        "out of order",
    ],
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


def test_units_without_a_price_park_their_account(house):
    house.customer("bare", on=APRIL, exchange=False)
    house.customer("held", on=APRIL, mailboxes=3, exchange=False)
    for without in (True, False):
        charges = [charge for charge in TERMS["charges"] if not (without and charge["name"] == "mailbox")]
        catalog.change_terms(
            SYSTEM,
            plan_id=house.plan_id,
            terms={**TERMS, "charges": charges},
            effective_from=at(APRIL, 2).date(),
            now=at(APRIL, 2),
        )
        result = billing_run.billing_run(SYSTEM, now=at(MAY))
        assert (result.closes, result.parked) == (1, 1 if without else 0)
        if without:
            (parked,) = queries.parked(SYSTEM)
            assert parked.buyer == "held"
            assert "no price for mailbox, of which this account holds 3" in parked.reason
            billing.release_parked(SYSTEM, subscription_id=parked.subscription_id, now=at(MAY, 13))
    assert ledger.balance(SYSTEM, house.customers["held"]) == -(1500 + 1000 + 2 * 400)


def test_a_released_account_is_billed_once(pair):
    break_it(pair, "negative")
    billing_run.billing_run(SYSTEM, now=at(MAY))
    assert billing_run.billing_run(SYSTEM, now=at(MAY, 13)).closes == 0
    pair.read("odd", "6", on=at(MAY, 7))
    billing.release_parked(SYSTEM, subscription_id=pair.subscriptions["odd"], now=at(MAY, 14))
    assert billing_run.billing_run(SYSTEM, now=at(MAY, 15)).closes == 1
    assert queries.parked(SYSTEM) == ()
    assert ledger.balance(SYSTEM, pair.customers["odd"]) == -(1500 + 4 * 800 + 1000)


@pytest.mark.parametrize("value", ["4", "4.123456789"])
def test_the_same_reading_twice_is_harmless(pair, value):
    assert pair.read("odd", value, on=at(MAY, 6)) == 1
    assert pair.read("odd", value, on=at(MAY, 6)) == 0
    assert pair.read("odd", "5", on=at(MAY, 5), now=at(MAY, 7)) == 1  # of the same day: put in its place
    assert billing_run.billing_run(SYSTEM, now=at(MAY)).parked == 0


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE subscriptions_item SET quantity = 'NaN' WHERE subscription_id = %s",
        "UPDATE subscriptions_subscription SET promotions = '[\"some\"]' WHERE id = %s",
        (
            "INSERT INTO billing_invoiceline (invoice_id, seller_id, subscription_id, position, kind, item, start, amount, "
            "is_taxed, why) SELECT 1000000, seller_id, id, 0, 'usage', 'exchange.mailboxes', '2025-04-01', 0, true, '{}' "
            "FROM subscriptions_subscription WHERE id = %s"
        ),
    ],
    ids=["a quantity", "a promotion", "a line of the same usage"],
)
@pytest.mark.parametrize("is_dry", [False, True])
def test_damaged_facts_park_their_account_and_no_other(house, damage, is_dry):
    for name in ("a", "b", "odd", "c", "d"):
        house.customer(name, on=APRIL, mailboxes=2)
        house.read(name, "3", on=at(MAY, 6))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET session_replication_role = replica")
        cursor.execute(damage, [house.subscriptions["odd"]])
        cursor.execute("SET session_replication_role = origin; SET CONSTRAINTS ALL DEFERRED")
    result = billing_run.billing_run(SYSTEM, now=at(MAY), dry_run=is_dry)
    if is_dry and "usage" in damage:  # only writing shows it
        return
    assert (result.closes, result.parked) == (4, 1)
    if not is_dry:
        (parked,) = queries.parked(SYSTEM)
        assert parked.buyer == "odd"
        assert "could not be rated" in parked.reason
        assert ledger.balance(SYSTEM, house.customers["d"]) == -(1500 + 2 * 200 + 800 + 1000)


def test_damaged_facts_do_not_stop_the_jobs_of_a_day(house):
    terms = {
        **TERMS,
        "charges": [
            *TERMS["charges"][:2],
            {"name": "traffic", "measure": "metered", "timing": "advance", "usage": "1"},
        ],
    }
    catalog.change_terms(SYSTEM, plan_id=house.plan_id, terms=terms, effective_from=APRIL, now=at(APRIL))
    for name in ("odd", "good"):
        id = house.customer(name, on=APRIL, exchange=False)
        taken = NewReading(id, "traffic", at(APRIL, 13), Decimal(3), source="test")
        usage.record_readings(readings=[taken], now=at(APRIL, 14), zones={id: UTC})
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE subscriptions_subscription SET promotions = '[\"some\"]' WHERE id = %s",
            [house.subscriptions["odd"]],
        )
    daily_jobs.daily_jobs(now=at(APRIL, 15))
    assert [row.buyer for row in queries.parked(SYSTEM)] == ["odd"]
    assert ledger.balance(SYSTEM, house.customers["good"]) == -(1500 + 300)
