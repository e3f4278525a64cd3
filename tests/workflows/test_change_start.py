"""A seller moves the start of a period: what is charged twice because of it is offered as a credit, and never given by itself."""

import datetime as dt

import pytest

from postledger.accounts import operations as accounts
from postledger.billing import operations as billing
from postledger.billing import queries
from postledger.catalog import operations as catalog
from postledger.ledger import queries as ledger
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import (
    billing_run,
    change_period,
    change_quantities,
    change_start,
    daily_jobs,
    subscribe,
)
from tests.billing.conftest import SYSTEM, at, build

FIRST = dt.date(2025, 1, 1)


@pytest.fixture
def house(db):
    made = build(FIRST)
    _terms(made, {"name": "account", "measure": "fixed", "recurring": "10.00"})
    _join(made, "acme")
    return made


def _join(house, name: str) -> int:
    made = accounts.create_customer(SYSTEM, seller_id=house.provider_id, code=name, name=name, now=at(FIRST))
    subscribe.subscribe(SYSTEM, buyer_id=made.id, plan_id=house.plan_id, months=1, now=at(FIRST))
    house.customers[name] = made.id
    return made.id


def _terms(house, *charges, **more) -> None:
    catalog.change_terms(
        SYSTEM,
        plan_id=house.plan_id,
        terms={"charges": list(charges), "periods": {"1": {}, "12": {}}, **more},
        effective_from=FIRST,
        now=at(FIRST),
    )


def _twice(house, start: dt.date, *, on: dt.date, **options) -> change_start.Moved:
    return change_start.change_start(
        SYSTEM, buyer_id=house.customers["acme"], start=start, now=at(on), **options
    )


def test_days_of_the_open_period_before_today_are_paid_twice(house):
    found = _twice(house, dt.date(2025, 1, 11), on=dt.date(2025, 1, 21), preview=True)
    assert found.paid_twice == 323  # 10.00 × 10/31: the 11th to the 20th; what is left is refunded


def test_days_of_earlier_periods_are_paid_twice_too(house):
    found = _twice(house, dt.date(2025, 2, 15), on=dt.date(2025, 3, 11), preview=True)
    assert found.paid_twice == 823  # 10.00 × 14/28 in February, 10.00 × 10/31 in March


def test_days_before_the_customer_came_were_never_paid(house):
    found = _twice(house, dt.date(2024, 12, 20), on=dt.date(2025, 1, 11), preview=True)
    assert found.paid_twice == 323  # 10.00 × 10/31: from 1 January on


def test_a_start_ahead_pays_nothing_twice(house):
    assert _twice(house, dt.date(2025, 2, 1), on=dt.date(2025, 1, 21), preview=True).paid_twice == 0


def test_what_the_plan_does_not_refund_is_paid_twice(house):
    _terms(house, {"name": "account", "measure": "fixed", "recurring": "10.00"}, refund_percent=40)
    found = _twice(house, dt.date(2025, 1, 21), on=dt.date(2025, 1, 21), preview=True)
    assert found.paid_twice == 213  # 10.00 × 11/31 × 60 %


def test_units_are_paid_twice_only_since_they_were_bought_and_at_what_they_cost(house):
    _terms(house, {"name": "mailbox", "measure": "reserved", "recurring": "3.10"})
    acme = house.customers["acme"]
    change_quantities.change_quantities(
        SYSTEM, buyer_id=acme, quantities={"mailbox": 2}, now=at(dt.date(2025, 1, 16))
    )
    _terms(house, {"name": "mailbox", "measure": "reserved", "recurring": "99.00"})
    found = _twice(house, dt.date(2025, 1, 11), on=dt.date(2025, 1, 21), preview=True)
    assert found.paid_twice == 423  # 10.00 × 10/31 of the fee that was, 2 × 3.10 × 5/31


def test_month_fees_of_a_year_are_paid_twice_for_the_months_gone(house):
    _terms(house, {"name": "account", "measure": "fixed", "cadence": "month", "recurring": "10.00"})
    buyer = _join(house, "dave")
    change_period.change_period(SYSTEM, buyer_id=buyer, months=12, now=at(FIRST))
    for month in (2, 3):
        daily_jobs.daily_jobs(now=at(dt.date(2025, month, 1)))
    found = change_start.change_start(
        SYSTEM, buyer_id=buyer, start=dt.date(2025, 2, 15), now=at(dt.date(2025, 3, 11)), preview=True
    )
    assert found.paid_twice == 500  # 10.00 × 14/28 of February; the fee of March comes back whole


def test_the_credit_holds_the_tax_that_is_paid_twice_with_it(house):
    billing.set_seller_settings(SYSTEM, seller_id=house.provider_id, taxes=[("VAT", "20")])
    found = _twice(house, dt.date(2025, 1, 11), on=dt.date(2025, 1, 21), preview=True)
    assert found.paid_twice == 388  # 3.23 and 20 %


def test_no_credit_is_given_by_itself(house):
    acme = house.customers["acme"]
    moved = _twice(house, dt.date(2025, 1, 11), on=dt.date(2025, 1, 21))
    assert (moved.paid_twice, moved.credit_id) == (323, None)
    assert "credit" not in [line.kind for line in queries.statement(SYSTEM, acme)]
    assert ledger.balance(SYSTEM, acme) == -1000 + 355 - 1000


def test_the_credit_is_booked_with_the_change_and_a_preview_books_neither(house):
    acme, start, day = house.customers["acme"], dt.date(2025, 1, 11), dt.date(2025, 1, 21)
    _twice(house, start, on=day, credit=323, preview=True)
    assert ledger.balance(SYSTEM, acme) == -1000
    moved = _twice(house, start, on=day, credit=323, credit_text="Sorry")
    assert moved.credit_id
    credits = [line for line in queries.statement(SYSTEM, acme) if line.kind == "credit"]
    assert [(line.item, line.amount) for line in credits] == [("Sorry", -323)]
    assert ledger.balance(SYSTEM, acme) == -1000 + 355 - 1000 + 323
    assert subscriptions.subscription_of(SYSTEM, acme).period_start == start


def test_a_credit_that_cannot_be_leaves_the_start_where_it_was(house):
    with pytest.raises(billing.NegativeCredit):
        _twice(house, dt.date(2025, 1, 11), on=dt.date(2025, 1, 21), credit=0)
    held = subscriptions.subscription_of(SYSTEM, house.customers["acme"])
    assert held.period_start == FIRST


def test_a_month_that_is_billed_is_not_closed_again(house):
    """From 1 January the period would close on 1 February, which it did."""
    billing_run.billing_run(SYSTEM, now=at(dt.date(2025, 2, 1)))
    with pytest.raises(change_start.ClosedAlready, match="close of 2025-02-01 is on an invoice already"):
        _twice(house, FIRST, on=dt.date(2025, 2, 20))
    assert ledger.balance(SYSTEM, house.customers["acme"]) == -2000
    _twice(house, dt.date(2025, 1, 2), on=dt.date(2025, 2, 20))
    assert [row.closes_on for row in queries.invoices(SYSTEM, buyer_id=house.customers["acme"])] == [
        None,
        dt.date(2025, 2, 1),
        None,
    ]
