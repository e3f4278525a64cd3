"""A list page asks the database as often for many rows as for few."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from postledger.accounts import operations as accounts
from postledger.billing import operations as billing
from postledger.catalog import operations as catalog
from postledger.workflows import subscribe
from tests.web.conftest import NOW, SYSTEM, TERMS


def asked(browser, path) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert browser.get(path).status_code == 200
    return len(captured)


@pytest.mark.parametrize("path", ["/customers/", "/", "/invoices/", "/debtors/", "/billing/", "/plans/"])
def test_more_customers_ask_no_more_of_the_database(people, path):
    browser = people.client("alpha")
    browser.get(path)
    before = asked(browser, path)
    for number in range(6):
        made = accounts.create_customer(
            SYSTEM,
            seller_id=people["alpha"].id,
            code=f"c{number}",
            name=f"C{number}",
            email="c@x.example",
            now=NOW,
        )
        subscribe.subscribe(SYSTEM, buyer_id=made.id, plan_id=people.plans["alpha"], months=1, now=NOW)
    assert asked(browser, path) == before
    assert before <= 30


def test_more_plans_ask_no_more_of_the_database(people):
    browser = people.client("alpha")
    browser.get("/plans/")
    before = asked(browser, "/plans/")
    for number in range(5):
        catalog.publish_plan(
            SYSTEM,
            seller_id=people["alpha"].id,
            code=f"p{number}",
            name=f"P{number}",
            terms=TERMS,
            effective_from=NOW.date(),
            now=NOW,
        )
    assert asked(browser, "/plans/") == before


def test_more_lines_ask_no_more_of_the_database(people):
    browser = people.client("acme")
    path = f"/accounts/{people['acme'].id}/statement/"
    browser.get(path)
    before = asked(browser, path)
    for number in range(5):
        billing.credit(
            SYSTEM,
            buyer_id=people["acme"].id,
            amount=100,
            reason="goodwill",
            text=f"{number}",
            day=NOW.date(),
            now=NOW,
        )
    assert asked(browser, path) == before
    assert before <= 12
