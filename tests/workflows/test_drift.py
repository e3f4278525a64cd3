"""What is otherwise on the platform, what it is worth a month, and what can be done about it."""

import datetime as dt
import json

import pytest
from click.testing import CliRunner

from postledger import clock
from postledger.accounts import operations as accounts
from postledger.accounts import queries as account_queries
from postledger.catalog import operations as catalog
from postledger.cli import drift as command
from postledger.events.models import OutboxMail
from postledger.ledger import queries as ledger
from postledger.provisioning import differences, operations, queries
from postledger.provisioning.models import Resource
from postledger.resources import exchange
from postledger.workflows import (
    act_on_difference,
    collect_usage,
    daily_jobs,
    find_drift,
    propose_adoptions,
    refuse_change,
    subscribe,
    tell_drift,
)
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
def acme(house, sandbox):
    made = house.customer("acme")
    house.order(made)
    assert house.settle(made).is_settled
    _grow(sandbox, 100)
    return made


def _found(house):
    lines = find_drift.find_drift(connection_id=house.connection.id, now=house.now)
    return {(line.code, line.name): line for line in lines}


def _grow(sandbox, mib, code="acme"):
    sandbox.control.change(table="organizations", id=sandbox.control.organization(code)["Id"], DiskSpace=mib)


def _more_boxes(sandbox, count, code="acme"):
    for number in range(count):
        item = sandbox.control.organization(code)["Id"]
        sandbox.control.add_mailbox(item_id=item, email=f"extra{number}@{code}.example")


def _bill_a_month(house, days=31):
    house.now += dt.timedelta(days=days)
    collect_usage.collect_usage(connection_id=house.connection.id, now=house.now)
    daily_jobs.daily_jobs(now=house.now)


def _act(house, line):
    return act_on_difference.act_on_difference(SYSTEM, difference_id=line.id, now=house.now)


def test_when_all_is_as_here_nothing_is_told(house, acme):
    assert _found(house) == {}


def test_mailboxes_made_behind_our_back_are_worth_what_the_plan_charges(house, sandbox, acme):
    _bill_a_month(house)
    _more_boxes(sandbox, 3)
    line = _found(house)["unbilled", "acme"]
    # two are free and billed as such, three more at 8.00
    assert (line.there, line.here, line.billed) == ("5", "2", "only free ones")
    assert (line.worth, line.currency, line.action) == (2400, "USD", "bill")
    _act(house, line)
    assert differences.difference(SYSTEM, line.id).settled_at == house.now
    with pytest.raises(act_on_difference.NothingToDo):
        _act(house, line)


def test_units_that_cost_nothing_more_are_linked(house, sandbox):
    solo = house.customer("solo")
    house.order(solo, boxes=1)
    assert house.settle(solo).is_settled
    _more_boxes(sandbox, 1, "solo")
    line = _found(house)["unlinked_contents", "solo"]
    assert (line.there, line.here, line.worth, line.action) == ("2", "1", 0, "adopt")
    _act(house, line)
    assert house.settle(solo).is_settled
    house.now += dt.timedelta(hours=1)
    assert not _found(house)


def test_storage_is_compared_with_the_last_reading_and_worth_what_is_beyond_the_invoice(house, sandbox, acme):
    _grow(sandbox, 7 * 1024)
    _bill_a_month(house)  # 7 GB, five of them free
    _grow(sandbox, 7 * 1024 + 900)
    house.now += dt.timedelta(hours=2)
    assert ("unbilled", "acme") not in _found(house)  # it grows every day
    _grow(sandbox, 27 * 1024)
    line = _found(house)["unbilled", "acme"]
    assert (line.meter, line.there, line.billed) == ("exchange.disk", "27 GB", "7 GB")
    assert line.here.startswith("7 GB, read on") and line.worth == 3000  # twenty more at 1.50
    house.now += dt.timedelta(hours=1)
    assert "usage was read" in _act(house, line)
    house.now += dt.timedelta(hours=1)
    assert ("unbilled", "acme") not in _found(house)
    _grow(sandbox, 6 * 1024)
    line = _found(house)["billed_ghost", "acme"]
    assert (line.there, line.worth, line.action) == ("6 GB", 150, "bill")  # the invoice had seven


