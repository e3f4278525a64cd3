"""Nothing is asked of the network while a database transaction is open."""

import socket

import pytest
from django.db import transaction

from tests.conftest import NetworkInTransaction


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


def test_a_network_call_inside_a_transaction_fails_the_test(db, listener, network_in_transaction):
    with transaction.atomic(), pytest.raises(NetworkInTransaction):
        socket.create_connection(listener)
    assert network_in_transaction
    network_in_transaction.clear()


def test_a_call_over_an_older_connection_fails_as_well(db, listener, network_in_transaction):
    with (
        socket.create_connection(listener) as older,
        transaction.atomic(),
        pytest.raises(NetworkInTransaction),
    ):
        older.sendall(b"GET / HTTP/1.0\r\n\r\n")
    network_in_transaction.clear()


def test_a_network_call_between_transactions_is_fine(db, listener):
    with transaction.atomic():
        pass
    socket.create_connection(listener).close()
