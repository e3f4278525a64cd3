"""A provider with two resellers and a customer under each of the three, all with programs that hold tokens.

The northern reseller's customer has everything an account can have; what belongs to her is what nobody else may see.
"""

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import clear_url_caches

from postledger import clock
from postledger.accounts import operations as accounts
from postledger.accounts import queries as account_queries
from postledger.accounts.types import AccountView, Viewer
from postledger.api import urls
from postledger.billing import queries as billing
from postledger.catalog import operations as catalog
from postledger.provisioning import adoption, differences
from postledger.provisioning import operations as provisioning
from postledger.provisioning import queries as hosted
from postledger.provisioning.types import ConnectionView, NewDifference
from postledger.resources import exchange
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import add_exchange, enter_debit, subscribe

SYSTEM = Viewer.system()
TERMS = {
    "charges": [
        {"name": "Account", "measure": "fixed", "setup": "5.00", "recurring": "10.00"},
        {"name": "Sites", "measure": "reserved", "recurring": "2.00"},
        {"name": "Backup", "measure": "fixed", "recurring": "3.00", "activated": False},
        {"name": "exchange.mailboxes", "measure": "metered", "free": 2, "usage": "8.00"},
    ],
    "packages": [{"name": "More sites", "recurring": {"1": "4.00"}, "adds": {"Sites": "5"}}],
    "periods": {"1": {}, "12": {"recurring": 10}},
}
MAIL = {
    "mx": [[10, "mx.host.example"]],
    "autodiscover": "autodiscover.host.example",
    "spf": ["include:host.example"],
}


@dataclass
class Program:
    """Something that speaks to the API with a token."""

    secret: str
    viewer: Viewer

    def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **query: Any
    ) -> "Answer":
        headers = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        address = f"/api/v1{path}"
        if query:
            address += "?" + "&".join(f"{name}={value}" for name, value in query.items())
        response = Client().generic(
            method.upper(),
            address,
            data=b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode(),
            content_type="application/json",
            headers=headers,
        )
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return Answer(response.status_code, response.json() if is_json else None, response)

    def get(self, path: str, **query: Any) -> Any:
        return self.ask("GET", path, **query).good()

    def post(self, path: str, body: Any = None, *, key: str | None = None, **query: Any) -> Any:
        return self.ask("POST", path, body, key=key, **query).good()


@dataclass
class Answer:
    status: int
    body: Any
    response: Any

    def good(self) -> Any:
        assert 200 <= self.status < 300, (self.status, self.body)
        return self.body


@dataclass
class Clock:
    """The time it is for the doors; a test moves it."""

    at: dt.datetime = dt.datetime(2027, 1, 1, 12, tzinfo=dt.UTC)

    def pass_days(self, days: int) -> None:
        self.at += dt.timedelta(days=days)


@dataclass
class Town:
    """Who is there, what each sells, and their programs by the code of their account."""

    clock: Clock
    provider: AccountView
    accounts: dict[str, AccountView] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)
    plans: dict[str, int] = field(default_factory=dict)
    connection: ConnectionView | None = None
    ids: dict[str, int] = field(default_factory=dict)  # parameter of a route → the northern customer's thing

    def id(self, code: str) -> int:
        return self.accounts[code].id

    def program(self, code: str, *, role: str = "owner") -> Program:
        """A program of a new user of the account."""
        account = self.accounts[code]
        user = accounts.create_user(
            SYSTEM, account_id=account.id, email=f"{role}-{code}@mail.example", role=role, now=self.clock.at
        )
        viewer = account_queries.viewer_of(user.id)
        secret, _ = accounts.create_token(viewer, name="test", now=self.clock.at)
        return Program(secret, viewer)

    def plan(self, code: str) -> int:
        """A plan of a seller."""
        return catalog.publish_plan(
            SYSTEM,
            seller_id=self.id(code),
            code=f"{code}-office",
            name=f"{code.capitalize()} Office",
            terms=TERMS,
            effective_from=self.clock.at.date(),
            now=self.clock.at,
        )


