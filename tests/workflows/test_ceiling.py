"""A seller's ceiling on a month's usage: a warning before it, an approval beyond it."""

import datetime as dt
from decimal import Decimal

import pytest

from postledger.accounts.types import Viewer
from postledger.catalog import operations as catalog
from postledger.events import queries as events
from postledger.provisioning import queries
from postledger.resources import exchange
from postledger.usage import operations as usage
from postledger.usage.types import NewReading
from postledger.workflows import _ceiling, add_domain, add_exchange, add_mailbox, daily_jobs, set_ceiling
from postledger_sandbox.server import Sandbox
from tests.workflows import story

SYSTEM = story.SYSTEM
TERMS = {
    "charges": [{"name": "exchange.mailboxes", "measure": "metered", "usage": "8.00"}],
    "periods": {"1": {}, "12": {}},
}


@pytest.fixture
def acme(fresh_db):
    with Sandbox(dialect="S", delay_s=0) as sandbox:
        house = story.build(sandbox)
        catalog.change_terms(
            SYSTEM, plan_id=house.plan_id, terms=TERMS, effective_from=story.NOW.date(), now=story.NOW
        )
        customer = house.customer("acme")
        house.order(customer, boxes=2)
        house.settle(customer)
        yield house, customer


def _add(house, customer, name: str, viewer: Viewer | None = None) -> None:
    add_mailbox.add_mailbox(
        viewer or Viewer(user_id=None, account_id=customer.id, kind="customer"),
        account_id=customer.id,
        mailbox=exchange.Mailbox(address=f"{name}@acme.example"),
        now=house.now,
    )


def _boxes(customer) -> int:
    return sum(found.kind == exchange.MAILBOX for found in queries.resources_of(SYSTEM, customer.id))


def test_beyond_the_ceiling_the_customer_is_refused_until_the_seller_approves(acme):
    house, customer = acme
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=25_00)
    _add(house, customer, "third")  # 3 × 8.00 = 24.00
    with pytest.raises(_ceiling.BeyondCeiling, match=r"32\.00 USD.*25\.00 USD"):
        _add(house, customer, "fourth")
    assert _boxes(customer) == 3
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, approved_until=house.now.date())
    _add(house, customer, "fourth")
    assert _boxes(customer) == 4


def test_the_seller_himself_may_go_beyond_the_ceiling(acme):
    house, customer = acme
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=1_00)
    _add(house, customer, "third", viewer=SYSTEM)
    assert _boxes(customer) == 3


def test_the_customer_is_warned_once_a_month_near_the_ceiling(acme):
    house, customer = acme
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=20_00)  # 16.00 of it are four fifths
    account = queries.account_resource(SYSTEM, customer.id)
    for days in (1, 2):
        now = house.now + dt.timedelta(days=days)
        usage.record_readings(
            readings=[NewReading(account.subscription_id, "exchange.mailboxes", now, Decimal(2))],
            now=now,
            zones={account.subscription_id: dt.UTC},
        )
        daily_jobs.daily_jobs(now=now)
    told = [event for event in events.events_of(account_id=customer.id) if event.kind == "notice.ceiling"]
    assert len(told) == 1


def test_exchange_with_more_mailboxes_than_agreed_is_not_ordered_at_all(acme):
    house, _ = acme
    novo = house.customer("novo")
    set_ceiling.set_ceiling(SYSTEM, buyer_id=novo.id, ceiling=10_00)
    order = {
        "account_id": novo.id,
        "domain": "novo.example",
        "mailboxes": [exchange.Mailbox(address=f"{name}@novo.example") for name in ("ann", "bob")],
        "now": house.now,
    }
    himself = Viewer(user_id=None, account_id=novo.id, kind="customer")
    with pytest.raises(_ceiling.BeyondCeiling, match=r"16\.00 USD.*10\.00 USD"):
        add_exchange.add_exchange(himself, **order)
    assert queries.account_resource(SYSTEM, novo.id) is None
    add_exchange.add_exchange(himself, **{**order, "mailboxes": order["mailboxes"][:1]})
    assert _boxes(novo) == 1


def test_what_costs_nothing_more_is_never_refused(acme):
    house, customer = acme
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=1_00)  # 16.00 are used already
    himself = Viewer(user_id=None, account_id=customer.id, kind="customer")
    made = add_domain.add_domain(himself, account_id=customer.id, name="acme-two.example", now=house.now)
    assert made.is_wanted


def test_an_approval_can_be_withdrawn(acme):
    house, customer = acme
    set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, ceiling=20_00, approved_until=house.now.date())
    found = set_ceiling.set_ceiling(SYSTEM, buyer_id=customer.id, withdraw_approval=True)
    assert (found.ceiling, found.ceiling_approved_until) == (20_00, None)
    with pytest.raises(_ceiling.BeyondCeiling):
        _add(house, customer, "third")
