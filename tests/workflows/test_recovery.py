"""Whatever goes wrong at whichever call while a customer is set up, also one that only reads, the wished state is reached
in the end, once and completely.

The calls are not listed here: a first customer is set up undisturbed, the sandbox says which calls that took, and each of
them is then spoiled in turn, for a customer of his own. All that can befall calls that change something is tried in
`test_every_call`.
"""

import pytest

from postledger_sandbox.server import Process
from tests.workflows import story

DIALECTS = ("W", "S")


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


def _each_call(house: story.House):
    """Number and operation of each call, with a customer who has ordered."""
    for number, operation in enumerate(_calls_of_the_story(house)):
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
