"""The platform benchmark: the usage of many organizations read from a sandbox, and the same bytes sent by a bare client.

The sandbox runs in a process of its own. The bare client has as many threads and connections, sends what the collector
sent, and parses what comes back; whatever the collector takes longer is ours. Then the collector reads once more while
some of the calls fail or hang.
"""

import contextlib
import datetime as dt
import http.client
import queue
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from postledger.connectors import contract, registry, transport
from postledger.resources import exchange
from postledger_sandbox.server import Process

_NOW = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class _Prepared:
    """One request as it was sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None


def measure(
    *,
    organizations: int,
    concurrency: int,
    dialect: str,
    rounds: int,
    failing: float,
    timeout_s: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """The figures of the best round of the collector and the best of the bare client, and of a round with failing calls.

    Args:
        failing: percent of the calls that fail or hang, half of them each; without any that round is left out.
        timeout_s: time limit of a call.
    """
    say(f"Building a sandbox with {organizations:,} organizations …")
    estate = ("--estate", str(organizations), str(organizations), str(organizations * 2))
    with Process("--dialect", dialect, "--port", "0", *estate) as sandbox:
        targets = _targets(sandbox)
        settings = registry.settings(
            code="wsp",
            values={
                "url": sandbox.url,
                "username": sandbox.addresses["username"],
                "password": sandbox.addresses["password"],
                "concurrency": concurrency,
                "timeout_s": timeout_s,
            },
        )
        with registry.get("wsp").open(settings=settings) as session:
            list(session.read_usage(targets=targets[:concurrency], now=_NOW))
            say(f"Reading the usage of {len(targets):,} accounts, {concurrency} at once …")
            prepared, readings = _recorded(session, targets)
            ours_s = min(_timed(lambda: _collect(session, targets)) for _ in range(rounds))
        say(f"Sending the same {len(prepared):,} requests without us …")
        bare_s = min(_timed(lambda: _replay(sandbox.url, prepared, concurrency)) for _ in range(rounds))
        disturbed: dict[str, Any] = {}
        if failing:
            say(f"Reading while {failing:g} percent of the calls fail or hang …")
            disturbed = _disturbed(sandbox, settings, targets, failing / 100)
            disturbed |= {
                "timeout_s": timeout_s,
                "allowed_seconds": round(1.3 * ours_s + timeout_s, 2),
            }
    return {
        "organizations": len(targets),
        "readings": readings,
        "calls": len(prepared),
        "concurrency": concurrency,
        "seconds": round(ours_s, 2),
        "calls_per_s": round(len(prepared) / ours_s),
        "organizations_per_s": round(len(targets) / ours_s),
        "bare_seconds": round(bare_s, 2),
        "bare_per_s": round(len(targets) / bare_s),
        "ratio": round(bare_s / ours_s, 2),
        **disturbed,
    }


def _disturbed(
    sandbox: Process, settings: Any, targets: list[contract.Target], share: float
) -> dict[str, Any]:
    """A round during which this share of the calls fails or hangs, half of them each."""
    sandbox.control.clear_calls()
    with registry.get("wsp").open(settings=settings) as session:
        list(session.read_usage(targets=targets[: settings.concurrency], now=_NOW))
        for kind in ("cut_before", "timeout_before"):
            sandbox.control.inject(kind=kind, count=None, share=share / 2)
        started = time.monotonic()
        outcomes = list(session.read_usage(targets=targets, now=_NOW))
        disturbed_s = time.monotonic() - started
    hits = [rule["hits"] for rule in sandbox.control.faults()]
    sandbox.control.clear_faults()
    return {
        "failing_percent": round(share * 100, 2),
        "failed_calls": hits[0],
        "hanging_calls": hits[1],
        "disturbed_seconds": round(disturbed_s, 2),
        "read": sum(outcome.failure is None for outcome in outcomes),
        "not_read": sum(outcome.failure is not None for outcome in outcomes),
    }


def _targets(sandbox: Process) -> list[contract.Target]:
    users = {row["UserId"]: row["Username"] for row in sandbox.control.rows(table="users")}
    packages = sandbox.control.rows(table="packages")
    return [
        contract.Target(
            kind=exchange.ACCOUNT,
            name=users[row["UserId"]],
            ref={"user": row["UserId"], "space": row["PackageId"]},
        )
        for row in packages
        if users[row["UserId"]].startswith("customer")
    ]


def _collect(session: Any, targets: list[contract.Target]) -> int:
    readings = 0
    for outcome in session.read_usage(targets=targets, now=_NOW):
        if outcome.failure is not None:
            raise outcome.failure
        readings += len(outcome.readings)
    return readings


def _recorded(session: Any, targets: list[contract.Target]) -> tuple[list[_Prepared], int]:
    """Every request of one round, and how many readings it gave."""
    seen: list[_Prepared] = []
    with _watched(seen):
        readings = _collect(session, targets)
    return seen, readings


@contextlib.contextmanager
def _watched(seen: list[_Prepared]) -> Iterator[None]:
    original = transport.Transport.request

    def request(self: transport.Transport, **call: Any) -> transport.Answer:
        seen.append(_Prepared(call["method"], call["path"], dict(call["headers"]), call["body"]))
        return original(self, **call)

    transport.Transport.request = request  # type: ignore[method-assign]
    try:
        yield
    finally:
        transport.Transport.request = original  # type: ignore[method-assign]


def _replay(url: str, prepared: list[_Prepared], concurrency: int) -> None:
    waiting: queue.SimpleQueue[_Prepared] = queue.SimpleQueue()
    for entry in prepared:
        waiting.put(entry)
    parts = urllib.parse.urlsplit(url)

    def run() -> None:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        while True:
            try:
                entry = waiting.get_nowait()
            except queue.Empty:
                connection.close()
                return
            connection.request(entry.method, entry.path, entry.body, entry.headers)
            etree.fromstring(connection.getresponse().read())

    threads = [threading.Thread(target=run) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _timed(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