def test_what_is_charged_for_and_cannot_be_measured_is_told(house, sandbox, acme):
    _grow(sandbox, 0)
    house.now += dt.timedelta(days=3)
    line = _found(house)["unbilled", "acme"]
    assert line.meter == "exchange.disk" and line.worth is None and "nothing is billed" in line.words


def test_storage_beyond_what_was_ordered_is_debited_once(house, sandbox, acme):
    charges = [dict(charge) for charge in story.TERMS["charges"]]
    charges[2] = {
        "name": "exchange.disk",
        "measure": "reserved",
        "free": 5,
        "recurring": "1.50",
        "unit": "GB",
    }
    catalog.change_terms(
        SYSTEM,
        plan_id=house.plan_id,
        terms={**story.TERMS, "charges": charges},
        effective_from=house.now.date(),
        now=house.now,
    )
    _grow(sandbox, 4 * 1024)
    assert not [line for line in _found(house).values() if line.code in ("unbilled", "billed_ghost")]
    _grow(sandbox, 9 * 1024)
    line = _found(house)["unbilled", "acme"]
    assert (line.there, line.here, line.worth, line.action) == ("9 GB", "5 GB sold", 600, "bill")
    before = ledger.balance(SYSTEM, acme.id)
    assert _act(house, line) == "USD 6.00 were debited."
    assert ledger.balance(SYSTEM, acme.id) == before - 600
    # the next walks find the same and do not offer to book it again
    house.now += dt.timedelta(days=1)
    again = _found(house)["unbilled", "acme"]
    assert again.settled_at is not None
    with pytest.raises(act_on_difference.NothingToDo):
        _act(house, again)
    _grow(sandbox, 12 * 1024)
    assert _found(house)["unbilled", "acme"].settled_at is None


def test_ghosts_are_credited_once_and_looked_for(house, sandbox):
    big = house.customer("big")
    house.order(big, boxes=4)
    assert house.settle(big).is_settled
    _grow(sandbox, 100, "big")
    _bill_a_month(house)
    sandbox.control.delete_mailbox(email="m0@big.example")
    line = _found(house)["billed_ghost", "big"]
    assert (line.there, line.here, line.billed, line.worth) == ("3", "4", "4", 800)
    assert "given up" in _act(house, line)
    house.work()
    assert _found(house)["billed_ghost", "big"].settled_at is not None
    box = queries.find(connection_id=house.connection.id, kind=exchange.MAILBOX, key="m0@big.example")
    assert box.reason == "vanished"
    refuse_change.refuse_change(SYSTEM, resource_id=box.id, because="she left", now=house.now)
    house.work()
    assert ("billed_ghost", "big") not in _found(house)


def test_a_further_subscription_of_a_linked_login_is_told_only_where_it_holds_exchange(house, sandbox, acme):
    package = sandbox.control.add_package(username="acme", plan="Exchange Small")["PackageId"]
    assert not [line for line in _found(house).values() if line.code == "unlinked"]
    sandbox.control.add_organization(package_id=package, organization_id="acme9", domain="acme9.example")
    line = _found(house)["unlinked", "acme (acme9)"]
    assert line.action == "" and "login of its own" in line.words and line.worth == 1000


def test_what_was_billed_and_is_gone_is_credited(house, sandbox, acme):
    _more_boxes(sandbox, 4)
    _bill_a_month(house)  # 6 boxes read, 4 charged
    sandbox.control.delete_user(username="acme")
    house.now += dt.timedelta(hours=1)
    line = _found(house)["missing", "acme"]
    assert line.billed == "6 mailboxes" and line.worth == 3200 and line.action == "credit"
    before = ledger.balance(SYSTEM, acme.id)
    _act(house, line)
    assert ledger.balance(SYSTEM, acme.id) == before + 3200


