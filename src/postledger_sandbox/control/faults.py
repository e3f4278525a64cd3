# SPDX-License-Identifier: Apache-2.0
"""Faults on demand: rules that make a chosen call fail in a chosen way.

"before" means the operation does not run; "after" means it ran and only its answer is spoiled.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

KINDS = {
    "fault_before": "a SOAP fault, nothing done",
    "fault_after": "a SOAP fault, the work done",
    "cut_before": "the connection closed, nothing done",
    "cut_after": "the connection closed, the work done",
    "timeout_before": "no answer until released or the client has gone, nothing done",
    "timeout_after": "no answer until released or the client has gone, the work done",
    "gate_before": "held until released, then done and answered",
    "gate_after": "done, then held until released, then answered",
    "slow": "answered after `seconds`",
    "down": "503, nothing done",
    "401": "401, nothing done",
    "lie": "`value` (0) answered, nothing done",
    "answer": "done, but `value` answered",
    "row_too_many": "done, but a list or table has its last row twice",
    "entity_expansion": "done, the answer is an entity expansion bomb",
    "huge": "done, the answer is `bytes` (200 MB) long",
    "slow_body": "done, the answer comes in small pieces, `seconds` (0.2) apart",
    "cut_body": "done, the answer is cut in the middle",
    "wrong_charset": "done, the answer claims UTF-8 but is UTF-16",
    "malformed": "done, the answer is not well-formed",
    "html": "done, the answer is a page of HTML with status 200",
    "redirect": "nothing done, a redirect to `location`",
}
HOLD_LIMIT_S = 3600.0


@dataclass
class Rule:
    """One fault to inject.

    Args:
        operation: "CreateMailbox", "esExchangeServer.CreateMailbox" or "*".
        match: arguments the call must have, compared as text without regard to case.
        skip: how many matching calls to leave alone first.
        count: how many calls to spoil after that; none means all.
        share: of the matching calls, the part that is spoiled, here and there; 0.05 is one in twenty.
    """

    kind: str
    operation: str = "*"
    match: dict[str, Any] = field(default_factory=dict)
    skip: int = 0
    count: int | None = 1
    share: float = 1.0
    text: str = "The operation has timed out"
    seconds: float = 0.2
    value: Any = 0
    bytes: int = 200 * 2**20
    location: str = "http://127.0.0.1:9/elsewhere"
    number: int = 0
    hits: int = 0

    def concerns(self, service: str, operation: str, arguments: dict[str, Any]) -> bool:
        if self.operation not in ("*", operation, f"{service}.{operation}", f"{service}.*"):
            return False
        return all(
            str(arguments.get(name, "")).lower() == str(value).lower() for name, value in self.match.items()
        )


@dataclass
class Held:
    """A call that waits."""

    number: int
    rule: int
    service: str
    operation: str
    released: threading.Event = field(default_factory=threading.Event)


class Faults:
    """The rules, and the calls they hold."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._numbers = itertools.count(1)
        self._chance = random.Random(1)
        self.rules: list[Rule] = []
        self.held: dict[int, Held] = {}

    def add(self, rule: Rule) -> int:
        if rule.kind not in KINDS:
            raise ValueError(f"no such kind of fault: {rule.kind}; there are {', '.join(KINDS)}")
        with self._lock:
            rule.number = next(self._numbers)
            self.rules.append(rule)
        return rule.number

    def clear(self) -> None:
        """Forget all rules and release all held calls."""
        with self._lock:
            self.rules.clear()
        self.release()

    def take(self, service: str, operation: str, arguments: dict[str, Any]) -> Rule | None:
        """The rule that spoils this call, counted as used."""
        if not self.rules:
            return None
        with self._lock:
            for rule in self.rules:
                if not rule.concerns(service, operation, arguments):
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                if rule.count is not None and rule.hits >= rule.count:
                    continue
                if rule.share < 1 and self._chance.random() >= rule.share:
                    continue
                rule.hits += 1
                return rule
        return None

    def hold(self, rule: Rule, service: str, operation: str, is_gone: Any) -> bool:
        """Wait until released, or the client has gone; whether it was released."""
        with self._lock:
            held = Held(next(self._numbers), rule.number, service, operation)
            self.held[held.number] = held
            self._lock.notify_all()
        until = time.monotonic() + HOLD_LIMIT_S
        try:
            while time.monotonic() < until:
                if held.released.wait(0.05):
                    return True
                if is_gone():
                    return False
            return False
        finally:
            with self._lock:
                self.held.pop(held.number, None)
                self._lock.notify_all()

    def release(self) -> int:
        """How many held calls were let go."""
        with self._lock:
            waiting = list(self.held.values())
        for held in waiting:
            held.released.set()
        return len(waiting)

    def wait_held(self, count: int = 1, timeout_s: float = 10.0) -> list[dict[str, Any]]:
        """The held calls, as soon as there are `count` of them; fewer when the time is up."""
        with self._lock:
            self._lock.wait_for(lambda: len(self.held) >= count, timeout_s)
            return [
                {
                    "number": held.number,
                    "rule": held.rule,
                    "service": held.service,
                    "operation": held.operation,
                }
                for held in self.held.values()
            ]

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(rule) for rule in self.rules]
