"""The plan's maximum is kept here, at once, and by the platform, in case somebody goes there himself (R9)."""

import dataclasses

import pytest

from postledger.catalog import operations as catalog
from postledger.provisioning import queries
from postledger.resources import exchange
from postledger.usage import queries as usage
from postledger.workflows import _limits, add_domain, add_exchange, add_mailbox, collect_usage
from postledger_sandbox.server import Sandbox
from tests.workflows import story

SYSTEM = story.SYSTEM
TERMS = {
    "charges": [
        {"name": "exchange.mailboxes", "measure": "metered", "max": 3, "usage": "8.00"},
        {"name": "exchange.domains", "measure": "metered", "max": 1, "usage": "1.00"},
        {"name": "exchange.disk", "measure": "metered", "max": 4, "usage": "1.50", "unit": "GB"},
        {"name": "exchange.activesync", "measure": "metered", "usage": "2.00"},
    ],
    "periods": {"1": {}},
}


@pytest.fixture(params=["W", "S"])
def sandbox(request):
    with Sandbox(dialect=request.param, delay_s=0) as running:
        yield running


@pytest.fixture
def house(sandbox, fresh_db):
    built = story.build(sandbox)
    catalog.change_terms(
        SYSTEM, plan_id=built.plan_id, terms=TERMS, effective_from=story.NOW.date(), now=story.NOW
    )
    return dataclasses.replace(built)


def _box(number: int) -> exchange.Mailbox:
    return exchange.Mailbox(address=f"m{number}@acme.example")


def test_a_request_beyond_the_maximum_is_refused_as_a_whole(house):
    acme = house.customer("acme")
    with pytest.raises(_limits.PlanLimit):
        add_exchange.add_exchange(
            SYSTEM,
            account_id=acme.id,
            domain="acme.example",
            mailboxes=[_box(number) for number in range(4)],
            now=house.now,
        )
    assert queries.resources_of(SYSTEM, acme.id) == ()
    house.order(acme, boxes=2)
    add_mailbox.add_mailbox(SYSTEM, account_id=acme.id, mailbox=_box(2), now=house.now)
    add_mailbox.add_mailbox(SYSTEM, account_id=acme.id, mailbox=_box(2), now=house.now)
    with pytest.raises(_limits.PlanLimit, match="3 of"):
        add_mailbox.add_mailbox(SYSTEM, account_id=acme.id, mailbox=_box(3), now=house.now)
    with pytest.raises(_limits.PlanLimit):
        add_domain.add_domain(SYSTEM, account_id=acme.id, name="second.example", now=house.now)


def test_the_maximum_reaches_the_platform_as_its_quota(house):
    acme = house.customer("acme")
    house.order(acme, boxes=1)
    assert house.settle(acme).is_settled
    account = queries.account_resource(SYSTEM, acme.id)
    assert account.observed["quotas"] == {
        "exchange.disk": 4096,
        "exchange.domains": 2,  # one of them the platform's own
        "exchange.mailboxes": 3,
    }


def test_a_costly_meter_is_read_only_when_it_is_charged_for(house):
    acme = house.customer("acme")
    house.order(acme, boxes=1)
    assert house.settle(acme).is_settled
    collect_usage.collect_usage(connection_id=house.connection.id, now=house.now, refresh_wait_s=0.1)
    account = queries.account_resource(SYSTEM, acme.id)
    day = house.now.date()
    read = {r.meter for r in usage.readings_of(SYSTEM, account.subscription_id, first=day, last=day)}
    assert "exchange.activesync" in read
    assert "space.disk" not in read
