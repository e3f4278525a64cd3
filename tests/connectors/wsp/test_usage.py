"""Usage: one organization at a time, measured apart from granted, and no figure where there is none."""

import datetime as dt
import threading
from typing import Any

import pytest

from postledger.connectors import contract
from postledger.resources import exchange, meters

NOW = dt.datetime(2027, 1, 31, 23, 0, tzinfo=dt.UTC)


def _read(desk: Any, ref: contract.Ref, **options: Any) -> contract.UsageOutcome:
    target = desk.target(exchange.ACCOUNT, "acme", ref=ref)
    (outcome,) = desk.session.read_usage(targets=[target], now=NOW, **options)
    assert isinstance(outcome, contract.UsageOutcome)
    return outcome


def _values(outcome: contract.UsageOutcome) -> dict[str, int]:
    assert outcome.failure is None
    return {reading.meter: int(reading.value) for reading in outcome.readings}


def test_counts_and_megabytes_are_read_with_their_units_and_kind(desk: Any, dialect: str) -> None:
    account = desk.account()
    parent = desk.organization(account=account)
    for name in ("ann", "eve"):
        desk.mailbox(f"{name}@acme.example", parent=parent)
    desk.mailbox("room@acme.example", parent=parent, kind="room")
    desk.make(exchange.CONTACT, exchange.Contact(address="bob@other.example"), parent=parent)
    desk.control.grow_disk(email="ann@acme.example", to_mb=30)
    desk.control.grow_disk(email="eve@acme.example", to_mb=12)
    outcome = _read(desk, account, wait_s=10)
    values = _values(outcome)
    assert values["exchange.disk"] == 42
    assert values["exchange.organizations"] == 1
    assert values["exchange.contacts"] == 1
    if dialect == "W":
        assert values["exchange.mailboxes"] == 3
        assert "exchange.disk_allocated" not in values
    else:
        assert (values["exchange.mailboxes"], values["exchange.resource_mailboxes"]) == (2, 1)
        assert values["exchange.disk_allocated"] > 42
    for reading in outcome.readings:
        assert reading.unit == meters.METERS[reading.meter].unit
        assert NOW <= reading.taken_at < NOW + dt.timedelta(seconds=30)
    how = {reading.meter: reading.how for reading in outcome.readings}
    assert (how["exchange.disk"], how["exchange.mailboxes"]) == ("measured", "counted")


def test_two_organizations_of_one_account_are_added_up_once(desk: Any) -> None:
    account = desk.account()
    for code in ("one", "two"):
        parent = desk.organization(code, account=account)
        desk.mailbox(f"a@{code}.example", parent=parent)
        desk.mailbox(f"b@{code}.example", parent=parent)
    values = _values(_read(desk, account))
    assert (values["exchange.organizations"], values["exchange.mailboxes"]) == (2, 4)


def test_two_accounts_of_one_user_are_read_apart(desk: Any) -> None:
    account = desk.account()
    parent = desk.organization(account=account)
    desk.mailbox("a@acme.example", parent=parent)
    other = desk.control.add_package("acme", "Exchange Large")
    item = desk.control.add_organization(other["PackageId"], "other", domain="other.example")
    for name in "abc":
        desk.control.add_mailbox(item, f"{name}@other.example")
    assert _values(_read(desk, account))["exchange.mailboxes"] == 1


def test_disk_space_that_was_never_calculated_is_no_zero(desk: Any) -> None:
    account = desk.account()
    desk.mailbox("ann@acme.example", parent=desk.organization(account=account))
    outcome = _read(desk, account)
    assert "exchange.disk" not in _values(outcome)
    assert "exchange.disk" in outcome.unmeasurable


def test_a_figure_that_does_not_move_is_marked_stale(desk: Any) -> None:
    account = desk.account()
    parent = desk.organization(account=account)
    desk.mailbox("ann@acme.example", parent=parent)
    desk.control.grow_disk(email="ann@acme.example", to_mb=10)
    assert _values(_read(desk, account, wait_s=10))["exchange.disk"] == 10
    desk.control.grow_disk(email="ann@acme.example", to_mb=20)
    desk.control.stale_statistics(on=True)
    outcome = _read(desk, account, wait_s=0.3)
    assert [(int(r.value), r.is_stale) for r in outcome.readings if r.meter == "exchange.disk"] == [
        (10, True)
    ]


