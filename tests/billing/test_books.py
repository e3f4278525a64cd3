"""What the database itself refuses, whoever asks: unbalanced entries, changed history, the same usage twice (M11)."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from postledger.billing import queries
from postledger.catalog import operations as catalog
from postledger.workflows import billing_run, enter_credit, receive_payment

from .conftest import SYSTEM, at

APRIL, MAY = dt.date(2025, 4, 1), dt.date(2025, 5, 1)


@pytest.fixture
def booked(house):
    house.customer("acme", on=APRIL, mailboxes=3)
    house.read("acme", "5", on=at(MAY, 6))
    billing_run.billing_run(SYSTEM, now=at(MAY))
    who = {"buyer_id": house.customers["acme"], "amount": 100, "now": at(MAY)}
    receive_payment.receive_payment(SYSTEM, method="check", key="1", **who)
    enter_credit.enter_credit(SYSTEM, reason="late", text="sorry", **who)
    connection.check_constraints()
    return house


def execute(statement, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        connection.check_constraints()


@pytest.mark.parametrize(
    "table",
    [
        "ledger_entry",
        "ledger_posting",
        "billing_invoice",
        "billing_invoiceline",
        "billing_credit",
        "payments_payment",
    ],
)
def test_what_is_booked_cannot_be_changed_deleted_or_emptied(booked, table):
    for statement in (
        f"UPDATE {table} SET seller_id = seller_id + 1",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):
        with pytest.raises(IntegrityError, match="final"):
            execute(statement)


def test_a_plan_version_cannot_be_changed_deleted_or_emptied(booked):
    for statement in (
        "UPDATE catalog_planversion SET terms = '{}'",
        "DELETE FROM catalog_planversion",
        "TRUNCATE catalog_planversion CASCADE",
    ):
        with pytest.raises(IntegrityError, match="frozen"):
            execute(statement)


def test_an_unbalanced_posting_is_refused(booked):
    with pytest.raises(IntegrityError, match="does not balance"):
        execute(
            "INSERT INTO ledger_posting (entry_id, seller_id, ledger_account_id, amount) "
            "SELECT entry_id, seller_id, ledger_account_id, 1 FROM ledger_posting LIMIT 1"
        )


def test_nothing_is_added_to_an_entry_that_is_posted(booked):
    with pytest.raises(IntegrityError, match="does not balance"):
        execute(
            "INSERT INTO ledger_posting (entry_id, seller_id, ledger_account_id, amount) SELECT entry_id, seller_id, "
            "ledger_account_id, sign FROM (SELECT * FROM ledger_posting LIMIT 1) p, (VALUES (7), (-7)) AS s(sign)"
        )


def test_nothing_is_added_to_an_invoice_that_is_final(booked):
    with pytest.raises(IntegrityError, match="no line is added"):
        execute(
            "INSERT INTO billing_invoiceline (invoice_id, seller_id, subscription_id, position, kind, item, amount, "
            "is_taxed, why) SELECT invoice_id, seller_id, subscription_id, 99, 'debit', 'more', 100, false, '{}' "
            "FROM billing_invoiceline LIMIT 1"
        )


def test_the_same_usage_cannot_be_on_two_lines(booked):
    with pytest.raises(IntegrityError, match="no_usage_is_billed_twice"):
        execute(
            "INSERT INTO billing_invoiceline (invoice_id, seller_id, subscription_id, position, kind, item, start, "
            '"end", quantity, unit_price, amount, is_taxed, why) SELECT invoice_id + 1000000, seller_id, subscription_id, 99, '
            'kind, item, start, "end", quantity, unit_price, amount, is_taxed, why FROM billing_invoiceline '
            "WHERE kind = 'usage'"
        )


def test_a_number_cannot_be_given_twice(booked):
    with pytest.raises(IntegrityError, match="invoice_numbers_are_unique_per_seller"):
        execute(
            'INSERT INTO billing_invoice (seller_id, buyer_id, subscription_id, entry_id, number, kind, "on", '
            "posted_on, currency, subtotal, tax, total, is_silent, parties) SELECT seller_id, buyer_id, "
            'subscription_id, entry_id, number, kind, "on", posted_on, currency, subtotal, tax, total, is_silent, '
            "parties FROM billing_invoice LIMIT 1"
        )


def test_every_entry_balances_and_every_invoice_is_its_lines(booked):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM ledger_posting GROUP BY entry_id HAVING sum(amount) <> 0) x"
        )
        assert cursor.fetchone() == (0,)
        cursor.execute(
            "SELECT count(*) FROM billing_invoice i WHERE total <> "
            "(SELECT sum(amount) FROM billing_invoiceline l WHERE l.invoice_id = i.id)"
        )
        assert cursor.fetchone() == (0,)


def test_running_again_adds_nothing(booked):
    before = counts()
    assert billing_run.billing_run(SYSTEM, now=at(MAY, 20)).closes == 0
    assert counts() == before


def counts():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM billing_invoiceline), (SELECT count(*) FROM ledger_entry)"
        )
        return cursor.fetchone()


def test_an_invoice_of_nothing_but_zero_lines_is_kept_and_not_sent(house):
    """R10: 0.001 a month is a line of 0.00."""
    terms = {
        "charges": [
            {"name": "account", "measure": "fixed", "recurring": "0.001"},
            {"name": "mailbox", "measure": "reserved"},
        ],
        "periods": {"1": {}},
    }
    catalog.change_terms(SYSTEM, plan_id=house.plan_id, terms=terms, effective_from=APRIL, now=at(APRIL))
    house.customer("acme", on=APRIL, exchange=False)
    billing_run.billing_run(SYSTEM, now=at(MAY))
    found = queries.invoices(SYSTEM, buyer_id=house.customers["acme"])
    assert [(invoice.total, invoice.is_silent) for invoice in found] == [(0, True), (0, True)]
    terms["charges"][0]["recurring"] = "0.01"
    catalog.change_terms(SYSTEM, plan_id=house.plan_id, terms=terms, effective_from=MAY, now=at(MAY))
    billing_run.billing_run(SYSTEM, now=at(dt.date(2025, 6, 1)))
    newest = queries.invoices(SYSTEM, buyer_id=house.customers["acme"])[0]
    assert (newest.total, newest.is_silent) == (1, False)
