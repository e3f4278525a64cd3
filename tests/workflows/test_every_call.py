"""Whatever goes wrong at whichever changing call, both sides end up as if nothing had: nothing double, nothing left over.

The calls are not listed here: a life is lived undisturbed, the sandbox says which changing calls each step of it took, and
each of them is then spoiled for a customer of his own. What came of it stands as a table in docs/reference/recovery.md;
it is compared, so a call that appears or goes, or is repeated where it was not, has to be looked at.
"""

import ast
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from postledger.accounts.types import AccountView
from postledger.connectors import contract, wsp
from postledger_sandbox.contract import load
from postledger_sandbox.server import Process
from tests.workflows import lives, story
from tests.workflows.lives import Step

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "recovery.md"
FAULTS = {
    "fault_before": "unknown",
    "fault_after": "unknown",
    "timeout_after": "unknown",
    "cut_after": "unknown",
    "killed": "sent",
}
"""Fault → how the spoiled call stands in our log of calls."""

AGAIN, FOUND = "again", "found"
_LETTERS = "abcdefghij"
NOT_REACHED = {
    "AddPackage": "only for a login that was found without a hosting space",
    "ChangePackageStatus": "only for a login with several spaces, or whose space alone was suspended by hand",
    "EnableDomainDns": "zones the platform hosts are read, not written, so far",
    "AddDnsZoneRecord": "zones the platform hosts are read, not written, so far",
    "DeleteDnsZoneRecord": "zones the platform hosts are read, not written, so far",
}
"""Changing calls the connector knows and no step of a life makes, each with its reason."""


@pytest.fixture
def house(request: pytest.FixtureRequest, dialect: str, fresh_db: str) -> Iterator[story.House]:
    with Process("--dialect", dialect, "--port", "0", "--delay", "0") as sandbox:
        yield story.build(sandbox)


@pytest.mark.parametrize("dialect", ["W", "S"])
@pytest.mark.parametrize(
    "faults", [("fault_before", "fault_after", "cut_after"), ("timeout_after", "killed")], ids="-".join
)
def test_both_sides_end_as_if_nothing_had_gone_wrong(
    house: story.House, dialect: str, faults: tuple[str, ...]
) -> None:
    wrong: list[str] = []
    found: dict[tuple[str, str, str], str] = {}
    chosen, number = lives.LIFE, 0
    while chosen:
        reference = _Life(house, f"{_LETTERS[number]}plain", chosen)
        for step in chosen:
            reference.lived(step)
        for fault in faults:
            spoiled = _Life(house, f"{_LETTERS[number]}{'vwxyz'[list(FAULTS).index(fault)]}torn", chosen)
            for step in chosen:
                calls = reference.calls[step.name]
                if len(calls) <= number:
                    spoiled.lived(step)
                    continue
                name = _names(calls)[number]
                found[step.name, name, fault], problems = _spoil(spoiled, step, calls, number, fault)
                problems += _differences(reference.states[step.name], spoiled.states[step.name])
                wrong += [f"{fault} at {name} of “{step.name}”: {problem}" for problem in problems]
        number += 1
        more = [name for name, calls in reference.calls.items() if len(calls) > number]
        chosen = lives.with_what_they_need(more) if more else ()
    assert wrong == [], "\n".join(wrong)
    said = {
        (step, call, fault): outcome
        for step, call, dialects, outcomes in _table()
        for fault, outcome in outcomes.items()
        if dialect in dialects and fault in faults
    }
    assert found == said, f"{PAGE.name} says otherwise than what happens"


def test_every_changing_call_of_the_connector_is_tried() -> None:
    tried = {re.sub(r" \(\d\)", "", call) for _, call, _, _ in _table()}
    assert sorted(_changing_calls() - tried) == sorted(NOT_REACHED)


# --- living ---------------------------------------------------------------------------------------------------------


class _Life:
    """A customer, the steps he has lived, the changing calls of each and how both sides stood after it."""

    def __init__(self, house: story.House, code: str, steps: tuple[Step, ...]) -> None:
        self.house = house
        self.before = lives.counted(house.sandbox.control)
        self.customer = house.customer(code)
        self.calls: dict[str, list[str]] = {}
        self.states: dict[str, lives.State] = {}

    def lived(self, step: Step) -> None:
        """One step, undisturbed."""
        with lives.watched(self.house) as calls:
            step.act(self.house, self.customer)
            self.settle(step)
        self.calls[step.name] = calls.wire
        self.states[step.name] = lives.state_of(self.house, self.customer, self.before)

    def settle(self, step: Step) -> None:
        found = self.house.settle(self.customer)
        assert found.is_settled, f"{step.name}: {found.words}"


