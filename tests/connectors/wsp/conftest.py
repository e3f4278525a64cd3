"""A sandbox of each generation, and a session with it as one of its resellers."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from postledger.connectors import contract
from postledger.connectors.wsp import connector
from postledger.connectors.wsp.session import Session
from postledger.connectors.wsp.settings import Settings
from postledger.resources import exchange, spec
from postledger_sandbox.server import Sandbox


class Desk:
    """A session, its sandbox, and the audit of what it changed."""

    def __init__(self, sandbox: Sandbox, **settings: Any) -> None:
        self.sandbox = sandbox
        self.control = sandbox.control
        self.audit: list[contract.AuditEntry] = []  # how each call ended
        self.sent: list[contract.AuditEntry] = []  # as each was announced
        values: dict[str, Any] = {
            "url": sandbox.url,
            "portal_url": sandbox.portal_url,
            "username": "reseller",
            "password": contract.Secret("Secret-1"),
            "settle_s": 5,
            "timeout_s": 5,
            "slow_timeout_s": 5,
            **settings,
        }
        self.session: Session = connector.open(settings=Settings(**values), audit=self._note)

    def _note(self, entry: contract.AuditEntry, /) -> None:
        (self.sent if entry.outcome == "sent" else self.audit).append(entry)

    @property
    def dialect(self) -> str:
        return str(self.sandbox.world.options.dialect)

    def another(self, **settings: Any) -> "Desk":
        """A second session with the same sandbox."""
        return Desk(self.sandbox, **settings)

    def target(
        self, kind: str, name: str, *, ref: contract.Ref | None = None, parent: contract.Ref | None = None
    ) -> contract.Target:
        return contract.Target(kind=kind, name=name, ref=ref, parent=parent)

    def make(
        self,
        kind: str,
        wish: Any,
        *,
        ref: contract.Ref | None = None,
        parent: contract.Ref | None = None,
        password: contract.Secret | None = None,
    ) -> contract.Observation:
        """The thing as wished: looked at, compared, changed step by step; then looked at afresh, with nothing left."""
        target = self.target(kind, spec.name_of(kind=kind, spec=wish), ref=ref, parent=parent)
        found = self.session.observe(target=target)
        for change in spec.changeset(kind=kind, desired=wish, observed=found.spec).changes:
            target = dataclasses.replace(target, ref=found.ref or ref)
            found = self.session.apply(target=target, change=change, password=password)
        again = self.another()
        seen = again.session.observe(target=dataclasses.replace(target, ref=found.ref))
        again.session.close()
        left = spec.changeset(kind=kind, desired=wish, observed=seen.spec)
        assert left.is_empty, [change.words() for change in left.changes]
        return seen

    def remove(
        self, kind: str, name: str, *, ref: contract.Ref | None = None, parent: contract.Ref | None = None
    ) -> contract.Observation:
        change = spec.Change(action="delete", kind=kind, name=name)
        return self.session.apply(target=self.target(kind, name, ref=ref, parent=parent), change=change)

    def plan(self, name: str) -> str:
        return next(plan.id for plan in self.session.list_plans() if plan.name == name)

    def account(self, username: str = "acme", **fields: Any) -> contract.Ref:
        """The reference of an account on a large plan."""
        fields = {"plan": self.plan("Exchange Large"), "status": "active", **fields}
        made = self.make(exchange.ACCOUNT, exchange.Account(username=username, **fields))
        assert made.ref is not None
        return made.ref

    def organization(self, code: str = "acme", *, account: contract.Ref | None = None) -> contract.Ref:
        """The reference of an organization whose default domain is `<code>.example`."""
        parent = account or self.account(code)
        wish = exchange.Organization(code=code, name=code.capitalize(), domain=f"{code}.example")
        made = self.make(exchange.ORGANIZATION, wish, parent=parent)
        assert made.ref is not None
        domain = exchange.OrganizationDomain(name=f"{code}.example", is_default=True)
        self.make(exchange.DOMAIN, domain, parent=made.ref)
        return made.ref

    def mailbox(self, address: str, *, parent: contract.Ref, **fields: Any) -> contract.Observation:
        return self.make(exchange.MAILBOX, exchange.Mailbox(address=address, **fields), parent=parent)


@pytest.fixture(params=["W", "S", "F"])
def dialect(request: pytest.FixtureRequest) -> str:
    """WebsitePanel, SolidCP, FuseCP."""
    return str(request.param)


@pytest.fixture
def sandbox(dialect: str) -> Iterator[Sandbox]:
    with Sandbox(dialect=dialect, delay_s=0.05) as running:
        yield running


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    made = Desk(sandbox)
    yield made
    made.session.close()
