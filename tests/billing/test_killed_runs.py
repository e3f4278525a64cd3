"""A run over 5,000 accounts that is killed at fifty moments books what an undisturbed one books (C4, M11)."""

import multiprocessing
import os
import random
import signal
import time

import pytest
from django.db import connection, connections

from postledger.accounts.types import Viewer
from postledger.cli import _bench_billing as bench
from postledger.workflows import billing_run

ACCOUNTS, KILLS = 5_000, 50
TWIN = "killed_runs_twin"


@pytest.fixture
def twins(fresh_db):
    """An estate, and the same once more in a database beside it."""
    bench._build(ACCOUNTS, 6)
    name = connection.settings_dict["NAME"]
    connections.close_all()
    _on(
        "postgres",
        f"DROP DATABASE IF EXISTS {TWIN} WITH (FORCE)",
        f'CREATE DATABASE {TWIN} TEMPLATE "{name}"',
    )
    connection.settings_dict["NAME"] = name
    yield name
    connections.close_all()
    _on("postgres", f"DROP DATABASE IF EXISTS {TWIN} WITH (FORCE)")
    connection.settings_dict["NAME"] = name


def _on(database: str, *statements: str) -> None:
    connections.close_all()
    connection.settings_dict["NAME"] = database
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connections.close_all()


def _run() -> None:
    connections.close_all()
    billing_run.billing_run(Viewer.system(), now=bench._NOW, batch=40, lanes=2)
    connections.close_all()


def _booked() -> tuple[list[tuple], list[tuple]]:
    """Every line with its balance-relevant facts, and per seller the numbers and what the books say."""
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT i.buyer_id, i."on", i.for_subscription_id, l.position, l.kind, l.item, l.start, l."end", l.amount '
            "FROM billing_invoiceline l JOIN billing_invoice i ON i.id = l.invoice_id ORDER BY 1, 2, 3, 4"
        )
        lines = cursor.fetchall()
        cursor.execute(
            "SELECT i.seller_id, count(*), min(i.number), max(i.number), sum(i.total) FROM billing_invoice i "
            "GROUP BY 1 ORDER BY 1"
        )
        return lines, cursor.fetchall()


def test_fifty_kills_change_nothing(twins):
    dice, killed = random.Random(50), 0
    fork = multiprocessing.get_context("fork")
    for _ in range(KILLS):
        connections.close_all()
        run = fork.Process(target=_run)
        run.start()
        time.sleep(dice.uniform(0.01, 0.12))  # the moment of the kill
        os.kill(run.pid, signal.SIGKILL)
        run.join()
        killed += run.exitcode == -signal.SIGKILL
    assert killed > KILLS / 2, "most of the kills hit a run at work"
    _run()
    disturbed = _booked()
    connections.close_all()
    connection.settings_dict["NAME"] = TWIN
    _run()
    assert _booked() == disturbed
    for _, count, first, last, _ in disturbed[1]:
        assert last - first + 1 == count
    assert len(disturbed[0]) > 6 * ACCOUNTS
