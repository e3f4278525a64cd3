"""A platform never has to bear more calls at once than its connection says, however many processes work on it."""

import os
import signal
import threading

import pytest
from django.db import connections

from postledger.connectors import contract
from postledger.provisioning import operations, queries
from postledger.workflows import _platform, collect_usage, reconcile
from postledger_sandbox.server import Process
from tests.workflows import story


@pytest.fixture
def house(fresh_db):
    with Process("--dialect", "W", "--port", "0", "--delay", "0") as sandbox:
        yield story.build(sandbox, concurrency=3, timeout_s=20, slow_timeout_s=20)


def _in_a_process(work) -> int:
    """The number of a process that does this and ends."""
    connections.close_all()
    worker = os.fork()
    if worker == 0:
        try:
            work()
        finally:
            os._exit(0)
    return worker


def test_workers_in_several_processes_share_the_places(house, monkeypatch):
    customers = [house.customer(f"c{letter}") for letter in "abcde"]
    for customer in customers:
        house.order(customer, boxes=0)
    house.sandbox.control.inject(kind="gate_before", count=None)
    monkeypatch.setattr(_platform, "_PLACE_WAIT_S", 0.3)
    workers = [_in_a_process(lambda: reconcile.reconcile(now=house.now, most=1)) for _ in customers]
    try:
        assert len(house.sandbox.control.wait_held(count=4, timeout_s=3)) == 3
        house.sandbox.control.clear_faults()
    finally:
        for worker in workers:
            os.waitpid(worker, 0)
    assert queries.connection(story.SYSTEM, house.connection.id).condition == "ok", "busy is no failure"
    for customer in customers:
        assert house.settle(customer).is_settled


def test_a_killed_worker_gives_its_place_back(house, monkeypatch):
    monkeypatch.setattr(_platform, "_PLACE_WAIT_S", 5)
    for letter in "abc":
        house.order(house.customer(f"c{letter}"), boxes=0)
    house.sandbox.control.inject(kind="gate_before", count=None)
    workers = [_in_a_process(lambda: reconcile.reconcile(now=house.now, most=1)) for _ in range(3)]
    assert len(house.sandbox.control.wait_held(count=3, timeout_s=20)) == 3
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
    house.sandbox.control.clear_faults()
    cause = _platform.Cause(actor="test", purpose="look", now=house.now)
    with _platform.platform(connection_id=house.connection.id, cause=cause, is_wide=True) as session:
        assert session.list_plans()


def test_a_collection_leaves_a_place_to_others(house):
    for letter in "abcd":
        customer = house.customer(f"c{letter}")
        house.order(customer, boxes=0)
        assert house.settle(customer).is_settled
    late = house.customer("late")
    house.order(late, boxes=0)
    gate = house.sandbox.control.inject(kind="gate_before", operation="GetOrganizations", count=None)
    collecting = threading.Thread(
        target=lambda: (
            collect_usage.collect_usage(connection_id=house.connection.id, now=house.now),
            connections.close_all(),
        )
    )
    collecting.start()
    try:
        assert len(house.sandbox.control.wait_held(count=3, timeout_s=2)) == 2, gate
        cause = _platform.Cause(actor="test", purpose="look", now=house.now)
        with _platform.platform(connection_id=house.connection.id, cause=cause) as session:
            assert session.list_plans()
    finally:
        house.sandbox.control.clear_faults()
        collecting.join()
    assert house.settle(late).is_settled


def test_who_finds_no_place_in_time_is_told_so(house, monkeypatch):
    monkeypatch.setattr(_platform, "_PLACE_WAIT_S", 0.2)
    number = house.connection.id
    cause = _platform.Cause(actor="test", purpose="look", now=house.now)
    is_held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        taken = operations.take_places(connection_id=number, places=3, most=3)
        assert len(taken) == 3
        is_held.set()
        may_end.wait(20)
        operations.give_back_places(connection_id=number, places=taken)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_held.wait(20)
    with (
        pytest.raises(contract.TemporaryFailure, match="busy"),
        _platform.platform(connection_id=number, cause=cause),
    ):
        pass
    may_end.set()
    holder.join()
    with _platform.platform(connection_id=number, cause=cause) as session:
        assert session.list_plans()
