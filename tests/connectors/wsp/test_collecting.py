"""Reading many accounts at once of which some fail or hang: their misfortune is theirs alone."""

import datetime as dt
import time
from typing import Any

import pytest

from postledger.connectors import contract
from postledger.resources import exchange

NOW = dt.datetime(2027, 1, 31, 23, 0, tzinfo=dt.UTC)


@pytest.fixture
def dialect() -> str:
    """One generation is enough here: all are read by the same calls."""
    return "S"


def _estate(desk: Any, count: int) -> list[contract.Target]:
    desk.control.estate(users=count, organizations=count, mailboxes=count)
    packages = desk.control.rows(table="packages")
    users = {row["UserId"]: row["Username"] for row in desk.control.rows(table="users")}
    return [
        desk.target(
            exchange.ACCOUNT, users[row["UserId"]], ref={"user": row["UserId"], "space": row["PackageId"]}
        )
        for row in packages
        if users[row["UserId"]].startswith("customer")
    ]


def _all(desk: Any, targets: list[contract.Target]) -> dict[str, contract.UsageOutcome]:
    return {found.target.name: found for found in desk.session.read_usage(targets=targets, now=NOW)}


def test_accounts_whose_calls_fail_or_hang_are_read_in_the_end_and_cost_the_others_nothing(desk: Any) -> None:
    targets = _estate(desk, 120)
    for kind in ("cut_before", "timeout_before", "fault_before"):
        desk.control.inject(kind, "*", count=None, share=0.02)
    wide = desk.another(concurrency=16, timeout_s=8)
    started = time.monotonic()
    found = _all(wide, targets)
    assert time.monotonic() - started < 60
    assert sum(rule["hits"] for rule in desk.control.faults()) > 5
    assert [name for name, outcome in found.items() if outcome.failure is not None] == []
    assert len(found) == 120
    wide.session.close()


def test_an_account_that_always_hangs_is_given_up_after_one_time_out_and_all_others_are_all(
    desk: Any,
) -> None:
    targets = _estate(desk, 40)
    for unlucky in targets[:6]:
        for name in ("packageId", "PackageId"):
            desk.control.inject(
                "timeout_before", "GetOrganizations", count=None, match={name: unlucky.ref["space"]}
            )
    narrow = desk.another(concurrency=4, timeout_s=3)
    started = time.monotonic()
    found = _all(narrow, targets)
    took_s = time.monotonic() - started
    failed = {name for name, outcome in found.items() if outcome.failure is not None}
    assert failed == {unlucky.name for unlucky in targets[:6]}
    assert took_s < 20, "six time-outs one after the other, four at once, would be many more"
    narrow.session.close()


def test_a_platform_that_stops_answering_ends_the_reading_and_says_so(desk: Any) -> None:
    targets = _estate(desk, 60)
    hasty = desk.another(concurrency=4, timeout_s=1)
    assert _all(hasty, targets[:4])
    desk.control.inject("cut_before", "*", count=None)
    started = time.monotonic()
    found = _all(hasty, targets)
    assert time.monotonic() - started < 15
    assert {outcome.failure.reason for outcome in found.values() if outcome.failure} <= {
        "platform_down",
        "unreachable",
    }
    assert all(outcome.failure for outcome in found.values())
    hasty.session.close()


def test_refused_credentials_are_not_tried_for_every_account(desk: Any) -> None:
    targets = _estate(desk, 60)
    desk.control.inject("401", "*", count=None)
    desk.control.clear_calls()
    found = _all(desk, targets)
    assert {outcome.failure.reason for outcome in found.values()} == {"credentials"}
    assert len(desk.control.calls()) <= 2 * 8, "a login is locked after some failed attempts"


def test_nonsense_about_one_account_costs_the_others_nothing(desk: Any) -> None:
    targets = _estate(desk, 10)
    unlucky = targets[3]
    for name in ("packageId", "PackageId"):
        desk.control.inject("html", "GetOrganizations", count=None, match={name: unlucky.ref["space"]})
    found = _all(desk, targets)
    assert [name for name, outcome in found.items() if outcome.failure is not None] == [unlucky.name]