def _spoil(life: _Life, step: Step, expected: list[str], number: int, fault: str) -> tuple[str, list[str]]:
    """Whether the spoiled call was made again or its work found, and what is wrong with the calls that were made."""
    house, operation = life.house, expected[number]
    kind = "gate_after" if fault == "killed" else fault
    with lives.watched(house) as calls:
        house.sandbox.control.inject(kind=kind, operation=operation, skip=expected[:number].count(operation))
        if fault == "killed":
            _killed(house, life.customer, step)
        else:
            _tried(house, life.customer, step)
        hits = [rule["hits"] for rule in house.sandbox.control.faults()]
        house.sandbox.control.clear_faults()
        if step.is_direct:
            step.act(house, life.customer)
        life.settle(step)
    life.states[step.name] = lives.state_of(house, life.customer, life.before)
    problems = [] if hits == [1] else [f"the call was spoiled {hits} times"]
    made = Counter(calls.wire) - Counter(expected)
    if made and made != Counter({operation: 1}):
        problems.append(f"also made: {dict(made)}")
    if Counter(expected) - Counter(calls.wire):
        problems.append(f"not made: {dict(Counter(expected) - Counter(calls.wire))}")
    if Counter(calls.wire) != lives.operations_of(calls):
        problems.append(f"on the wire {calls.wire}, in the log {dict(lives.operations_of(calls))}")
    unclear = [
        (call.operation.partition(".")[2], call.outcome) for call in calls.log if call.outcome != "done"
    ]
    if unclear != [(operation, FAULTS[fault])]:
        problems.append(f"in the log {unclear}")
    if any(not call.actor or not call.purpose or not call.request for call in calls.log):
        problems.append("the log does not say who, why or what")
    return AGAIN if made else FOUND, problems


def _tried(house: story.House, customer: AccountView, step: Step) -> None:
    try:
        step.act(house, customer)
    except contract.TemporaryFailure:
        assert step.is_direct
        return
    house.work()


def _killed(house: story.House, customer: AccountView, step: Step) -> None:
    """The step, done by a process that is killed while the answer to the call is held back."""
    if not step.is_direct:
        step.act(house, customer)
    house.lease_s = 0.3
    connections.close_all()
    worker = os.fork()
    if worker == 0:
        try:
            step.act(house, customer) if step.is_direct else house.work()
        finally:
            os._exit(0)
    house.sandbox.control.wait_held(count=1, timeout_s=20)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)


def _differences(plain: lives.State, spoiled: lives.State) -> list[str]:
    found = []
    for side in ("there", "counts", "here"):
        one, other = getattr(plain, side), getattr(spoiled, side)
        for key in sorted({*one, *other}):
            wanted, present = one.get(key, []), other.get(key, [])
            if isinstance(wanted, list) and isinstance(present, list):
                extra = [row for row in present if row not in wanted]
                wanted, present = [row for row in wanted if row not in present], extra
            if wanted != present:
                found.append(f"{side}, {key}: {present} and not {wanted}")
    return found


def _names(calls: list[str]) -> list[str]:
    """The calls, a second one of the same operation with its number."""
    return [
        call if calls[:at].count(call) == 0 else f"{call} ({calls[:at].count(call) + 1})"
        for at, call in enumerate(calls)
    ]


# --- what is written down -------------------------------------------------------------------------------------------


def _table() -> list[tuple[str, str, str, dict[str, str]]]:
    """Step, call, dialects and what came of each fault, as the page says."""
    rows = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 3 + len(FAULTS) and cells[1].startswith("`"):
            rows.append((cells[0], cells[1].strip("`"), cells[2], dict(zip(FAULTS, cells[3:], strict=True))))
    return rows


def _changing_calls() -> set[str]:
    """Every operation that changes something whose name stands in the source of the connector."""
    known = {
        name
        for dialect in ("W", "S", "F")
        for service in load(dialect).services.values()
        for name in service.operations
    }
    named: set[Any] = set()
    for path in Path(wsp.__file__).parent.glob("*.py"):
        if path.name in ("checking.py",):
            continue
        named |= {
            node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)
        }
    return {name for name in named & known if not name.startswith(lives.READS)}