@pytest.fixture
def now(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(clock, "now", lambda: made.at)
    return made


@pytest.fixture
def town(db, now, settings_of_api) -> Town:
    return build(now)


@pytest.fixture
def settings_of_api(monkeypatch):
    """Only the API has routes: what the panels are doing is of no concern here."""
    monkeypatch.setattr(settings, "ROOT_URLCONF", "tests.api.routes")
    monkeypatch.setattr(settings, "API_RATE", 0)
    clear_url_caches()
    yield
    monkeypatch.undo()
    clear_url_caches()


def build(now: Clock) -> Town:
    provider = accounts.create_provider(code="host", name="Host", currency="USD", now=now.at)
    town = Town(now, provider, {"host": provider})
    for code in ("north", "south"):
        town.accounts[code] = accounts.create_reseller(
            SYSTEM, seller_id=provider.id, code=code, name=f"{code.capitalize()} Hosting", now=now.at
        )
    for code, seller in (("nora", "north"), ("sam", "south"), ("dora", "host")):
        town.accounts[code] = accounts.create_customer(
            SYSTEM,
            seller_id=town.id(seller),
            code=code,
            name=f"{code.capitalize()} Ltd",
            email=f"{code}@mail.example",
            now=now.at,
        )
    town.plans = {code: town.plan(code) for code in ("host", "north", "south")}
    town.programs = {code: town.program(code) for code in town.accounts}
    _furnish(town)
    return town


def _furnish(town: Town) -> None:
    at, nora, north = town.clock.at, town.id("nora"), town.id("north")
    subscribe.subscribe(SYSTEM, buyer_id=nora, plan_id=town.plans["north"], months=1, now=at)
    enter_debit.enter_debit(
        SYSTEM, buyer_id=nora, amount=700, text="Northern secret", is_taxed=False, every="month", now=at
    )
    town.connection = provisioning.create_connection(
        SYSTEM,
        seller_id=north,
        connector="wsp",
        name="Northern Exchange",
        values={"url": "http://127.0.0.1:9", "username": "reseller", "password": "Secret-1"},
        mail=MAIL,
        now=at,
    )
    provisioning.record_platform_plans(
        connection_id=town.connection.id,
        plans=[
            {
                "reference": "7",
                "name": "Small",
                "scope": "account",
                "is_available": True,
                "description": "",
                "limits": {},
            }
        ],
        now=at,
    )
    (small,) = hosted.platform_plans(SYSTEM, town.connection.id)
    provisioning.switch_on_platform_plan(
        SYSTEM, seller_id=north, plan_id=town.plans["north"], platform_plan_id=small.id, now=at
    )
    add_exchange.add_exchange(
        SYSTEM,
        account_id=nora,
        domain="northern.example",
        mailboxes=[exchange.Mailbox(address="ann@northern.example")],
        now=at,
    )
    _stranger(town)
    things = {found.kind: found.id for found in hosted.resources_of(SYSTEM, nora)}
    (invoice,) = billing.invoices(SYSTEM, buyer_id=nora)
    (debit,) = billing.repeating_debits(SYSTEM, nora)
    viewer = town.programs["nora"].viewer
    town.ids = {
        "account_id": nora,
        "buyer_id": nora,
        "seller_id": north,
        "user_id": viewer.user_id,
        "token_id": account_queries.tokens_of(viewer)[0].id,
        "plan_id": town.plans["north"],
        "subscription_id": subscriptions.latest_id(nora),
        "invoice_id": invoice.id,
        "line_id": billing.invoice(SYSTEM, invoice.id).lines[0].id,
        "debit_id": debit["id"],
        "connection_id": town.connection.id,
        "platform_plan_id": small.id,
        "resource_id": things[exchange.MAILBOX],
        "proposal_id": adoption.proposals_of(SYSTEM, town.connection.id)[0].id,
        "difference_id": differences.differences_of(SYSTEM, town.connection.id)[0].id,
        "zone_id": hosted.zones_of(SYSTEM, nora)[0].id,
    }


def _stranger(town: Town) -> None:
    """An account on the northern platform that is nobody's here, proposed and told as a difference."""
    number, at = town.connection.id, town.clock.at
    walk = adoption.begin_walk(connection_id=number, now=at)
    fields = dict.fromkeys(("company", "person", "plan", "status"), "")
    row = {
        **fields,
        "reference_key": "space=5,user=5",
        "reference": {"user": 5, "space": 5},
        "name": "northerner",
        "email": "a@north.example",
        "organizations": [{"code": "north1", "name": "North One", "reference": {"item": 9}}],
        "domains": ["north.example"],
        "mailboxes": 2,
        "account_id": None,
        "score": 0,
        "reasons": [],
        "is_proved": False,
        "is_unique": False,
        "is_further": False,
    }
    adoption.record_page(walk=walk, rows=[row], cursor=None, seen=1, total=1, now=at)
    line = NewDifference(
        code="unbilled",
        kind=exchange.ACCOUNT,
        name="nora",
        words="Storage is 9 GB on the platform and 5 GB sold here.",
        meter="exchange.disk",
        there="9 GB",
        here="5 GB sold",
        worth=600,
        currency="USD",
        action="bill",
        account_id=town.id("nora"),
    )
    differences.record(connection_id=number, found=[line], now=at)


def routes() -> list[tuple[str, str, dict[str, Any]]]:
    """Every route as (method, path, what the schema says)."""
    schema = urls.api.get_openapi_schema(path_prefix="/")
    return [
        (method, path, said) for path, methods in schema["paths"].items() for method, said in methods.items()
    ]
