"""An estate that was on the platform before us: proposed, linked, created from, and never changed by it."""

import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from postledger import clock
from postledger.accounts import operations as accounts
from postledger.accounts import queries as account_queries
from postledger.accounts.types import Viewer
from postledger.cli import adopt as command
from postledger.connectors.wsp import estate
from postledger.provisioning import adoption, queries
from postledger.resources import exchange
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import (
    adopt,
    adopt_by_rule,
    collect_usage,
    create_customers_from_platform,
    follow_subscriptions,
    propose_adoptions,
    subscribe,
)
from postledger_sandbox.server import Process, Sandbox
from tests.workflows import story

SYSTEM = story.SYSTEM


@pytest.fixture(params=["W", "S"])
def sandbox(request):
    with Sandbox(dialect=request.param, delay_s=0, estate=(6, 3, 6)) as running:
        yield running


@pytest.fixture
def house(sandbox, fresh_db, monkeypatch):
    made = story.build(sandbox)
    monkeypatch.setattr(clock, "now", lambda: made.now)
    return made


def _propose(house, **options):
    return propose_adoptions.propose_adoptions(
        SYSTEM, connection_id=house.connection.id, now=house.now, **options
    )


def _open(house, **options):
    return {found.name: found for found in adoption.proposals_of(SYSTEM, house.connection.id, **options)}


def _state_there(sandbox):
    return [sandbox.control.rows(table) for table in ("users", "packages", "organizations", "accounts")]


def _resources(customer, kind):
    return {found.key: found for found in queries.resources_of(SYSTEM, customer.id, kind=kind)}


def test_every_account_is_proposed_with_what_it_holds_and_why(house, sandbox):
    acme = house.customer("acme", email="customer00001@hosted.example")
    walk = _propose(house)
    assert walk.finished_at is not None and walk.seen == walk.total
    found = _open(house)
    first = found["customer00001"]
    assert (first.account_id, first.is_proved, first.is_unique) == (acme.id, True, True)
    assert "confirmed" in first.reasons[0]
    assert first.mailboxes == 2 and first.organizations[0]["code"] == "org00001"
    assert found["customer00006"].account_id is None and found["customer00006"].score == 0


def test_what_is_linked_is_held_and_billed_and_nothing_is_changed_there(house, sandbox):
    acme = house.customer("acme", email="customer00001@hosted.example")
    before = _state_there(sandbox)
    _propose(house)
    adopt.adopt(SYSTEM, proposal_id=_open(house)["customer00001"].id, now=house.now)
    assert house.settle(acme).is_settled
    assert _state_there(sandbox) == before
    assert queries.calls_of(SYSTEM, house.connection.id) == ()
    assert set(_resources(acme, exchange.MAILBOX)) == {"user1@org00001.example", "user2@org00001.example"}
    assert set(_resources(acme, exchange.ORGANIZATION)) == {"org00001"}
    assert follow_subscriptions.follow_subscriptions(now=house.now) == 0
    done = collect_usage.collect_usage(connection_id=house.connection.id, now=house.now)
    assert done.accounts == 1 and done.readings
    assert subscriptions.subscription_of(SYSTEM, acme.id).exchange_since is not None


def test_an_unconfirmed_address_is_shown_and_never_linked_by_rule(house):
    acme = house.customer("acme", email="customer00001@hosted.example")
    him = accounts.create_user(
        SYSTEM, account_id=acme.id, email="him@acme.example", password="x", now=house.now
    )
    accounts.update_details(
        account_queries.viewer_of(him.id),
        account_id=acme.id,
        email="customer00002@hosted.example",
        now=house.now,
    )
    _propose(house)
    match = _open(house)["customer00002"]
    assert match.account_id == acme.id and not match.is_proved
    done = adopt_by_rule.adopt_by_rule(SYSTEM, connection_id=house.connection.id, least=1, now=house.now)
    assert done.linked == 0


def test_a_rule_links_only_where_one_account_fits_one_customer(house, sandbox):
    acme = house.customer("acme", email="customer00001@hosted.example")
    house.customer("twin", email="customer00002@hosted.example")
    sandbox.control.add_user(username="second", email="customer00002@hosted.example")
    _propose(house)
    preview = adopt_by_rule.adopt_by_rule(
        SYSTEM, connection_id=house.connection.id, least=61, now=house.now, is_preview=True
    )
    done = adopt_by_rule.adopt_by_rule(SYSTEM, connection_id=house.connection.id, least=61, now=house.now)
    assert done.linked == preview.linked == 1
    assert queries.account_resource(SYSTEM, acme.id).key == "customer00001"
    assert {"customer00002", "second"} <= set(_open(house))


