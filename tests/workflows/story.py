"""The house of the tests that add Exchange: a provider connected to a sandbox, a plan, and as many customers as wanted."""

import datetime as dt
import time
from dataclasses import dataclass, field

from postledger.accounts import operations as accounts
from postledger.accounts.types import AccountView, Viewer
from postledger.catalog import operations as catalog
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ConnectionView, Progress
from postledger.resources import exchange
from postledger.workflows import add_exchange, check_connection, reconcile, refresh_platform_plans, subscribe

NOW = dt.datetime(2027, 1, 1, 12, tzinfo=dt.UTC)
SYSTEM = Viewer.system()
MAIL = {
    "mx": [[10, "mx1.host.example"], [20, "mx2.host.example"]],
    "autodiscover": "autodiscover.host.example",
    "spf": ["include:spf.host.example"],
}
TERMS = {
    "charges": [
        {"name": "Account", "measure": "fixed", "recurring": "10.00"},
        {"name": "exchange.mailboxes", "measure": "metered", "free": 2, "usage": "8.00"},
        {
            "name": "exchange.disk",
            "measure": "metered",
            "free": 5,
            "step": "0.01",
            "usage": "1.50",
            "unit": "GB",
        },
    ],
    "periods": {"1": {}, "12": {"recurring": 10}},
}


@dataclass
class House:
    """What a test stands in; `now` moves when the test lets time pass."""

    sandbox: object
    provider: AccountView
    connection: ConnectionView
    plan_id: int
    now: dt.datetime = NOW
    lease_s: float = 2
    customers: list[AccountView] = field(default_factory=list)

    def customer(self, code: str, *, email: str | None = None) -> AccountView:
        """A customer with a subscription in force."""
        made = accounts.create_customer(
            SYSTEM,
            seller_id=self.provider.id,
            code=code,
            name=f"{code.capitalize()} Ltd",
            email=email or f"ann@{code}.example",
            now=self.now,
        )
        subscribe.subscribe(SYSTEM, buyer_id=made.id, plan_id=self.plan_id, months=1, now=self.now)
        self.customers.append(made)
        return made

    def order(self, customer: AccountView, *, boxes: int = 2) -> Progress:
        """Exchange with one domain and some mailboxes, ordered."""
        domain = f"{customer.code}.example"
        return add_exchange.add_exchange(
            SYSTEM,
            account_id=customer.id,
            domain=domain,
            mailboxes=[
                exchange.Mailbox(address=f"m{number}@{domain}", display_name=f"M{number}")
                for number in range(boxes)
            ],
            now=self.now,
        )

    def work(self) -> reconcile.Round:
        """One round of one worker."""
        return reconcile.reconcile(now=self.now, lease_s=self.lease_s)

    def settle(self, customer: AccountView, *, rounds: int = 12, within_s: float = 20) -> Progress:
        """How the customer's things stand after workers had time enough; a lease somebody left has to run out."""
        deadline = time.monotonic() + within_s
        while rounds and time.monotonic() < deadline:
            done = self.work()
            found = queries.progress(SYSTEM, customer.id)
            things = queries.resources_of(SYSTEM, customer.id)
            if found.is_settled or not any(thing.due_at for thing in things if not thing.is_settled):
                break
            if done.trees:
                rounds -= 1
            else:
                time.sleep(0.02)
            self.now += dt.timedelta(minutes=30)
        return queries.progress(SYSTEM, customer.id)


def build(sandbox, *, login: str = "reseller", code: str = "host", **settings) -> House:
    """A house connected to the sandbox as its first reseller."""
    provider = accounts.create_provider(code=code, name="Host", currency="USD", now=NOW)
    connection = operations.create_connection(
        SYSTEM,
        seller_id=provider.id,
        connector="wsp",
        name="Exchange",
        values={
            "url": sandbox.url,
            "portal_url": sandbox.portal_url,
            "username": login,
            "password": "Secret-1",
            "timeout_s": 1,
            "slow_timeout_s": 1,
            "settle_s": 1,
            **settings,
        },
        mail=MAIL,
        now=NOW,
    )
    connection = check_connection.check_connection(SYSTEM, connection_id=connection.id, now=NOW)
    assert connection.condition == "ok", connection.words
    plan_id = catalog.publish_plan(
        SYSTEM,
        seller_id=provider.id,
        code="office",
        name="Office",
        terms=TERMS,
        effective_from=NOW.date(),
        now=NOW,
    )
    plans = refresh_platform_plans.refresh_platform_plans(SYSTEM, connection_id=connection.id, now=NOW)
    small = next(plan for plan in plans if plan.name == "Exchange Small")
    operations.switch_on_platform_plan(
        SYSTEM, seller_id=provider.id, plan_id=plan_id, platform_plan_id=small.id, now=NOW
    )
    return House(sandbox=sandbox, provider=provider, connection=connection, plan_id=plan_id)
