"""A platform that is out of order is left alone by everybody, says so, and is used again as soon as it works."""

import datetime as dt

import pytest
from django.test import Client

from postledger import clock
from postledger.accounts import operations as accounts
from postledger.accounts import queries as account_queries
from postledger.connectors import contract
from postledger.provisioning import operations, queries
from postledger.workflows import (
    check_connection,
    collect_usage,
    reconcile,
    refresh_platform_plans,
    retry_connections,
    set_mailbox_password,
    sign_on,
)
from postledger_sandbox.server import Sandbox
from tests.workflows import story

SYSTEM = story.SYSTEM


@pytest.fixture(params=["W", "F"])
def sandbox(request):
    with Sandbox(dialect=request.param, delay_s=0) as running:
        yield running


@pytest.fixture
def house(sandbox, fresh_db):
    return story.build(sandbox)


def _connection(house):
    return queries.connection(SYSTEM, house.connection.id)


def _fail_until_left_alone(house, sandbox):
    sandbox.control.inject(kind="down", count=None)
    for _ in range(3):
        house.work()
        house.now += dt.timedelta(minutes=2)
    house.now -= dt.timedelta(minutes=2)
    assert _connection(house).retry_at == house.now + dt.timedelta(minutes=1)


def _attempts(house, customer) -> list:
    box = next(found for found in queries.resources_of(SYSTEM, customer.id) if found.key.startswith("m0@"))
    number, at = house.connection.id, house.now
    return [
        lambda: collect_usage.collect_usage(connection_id=number, now=at),
        lambda: sign_on.sign_on(SYSTEM, account_id=customer.id, why="asked", now=at),
        lambda: set_mailbox_password.set_mailbox_password(
            SYSTEM, resource_id=box.id, password="Tr0ub4dor-and-3", now=at
        ),
        lambda: refresh_platform_plans.refresh_platform_plans(SYSTEM, connection_id=number, now=at),
    ]


def test_while_it_is_left_alone_nobody_calls_it(house, sandbox):
    acme, late = house.customer("acme"), house.customer("late")
    house.order(acme)
    assert house.settle(acme).is_settled
    house.order(late)
    _fail_until_left_alone(house, sandbox)
    calls = len(sandbox.control.calls())
    for attempt in _attempts(house, acme):
        with pytest.raises(contract.TemporaryFailure, match="tried again in 60 seconds") as caught:
            attempt()
        assert caught.value.reason == "left_alone"
    assert reconcile.reconcile(now=house.now) == reconcile.Round()
    assert retry_connections.retry_connections(now=house.now) == 0
    assert len(sandbox.control.calls()) == calls
    assert _connection(house).failures == 3, "being refused by ourselves is no failure of the platform"


def test_it_is_used_again_by_itself_when_nothing_is_ordered(house, sandbox):
    acme = house.customer("acme")
    house.order(acme)
    _fail_until_left_alone(house, sandbox)
    house.now += dt.timedelta(minutes=1)
    assert retry_connections.retry_connections(now=house.now) == 0
    assert (_connection(house).failures, _connection(house).condition) == (4, "failing")
    assert _connection(house).retry_at == house.now + dt.timedelta(minutes=2)
    sandbox.control.clear_faults()
    house.now += dt.timedelta(minutes=2)
    assert retry_connections.retry_connections(now=house.now) == 1
    found = _connection(house)
    assert (found.condition, found.failures, found.retry_at, found.words) == ("ok", 0, None, "")
    assert house.settle(acme).is_settled


def test_a_failure_in_the_middle_of_a_check_passes_by_itself(house, sandbox):
    sandbox.control.inject(kind="cut_before", operation="GetHostingPlans", count=None)
    found = check_connection.check_connection(SYSTEM, connection_id=house.connection.id, now=house.now)
    assert found.condition == "failing"
    sandbox.control.clear_faults()
    assert retry_connections.retry_connections(now=house.now) == 1


def test_panel_and_api_say_until_when_it_is_left_alone(house, sandbox, monkeypatch):
    house.order(house.customer("acme"))
    _fail_until_left_alone(house, sandbox)
    monkeypatch.setattr(clock, "now", lambda: house.now)
    user = accounts.create_user(
        SYSTEM,
        account_id=house.provider.id,
        email="p@host.example",
        password="Gritty-Otter-42",
        now=house.now,
    )
    browser = Client()
    assert browser.login(email="p@host.example", password="Gritty-Otter-42")
    until = f"{house.now + dt.timedelta(minutes=1):%H:%M}"
    page = browser.get(f"/connections/{house.connection.id}/").content.decode()
    assert "left alone until" in page and until in page
    for path in ("/connections/", "/"):
        assert "Left alone until" in browser.get(path).content.decode()
    secret, _ = accounts.create_token(account_queries.viewer_of(user.id), name="t", now=house.now)
    answer = browser.get(
        f"/api/v1/connections/{house.connection.id}", headers={"Authorization": f"Bearer {secret}"}
    ).json()
    assert answer["failures"] == 3
    assert dt.datetime.fromisoformat(answer["retry_at"]) == house.now + dt.timedelta(minutes=1)


def test_refused_credentials_stop_everything_until_they_are_corrected(house, sandbox):
    """The newest generation refuses them by a fault, the others by a 401: both are the same to us."""
    acme = house.customer("acme")
    house.order(acme)
    assert house.settle(acme).is_settled
    operations.change_connection(
        SYSTEM, connection_id=house.connection.id, values={"password": "Wrong-1"}, now=house.now
    )
    house.order(house.customer("late"))
    house.work()
    found = _connection(house)
    assert found.condition == "blocked" and "user name or password" in found.words
    calls = len(sandbox.control.calls())
    house.now += dt.timedelta(days=2)
    for attempt in _attempts(house, acme):
        with pytest.raises(contract.PermanentFailure, match="stopped until it is corrected") as caught:
            attempt()
        assert caught.value.reason == "stopped"
    house.work()
    retry_connections.retry_connections(now=house.now)
    assert len(sandbox.control.calls()) == calls, "a wrong password is not tried until the login is locked"
    operations.change_connection(
        SYSTEM, connection_id=house.connection.id, values={"password": "Secret-1"}, now=house.now
    )
    check_connection.check_connection(SYSTEM, connection_id=house.connection.id, now=house.now)
    assert _connection(house).condition == "ok"
