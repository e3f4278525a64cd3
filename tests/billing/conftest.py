"""A provider with a plan and as many customers as wanted, made by the real operations."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from postledger.accounts import operations as accounts
from postledger.accounts.types import Viewer
from postledger.catalog import operations as catalog
from postledger.subscriptions import queries as subscriptions
from postledger.usage import operations as usage
from postledger.usage.types import NewReading
from postledger.workflows import begin_exchange, subscribe

SYSTEM = Viewer.system()
UTC = ZoneInfo("UTC")
TERMS = {
    "charges": [
        {"name": "account", "measure": "fixed", "setup": "5.00", "recurring": "10.00"},
        {"name": "mailbox", "measure": "reserved", "recurring": "2.00", "free": 1, "max": 50},
        {"name": "exchange.mailboxes", "measure": "metered", "usage": "8.00", "free": 2},
    ],
    "periods": {"1": {}, "12": {"recurring": 10}},
}


@dataclass
class House:
    """A provider and his plan; `customers` are buyer ids by name, `subscriptions` likewise."""

    provider_id: int
    plan_id: int
    customers: dict[str, int] = field(default_factory=dict)
    subscriptions: dict[str, int] = field(default_factory=dict)

    def customer(self, name: str, *, on: dt.date, mailboxes: int = 0, exchange: bool = True) -> int:
        """The subscription of a new customer, active from a day on."""
        made = accounts.create_customer(SYSTEM, seller_id=self.provider_id, code=name, name=name, now=at(on))
        subscribe.subscribe(
            SYSTEM,
            buyer_id=made.id,
            plan_id=self.plan_id,
            months=1,
            quantities={"mailbox": Fraction(mailboxes)},
            now=at(on),
        )
        if exchange:
            begin_exchange.begin_exchange(SYSTEM, buyer_id=made.id, now=at(on))
        self.customers[name] = made.id
        self.subscriptions[name] = subscriptions.latest_id(made.id)
        return self.subscriptions[name]

    def read(self, name: str, value: str, *, on: dt.datetime, now: dt.datetime | None = None) -> int:
        """How many readings of mailboxes were kept."""
        id = self.subscriptions[name]
        return usage.record_readings(
            readings=[NewReading(id, "exchange.mailboxes", on, Decimal(value), source="test")],
            now=now or on,
            zones={id: UTC},
        )


def at(day: dt.date, hour: int = 12) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), dt.UTC)


def build(first: dt.date) -> House:
    provider = accounts.create_provider(code="host", name="Host", currency="USD", now=at(first))
    plan_id = catalog.publish_plan(
        SYSTEM,
        seller_id=provider.id,
        code="office",
        name="Office",
        terms=TERMS,
        effective_from=first,
        now=at(first),
    )
    return House(provider.id, plan_id)


@pytest.fixture
def house(db) -> House:
    return build(dt.date(2025, 1, 1))