def test_a_wrong_status_is_put_right_on_the_platform(house, sandbox):
    big = house.customer("big")
    house.order(big, boxes=4)
    assert house.settle(big).is_settled
    sandbox.control.set_status(username="big", status_id=2)
    line = _found(house)["wrong_status", "big"]
    assert (line.there, line.here, line.action) == ("suspended", "active", "correct")
    assert line.worth == 1600  # two of four boxes are free
    _act(house, line)
    assert house.settle(big).is_settled
    assert sandbox.control.user("big")["StatusId"] == 1
    assert ("wrong_status", "big") not in _found(house)


def test_a_wrong_plan_is_worth_the_difference_of_the_fees(house, sandbox, acme):
    large = next(
        plan for plan in queries.platform_plans(SYSTEM, house.connection.id) if plan.name == "Exchange Large"
    )
    dear = catalog.publish_plan(
        SYSTEM,
        seller_id=house.provider.id,
        code="large",
        name="Large",
        terms={**story.TERMS, "charges": [{"name": "Account", "measure": "fixed", "recurring": "35.00"}]},
        effective_from=house.now.date(),
        now=house.now,
    )
    operations.switch_on_platform_plan(
        SYSTEM, seller_id=house.provider.id, plan_id=dear, platform_plan_id=large.id, now=house.now
    )
    package = sandbox.control.user("acme")["packages"][0]
    sandbox.control.change(table="packages", id=package["PackageId"], PlanId=int(large.reference))
    line = _found(house)["wrong_plan", "acme"]
    assert (line.there, line.here, line.worth) == ("Exchange Large", "Exchange Small", 2500)
    assert _act(house, line) == "acme is being put right on the platform."
    assert house.settle(acme).is_settled
    assert sandbox.control.user("acme")["packages"][0]["PlanId"] == package["PlanId"]
    assert ("wrong_plan", "acme") not in _found(house)


def test_an_unlinked_account_is_worth_what_its_plan_would_bring(house, sandbox, acme):
    sandbox.control.add_user(username="stranger", email="s@else.example")
    sandbox.control.add_package(username="stranger", plan="Exchange Small")
    line = _found(house)["unlinked", "stranger"]
    assert line.worth == 1000 and line.action == "adopt" and "Office" in line.words
    propose_adoptions.propose_adoptions(SYSTEM, connection_id=house.connection.id, now=house.now)
    with pytest.raises(Exception, match="not known whose"):
        _act(house, line)


def test_a_second_organization_is_told_and_linked(house, sandbox, acme):
    package = sandbox.control.user("acme")["packages"][0]["PackageId"]
    sandbox.control.override_quotas(package_id=package, quotas={"HostedSolution.Organizations": 3})
    assert (
        sandbox.control.add_organization(package_id=package, organization_id="acme2", domain="acme2.example")
        > 0
    )
    line = _found(house)["unlinked_organization", "acme2"]
    _act(house, line)
    assert house.settle(acme).is_settled
    assert ("unlinked_organization", "acme2") not in _found(house)


def test_a_ceiling_above_what_is_sold_is_told_and_lowered(house, sandbox):
    capped = [dict(charge) for charge in story.TERMS["charges"]]
    capped[1]["max"] = 3
    plan_id = catalog.publish_plan(
        SYSTEM,
        seller_id=house.provider.id,
        code="capped",
        name="Capped",
        terms={**story.TERMS, "charges": capped},
        effective_from=house.now.date(),
        now=house.now,
    )
    small = next(p for p in queries.platform_plans(SYSTEM, house.connection.id) if p.name == "Exchange Small")
    operations.switch_on_platform_plan(
        SYSTEM, seller_id=house.provider.id, plan_id=plan_id, platform_plan_id=small.id, now=house.now
    )
    capped_one = accounts.create_customer(
        SYSTEM, seller_id=house.provider.id, code="cap", name="Cap", email="a@cap.example", now=house.now
    )
    subscribe.subscribe(SYSTEM, buyer_id=capped_one.id, plan_id=plan_id, months=1, now=house.now)
    house.order(capped_one)
    assert house.settle(capped_one).is_settled
    assert ("quota_above", "cap") not in _found(house)
    package = sandbox.control.user("cap")["packages"][0]
    sandbox.control.change(table="packages", id=package["PackageId"], OverrideQuotas=False)
    line = _found(house)["quota_above", "cap"]
    assert line.here == "3" and line.action == "correct"
    _act(house, line)
    assert house.settle(capped_one).is_settled
    assert ("quota_above", "cap") not in _found(house)


