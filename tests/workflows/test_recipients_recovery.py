"""Whatever goes wrong at whichever call for a contact, a list or a folder, the wished state is reached, once and completely.

The calls are not listed here: each step is done undisturbed first, the sandbox says which calls that took, and each of
them is then spoiled in turn, for things of their own.
"""

import os
import signal

import pytest
from django.db import connections

from postledger.provisioning import queries
from postledger.resources import exchange
from postledger.workflows import (
    add_contact,
    add_folder,
    add_list,
    change_contact,
    change_folder,
    change_list,
    change_list_members,
    delete_folder,
    remove_recipient,
)
from postledger_sandbox.server import Process
from tests.workflows import story

SYSTEM = story.SYSTEM
READS = ("Get", "Check", "UserExists", "Search")
CODE = "acme"
PLAN_QUOTAS = ("Exchange2007.Contacts", "Exchange2007.DistributionLists", "Exchange2007.PublicFolders")


@pytest.fixture(params=("W", "S"))
def house(request, fresh_db):
    with Process("--dialect", request.param, "--port", "0", "--delay", "0") as sandbox:
        made = story.build(sandbox)
        acme = made.customer(CODE)
        made.order(acme, boxes=2)
        assert made.settle(acme).is_settled
        package = sandbox.control.organization(organization_id=CODE)["PackageId"]
        sandbox.control.override_quotas(package_id=package, quotas=dict.fromkeys(PLAN_QUOTAS, -1))
        yield made


class Things:
    """A contact, a list with it and a mailbox, and a folder, under names of their own."""

    def __init__(self, house: story.House, name: str) -> None:
        self.house, self.name = house, name
        self.acme = house.customers[0]

    def order(self) -> None:
        where = {"account_id": self.acme.id, "now": self.house.now}
        contact = exchange.Contact(address=f"{self.name}@other.example", display_name="Bob")
        members = frozenset({contact.address, f"m0@{CODE}.example"})
        wanted = exchange.DistributionList(
            address=f"{self.name}@{CODE}.example", members=members, is_open=True, display_name="All"
        )
        folder = exchange.PublicFolder(path=self.name, address=f"f{self.name}@{CODE}.example")
        self.contact = add_contact.add_contact(SYSTEM, contact=contact, **where).id
        self.list = add_list.add_list(SYSTEM, wanted=wanted, **where).id
        self.folder = add_folder.add_folder(SYSTEM, folder=folder, **where).id

    def change(self) -> None:
        now = self.house.now
        change_contact.change_contact(
            SYSTEM, resource_id=self.contact, address=f"{self.name}@new.example", is_hidden=True, now=now
        )
        change_list.change_list(SYSTEM, resource_id=self.list, is_open=False, now=now)
        change_list_members.change_list_members(
            SYSTEM, resource_id=self.list, add=[f"m1@{CODE}.example"], remove=[f"m0@{CODE}.example"], now=now
        )
        change_folder.change_folder(
            SYSTEM, resource_id=self.folder, address=f"g{self.name}@{CODE}.example", now=now
        )

    def remove(self) -> None:
        now = self.house.now
        remove_recipient.remove_recipient(SYSTEM, resource_id=self.contact, now=now)
        remove_recipient.remove_recipient(SYSTEM, resource_id=self.list, now=now)
        delete_folder.delete_folder(SYSTEM, resource_id=self.folder, confirmation=self.name, now=now)

    def there(self) -> dict[str, list]:
        """What the platform has under these names."""
        rows = self.house.sandbox.control.organization(organization_id=CODE)["accounts"]
        names = {row["AccountId"]: row["PrimaryEmailAddress"] for row in rows}
        found: dict[str, list] = {"contact": [], "list": [], "folder": []}
        for row in rows:
            address = row["PrimaryEmailAddress"] or ""
            if row["AccountType"] == 2 and address.startswith(f"{self.name}@"):
                found["contact"].append((address, bool(row.get("HideFromAddressBook"))))
            if row["AccountType"] == 3 and address.startswith(f"{self.name}@"):
                members = sorted(names[member] for member in row["Members"])
                found["list"].append((members, not row.get("RequireSenderAuthentication")))
            if row["AccountType"] == 4 and row["DisplayName"] == f"\\{CODE}\\{self.name}":
                found["folder"].append(address)
        return found

    def wished(self, step: str) -> dict[str, list]:
        """What it should have after a step."""
        if step == "remove":
            return {"contact": [], "list": [], "folder": []}
        is_new = step == "order"
        contact = f"{self.name}@{'other' if is_new else 'new'}.example"
        return {
            "contact": [(contact, not is_new)],
            "list": [(sorted([contact, f"m{0 if is_new else 1}@{CODE}.example"]), is_new)],
            "folder": [f"{'f' if is_new else 'g'}{self.name}@{CODE}.example"],
        }


STEPS = ("order", "change", "remove")


def _spoilable(house: story.House) -> dict[str, list[tuple[int, str]]]:
    """Step → the changing calls an undisturbed one takes: how many calls come before each, and its operation."""
    found = {}
    things = Things(house, "quiet")
    for step in STEPS:
        house.sandbox.control.clear_calls()
        getattr(things, step)()
        _ends_well(house, things, step, "undisturbed")
        calls = [call["operation"] for call in house.sandbox.control.calls()]
        found[step] = [(number, name) for number, name in enumerate(calls) if not name.startswith(READS)]
    return found


def _each(house: story.House):
    """Things, and each step of theirs with one call of it to spoil, until every changing call of every step had its turn."""
    calls = _spoilable(house)
    assert all(len(found) >= 3 for found in calls.values())
    for turn in range(max(map(len, calls.values()))):
        things = Things(house, f"t{turn}")
        for step in STEPS:
            yield things, step, *(calls[step][turn] if turn < len(calls[step]) else (None, ""))


def _ends_well(house: story.House, things: Things, step: str, what: str) -> None:
    found = house.settle(things.acme)
    house.sandbox.control.clear_faults()
    assert found.is_settled, f"{what}: {found.words}"
    assert things.there() == things.wished(step), what
    if step == "remove":
        assert all(queries.one(number) is None for number in (things.contact, things.list, things.folder))


@pytest.mark.parametrize("kind", ["fault_before", "fault_after", "cut_before", "cut_after", "timeout_after"])
def test_a_failure_at_any_changing_call_leads_to_the_wished_state(house, kind):
    for things, step, number, operation in _each(house):
        if number is not None:
            house.sandbox.control.inject(kind=kind, skip=number)
        getattr(things, step)()
        _ends_well(house, things, step, f"{kind} at call {number} of {step}, {operation}")


def test_a_worker_killed_at_any_changing_call_leaves_nothing_double_and_nothing_undone(house):
    house.lease_s = 0.15
    for things, step, number, operation in _each(house):
        getattr(things, step)()
        if number is not None:
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
            assert held, f"call {number} of {step}, {operation}, was not reached"
            house.sandbox.control.clear_faults()
        _ends_well(house, things, step, f"killed at call {number} of {step}, {operation}")
