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
from postledger.provisioning.models import Resource
from postledger.resources import exchange
from postledger.workflows import preview_changes, reconcile, refuse_change, set_exchange_status, suspend
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


def _suspended_all_at_once(house, count):
    customers = [house.customer(f"bulk{number}") for number in range(count)]
    for customer in customers:
        house.order(customer, boxes=0)
    for customer in customers:
        assert house.settle(customer).is_settled
    for customer in customers:
        set_exchange_status.set_exchange_status(account_id=customer.id, is_active=False, now=house.now)
    return customers


def _states(sandbox, customers):
    return [sandbox.control.user(customer.code)["StatusId"] for customer in customers]


def test_the_brake_holds_also_those_that_come_last(house, sandbox):
    """Rounds take a few trees each. When what was stopped no longer counted, the last ones would slip through."""
    customers = _suspended_all_at_once(house, 12)
    while reconcile.reconcile(now=house.now, most=4, lease_s=house.lease_s).trees:
        pass
    assert _states(sandbox, customers) == [1] * 12
    held = releases.held_back(SYSTEM, house.connection.id)
    assert len(held) == 12 and {entry.reason for entry in held} == {"mass_change"}
    assert "12 of 12 accounts" in held[0].words


def test_all_that_the_brake_holds_goes_on_by_force_when_its_number_is_known(house, sandbox):
    customers = _suspended_all_at_once(house, 7)
    house.work()
    number = str(house.connection.id)
    looked = CliRunner().invoke(command.command, ["--dry-run"])
    assert f'--connection {number} --force 7 --because "…"' in looked.output
    for wrong in (["--force", "7"], ["--force", "7", "--connection", number], ["--force", "0"]):
        assert CliRunner().invoke(command.command, wrong).exit_code == 2
    with pytest.raises(releases.OthersStopped):
        releases.release_all(
            SYSTEM, connection_id=house.connection.id, count=6, because="checked", now=house.now
        )
    assert _states(sandbox, customers) == [1] * 7
    forced = ["--force", "7", "--connection", number, "--because", "they moved away"]
    said = CliRunner().invoke(command.command, forced)
    assert said.exit_code == 0 and "7 changes go on" in said.output, said.output
    assert _states(sandbox, customers) == [2] * 7
    assert Event.objects.filter(kind="exchange_account.released").count() == 7


def test_a_confirmation_is_for_one_wish_only(house, sandbox, acme):
    account = queries.account_resource(SYSTEM, acme.id)
    operations.look_again(SYSTEM, resource_id=account.id, now=house.now, confirm=True)
    set_exchange_status.set_exchange_status(
        account_id=acme.id, is_active=False, now=house.now, actor="user:7"
    )
    after = queries.account_resource(SYSTEM, acme.id)
    assert not after.is_confirmed and after.wished_by == "user:7"


def test_a_deletion_nobody_ordered_is_taken_back_with_all_in_it(house, sandbox, acme):
    organization = queries.organization_of(SYSTEM, acme.id)
    operations.withdraw(resource_id=organization.id, reason="", now=house.now, actor="system")
    house.work()
    assert queries.resource(SYSTEM, organization.id).reason == "unexpected_deletion"
    with pytest.raises(differences.NoReason):
        refuse_change.refuse_change(SYSTEM, resource_id=organization.id, because=" ", now=house.now)
    refuse_change.refuse_change(SYSTEM, resource_id=organization.id, because="a mistake", now=house.now)
    assert house.settle(acme).is_settled
    assert sandbox.control.organization("acme") is not None
    assert Event.objects.get(kind="exchange_organization.change_refused").data["because"] == "a mistake"
    with pytest.raises(refuse_change.NotStopped):
        refuse_change.refuse_change(SYSTEM, resource_id=organization.id, because="again", now=house.now)


def test_what_vanished_is_given_up_when_making_it_anew_is_refused(house, sandbox, acme):
    sandbox.control.delete_mailbox(email="m0@acme.example")
    box = queries.find(connection_id=house.connection.id, kind=exchange.MAILBOX, key="m0@acme.example")
    operations.look_again(SYSTEM, resource_id=box.id, now=house.now)
    house.work()
    assert queries.resource(SYSTEM, box.id).reason == "vanished"
    refuse_change.refuse_change(SYSTEM, resource_id=box.id, because="she left", now=house.now)
    house.work()
    assert queries.resource(SYSTEM, box.id).condition == "gone"


def test_a_suspension_is_refused_where_the_subscription_is_resumed(house, sandbox):
    customers = _suspended_all_at_once(house, 7)
    suspend.suspend(SYSTEM, buyer_id=customers[0].id, reason="debt", now=house.now)
    house.work()
    first, second = (queries.account_resource(SYSTEM, customer.id) for customer in customers[:2])
    with pytest.raises(refuse_change.FollowsSubscription):
        refuse_change.refuse_change(SYSTEM, resource_id=first.id, because="no", now=house.now)
    refuse_change.refuse_change(SYSTEM, resource_id=second.id, because="no", now=house.now)
    assert house.settle(customers[1]).is_settled
    assert _states(sandbox, customers) == [1] * 7


def test_what_saying_yes_would_not_help_is_not_let_go_on(house, sandbox, acme):
    box = queries.find(connection_id=house.connection.id, kind=exchange.MAILBOX, key="m0@acme.example")
    Resource.objects.filter(pk=box.id).update(
        condition="needs_operator", reason="ceiling_below_addons", words="Remove add-ons."
    )
    with pytest.raises(releases.NotDecidable, match="Remove add-ons"):
        releases.release(SYSTEM, resource_id=box.id, because="please", now=house.now)


def test_when_our_own_account_there_is_suspended_the_connection_stops_and_not_each_customer(
    house, sandbox, acme
):
    beta = house.customer("beta")
    house.order(beta)
    sandbox.control.set_status(username="reseller", status_id=2)
    house.work()
    found = queries.connection(SYSTEM, house.connection.id)
    assert found.condition == "blocked" and "reseller account" in found.words, (found.condition, found.words)
    assert {entry.condition for entry in queries.resources_of(SYSTEM, beta.id)} <= {
        "waiting",
        "retrying",
        "working",
    }