def test_an_account_whose_customer_has_no_plan_is_told(house, sandbox, acme):
    Resource.objects.filter(account_id=acme.id).update(subscription_id=None)
    line = _found(house)["unsubscribed", "acme"]
    assert line.worth == 1000 and line.action == ""


def test_what_is_ignored_keeps_who_and_why_and_is_told_no_more(house, sandbox, acme):
    sandbox.control.add_user(username="stranger")
    line = _found(house)["unlinked", "stranger"]
    with pytest.raises(differences.NoReason):
        differences.ignore(SYSTEM, difference_id=line.id, because=" ", now=house.now)
    differences.ignore(SYSTEM, difference_id=line.id, because="our own test account", now=house.now)
    assert ("unlinked", "stranger") not in _found(house)
    kept = differences.differences_of(SYSTEM, house.connection.id, with_ignored=True)
    assert [(d.name, d.ignored_because, d.ignored_by) for d in kept] == [
        ("stranger", "our own test account", "system")
    ]
    differences.heed(SYSTEM, difference_id=line.id, now=house.now)
    assert ("unlinked", "stranger") in _found(house)


def test_operators_are_told_once_a_night_and_only_of_what_is_new(house, sandbox, acme):
    accounts.create_user(
        SYSTEM, account_id=house.provider.id, email="op@host.example", password="x", now=house.now
    )
    accounts.create_user(
        SYSTEM,
        account_id=house.provider.id,
        email="look@host.example",
        password="x",
        role="viewer",
        now=house.now,
    )

    def tell():
        _found(house)
        return tell_drift.tell_drift(connection_id=house.connection.id, now=house.now)

    assert tell() == 0
    _more_boxes(sandbox, 3)
    assert tell() == 1
    mail = OutboxMail.objects.get(to="op@host.example")
    assert "USD 24.00 a month" in mail.body and "acme" in mail.body
    sandbox.control.add_user(username="stranger")
    assert tell() == 0  # told today already
    house.now += dt.timedelta(days=1)
    assert tell() == 1
    assert (
        "stranger" in OutboxMail.objects.latest("pk").body
        and "acme" not in OutboxMail.objects.latest("pk").body
    )
    house.now += dt.timedelta(days=1)
    assert tell() == 0


def test_the_command_reports_sums_in_the_sellers_currency(house, sandbox, acme):
    _more_boxes(sandbox, 3)
    said = CliRunner().invoke(command.command, ["--connection", str(house.connection.id)])
    assert said.exit_code == 0, said.output
    assert "worth USD 24.00 a month" in said.output
    read = CliRunner().invoke(command.command, ["--json", "--last"])
    told = json.loads(read.output)
    assert told[0]["worth"] == {"USD": "24.00"} and told[0]["differences"][0]["code"] == "unbilled"


def test_a_neighbour_sees_and_does_nothing(house, sandbox, acme):
    _more_boxes(sandbox, 3)
    line = _found(house)["unbilled", "acme"]
    north = accounts.create_reseller(
        SYSTEM, seller_id=house.provider.id, code="north", name="North", now=house.now
    )
    user = accounts.create_user(
        SYSTEM, account_id=north.id, email="u@north.example", password="x", now=house.now
    )
    neighbour = account_queries.viewer_of(user.id)
    for ask in (
        lambda: differences.differences_of(neighbour, house.connection.id),
        lambda: differences.difference(neighbour, line.id),
        lambda: differences.ignore(neighbour, difference_id=line.id, because="x", now=house.now),
        lambda: differences.heed(neighbour, difference_id=line.id, now=house.now),
        lambda: act_on_difference.act_on_difference(neighbour, difference_id=line.id, now=house.now),
    ):
        with pytest.raises(account_queries.NotVisible):
            ask()
