"""A provider with a customer and a connection, made by the real operations."""

import datetime as dt
from dataclasses import dataclass

import pytest

from postledger.accounts import operations as accounts
from postledger.accounts.types import AccountView, Viewer
from postledger.provisioning import operations
from postledger.provisioning.types import ConnectionView

NOW = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
PASSWORD = "Sesame-open-7"


@dataclass(frozen=True)
class House:
    provider: AccountView
    north: AccountView
    acme: AccountView
    globex: AccountView
    connection: ConnectionView


def build() -> House:
    system = Viewer.system()
    provider = accounts.create_provider(code="host", name="Host", currency="USD", now=NOW)
    north = accounts.create_reseller(system, seller_id=provider.id, code="north", name="North", now=NOW)
    return House(
        provider=provider,
        north=north,
        acme=accounts.create_customer(
            system, seller_id=provider.id, code="acme", name="Acme", email="ann@acme.example", now=NOW
        ),
        globex=accounts.create_customer(system, seller_id=north.id, code="globex", name="Globex", now=NOW),
        connection=operations.create_connection(
            system,
            seller_id=provider.id,
            connector="wsp",
            name="Exchange",
            values={"url": "http://127.0.0.1:9", "username": "host", "password": PASSWORD},
            mail={
                "mx": [[10, "mx1.host.example"], [20, "mx2.host.example"]],
                "autodiscover": "autodiscover.host.example",
                "spf": ["include:spf.host.example"],
            },
            now=NOW,
        ),
    )


@pytest.fixture
def house(db) -> House:
    return build()