def test_a_rejected_account_stays_rejected_and_can_be_linked_by_hand(house):
    acme = house.customer("acme", email="customer00001@hosted.example")
    _propose(house)
    proposal = _open(house)["customer00001"]
    adoption.reject(SYSTEM, proposal_id=proposal.id, now=house.now)
    _propose(house)
    assert "customer00001" not in _open(house)
    assert "customer00001" in _open(house, state="rejected")
    adopt.adopt(SYSTEM, proposal_id=proposal.id, account_id=acme.id, now=house.now)
    assert queries.account_resource(SYSTEM, acme.id).key == "customer00001"


def test_nothing_is_linked_twice(house):
    acme = house.customer("acme", email="customer00001@hosted.example")
    _propose(house)
    found = _open(house)
    adopt.adopt(SYSTEM, proposal_id=found["customer00001"].id, now=house.now)
    with pytest.raises(adoption.AlreadyDecided):
        adopt.adopt(SYSTEM, proposal_id=found["customer00001"].id, now=house.now)
    with pytest.raises(adoption.HasExchange, match="customer00001"):
        adopt.adopt(SYSTEM, proposal_id=found["customer00002"].id, account_id=acme.id, now=house.now)
    _propose(house)
    assert "customer00001" not in _open(house)


def test_of_several_subscriptions_of_a_login_the_one_with_exchange_is_linked(house, sandbox):
    acme = house.customer("acme", email="customer00001@hosted.example")
    sandbox.control.add_package(username="customer00001", plan="Exchange Small")
    _propose(house)
    both = [
        found for found in adoption.proposals_of(SYSTEM, house.connection.id) if found.name == "customer00001"
    ]
    main, further = sorted(both, key=lambda found: found.is_further)
    assert main.organizations and main.account_id == acme.id and main.is_unique
    assert further.is_further and further.account_id is None
    with pytest.raises(adoption.SeveralSubscriptions, match="Link that one"):
        adopt.adopt(SYSTEM, proposal_id=further.id, account_id=acme.id, now=house.now)
    done = adopt_by_rule.adopt_by_rule(SYSTEM, connection_id=house.connection.id, least=61, now=house.now)
    assert done.linked == 1
    globex = house.customer("globex")
    with pytest.raises(adoption.SeveralSubscriptions, match="login of its own"):
        adopt.adopt(SYSTEM, proposal_id=further.id, account_id=globex.id, now=house.now)
    created = create_customers_from_platform.create_customers_from_platform(
        SYSTEM, connection_id=house.connection.id, now=house.now
    )
    assert created.refused == ()
    _propose(house)
    counts = adoption.counts(SYSTEM, house.connection.id)
    assert (counts.open, counts.further, counts.unmatched) == (1, 1, 0)


def test_two_subscriptions_with_exchange_are_no_two_customers_under_one_login(house, sandbox):
    package = sandbox.control.add_package(username="customer00001", plan="Exchange Small")["PackageId"]
    sandbox.control.add_organization(package_id=package, organization_id="second", domain="second.example")
    _propose(house)
    created = create_customers_from_platform.create_customers_from_platform(
        SYSTEM, connection_id=house.connection.id, now=house.now
    )
    ((name, words),) = created.refused
    assert name == "customer00001" and "login of its own" in words
    assert account_queries.account_by_code(SYSTEM, seller_id=house.provider.id, code="customer00001")
    with pytest.raises(account_queries.NotVisible):
        account_queries.account_by_code(SYSTEM, seller_id=house.provider.id, code="customer00001-2")


def test_customers_are_created_with_a_plan_and_their_address_proves_nothing(house, sandbox):
    before = _state_there(sandbox)
    _propose(house)
    done = create_customers_from_platform.create_customers_from_platform(
        SYSTEM, connection_id=house.connection.id, plan_id=house.plan_id, now=house.now
    )
    assert done.refused == () and done.customers >= 6
    made = account_queries.account_by_code(SYSTEM, seller_id=house.provider.id, code="customer00001")
    assert made.email == "customer00001@hosted.example" and made.email_confirmed_at is None
    assert made.name == "Organization 1"
    assert subscriptions.subscription_of(SYSTEM, made.id).plan_id == house.plan_id
    assert house.settle(made).is_settled
    assert _state_there(sandbox) == before
    again = create_customers_from_platform.create_customers_from_platform(
        SYSTEM, connection_id=house.connection.id, plan_id=house.plan_id, now=house.now
    )
    assert again.customers == 0


def test_an_account_adopted_before_its_customer_has_a_plan_is_billed_from_then_on(house):
    _propose(house)
    create_customers_from_platform.create_customers_from_platform(
        SYSTEM, connection_id=house.connection.id, now=house.now
    )
    made = account_queries.account_by_code(SYSTEM, seller_id=house.provider.id, code="customer00001")
    assert house.settle(made).is_settled
    subscribe.subscribe(SYSTEM, buyer_id=made.id, plan_id=house.plan_id, months=1, now=house.now)
    follow_subscriptions.follow_subscriptions(now=house.now)
    held = subscriptions.subscription_of(SYSTEM, made.id)
    assert queries.account_resource(SYSTEM, made.id).subscription_id == held.id
    assert held.exchange_since is not None


