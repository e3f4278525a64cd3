"""From the first mailbox to the last reading: changes, suspension, removal, and what may stop them."""

import datetime as dt
import threading
from decimal import Decimal

import pytest
from django.db import connection as database
from django.db import connections

from postledger.accounts import operations as accounts
from postledger.accounts import queries as account_queries
from postledger.connectors import contract
from postledger.provisioning import differences, operations, queries, zones
from postledger.resources import exchange, names
from postledger.subscriptions import queries as subscriptions
from postledger.usage import queries as usage
from postledger.workflows import (
    _domains,
    add_domain,
    add_exchange,
    add_mailbox,
    change_mailbox,
    check_connection,
    collect_usage,
    connections_to_read,
    delete_mailbox,
    find_drift,
    make_default_domain,
    remove_domain,
    remove_exchange,
    set_exchange_status,
    set_mailbox_password,
    sign_on,
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


@pytest.fixture
def acme(house):
    made = house.customer("acme")
    house.order(made)
    assert house.settle(made).is_settled
    return made


def _resource(customer, key: str):
    return next(found for found in queries.resources_of(SYSTEM, customer.id) if found.key == key)


def _everything_stored() -> str:
    with database.cursor() as cursor:
        cursor.execute(
            "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"
        )
        found = []
        for (table,) in cursor.fetchall():
            cursor.execute(f"select coalesce(string_agg(t::text, ' '), '') from \"{table}\" t")
            found.append(cursor.fetchone()[0])
    return " ".join(found)


# --- changing -------------------------------------------------------------------------------------------------------


def test_a_mailbox_is_added_changed_and_deleted(house, sandbox, acme):
    add_mailbox.add_mailbox(
        SYSTEM, account_id=acme.id, mailbox=exchange.Mailbox(address="Bob@ACME.example"), now=house.now
    )
    assert house.settle(acme).is_settled
    bob = _resource(acme, "bob@acme.example")
    change_mailbox.change_mailbox(
        SYSTEM, resource_id=bob.id, aliases=frozenset({"robert@acme.example"}), now=house.now
    )
    assert house.settle(acme).is_settled
    with pytest.raises(delete_mailbox.NotConfirmed):
        delete_mailbox.delete_mailbox(SYSTEM, resource_id=bob.id, confirmation="yes", now=house.now)
    delete_mailbox.delete_mailbox(SYSTEM, resource_id=bob.id, confirmation="bob@acme.example", now=house.now)
    assert house.settle(acme).is_settled
    addresses = {row["PrimaryEmailAddress"] for row in sandbox.control.organization("acme")["accounts"]}
    assert "bob@acme.example" not in addresses and "m0@acme.example" in addresses


def test_a_second_domain_comes_and_goes(house, sandbox, acme):
    zone = zones.create_zone(
        SYSTEM, account_id=acme.id, name="acme.test", builtin=[("", "MX", ["5 old.acme.test"])], now=house.now
    )
    domain = add_domain.add_domain(SYSTEM, account_id=acme.id, name="acme.test", now=house.now)
    assert house.settle(acme).is_settled
    assert "acme.test" in sandbox.control.organization("acme")["domains"]
    shown = {(r.type, r.owner) for r in queries.zone(SYSTEM, zone.id).records if not r.is_hidden}
    assert ("MX", "exchange") in shown
    remove_domain.remove_domain(SYSTEM, resource_id=domain.id, now=house.now)
    house.settle(acme)
    assert "acme.test" not in sandbox.control.organization("acme")["domains"]
    shown = {(r.type, r.owner) for r in queries.zone(SYSTEM, zone.id).records if not r.is_hidden}
    assert shown == {("MX", "builtin")}


def test_another_domain_becomes_the_default_and_stays_it_over_night(house, sandbox, acme):
    domain = add_domain.add_domain(SYSTEM, account_id=acme.id, name="acme.test", now=house.now)
    assert house.settle(acme).is_settled
    for _ in range(2):
        make_default_domain.make_default_domain(SYSTEM, resource_id=domain.id, now=house.now)
        assert house.settle(acme).is_settled
    house.now += dt.timedelta(days=2)
    assert house.settle(acme).is_settled
    found = {
        thing.key: (thing.condition, thing.observed["is_default"])
        for thing in queries.resources_of(SYSTEM, acme.id, kind=exchange.DOMAIN)
    }
    assert found == {"acme.example": ("ready", False), "acme.test": ("ready", True)}
    with pytest.raises(make_default_domain.NoMailDomain):
        make_default_domain.make_default_domain(
            SYSTEM, resource_id=_resource(acme, "m0@acme.example").id, now=house.now
        )


def test_a_domain_in_use_is_not_removed(house, acme):
    with pytest.raises(remove_domain.DomainStillUsed, match="default"):
        remove_domain.remove_domain(SYSTEM, resource_id=_resource(acme, "acme.example").id, now=house.now)


def test_suspension_and_resume_reach_the_platform_and_delete_nothing(house, sandbox, acme):
    set_exchange_status.set_exchange_status(account_id=acme.id, is_active=False, now=house.now)
    assert house.settle(acme).is_settled
    assert sandbox.control.user("acme")["StatusId"] == 2
    assert len(sandbox.control.organization("acme")["accounts"]) >= 2
    set_exchange_status.set_exchange_status(account_id=acme.id, is_active=True, now=house.now)
    assert house.settle(acme).is_settled
    assert sandbox.control.user("acme")["StatusId"] == 1


# --- reading --------------------------------------------------------------------------------------------------------


def test_usage_is_read_once_per_instant(house, sandbox, acme):
    sandbox.control.grow_disk(email="m0@acme.example", to_mb=2048)
    for _ in range(2):
        done = collect_usage.collect_usage(
            connection_id=house.connection.id, now=house.now, refresh_wait_s=0.1
        )
        assert (done.accounts, done.failed) == (1, {})
    held = subscriptions.of_buyers([acme.id])[acme.id]
    day = house.now.date()
    found = {r.meter: r.value for r in usage.readings_of(SYSTEM, held, first=day, last=day)}
    assert found["exchange.mailboxes"] == 2
    assert found["exchange.disk"] == Decimal("2.00"), "megabytes are kept as gigabytes"


def test_an_account_that_cannot_be_read_gives_no_zero(house, sandbox, acme):
    sandbox.control.inject(kind="fault_before", operation="esExchangeServer.*", count=None)
    done = collect_usage.collect_usage(connection_id=house.connection.id, now=house.now)
    assert list(done.failed) == ["acme"]
    held = subscriptions.of_buyers([acme.id])[acme.id]
    day = house.now.date()
    assert usage.readings_of(SYSTEM, held, first=day, last=day) == ()


def test_a_platform_is_to_be_read_until_it_answered_that_day(house, sandbox, acme):
    def unread(now):
        return connections_to_read.connections_to_read(now=now)

    assert unread(house.now) == [house.connection.id]
    sandbox.control.inject(kind="fault_before", operation="esExchangeServer.*", count=None)
    collect_usage.collect_usage(connection_id=house.connection.id, now=house.now)
    assert unread(house.now) == [house.connection.id], "it was asked and did not answer"
    sandbox.control.clear_faults()
    collect_usage.collect_usage(connection_id=house.connection.id, now=house.now)
    assert unread(house.now) == []
    assert unread(house.now + dt.timedelta(days=1)) == [house.connection.id]


def test_signing_on_keeps_no_password_anywhere(house, sandbox, acme):
    form = sign_on.sign_on(SYSTEM, account_id=acme.id, why="asked by phone", now=house.now)
    password = form.fields["password"]
    assert form.action.startswith(sandbox.portal_url)
    assert sandbox.control.user("acme")["Password"] == password
    assert password not in _everything_stored()
    assert password not in repr(form)
    again = sign_on.sign_on(SYSTEM, account_id=acme.id, why="asked by phone", now=house.now)
    assert again.fields["password"] != password


def test_a_seller_who_signs_on_has_to_say_why(house, acme):
    with pytest.raises(sign_on.NothingToSignOnTo):
        sign_on.sign_on(SYSTEM, account_id=acme.id, now=house.now)


def test_a_mailbox_password_goes_to_the_platform_only(house, sandbox, acme):
    box = _resource(acme, "m0@acme.example")
    set_mailbox_password.set_mailbox_password(
        SYSTEM, resource_id=box.id, password="Tr0ub4dor-and-3", now=house.now
    )
    rows = sandbox.control.organization("acme")["accounts"]
    assert [row for row in rows if row.get("Password") == "Tr0ub4dor-and-3"]
    assert "Tr0ub4dor-and-3" not in _everything_stored()


# --- ending ---------------------------------------------------------------------------------------------------------


def test_removal_takes_a_closing_reading_and_then_everything(house, sandbox, acme):
    held = subscriptions.of_buyers([acme.id])[acme.id]
    assert subscriptions.subscription(SYSTEM, held).exchange_since == story.NOW.date()
    house.now += dt.timedelta(days=5)
    remove_exchange.remove_exchange(
        SYSTEM, account_id=acme.id, reason="cancelled", is_confirmed=True, now=house.now
    )
    day = house.now.date()
    house.settle(acme)
    assert queries.resources_of(SYSTEM, acme.id) == ()
    assert sandbox.control.organization("acme") is None
    assert sandbox.control.user("acme") is None
    found = {r.meter: r.value for r in usage.readings_of(SYSTEM, held, first=day, last=day)}
    assert found["exchange.mailboxes"] == 2
    assert subscriptions.subscription(SYSTEM, held).exchange_since is None
    zone = queries.zone_for(domain="acme.example")
    assert zone.records == ()


def test_nothing_is_deleted_before_the_closing_reading_is_taken(house, sandbox, acme):
    sandbox.control.inject(
        kind="fault_before", operation="esExchangeServer.GetOrganizationStatistics*", count=None
    )
    for operation in ("GetOrganizationStatistics", "GetOrganizationStatisticsByOrganization"):
        sandbox.control.inject(kind="fault_before", operation=f"esExchangeServer.{operation}", count=None)
    remove_exchange.remove_exchange(
        SYSTEM, account_id=acme.id, reason="cancelled", is_confirmed=True, now=house.now
    )
    house.settle(acme, rounds=3)
    assert sandbox.control.organization("acme") is not None
    sandbox.control.clear_faults()
    house.settle(acme)
    assert sandbox.control.organization("acme") is None


def test_an_unconfirmed_removal_only_suspends(house, sandbox, acme):
    remove_exchange.remove_exchange(
        SYSTEM, account_id=acme.id, reason="debt", is_confirmed=False, now=house.now
    )
    house.settle(acme)
    assert sandbox.control.user("acme")["StatusId"] == 2
    assert sandbox.control.organization("acme") is not None


def test_after_its_removal_everything_can_be_ordered_again(house, sandbox, acme):
    remove_exchange.remove_exchange(
        SYSTEM, account_id=acme.id, reason="cancelled", is_confirmed=True, now=house.now
    )
    house.settle(acme)
    house.order(acme)
    assert house.settle(acme).is_settled
    assert sandbox.control.organization("acme") is not None


# --- brakes ---------------------------------------------------------------------------------------------------------


def test_what_vanished_on_the_platform_is_not_made_anew_without_a_word(house, sandbox, acme):
    sandbox.control.delete_mailbox(email="m0@acme.example")
    box = _resource(acme, "m0@acme.example")
    operations.look_again(SYSTEM, resource_id=box.id, now=house.now)
    house.work()
    assert _resource(acme, "m0@acme.example").condition == "needs_operator"
    operations.look_again(SYSTEM, resource_id=box.id, now=house.now, confirm=True)
    house.work()
    assert _resource(acme, "m0@acme.example").condition == "ready"


def test_a_change_made_on_the_platform_is_reported_and_put_right_only_on_demand(house, sandbox, acme):
    sandbox.control.set_status(username="acme", status_id=2)
    house.now += dt.timedelta(days=2)
    house.work()
    account = _resource(acme, "acme")
    assert account.condition == "drifted" and "status" in account.words
    assert sandbox.control.user("acme")["StatusId"] == 2
    operations.look_again(SYSTEM, resource_id=account.id, now=house.now, confirm=True)
    house.work()
    assert sandbox.control.user("acme")["StatusId"] == 1


def test_the_walk_over_the_platform_finds_what_is_otherwise(house, sandbox, acme):
    sandbox.control.add_user(username="stranger")
    sandbox.control.set_status(username="acme", status_id=2)
    found = {
        (line.code, line.name)
        for line in find_drift.find_drift(connection_id=house.connection.id, now=house.now)
    }
    assert ("unlinked", "stranger") in found
    assert ("wrong_status", "acme") in found
    sandbox.control.delete_user(username="acme")
    again = find_drift.find_drift(connection_id=house.connection.id, now=house.now)
    assert ("missing", "acme") in {(line.code, line.name) for line in again}
    assert differences.differences_of(SYSTEM, house.connection.id) == again


def test_many_suspensions_at_once_wait_for_a_person(house, sandbox):
    customers = [house.customer(f"bulk{number}") for number in range(7)]
    for customer in customers:
        house.order(customer, boxes=0)
    for customer in customers:
        assert house.settle(customer).is_settled
    for customer in customers:
        set_exchange_status.set_exchange_status(account_id=customer.id, is_active=False, now=house.now)
    house.work()
    stopped = [_resource(customer, customer.code) for customer in customers]
    assert {found.condition for found in stopped} == {"needs_operator"}
    assert {sandbox.control.user(customer.code)["StatusId"] for customer in customers} == {1}
    for found in stopped:
        operations.look_again(SYSTEM, resource_id=found.id, now=house.now, confirm=True)
    house.work()
    assert {sandbox.control.user(customer.code)["StatusId"] for customer in customers} == {2}


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        ({"domain": "not a domain"}, names.InvalidDomain),
        ({"domain": "globex.example"}, _domains.DomainInUse),
        (
            {"domain": "new.example", "mailboxes": [exchange.Mailbox(address="a@other.example")]},
            _domains.WrongDomain,
        ),
        ({"domain": "new.example", "platform_plan_id": 999_999}, add_exchange.NoExchangeInPlan),
    ],
)
def test_a_wrong_order_is_refused_and_leaves_nothing_behind(house, sandbox, order, refusal):
    globex = house.customer("globex")
    house.order(globex)
    new = house.customer("new")
    calls = len(sandbox.control.calls())
    with pytest.raises(refusal):
        add_exchange.add_exchange(SYSTEM, account_id=new.id, now=house.now, **order)
    assert queries.resources_of(SYSTEM, new.id) == ()
    assert queries.zones_of(SYSTEM, new.id) == ()
    assert len(sandbox.control.calls()) == calls


