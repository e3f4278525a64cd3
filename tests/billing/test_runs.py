"""Runs at the same time: every account is billed once, with gapless numbers (C4, M11)."""

import datetime as dt
import subprocess
import sys

import pytest
from django.db import connection

from postledger.workflows import billing_run

from .conftest import SYSTEM, at, build

APRIL, MAY = dt.date(2025, 4, 1), dt.date(2025, 5, 1)
CUSTOMERS = 24
RUN = """
import datetime as dt, django
django.setup()
from postledger.accounts.types import Viewer
from postledger.workflows import billing_run
print("ready", flush=True)
input()
billing_run.billing_run(Viewer.system(), now=dt.datetime(2025, 5, 1, 12, tzinfo=dt.UTC), batch=%d)
"""


def start(batch: int) -> subprocess.Popen:
    """A process about to run."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN % batch], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def go(process: subprocess.Popen) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.fixture
def crowd(fresh_db):
    house = build(dt.date(2025, 1, 1))
    for number in range(CUSTOMERS):
        house.customer(f"c{number}", on=APRIL, mailboxes=number % 7)
        if number % 5:  # the others wait for a reading
            house.read(f"c{number}", str(number % 9), on=at(MAY, 6))
    yield house
    connection.close()


def gaps() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(number) - count(*) FROM billing_invoice")
        return cursor.fetchone()[0]


def expected(house) -> int:
    """What all close invoices come to in minor units, figured by hand."""
    total = 0
    for number in range(CUSTOMERS):
        total += 1000 + 200 * max(0, number % 7 - 1)
        total += 800 * max(0, number % 9 - 2) if number % 5 else 0
    return total


def closed_total() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(total) FROM billing_invoice WHERE closes_on = %s", [MAY])
        return int(cursor.fetchone()[0])


def test_eight_runs_at_once_bill_everybody_once(crowd):
    runs = [start(batch=2) for _ in range(8)]
    for run in runs:
        assert run.stdout is not None
        run.stdout.readline()
    for run in runs:
        go(run)
    assert [run.wait(timeout=60) for run in runs] == [0] * 8
    assert closed_total() == expected(crowd)
    assert gaps() == 0
    assert billing_run.billing_run(SYSTEM, now=at(MAY)).closes == 0


@pytest.mark.parametrize("day", [MAY, dt.date(2025, 7, 3)])
def test_a_dry_run_tells_what_is_then_booked(house, day):
    """On the day itself, and of jobs that stood still while several closes of the same accounts fell due."""
    for number, first in enumerate((APRIL, dt.date(2025, 4, 11), dt.date(2025, 4, 30))):
        house.customer(f"c{number}", on=first, mailboxes=number + 2)
    house.read("c0", "5", on=at(MAY, 6))
    house.read("c1", "-1", on=at(MAY, 6))
    before = tables()
    shown = billing_run.billing_run(SYSTEM, now=at(day), dry_run=True)
    assert tables() == before
    booked = billing_run.billing_run(SYSTEM, now=at(day))
    assert booked.closes == (1 if day == MAY else 5)
    for sum_of in ("closes", "lines", "invoices", "parked", "totals"):
        assert getattr(shown, sum_of) == getattr(booked, sum_of)


def tables():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM billing_invoiceline), (SELECT count(*) FROM billing_billingrun), "
            "(SELECT count(*) FROM billing_parked), (SELECT max(next_close) FROM subscriptions_subscription)"
        )
        return cursor.fetchone()
