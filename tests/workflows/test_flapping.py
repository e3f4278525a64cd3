"""A platform that comes and goes: nothing grows with the number of its failures, and what was ordered is reached.

For a long run: `FLAP_S=1800 FLAP_PAUSE_S=1 pytest tests/workflows/test_flapping.py -s`.
"""

import contextlib
import datetime as dt
import os
import random
import threading
import time

import psutil

from postledger.connectors import contract
from postledger.provisioning import queries
from postledger.workflows import collect_usage, retry_connections, set_exchange_status, sign_on
from postledger_sandbox.server import Process
from tests.workflows import story

LASTS_S = float(os.environ.get("FLAP_S", "15"))
PAUSE_S = float(os.environ.get("FLAP_PAUSE_S", "0"))
KINDS = (
    "down",
    "cut_before",
    "cut_after",
    "fault_before",
    "html",
    "malformed",
    "cut_body",
    "timeout_before",
    "401",
)
MIB = 1024 * 1024


def test_a_flapping_platform_leaves_no_threads_sockets_or_memory_behind(fresh_db):
    with Process("--dialect", "S", "--port", "0", "--delay", "0") as sandbox:
        house = story.build(sandbox, concurrency=4)
        customers = [house.customer(f"c{letter}") for letter in "abcd"]
        for customer in customers:
            house.order(customer, boxes=1)
            assert house.settle(customer).is_settled
        flips, opened, stopped, samples, active = 0, 0, 0, [], True
        chance = random.Random(1)
        until = time.monotonic() + LASTS_S
        while time.monotonic() < until or flips < 8:
            active = not active
            for customer in customers:
                set_exchange_status.set_exchange_status(
                    account_id=customer.id, is_active=active, now=house.now
                )
            kind = chance.choice(KINDS)
            sandbox.control.inject(kind=kind, count=None, share=chance.choice((0.3, 1.0)))
            _day(house, customers)
            found = queries.connection(story.SYSTEM, house.connection.id)
            opened += found.retry_at is not None
            stopped += found.condition == "blocked"
            sandbox.control.clear_faults()
            if found.condition == "blocked":
                story.check_connection.check_connection(
                    story.SYSTEM, connection_id=house.connection.id, now=house.now
                )
            _day(house, customers)
            flips += 1
            samples.append(_sample(sandbox))
            time.sleep(PAUSE_S)
        for customer in customers:
            found = house.settle(customer)
            assert found.is_settled, found.words
            status = 1 if active else 2
            assert sandbox.control.user(username=customer.code)["StatusId"] == status
        settled, first, last = flips // 3, samples[flips // 3], samples[-1]
        print(f"{flips} flips, circuit open {opened} times, stopped {stopped} times")
        print(f"threads, descriptors, MiB, connections there: {first} after {settled}, {last} in the end")
        assert opened, "the circuit never opened, so nothing was tried"
        assert last[0] <= first[0] + 1, "threads"
        assert last[1] <= first[1] + 3, "descriptors"
        assert last[2] <= first[2] + 48, "memory"
        assert last[3] <= 8, "connections on the platform"
        found = queries.connection(story.SYSTEM, house.connection.id)
        assert (found.condition, found.failures, found.retry_at) == ("ok", 0, None)


def _day(house: story.House, customers: list) -> None:
    """Some hours in which everybody wants something of the platform."""
    for _ in range(3):
        house.now += dt.timedelta(minutes=20)
        house.work()
        with contextlib.suppress(contract.Failure):
            collect_usage.collect_usage(connection_id=house.connection.id, now=house.now)
        with contextlib.suppress(contract.Failure, sign_on.NothingToSignOnTo):
            sign_on.sign_on(story.SYSTEM, account_id=customers[0].id, why="asked", now=house.now)
        retry_connections.retry_connections(now=house.now)


def _sample(sandbox: Process) -> tuple[int, int, int, int]:
    """Threads, open descriptors and MiB of ours, and connections open on the platform."""
    ours = psutil.Process()
    there = psutil.Process(sandbox.process.pid)
    established = [found for found in there.net_connections() if found.status == psutil.CONN_ESTABLISHED]
    return (threading.active_count(), ours.num_fds(), ours.memory_info().rss // MIB, len(established))