def test_somebody_elses_things_cannot_be_reached(house, acme):
    other = house.customer("other")
    user = accounts.create_user(SYSTEM, account_id=other.id, email="o@other.example", now=house.now)
    viewer = account_queries.viewer_of(user.id)
    box = _resource(acme, "m0@acme.example")
    attempts = [
        lambda: add_exchange.add_exchange(viewer, account_id=acme.id, domain="x.example", now=house.now),
        lambda: add_domain.add_domain(viewer, account_id=acme.id, name="x.example", now=house.now),
        lambda: change_mailbox.change_mailbox(viewer, resource_id=box.id, quota_mib=1, now=house.now),
        lambda: delete_mailbox.delete_mailbox(
            viewer, resource_id=box.id, confirmation=box.key, now=house.now
        ),
        lambda: set_mailbox_password.set_mailbox_password(
            viewer, resource_id=box.id, password="x", now=house.now
        ),
        lambda: sign_on.sign_on(viewer, account_id=acme.id, now=house.now),
        lambda: queries.progress(viewer, acme.id),
        lambda: queries.zones_of(viewer, acme.id),
    ]
    for attempt in attempts:
        with pytest.raises(account_queries.NotVisible):
            attempt()


# --- several workers ------------------------------------------------------------------------------------------------


def test_of_two_workers_on_one_organization_one_acts(house, sandbox):
    acme = house.customer("acme")
    house.order(acme)
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        house.work()
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert house.settle(acme).is_settled
    for operation in ("CreateUserWizard", "CreateOrganization"):
        assert len(sandbox.control.calls(operation=operation)) == 1


