"""Each invoice is mailed once, with its PDF."""

import datetime as dt

from django.conf import settings
from django.core import mail

from postledger.accounts import operations as accounts
from postledger.accounts.types import Viewer
from postledger.catalog import operations as catalog
from postledger.events import queries as events
from postledger.workflows import deliver_invoices, deliver_mails, subscribe

NOW = dt.datetime(2027, 1, 10, 12, tzinfo=dt.UTC)
SYSTEM = Viewer.system()


def a_buyer(email: str):
    host = accounts.create_provider(code="host", name="Host", currency="USD", now=NOW)
    buyer = accounts.create_customer(
        SYSTEM, seller_id=host.id, code="acme", name="Acme", email=email, now=NOW
    )
    plan = catalog.publish_plan(
        SYSTEM, seller_id=host.id, code="p", name="P", effective_from=NOW.date(), now=NOW,
        terms={"charges": [{"name": "Base fee", "measure": "fixed", "recurring": "10"}], "periods": {"1": {}}},
    )  # fmt: skip
    subscribe.subscribe(SYSTEM, buyer_id=buyer.id, plan_id=plan, months=1, now=NOW)
    return buyer


def test_an_invoice_is_mailed_once_with_its_pdf(db, monkeypatch):
    monkeypatch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend")
    monkeypatch.setattr(mail, "outbox", [], raising=False)
    buyer = a_buyer("ann@acme.example")
    assert deliver_invoices.deliver_invoices(now=NOW) == 1
    assert deliver_invoices.deliver_invoices(now=NOW) == 0
    assert [found.subject.startswith("Invoice") for found in events.mails_of(account_id=buyer.id)] == [True]
    deliver_mails.deliver_mails(now=NOW)
    (sent,) = mail.outbox
    assert "USD 10.00" in sent.body
    (attached,) = sent.attachments
    assert attached[0].endswith(".pdf")
    assert attached[1].startswith(b"%PDF")


def test_a_buyer_without_an_address_gets_no_mail(db):
    a_buyer("")
    assert deliver_invoices.deliver_invoices(now=NOW) == 0