def test_fresh_figures_may_be_asked_for_beforehand(desk: Any) -> None:
    account = desk.account()
    parent = desk.organization(account=account)
    desk.mailbox("ann@acme.example", parent=parent)
    desk.control.grow_disk(email="ann@acme.example", to_mb=10)
    target = desk.target(exchange.ACCOUNT, "acme", ref=account)
    assert desk.session.refresh_usage(targets=[target]) == ()
    desk.control.run_background()
    assert _values(_read(desk, account))["exchange.disk"] == 10


def test_an_unlimited_plan_makes_granted_space_unmeasurable(desk: Any, dialect: str) -> None:
    if dialect == "W":
        pytest.skip("this release has no mailbox plans")
    account = desk.account()
    parent = desk.organization(account=account)
    made = desk.mailbox("ann@acme.example", parent=parent)
    plan = desk.control.row("accounts", made.ref["account"])["MailboxPlanId"]
    desk.control.change("mailbox_plans", plan, MailboxSizeMB=-1)
    outcome = _read(desk, account)
    assert "exchange.disk_allocated" not in _values(outcome)
    assert "unlimited" in outcome.unmeasurable["exchange.disk_allocated"]


def test_an_account_without_organization_uses_nothing(desk: Any) -> None:
    values = _values(_read(desk, desk.account()))
    assert set(values.values()) == {0}
    assert "exchange.disk" in values


def test_meters_that_cost_more_are_read_when_named(desk: Any) -> None:
    account = desk.account()
    parent = desk.organization(account=account)
    for name in "abc":
        desk.mailbox(f"{name}@acme.example", parent=parent)
    desk.control.add_usage(account["space"], "disk", Bytes=5 * 2**20)
    named = frozenset({"exchange.activesync", "space.disk", "space.traffic"})
    assert _values(_read(desk, account, meters=named)) == {
        "exchange.activesync": 3,
        "space.disk": 5,
        "space.traffic": 0,
    }


def test_one_account_that_fails_does_not_stop_the_others(desk: Any) -> None:
    good = desk.account("good")
    gone = desk.account("gone")
    bad = desk.account("bad")
    parent = desk.organization("bad", account=bad)
    desk.mailbox("a@bad.example", parent=parent)
    desk.control.delete_user("gone")
    desk.control.inject("fault_before", "GetOrganizations", match={"packageId": bad["space"]}, count=None)
    targets = [
        desk.target(exchange.ACCOUNT, name, ref=ref)
        for name, ref in (("good", good), ("gone", gone), ("bad", bad))
    ]
    outcomes = {outcome.target.name: outcome for outcome in desk.session.read_usage(targets=targets, now=NOW)}
    assert outcomes["good"].failure is None and outcomes["good"].readings
    assert isinstance(outcomes["gone"].failure, contract.TemporaryFailure)
    assert isinstance(outcomes["bad"].failure, contract.TemporaryFailure)
    assert not outcomes["bad"].readings


def test_many_are_read_at_once_within_the_width(desk: Any) -> None:
    accounts = {f"user{number}": desk.account(f"user{number}") for number in range(12)}
    desk.control.inject("slow", "GetOrganizations", seconds=0.2, count=None)
    targets = [desk.target(exchange.ACCOUNT, name, ref=ref) for name, ref in accounts.items()]
    before = threading.active_count()
    outcomes = list(desk.session.read_usage(targets=targets, now=NOW))
    assert {outcome.target.name for outcome in outcomes} == set(accounts)
    assert all(outcome.failure is None for outcome in outcomes)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("wsp-usage")]
    assert threading.active_count() <= before + 16


def test_reading_that_is_given_up_ends_its_threads(desk: Any) -> None:
    accounts = {f"user{number}": desk.account(f"user{number}") for number in range(10)}
    targets = [desk.target(exchange.ACCOUNT, name, ref=ref) for name, ref in accounts.items()]
    reading = desk.session.read_usage(targets=targets, now=NOW)
    next(reading)
    reading.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("wsp-usage")]