def test_a_wrong_password_stops_the_connection_until_it_is_checked_again(house, sandbox):
    acme = house.customer("acme")
    house.order(acme)
    sandbox.control.inject(kind="401", count=None)
    house.work()
    assert queries.connection(SYSTEM, house.connection.id).condition == "blocked"
    calls = len(sandbox.control.calls())
    house.now += dt.timedelta(days=1)
    house.work()
    assert len(sandbox.control.calls()) == calls, "nobody knocks again by himself"
    sandbox.control.clear_faults()
    check_connection.check_connection(SYSTEM, connection_id=house.connection.id, now=house.now)
    assert house.settle(acme).is_settled


def test_an_unreachable_platform_is_told_in_words_and_tried_again(house, sandbox):
    acme = house.customer("acme")
    house.order(acme)
    sandbox.control.inject(kind="cut_before", count=None)
    house.work()
    line = queries.progress(SYSTEM, acme.id).lines[0]
    assert line.condition == "retrying" and "platform" in line.words
    sandbox.control.clear_faults()
    assert house.settle(acme).is_settled


def test_a_failing_collection_says_so(house, sandbox, acme):
    sandbox.control.inject(kind="401", count=None)
    done = collect_usage.collect_usage(connection_id=house.connection.id, now=house.now)
    assert list(done.failed) == ["acme"]
    assert not isinstance(done.failed["acme"], contract.Failure)
