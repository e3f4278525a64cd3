"""The changeset before it is applied: in words, with what stops it, and how an operator lets it go on."""

import datetime as dt

import pytest
from click.testing import CliRunner

from postledger import clock
from postledger.accounts import operations as accounts
from postledger.accounts import queries as account_queries
from postledger.cli import reconcile as command
from postledger.events.models import Event
from postledger.provisioning import differences, operations, queries, releases
from postledger.resources import exchange
from postledger.workflows import preview_changes, set_exchange_status
from postledger_sandbox.server import Sandbox
from tests.workflows import story

SYSTEM = story.SYSTEM


@pytest.fixture(params=["W", "S"])
def sandbox(request):
    with Sandbox(dialect=request.param, delay_s=0) as running:
        yield running


@pytest.fixture
def house(sandbox, fresh_db, monkeypatch):
    made = story.build(sandbox)
    monkeypatch.setattr(clock, "now", lambda: made.now)
    return made


@pytest.fixture
def acme(house):
    made = house.customer("acme")
    house.order(made)
    assert house.settle(made).is_settled
    return made


def _preview(house, **options):
    found = preview_changes.preview_changes(
        SYSTEM, connection_id=house.connection.id, now=house.now, **options
    )
    # an account may have its organization's name; the containing thing comes first and is meant
    return {entry.resource.key: entry for entry in reversed(found)}


def test_an_order_is_previewed_step_by_step_and_nothing_is_made(house, sandbox):
    acme = house.customer("acme")
    house.order(acme)
    found = _preview(house)
    assert found["acme"].steps == ("create account acme",) or "create" in found["acme"].steps[0]
    assert "Waits for" in found["m0@acme.example"].stop and not found["m0@acme.example"].needs_release
    assert sandbox.control.user("acme") is None
    assert queries.calls_of(SYSTEM, house.connection.id) == ()


def test_a_change_is_previewed_from_the_platform_and_from_memory(house, acme):
    account = queries.account_resource(SYSTEM, acme.id)
    set_exchange_status.set_exchange_status(account_id=acme.id, is_active=False, now=house.now)
    for is_live in (True, False):
        entry = _preview(house, is_live=is_live)["acme"]
        assert entry.steps == ("change account acme: status active → suspended",) and entry.stop == ""
    assert entry.resource.id == account.id


def test_a_deletion_without_a_cancelled_subscription_is_stopped_and_released_with_a_reason(
    house, sandbox, acme
):
    box = queries.find(connection_id=house.connection.id, kind=exchange.MAILBOX, key="m0@acme.example")
    operations.withdraw(resource_id=box.id, reason="", now=house.now, actor="system")
    entry = _preview(house)["m0@acme.example"]
    assert "no subscription was cancelled" in entry.stop and entry.needs_release
    house.work()
    assert queries.resource(SYSTEM, box.id).condition == "needs_operator"
    with pytest.raises(differences.NoReason):
        releases.release(SYSTEM, resource_id=box.id, because="", now=house.now)
    releases.release(SYSTEM, resource_id=box.id, because="asked for on the phone", now=house.now)
    assert _preview(house)["m0@acme.example"].stop == ""
    house.work()
    assert queries.resource(SYSTEM, box.id).condition == "gone"
    noted = Event.objects.get(kind="exchange_mailbox.released")
    assert noted.data["because"] == "asked for on the phone"


def test_a_mass_change_is_stopped_in_the_preview_as_in_the_act(house, sandbox):
    customers = [house.customer(f"bulk{number}") for number in range(7)]
    for customer in customers:
        house.order(customer, boxes=0)
    for customer in customers:
        assert house.settle(customer).is_settled
    for customer in customers:
        set_exchange_status.set_exchange_status(account_id=customer.id, is_active=False, now=house.now)
    found = _preview(house)
    stopped = [entry for entry in found.values() if "in one go" in entry.stop]
    assert len(stopped) == 7 and all(entry.needs_release for entry in stopped)
    said = CliRunner().invoke(command.command, ["--dry-run"])
    assert said.exit_code == 0 and said.output.count("STOPPED") == 7, said.output
    assert {sandbox.control.user(customer.code)["StatusId"] for customer in customers} == {1}
    house.work()
    first = queries.account_resource(SYSTEM, customers[0].id)
    assert first.condition == "needs_operator"
    releases.release(SYSTEM, resource_id=first.id, because="checked", now=house.now)
    house.work()
    assert [sandbox.control.user(customer.code)["StatusId"] for customer in customers] == [2] + [1] * 6


def test_what_was_changed_on_the_platform_is_told_before_it_is_put_right(house, sandbox, acme):
    sandbox.control.set_status(username="acme", status_id=2)
    house.now += dt.timedelta(days=2)
    entry = _preview(house)["acme"]
    assert entry.stop == "It was changed on the platform." and "suspended → active" in entry.steps[0]


def test_a_neighbour_sees_and_releases_nothing(house, acme):
    north = accounts.create_reseller(
        SYSTEM, seller_id=house.provider.id, code="north", name="North", now=house.now
    )
    neighbour = account_queries.viewer_of(
        accounts.create_user(
            SYSTEM, account_id=north.id, email="u@north.example", password="x", now=house.now
        ).id
    )
    own = account_queries.viewer_of(
        accounts.create_user(
            SYSTEM, account_id=acme.id, email="u@acme.example", password="x", now=house.now
        ).id
    )
    account = queries.account_resource(SYSTEM, acme.id)
    for viewer in (neighbour, own):
        with pytest.raises(account_queries.NotVisible):
            preview_changes.preview_changes(viewer, connection_id=house.connection.id, now=house.now)
        with pytest.raises(account_queries.NotVisible):
            releases.release(viewer, resource_id=account.id, because="mine", now=house.now)
