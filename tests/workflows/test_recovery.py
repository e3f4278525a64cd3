"""Whatever goes wrong at whichever call of the story, the wished state is reached in the end, once and completely.

The calls are not listed here: a first customer is set up undisturbed, the sandbox says which calls that took, and each of
them is then spoiled in turn, for a customer of his own.
"""

import os
import signal

import pytest
from django.db import connections

from postledger_sandbox.server import Process
from tests.workflows import story

DIALECTS = ("W", "S")
READS = ("Get", "Check", "UserExists", "Search")


@pytest.fixture(params=DIALECTS)
def house(request, fresh_db):
    with Process("--dialect", request.param, "--port", "0", "--delay", "0") as sandbox:
        yield story.build(sandbox)


def _calls_of_the_story(house: story.House) -> list[str]:
    """Operations in the order in which an undisturbed setting-up calls them."""
    control = house.sandbox.control
    control.clear_calls()
    first = house.customer("first")
    house.order(first, boxes=1)
    assert house.settle(first).is_settled
    return [call["operation"] for call in control.calls()]


def _each_call(house: story.House, *, only_changing: bool = False):
    """Number and operation of each call, with a customer who has ordered."""
    for number, operation in enumerate(_calls_of_the_story(house)):
        if only_changing and operation.startswith(READS):
            continue
        customer = house.customer("c" + "".join("abcdefghij"[int(digit)] for digit in str(number)))
        house.order(customer, boxes=1)
        yield number, operation, customer


def _ends_well(house: story.House, customer, what: str) -> None:
    found = house.settle(customer)
    house.sandbox.control.clear_faults()
    assert found.is_settled, f"{what}: {found.words}"
    _holds_exactly_what_was_ordered(house, customer.code, what)


def _holds_exactly_what_was_ordered(house: story.House, code: str, what: str) -> None:
    """One user with one package with one organization with one domain of ours and one mailbox; nothing else."""
    control = house.sandbox.control
    users = [row for row in control.rows(table="users") if row["Username"].lower() == code]
    assert len(users) == 1, what
    packages = control.rows(table="packages", UserId=users[0]["UserId"])
    assert len(packages) == 1, what
    organizations = [
        row for row in control.rows(table="organizations") if row["Name"] == f"{code.capitalize()} Ltd"
    ]
    assert [(row["PackageId"], row["OrganizationId"].lower()) for row in organizations] == [
        (packages[0]["PackageId"], code)
    ], what
    found = control.organization(organization_id=code)
    assert found["domains"].count(f"{code}.example") == 1, what
    boxes = sorted(row["PrimaryEmailAddress"] for row in found["accounts"] if row["AccountType"] in (1, 7))
    assert boxes == [f"m0@{code}.example"], what


@pytest.mark.parametrize("kind", ["fault_before", "cut_after"])
def test_a_failure_at_any_call_leads_to_the_wished_state(house, kind):
    for number, operation, customer in _each_call(house):
        house.sandbox.control.inject(kind=kind, skip=number)
        _ends_well(house, customer, f"{kind} at call {number}, {operation}")


@pytest.mark.parametrize("kind", ["fault_after", "cut_before", "timeout_after"])
def test_a_failure_at_any_changing_call_leads_to_the_wished_state(house, kind):
    for number, operation, customer in _each_call(house, only_changing=True):
        house.sandbox.control.inject(kind=kind, skip=number)
        _ends_well(house, customer, f"{kind} at call {number}, {operation}")


def test_a_worker_killed_at_any_call_leaves_nothing_double_and_nothing_undone(house):
    house.lease_s = 0.15
    for number, operation, customer in _each_call(house):
        house.sandbox.control.inject(kind="gate_after", skip=number)
        connections.close_all()
        worker = os.fork()
        if worker == 0:
            try:
                house.work()
            finally:
                os._exit(0)
        held = house.sandbox.control.wait_held(count=1, timeout_s=10)
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
        assert held, f"call {number}, {operation}, was not reached"
        house.sandbox.control.clear_faults()
        _ends_well(house, customer, f"killed at call {number}, {operation}")
