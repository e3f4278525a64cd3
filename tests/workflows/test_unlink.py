"""An account linked to the wrong customer is unlinked: the platform, its mail and the right customer's bill stay whole."""

import datetime as dt

import pytest
from click.testing import CliRunner

from postledger import clock
from postledger.accounts import operations as accounts
from postledger.accounts import queries as account_queries
from postledger.billing import queries as billing
from postledger.cli import adopt as command
from postledger.events import queries as events
from postledger.provisioning import adoption, operations, queries, zones
from postledger.resources import exchange
from postledger.subscriptions import queries as subscriptions
from postledger.usage import queries as usage
from postledger.workflows import (
    adopt,
    billing_run,
    collect_usage,
    find_drift,
    follow_subscriptions,
    propose_adoptions,
    reconcile,
    remove_exchange,
    unlink,
)
from postledger_sandbox.server import Sandbox
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


def _open(house):
    propose_adoptions.propose_adoptions(SYSTEM, connection_id=house.connection.id, now=house.now)
    return _proposals(house)


def _proposals(house, state="open"):
    return {
        found.name: found
        for found in adoption.proposals_of(SYSTEM, house.connection.id, state=state, most=100)
    }


def _linked(house, code="acme", *, email="customer00001@hosted.example"):
    """A customer to whom the first account of the estate was linked, worked through and read."""
    wrong = house.customer(code, email=email)
    adopt.adopt(SYSTEM, proposal_id=_open(house)["customer00001"].id, account_id=wrong.id, now=house.now)
    assert house.settle(wrong).is_settled
    follow_subscriptions.follow_subscriptions(now=house.now)
    return wrong


def _state_there(sandbox):
    return [sandbox.control.rows(table) for table in ("users", "packages", "organizations", "accounts")]


def _add_mailbox(house, address, code="org00001"):
    (row,) = [row for row in house.sandbox.control.rows("organizations") if row["OrganizationId"] == code]
    house.sandbox.control.add_mailbox(row["Id"], address)


def _unlink(house, account, **options):
    options.setdefault("reason", "linked to the wrong customer")
    return unlink.unlink(SYSTEM, account_id=account.id, now=house.now, **options)


def _booked(house, account):
    found = subscriptions.subscription_of(SYSTEM, account.id)
    day = house.now.date()
    return [
        line for line in billing.booked_between(found.id, first=story.NOW.date(), last=day) if line.is_metered
    ]


def test_an_unlinked_account_is_anothers_and_the_platform_knows_nothing_of_it(house, sandbox):
    acme = _linked(house)
    before = _state_there(sandbox)
    calls = len(queries.calls_of(SYSTEM, house.connection.id))
    done = _unlink(house, acme)
    assert (done.name, done.is_made, done.amount) == ("customer00001", False, 0)
    assert done.things >= 5 and done.organizations == ("org00001",)
    assert queries.resources_of(SYSTEM, acme.id) == ()
    assert subscriptions.subscription_of(SYSTEM, acme.id).exchange_since is None
    assert "customer00001" in _proposals(house) and "customer00001" not in _proposals(house, "linked")
    assert follow_subscriptions.follow_subscriptions(now=house.now) == 0
    house.work()
    assert _state_there(sandbox) == before
    assert len(queries.calls_of(SYSTEM, house.connection.id)) == calls
    drift = find_drift.find_drift(connection_id=house.connection.id, now=house.now)
    assert any(line.code == "unlinked" and line.name.startswith("customer00001") for line in drift)
    right = house.customer("right")
    adopt.adopt(SYSTEM, proposal_id=_proposals(house)["customer00001"].id, account_id=right.id, now=house.now)
    assert house.settle(right).is_settled
    assert _state_there(sandbox) == before
    boxes = queries.resources_of(SYSTEM, right.id, kind=exchange.MAILBOX)
    assert {box.key for box in boxes} == {"user1@org00001.example", "user2@org00001.example"}


def test_who_unlinked_and_why_is_kept_and_the_same_customer_is_proposed_no_more(house):
    acme = _linked(house)
    found = account_queries.viewer_of(
        accounts.create_user(
            SYSTEM, account_id=house.provider.id, email="eve@host.example", password="x", now=house.now
        ).id
    )
    unlink.unlink(found, account_id=acme.id, reason="It is Beta's.", now=house.now)
    (event,) = [
        entry for entry in events.events_of(account_id=acme.id, most=100) if entry.kind == "adoption.unlinked"
    ]
    assert event.actor == found.actor and event.data["why"] == "It is Beta's."
    assert event.data["held"][exchange.MAILBOX] == 2 and not event.data["is_billed"]
    again = _open(house)["customer00001"]  # his confirmed address still speaks for him
    assert again.account_id is None and not again.is_proved
    assert adoption.sure(connection_id=house.connection.id, least=1) == ()
    adopt.adopt(SYSTEM, proposal_id=again.id, account_id=acme.id, now=house.now)  # a person may


