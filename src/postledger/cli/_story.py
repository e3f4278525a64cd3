"""The story the demo tells and the demo data are made by: a provider, a reseller, three customers, Exchange for each.

Everything goes through the product's own operations and workflows; the platform is reached over SOAP only. What happens
on the platform by itself (usage that grows, an account that was there before) is done through the sandbox's control page.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from postledger.accounts import operations as accounts
from postledger.accounts.types import AccountView, Viewer
from postledger.catalog import operations as catalog
from postledger.provisioning import operations, queries, zones
from postledger.provisioning.types import ConnectionView
from postledger.resources import exchange
from postledger.workflows import (
    add_exchange,
    add_mailbox,
    check_connection,
    refresh_platform_plans,
    subscribe,
)

SYSTEM = Viewer.system()
PASSWORD = "postledger-demo"
MAIL = {
    "mx": [[10, "mx1.hosted.example"], [20, "mx2.hosted.example"]],
    "autodiscover": "autodiscover.hosted.example",
    "spf": ["include:spf.hosted.example"],
}
BUILTIN = [
    ("", "A", ["192.0.2.10"]),
    ("www", "A", ["192.0.2.10"]),
    ("", "MX", ["10 mail"]),
    ("mail", "A", ["192.0.2.20"]),
    ("", "TXT", ["v=spf1 mx ~all"]),
]
_EXCHANGE = [
    {"name": "exchange.mailboxes", "measure": "metered", "free": 2, "usage": "8.00"},
    {"name": "exchange.disk", "measure": "metered", "free": 5, "step": "0.01", "usage": "1.50", "unit": "GB"},
]


def terms(fee: str) -> dict[str, Any]:
    """A plan with a base fee and metered Exchange, sold by the month and, with a tenth off, by the year."""
    return {
        "charges": [{"name": "Account", "measure": "fixed", "recurring": fee}, *_EXCHANGE],
        "periods": {"1": {}, "12": {"recurring": 10}},
    }


WHOLESALE = {
    "charges": [
        {"name": "Account", "measure": "fixed", "recurring": "6.00"},
        {"name": "exchange.mailboxes", "measure": "metered", "usage": "3.00"},
        {
            "name": "exchange.disk",
            "measure": "metered",
            "free": 5,
            "step": "0.01",
            "usage": "0.50",
            "unit": "GB",
        },
    ],
    "periods": {"1": {}, "12": {}},
}


@dataclass(frozen=True)
class Login:
    """An address somebody of the story signs in with; the password is PASSWORD."""

    email: str
    account: str


@dataclass
class Story:
    """The people and things of the story as they come into being.

    Args:
        addresses: what the sandbox announced: url, portal_url.
        control: the sandbox's control: what happens on the platform behind our back.
        now: the present instant of the story, which it moves itself.
        tell: receives a line for each step.
    """

    addresses: dict[str, str]
    control: Any
    now: dt.datetime
    tell: Callable[[str], None]
    provider: AccountView = field(init=False)
    north: AccountView = field(init=False)
    connections: dict[str, ConnectionView] = field(default_factory=dict)
    plans: dict[str, int] = field(default_factory=dict)
    customers: dict[str, AccountView] = field(default_factory=dict)
    logins: list[Login] = field(default_factory=list)

    def open_shop(self) -> None:
        """A provider and a reseller, each with his reseller account on the platform and a plan with Exchange in it."""
        self.provider = accounts.create_provider(
            code="host",
            name="Host Ltd",
            email="billing@host.example",
            address="1 Server Street\nSpringfield",
            country="US",
            currency="USD",
            now=self.now,
        )
        self.north = accounts.create_reseller(
            SYSTEM,
            seller_id=self.provider.id,
            code="north",
            name="North Web Services",
            email="billing@north.example",
            address="7 Pole Road\nNorthtown",
            country="US",
            now=self.now,
        )
        self._sell_wholesale()
        for seller, login, fee in ((self.provider, "reseller", "10.00"), (self.north, "reseller2", "12.00")):
            self._login(seller)
            connection = operations.create_connection(
                SYSTEM,
                seller_id=seller.id,
                connector="wsp",
                name="Hosted Exchange",
                values={
                    "url": self.addresses["url"],
                    "portal_url": self.addresses["portal_url"],
                    "username": login,
                    "password": self.addresses["password"],
                },
                mail=MAIL,
                now=self.now,
            )
            connection = check_connection.check_connection(SYSTEM, connection_id=connection.id, now=self.now)
            self.connections[seller.code] = connection
            self.tell(
                f"{seller.name}: connected to {connection.report['product']} as {login} ({connection.condition})"
            )
            plan_id = catalog.publish_plan(
                SYSTEM,
                seller_id=seller.id,
                code="office",
                name="Office",
                terms=terms(fee),
                effective_from=self.now.date(),
                now=self.now,
            )
            self.plans[seller.code] = plan_id
            seen = refresh_platform_plans.refresh_platform_plans(
                SYSTEM, connection_id=connection.id, now=self.now
            )
            chosen = next(plan for plan in seen if plan.name == "Exchange Small")
            operations.switch_on_platform_plan(
                SYSTEM, seller_id=seller.id, plan_id=plan_id, platform_plan_id=chosen.id, now=self.now
            )
            self.tell(f"{seller.name}: plan Office at {fee} a month, with the platform's plan {chosen.name}")

    def _sell_wholesale(self) -> None:
        """The reseller pays the provider for what his customers use."""
        plan_id = catalog.publish_plan(
            SYSTEM,
            seller_id=self.provider.id,
            code="wholesale",
            name="Wholesale",
            terms=WHOLESALE,
            effective_from=self.now.date(),
            now=self.now,
        )
        subscribe.subscribe(SYSTEM, buyer_id=self.north.id, plan_id=plan_id, months=1, now=self.now)
        self.tell(f"{self.north.name} subscribes to Wholesale of {self.provider.name}")

    def take_customers(self) -> None:
        """acme by the month, globex by the year from the reseller, initech who has an account on the platform already."""
        existing = self.control.add_user(username="initold", email="bill@initech.example")
        self.control.add_package(username="initold")
        self.tell(
            f"On the platform already: account initold (user {existing['UserId']}) of bill@initech.example"
        )
        self.customer("acme", "Acme Corporation", self.provider, "wile@acme.example", months=1)
        self.customer("globex", "Globex", self.north, "hank@globex.example", months=12)
        self.customer("initech", "Initech", self.provider, "bill@initech.example", months=1)

    def customer(self, code: str, name: str, seller: AccountView, email: str, *, months: int) -> AccountView:
        """A customer with a plan in force and a zone of his own with us."""
        found = accounts.create_customer(
            SYSTEM,
            seller_id=seller.id,
            code=code,
            name=name,
            email=email,
            address="12 Main Street\nAnytown",
            country="US",
            now=self.now,
        )
        self.customers[code] = found
        self._login(found)
        subscribe.subscribe(
            SYSTEM, buyer_id=found.id, plan_id=self.plans[seller.code], months=months, now=self.now
        )
        zones.create_zone(
            SYSTEM, account_id=found.id, name=f"{code}.example", builtin=_builtin(code), now=self.now
        )
        length = "month" if months == 1 else "year"
        self.tell(f"{name} ({seller.name}) subscribes to Office by the {length}; zone {code}.example made")
        return found

    def order_exchange(self) -> None:
        """Each customer adds Exchange with a mailbox; a worker sets it up."""
        for code, found in self.customers.items():
            domain = f"{code}.example"
            add_exchange.add_exchange(
                SYSTEM,
                account_id=found.id,
                domain=domain,
                mailboxes=[exchange.Mailbox(address=f"info@{domain}", display_name=f"{found.name} Office")],
                now=self.now,
            )
            self.tell(f"{found.name} adds Exchange with {domain}: {queries.progress(SYSTEM, found.id).words}")

    def order_mailboxes(self) -> None:
        """Two more mailboxes for acme, from the panel as it were."""
        for name in ("wile", "road.runner"):
            add_mailbox.add_mailbox(
                SYSTEM,
                account_id=self.customers["acme"].id,
                mailbox=exchange.Mailbox(
                    address=f"{name}@acme.example", display_name=name.replace(".", " ").title()
                ),
                now=self.now,
            )
        self.tell("Acme Corporation orders two more mailboxes in the panel")

    def grow(self) -> None:
        """Customers use the platform: mail piles up, and mailboxes are made over there."""
        self.control.grow_disk(email="info@acme.example", to_mb=4096)
        self.control.grow_disk(email="wile@acme.example", to_mb=3379)
        self.control.grow_disk(email="info@globex.example", to_mb=7168)
        for name in ("sales", "support", "jobs"):
            item = self._organization("globex").reference["item"]
            self.control.add_mailbox(item_id=item, email=f"{name}@globex.example", size_mb=256)
        self.control.grow_disk(email="info@initech.example", to_mb=512)
        self.tell("On the platform usage grows: acme 7475 MB, globex three more mailboxes and 7936 MB")

    def _organization(self, code: str):
        found = queries.organization_of(SYSTEM, self.customers[code].id)
        assert found is not None, f"{code} has an organization by now"
        return found

    def _login(self, account: AccountView) -> None:
        email = f"{account.code}@demo.example"
        accounts.create_user(
            SYSTEM, account_id=account.id, email=email, name=account.name, password=PASSWORD, now=self.now
        )
        self.logins.append(Login(email=email, account=account.name))


def _builtin(code: str) -> list[tuple[str, str, list[str]]]:
    """The records every zone starts with; a relative mail host becomes one of the zone."""
    return [
        (
            name,
            kind,
            [value.replace(" mail", f" mail.{code}.example") if kind == "MX" else value for value in values],
        )
        for name, kind, values in BUILTIN
    ]
