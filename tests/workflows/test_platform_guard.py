"""No connector is called while a database transaction is open, and every changing call is kept."""

import datetime as dt
from contextlib import contextmanager

import pytest
from django.db import transaction

from postledger.workflows import _platform
from tests.provisioning.conftest import NOW, build

CAUSE = _platform.Cause(actor="test", purpose="test", now=NOW + dt.timedelta(0))


@contextmanager
def _session():
    house = build()
    with _platform.platform(connection_id=house.connection.id, cause=CAUSE) as session:
        yield session


def test_a_call_in_a_transaction_is_refused_before_it_leaves_the_machine(fresh_db):
    with _session() as session, transaction.atomic(), pytest.raises(_platform.CallInTransaction):
        session.check()


def test_a_call_outside_a_transaction_is_let_through(fresh_db):
    with _session() as session:
        assert session.check().lines[0].state == "failed", "nothing listens there"