@pytest.mark.parametrize("is_billed", [False, True])
def test_what_was_used_is_billed_only_where_the_seller_says_so(house, sandbox, is_billed):
    acme = _linked(house)
    house.now += dt.timedelta(days=9)
    for number in range(3):
        _add_mailbox(house, f"more{number}@org00001.example")
    collect_usage.collect_usage(connection_id=house.connection.id, now=house.now)
    shown = _unlink(house, acme, is_billed=is_billed, preview=True)
    assert shown.is_read and queries.account_resource(SYSTEM, acme.id) is not None
    done = _unlink(house, acme, is_billed=is_billed, agreed=shown.amount)
    # five mailboxes, two of them free, at 8.00 each for the whole month
    assert done.amount == shown.amount == (2400 if is_billed else 0)
    assert [line.amount for line in _booked(house, acme)] == ([2400] if is_billed else [])


def test_without_billing_nothing_of_it_comes_back_with_the_right_account(house, sandbox):
    acme = _linked(house)
    house.now += dt.timedelta(days=3)
    for number in range(4):
        _add_mailbox(house, f"more{number}@org00001.example")
    collect_usage.collect_usage(connection_id=house.connection.id, now=house.now)
    held = subscriptions.subscription_of(SYSTEM, acme.id)
    kept = {"first": story.NOW.date(), "last": house.now.date()}
    assert usage.readings_of(SYSTEM, held.id, **kept)
    _unlink(house, acme)
    assert usage.readings_of(SYSTEM, held.id, **kept) == ()  # a peak or an average would count them
    adopt.adopt(SYSTEM, proposal_id=_open(house)["customer00002"].id, account_id=acme.id, now=house.now)
    assert house.settle(acme).is_settled
    follow_subscriptions.follow_subscriptions(now=house.now)
    collect_usage.collect_usage(connection_id=house.connection.id, now=house.now)
    now_read = unlink.unlink(SYSTEM, account_id=acme.id, now=house.now, is_billed=True, preview=True)
    assert now_read.amount == 0  # two mailboxes, both free


def test_a_month_that_waits_for_a_reading_is_not_billed_later_either(house, sandbox):
    acme, kept = _linked(house), house.customer("kept")
    adopt.adopt(SYSTEM, proposal_id=_open(house)["customer00002"].id, account_id=kept.id, now=house.now)
    assert house.settle(kept).is_settled
    follow_subscriptions.follow_subscriptions(now=house.now)
    for number in range(3):
        _add_mailbox(house, f"more{number}@org00001.example")
        _add_mailbox(house, f"more{number}@org00002.example", "org00002")
    house.now = dt.datetime(2027, 1, 20, 12, tzinfo=dt.UTC)
    collect_usage.collect_usage(connection_id=house.connection.id, now=house.now)
    house.now = dt.datetime(2027, 2, 11, 12, tzinfo=dt.UTC)  # nothing was read at the close
    billing_run.billing_run(SYSTEM, now=house.now)
    assert (_unlink(house, acme).amount, _booked(house, acme)) == (0, [])
    house.now = dt.datetime(2027, 3, 2, 12, tzinfo=dt.UTC)
    billing_run.billing_run(SYSTEM, now=house.now)
    assert _booked(house, acme) == []
    assert 2400 in [line.amount for line in _booked(house, kept)]  # January, billed late to him who keeps his


def test_a_reading_is_taken_before_usage_is_billed_and_none_means_no_bill(house, sandbox):
    acme = _linked(house)
    house.now += dt.timedelta(days=9)
    _add_mailbox(house, "third@org00001.example")
    assert not _unlink(house, acme, is_billed=True, preview=True).is_read
    operations.change_connection(
        SYSTEM, connection_id=house.connection.id, values={"url": "http://127.0.0.1:9"}, now=house.now
    )
    with pytest.raises(unlink.NotRead, match="without billing"):
        _unlink(house, acme, is_billed=True)
    assert queries.account_resource(SYSTEM, acme.id) is not None
    operations.change_connection(
        SYSTEM, connection_id=house.connection.id, values={"url": sandbox.url}, now=house.now
    )
    assert _unlink(house, acme, is_billed=True).amount == 800


def test_another_amount_than_was_shown_is_refused(house, sandbox):
    acme = _linked(house)
    house.now += dt.timedelta(days=9)
    _add_mailbox(house, "third@org00001.example")
    collect_usage.collect_usage(connection_id=house.connection.id, now=house.now)
    with pytest.raises(unlink.AnotherAmount, match="8.00"):
        _unlink(house, acme, is_billed=True, agreed=1600)
    assert queries.account_resource(SYSTEM, acme.id) is not None and _booked(house, acme) == []


def test_a_tree_somebody_works_on_is_not_unlinked(house):
    acme = _linked(house)
    root = queries.account_resource(SYSTEM, acme.id)
    operations.look_again(SYSTEM, resource_id=root.id, now=house.now)
    (claim,) = operations.claim_due(now=house.now, lease_s=60)
    with pytest.raises(adoption.BeingWorkedOn, match="in a minute"):
        _unlink(house, acme)
    operations.release(claim=claim)
    _unlink(house, acme)
    assert queries.account_resource(SYSTEM, acme.id) is None


