"""What is on the platform follows the subscription, whoever changed it."""

import datetime as dt

import pytest

from postledger.provisioning import queries
from postledger.resources import exchange
from postledger.subscriptions import queries as subscriptions
from postledger.usage import queries as usage
from postledger.workflows import cancel, follow_subscriptions, resume, subscribe, suspend
from postledger_sandbox.server import Sandbox
from tests.workflows import story

SYSTEM = story.SYSTEM


@pytest.fixture
def sandbox():
    with Sandbox(dialect="S", delay_s=0) as running:
        yield running


@pytest.fixture
def house(sandbox, fresh_db):
    return story.build(sandbox)


@pytest.fixture
def acme(house):
    made = house.customer("acme")
    house.order(made, boxes=3)
    assert house.settle(made).is_settled
    return made


def _follow(house, customer) -> None:
    follow_subscriptions.follow_subscriptions(now=house.now)
    house.settle(customer)


def test_a_suspended_subscription_suspends_and_a_resumed_one_resumes(house, sandbox, acme):
    suspend.suspend(SYSTEM, buyer_id=acme.id, reason="abuse", now=house.now)
    _follow(house, acme)
    assert sandbox.control.user("acme")["StatusId"] == 2
    resume.resume(SYSTEM, buyer_id=acme.id, now=house.now)
    _follow(house, acme)
    assert sandbox.control.user("acme")["StatusId"] == 1


def test_what_a_suspension_stopped_on_its_way_goes_on_after_it(house, sandbox):
    late = house.customer("late")
    house.order(late, boxes=2)
    suspend.suspend(SYSTEM, buyer_id=late.id, reason="abuse", now=house.now)
    _follow(house, late)
    [organization] = queries.resources_of(SYSTEM, late.id, kind=exchange.ORGANIZATION)
    assert organization.reason == "subscription_suspended"
    resume.resume(SYSTEM, buyer_id=late.id, now=house.now)
    _follow(house, late)
    made = queries.resources_of(SYSTEM, late.id)
    assert {entry.condition for entry in made} == {"ready"}
    assert len([entry for entry in made if entry.kind == exchange.MAILBOX]) == 2


def test_following_twice_changes_nothing(house, acme):
    assert follow_subscriptions.follow_subscriptions(now=house.now) == 0


def test_a_cancelled_subscription_is_read_once_more_billed_and_removed(house, sandbox, acme):
    held = subscriptions.of_buyers([acme.id])[acme.id]
    house.now += dt.timedelta(days=3)
    shown = cancel.cancel(SYSTEM, buyer_id=acme.id, now=house.now, preview=True)
    booked = cancel.cancel(SYSTEM, buyer_id=acme.id, now=house.now)
    assert "usage" in [line.kind for line in booked.lines]
    assert [(line.kind, line.amount) for line in shown.lines] == [
        (line.kind, line.amount) for line in booked.lines
    ]
    day = house.now.date()
    assert usage.readings_of(SYSTEM, held, first=day, last=day), "the closing reading"
    _follow(house, acme)
    assert sandbox.control.user("acme") is None
    assert queries.resources_of(SYSTEM, acme.id) == ()


def test_who_subscribes_again_keeps_his_exchange(house, sandbox, acme):
    cancel.cancel(SYSTEM, buyer_id=acme.id, now=house.now)
    subscribe.subscribe(SYSTEM, buyer_id=acme.id, plan_id=house.plan_id, months=1, now=house.now)
    _follow(house, acme)
    assert sandbox.control.user("acme")["StatusId"] == 1
    account = queries.account_resource(SYSTEM, acme.id)
    assert account.subscription_id == subscriptions.of_buyers([acme.id])[acme.id]
