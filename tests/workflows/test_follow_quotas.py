"""Ceilings on the platform follow what is sold, over a reseller's whole tree."""

import dataclasses

import pytest

from postledger.accounts import operations as accounts
from postledger.catalog import operations as catalog
from postledger.provisioning import operations, queries
from postledger.resources import exchange
from postledger.workflows import (
    _limits,
    act_on_difference,
    add_mailbox,
    check_connection,
    find_drift,
    follow_quotas,
    refresh_platform_plans,
    subscribe,
)
from postledger_sandbox.server import Sandbox
from tests.workflows import story

SYSTEM = story.SYSTEM


@pytest.fixture(params=["W", "S"])
def sandbox(request):
    with Sandbox(dialect=request.param, delay_s=0) as running:
        yield running


@pytest.fixture
def house(sandbox, fresh_db):
    return story.build(sandbox)


def _terms(**mailboxes):
    charge = {"name": "exchange.mailboxes", "measure": "metered", "usage": "8.00", **mailboxes}
    return {"charges": [charge], "periods": {"1": {}}}


def _ceiling(customer):
    return queries.account_resource(SYSTEM, customer.id).observed["quotas"].get("exchange.mailboxes")


def _sell(house, max):
    catalog.change_terms(
        SYSTEM, plan_id=house.plan_id, terms=_terms(max=max), effective_from=house.now.date(), now=house.now
    )


def test_a_changed_maximum_reaches_the_platform(house):
    acme = house.customer("acme")
    house.order(acme)
    assert house.settle(acme).is_settled
    assert _ceiling(acme) is None and follow_quotas.follow_quotas(now=house.now) == 0
    for maximum in (7, 5):
        _sell(house, maximum)
        assert follow_quotas.follow_quotas(now=house.now) == 1
        assert follow_quotas.follow_quotas(now=house.now) == 0
        assert house.settle(acme).is_settled
        assert _ceiling(acme) == maximum


def test_what_was_ordered_is_the_ceiling_of_a_reserved_charge(house):
    catalog.change_terms(
        SYSTEM,
        plan_id=house.plan_id,
        terms=_terms(measure="reserved", free=3, recurring="8.00", usage="0", max=9),
        effective_from=house.now.date(),
        now=house.now,
    )
    acme = house.customer("acme")
    house.order(acme)
    follow_quotas.follow_quotas(now=house.now)
    assert house.settle(acme).is_settled
    assert _ceiling(acme) == 3


@pytest.fixture
def reseller(house):
    """A reseller with ten mailboxes for all his customers, and a plan of his own without a maximum."""
    wholesale = catalog.publish_plan(
        SYSTEM,
        seller_id=house.provider.id,
        code="wholesale",
        name="Wholesale",
        terms=_terms(max=10),
        effective_from=house.now.date(),
        now=house.now,
    )
    north = accounts.create_reseller(
        SYSTEM, seller_id=house.provider.id, code="north", name="North", now=house.now
    )
    subscribe.subscribe(SYSTEM, buyer_id=north.id, plan_id=wholesale, months=1, now=house.now)
    held = operations.create_connection(
        SYSTEM,
        seller_id=north.id,
        connector="wsp",
        name="Exchange",
        values={"url": house.sandbox.url, "username": "reseller2", "password": "Secret-1"},
        mail=story.MAIL,
        now=house.now,
    )
    held = check_connection.check_connection(SYSTEM, connection_id=held.id, now=house.now)
    assert held.condition == "ok", held.words
    retail = catalog.publish_plan(
        SYSTEM,
        seller_id=north.id,
        code="retail",
        name="Retail",
        terms=_terms(),
        effective_from=house.now.date(),
        now=house.now,
    )
    plans = refresh_platform_plans.refresh_platform_plans(SYSTEM, connection_id=held.id, now=house.now)
    offered = next(plan for plan in plans if plan.scope == "account")
    operations.switch_on_platform_plan(
        SYSTEM, seller_id=north.id, plan_id=retail, platform_plan_id=offered.id, now=house.now
    )
    return dataclasses.replace(house, provider=north, connection=held, plan_id=retail)


def test_customers_of_a_reseller_share_what_he_buys(reseller):
    one, two = reseller.customer("one"), reseller.customer("two")
    for customer, boxes in ((one, 4), (two, 3)):
        reseller.order(customer, boxes=boxes)
        assert reseller.settle(customer).is_settled
    follow_quotas.follow_quotas(now=reseller.now)
    for customer in (one, two):
        assert reseller.settle(customer).is_settled
    assert (_ceiling(one), _ceiling(two)) == (7, 6)


def test_what_a_resellers_customers_hold_beyond_his_plan_is_told_with_its_wholesale_worth(reseller, sandbox):
    one = reseller.customer("one")
    reseller.order(one, boxes=4)
    assert reseller.settle(one).is_settled
    account = queries.account_resource(SYSTEM, one.id)
    assert ("quota_above", "one") in _told(reseller)  # the plan there allows more than the ten he buys
    act_on_difference.act_on_difference(
        SYSTEM, difference_id=_told(reseller)["quota_above", "one"].id, now=reseller.now
    )
    assert reseller.settle(one).is_settled and _ceiling(one) == 10
    assert ("quota_above", "one") not in _told(reseller)
    for number in range(8):
        sandbox.control.add_mailbox(item_id=_organization(sandbox, account), email=f"x{number}@one.example")
    line = _told(reseller)["tree_above", "North: all customers"]
    assert (line.there, line.here, line.worth, line.currency) == ("12", "10", 1600, "USD")
    assert line.action == "" and "Buy more" in line.words


def _told(house):
    lines = find_drift.find_drift(connection_id=house.connection.id, now=house.now)
    return {(line.code, line.name): line for line in lines if line.meter in ("", "exchange.mailboxes")}


def _organization(sandbox, account):
    return sandbox.control.organization(account.key)["Id"]


def test_what_would_be_too_much_for_the_whole_tree_is_refused_as_a_whole(reseller):
    one, two = reseller.customer("one"), reseller.customer("two")
    reseller.order(one, boxes=8)
    with pytest.raises(_limits.TreeLimit):
        reseller.order(two, boxes=3)
    assert queries.resources_of(SYSTEM, two.id) == ()
    reseller.order(two, boxes=2)
    with pytest.raises(_limits.TreeLimit):
        add_mailbox.add_mailbox(
            SYSTEM, account_id=one.id, mailbox=exchange.Mailbox(address="m99@one.example"), now=reseller.now
        )
    # what he has already is no further one
    add_mailbox.add_mailbox(
        SYSTEM,
        account_id=one.id,
        mailbox=exchange.Mailbox(address="m0@one.example", display_name="M0"),
        now=reseller.now,
    )