def test_a_change_on_its_way_to_the_platform_is_waited_for(house):
    acme = _linked(house)
    remove_exchange.remove_exchange(
        SYSTEM, account_id=acme.id, reason="removed", is_confirmed=True, now=house.now
    )
    with pytest.raises(adoption.BeingWorkedOn, match="half done"):
        _unlink(house, acme)


def test_a_link_nobody_has_worked_on_yet_is_taken_back_at_once(house):
    acme = house.customer("acme")
    adopt.adopt(SYSTEM, proposal_id=_open(house)["customer00001"].id, account_id=acme.id, now=house.now)
    _unlink(house, acme)
    with pytest.raises(adoption.NotLinked):
        _unlink(house, acme)


def test_what_we_made_ourselves_can_be_unlinked_and_adopted_again(house, sandbox):
    beta = house.customer("beta")
    house.order(beta)
    with pytest.raises(adoption.NotLinked, match="not known to be"):
        _unlink(house, beta)
    assert house.settle(beta).is_settled
    before = _state_there(sandbox)
    assert _unlink(house, beta).is_made
    reconcile.reconcile(now=house.now, lease_s=2)
    assert _state_there(sandbox) == before
    found = _proposals(house)["beta"]
    assert (found.mailboxes, found.domains) == (2, ("beta.example",))
    adopt.adopt(SYSTEM, proposal_id=found.id, account_id=beta.id, now=house.now)
    assert house.settle(beta).is_settled
    assert _state_there(sandbox) == before


def test_records_for_mail_stay_published_and_become_the_customers(house):
    beta = house.customer("beta")
    zone = zones.create_zone(
        SYSTEM,
        account_id=beta.id,
        name="beta.example",
        builtin=[("", "MX", ["5 old.host.example."]), ("", "TXT", ["v=spf1 mx -all"])],
        now=house.now,
    )
    house.order(beta)
    assert house.settle(beta).is_settled

    def shown():
        records = queries.zone(SYSTEM, zone.id).records
        return {(found.name, found.type): found for found in records if not found.is_hidden}

    zones.plan_mail(zone_id=zone.id, now=house.now)
    before = {key: found.data for key, found in shown().items()}
    assert any("mx1.host.example" in value for value in before["beta.example", "MX"])
    _unlink(house, beta)
    zones.plan_mail(zone_id=zone.id, now=house.now)
    assert {key: found.data for key, found in shown().items()} == before
    assert {found.owner for found in shown().values()} <= {"customer", "builtin"}
    assert all(not found.is_hidden for found in queries.zone(SYSTEM, zone.id).records)
    (event,) = [e for e in events.events_of(account_id=beta.id, most=100) if e.kind == "zone.left"]
    assert any("old.host.example" in text for text in event.data["given_up"])
    # linked again, the records are planned as before and mail has them all the while
    adopt.adopt(SYSTEM, proposal_id=_proposals(house)["beta"].id, account_id=beta.id, now=house.now)
    assert house.settle(beta).is_settled
    zones.plan_mail(zone_id=zone.id, now=house.now)
    assert {key: found.data for key, found in shown().items()} == before


def test_a_walk_under_way_does_not_lose_what_is_unlinked(house):
    acme = _linked(house)
    walk = adoption.begin_walk(connection_id=house.connection.id, now=house.now)
    _unlink(house, acme)
    adoption.record_page(walk=walk, rows=[], cursor=None, seen=1, total=1, now=house.now)
    assert "customer00001" in _proposals(house)


def test_only_who_sells_to_the_customer_over_that_connection_unlinks(house):
    acme = _linked(house)
    north = accounts.create_reseller(
        SYSTEM, seller_id=house.provider.id, code="north", name="North", now=house.now
    )
    for account in (north, acme):
        user = accounts.create_user(
            SYSTEM, account_id=account.id, email=f"u@{account.code}.example", password="x", now=house.now
        )
        with pytest.raises(account_queries.NotVisible):
            unlink.unlink(
                account_queries.viewer_of(user.id), account_id=acme.id, reason="mine", now=house.now
            )
    assert queries.account_resource(SYSTEM, acme.id) is not None


def test_the_command_shows_first_and_unlinks_when_told_why(house):
    acme = _linked(house)
    run = CliRunner().invoke
    number = str(house.connection.id)
    looked = run(command.command, [number, "--unlink", "customer00001", "--dry-run"])
    assert looked.exit_code == 0, looked.output
    assert "Nothing is changed on the platform" in looked.output and "Acme Ltd" in looked.output
    assert queries.account_resource(SYSTEM, acme.id) is not None
    assert run(command.command, [number, "--unlink", "customer00001"]).exit_code == 2
    acted = run(command.command, [number, "--unlink", "customer00001", "--because", "It is Beta's."])
    assert acted.exit_code == 0, acted.output
    assert queries.account_resource(SYSTEM, acme.id) is None
