"""Standing characters of the panel's tests: a provider, two resellers, a customer under each, and the browsers they sit at."""

import datetime as dt
from dataclasses import dataclass, field

import pytest
from django.test import Client

from postledger import clock
from postledger.accounts import operations as accounts
from postledger.accounts.types import AccountView, Viewer
from postledger.catalog import operations as catalog
from postledger.workflows import subscribe

NOW = dt.datetime(2027, 1, 10, 12, tzinfo=dt.UTC)
SYSTEM = Viewer.system()
PASSWORD = "Gritty-Otter-42"
TERMS = {
    "charges": [
        {"name": "Base fee", "measure": "fixed", "recurring": "10.00"},
        {"name": "Support hours", "measure": "reserved", "recurring": "30.00", "max": 5},
        {"name": "exchange.mailboxes", "measure": "metered", "free": 2, "usage": "8.00"},
        {
            "name": "exchange.disk",
            "measure": "metered",
            "free": 5,
            "step": "0.01",
            "usage": "1.50",
            "unit": "GB",
        },
        {"name": "Backup", "measure": "fixed", "recurring": "4.00", "activated": False},
    ],
    "periods": {"1": {}, "12": {"recurring": 10}},
    "packages": [{"name": "Five mailboxes", "recurring": "30", "adds": {"exchange.mailboxes": 5}}],
}


@dataclass
class Clock:
    """What the door takes for the present."""

    now: dt.datetime = NOW


@dataclass
class People:
    """Everybody, by code, and the plan of each seller."""

    accounts: dict[str, AccountView] = field(default_factory=dict)
    plans: dict[str, int] = field(default_factory=dict)

    def __getitem__(self, code: str) -> AccountView:
        return self.accounts[code]

    def client(self, code: str, **options) -> Client:
        """A browser at which the owner of this account is signed in."""
        made = Client(**options)
        assert made.login(email=f"{code}@people.example", password=PASSWORD)
        return made


@pytest.fixture
def at(monkeypatch) -> Clock:
    """The clock of the door, standing still until it is moved."""
    standing = Clock()
    monkeypatch.setattr(clock, "now", lambda: standing.now)
    return standing


def populate() -> People:
    """Acme under the first reseller, Nord under the second, Solo at the provider himself; all but the provider on plans."""
    people = People()
    host = accounts.create_provider(
        code="host", name="Host & Co", currency="USD", address="1 Rack Row", now=NOW
    )
    people.accounts["host"] = host
    for code in ("alpha", "beta"):
        people.accounts[code] = accounts.create_reseller(
            SYSTEM,
            seller_id=host.id,
            code=code,
            name=f"{code.capitalize()} Resell",
            email=f"{code}@x.example",
            now=NOW,
        )
    for seller, code in (("alpha", "acme"), ("beta", "nord"), ("host", "solo")):
        people.accounts[code] = accounts.create_customer(
            SYSTEM, seller_id=people[seller].id, code=code, name=f"{code.capitalize()} Ltd", email=f"ann@{code}.example",
            address="2 High Street\nTown", now=NOW,
        )  # fmt: skip
    for code in ("host", "alpha", "beta"):
        people.plans[code] = catalog.publish_plan(
            SYSTEM, seller_id=people[code].id, code="office", name="Office", terms=TERMS,
            effective_from=dt.date(2027, 1, 1), now=NOW,
        )  # fmt: skip
    for buyer, seller in (
        ("alpha", "host"),
        ("beta", "host"),
        ("acme", "alpha"),
        ("nord", "beta"),
        ("solo", "host"),
    ):
        subscribe.subscribe(
            SYSTEM, buyer_id=people[buyer].id, plan_id=people.plans[seller], months=1, now=NOW
        )
    for code, account in people.accounts.items():
        accounts.create_user(
            SYSTEM, account_id=account.id, email=f"{code}@people.example", password=PASSWORD, now=NOW
        )
    return people


@pytest.fixture
def people(db, at) -> People:
    return populate()