def test_the_command_proposes_first_and_acts_only_when_told(house):
    house.customer("acme", email="customer00001@hosted.example")
    run = CliRunner().invoke
    number = str(house.connection.id)
    looked = run(command.command, [number, "--dry-run", "--link-above", "61", "--create"])
    assert looked.exit_code == 0, looked.output
    assert "1 accounts would be linked" in looked.output and "customers would be created" in looked.output
    assert adoption.counts(SYSTEM, house.connection.id).linked == 0
    acted = run(command.command, [number, "--link-above", "61", "--create", "--plan", "office"])
    assert acted.exit_code == 0, acted.output
    assert "1 accounts linked" in acted.output
    assert adoption.counts(SYSTEM, house.connection.id).open == 0


def test_a_neighbour_sees_and_decides_nothing(house):
    house.customer("acme", email="customer00001@hosted.example")
    north = accounts.create_reseller(
        SYSTEM, seller_id=house.provider.id, code="north", name="North", now=house.now
    )
    globex = accounts.create_customer(SYSTEM, seller_id=north.id, code="globex", name="Globex", now=house.now)
    _propose(house)
    proposal = _open(house)["customer00001"]
    number = house.connection.id
    for account in (north, globex):
        user = accounts.create_user(
            SYSTEM, account_id=account.id, email=f"u@{account.code}.example", password="x", now=house.now
        )
        neighbour = account_queries.viewer_of(user.id)
        for ask in (
            lambda who: adoption.proposals_of(who, number),
            lambda who: adoption.counts(who, number),
            lambda who: adoption.walk_of(who, number),
            lambda who: adoption.proposal(who, proposal.id),
            lambda who: adoption.reject(who, proposal_id=proposal.id, now=house.now),
            lambda who: adopt.adopt(who, proposal_id=proposal.id, now=house.now),
            lambda who: adopt_by_rule.adopt_by_rule(who, connection_id=number, least=1, now=house.now),
            lambda who: propose_adoptions.propose_adoptions(who, connection_id=number, now=house.now),
            lambda who: create_customers_from_platform.create_customers_from_platform(
                who, connection_id=number, now=house.now
            ),
        ):
            with pytest.raises(account_queries.NotVisible):
                ask(neighbour)
    # a customer of somebody else is not given an account either
    with pytest.raises(account_queries.NotVisible):
        adopt.adopt(SYSTEM, proposal_id=proposal.id, account_id=globex.id, now=house.now)


def test_a_walk_that_was_interrupted_goes_on_where_it_was(house, monkeypatch):
    monkeypatch.setattr(estate, "USERS_PER_PAGE", 2)
    monkeypatch.setattr(estate, "_OVERLAP", 1)

    def stop(walk):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _propose(house, tell=stop)
    halted = adoption.walk_of(SYSTEM, house.connection.id)
    assert halted.finished_at is None and 0 < halted.seen < halted.total
    told = []
    done = _propose(house, tell=told.append)
    assert done.id == halted.id and done.finished_at is not None
    assert told[0].seen > halted.seen
    assert {f"customer{number:05}" for number in range(1, 7)} <= set(_open(house))


def test_twenty_thousand_accounts_are_gone_over_although_the_command_is_killed(fresh_db):
    with Process(
        "--dialect", "S", "--port", "0", "--delay", "0", "--estate", "20000", "200", "400"
    ) as sandbox:
        house = story.build(sandbox, timeout_s=60, slow_timeout_s=60)
        customers = [
            house.customer(f"c{n}", email=f"customer{n:05}@hosted.example") for n in (1, 9999, 20000)
        ]
        started = time.monotonic()
        killed = subprocess.Popen(
            [sys.executable, "-m", "postledger.cli.main", "adopt", str(house.connection.id)],
            env=dict(os.environ),
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            walk = adoption.walk_of(SYSTEM, house.connection.id)
            if walk is not None and walk.seen >= 5000:
                break
            assert killed.poll() is None
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        walk = adoption.walk_of(SYSTEM, house.connection.id)
        assert walk.finished_at is None and 5000 <= walk.seen < 20000
        before, told = walk.seen, []
        done = _propose(house, tell=told.append)
        took_s = time.monotonic() - started
        assert done.id == walk.id and done.finished_at is not None
        assert told[0].seen > before
        counts = adoption.counts(SYSTEM, house.connection.id)
        assert counts.open == 20000 and counts.matched == 3
        linked = adopt_by_rule.adopt_by_rule(
            Viewer.system(), connection_id=house.connection.id, least=61, now=house.now
        )
        assert linked.linked == 3
        assert {queries.account_resource(SYSTEM, c.id).key for c in customers} == {
            "customer00001",
            "customer09999",
            "customer20000",
        }
        print(f"walked in {took_s:.1f} s")
