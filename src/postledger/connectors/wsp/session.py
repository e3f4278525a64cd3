"""A session with a WSP installation: every promise of the contract, handed to the module that keeps it."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from postledger.connectors import contract
from postledger.connectors.wsp import (
    accounts,
    checking,
    estate,
    organizations,
    passwords,
    quotas,
    recipients,
    reseller,
    usage,
    zones,
)
from postledger.connectors.wsp import client as c
from postledger.connectors.wsp import inventory as listing
from postledger.connectors.wsp.settings import Settings
from postledger.resources import exchange, spec

_INSIDE = frozenset({exchange.MAILBOX, exchange.CONTACT, exchange.DISTRIBUTION_LIST, exchange.PUBLIC_FOLDER})
_LOGIN_PAGE = "/Default.aspx?pid=Login"


class Session:
    """A `contract.Platform`."""

    def __init__(self, *, settings: Settings, audit: contract.Audit) -> None:
        self._settings = settings
        self._client = c.Client(settings=settings, audit=audit)
        self._own = reseller.Ownership(client=self._client)
        self._accounts = accounts.Accounts(client=self._client, ownership=self._own)
        self._organizations = organizations.Organizations(client=self._client, ownership=self._own)
        self._recipients = recipients.Recipients(client=self._client, organizations=self._organizations)
        self._estate = estate.Estate(client=self._client, ownership=self._own)
        self._usage = usage.Usage(client=self._client, ownership=self._own, organizations=self._organizations)

    def check(self) -> contract.CheckReport:
        """How the connection stands."""
        return checking.Checking(client=self._client, ownership=self._own).report()

    def observe(self, *, target: contract.Target) -> contract.Observation:
        """What is there now."""
        if target.kind == exchange.ACCOUNT:
            return self._accounts.observe(target=target)
        if target.kind == exchange.ORGANIZATION:
            return self._organizations.observe(target=target)
        if target.kind == exchange.DOMAIN:
            return self._organizations.observe_domain(target=target)
        if target.kind in _INSIDE:
            return self._recipients.observe(target=target)
        raise _unknown(target.kind)

    def apply(
        self, *, target: contract.Target, change: spec.Change, password: contract.Secret | None = None
    ) -> contract.Observation:
        """What is there after one step."""
        if target.kind == exchange.ACCOUNT:
            return self._accounts.apply(target=target, change=change, password=password)
        if target.kind == exchange.ORGANIZATION:
            return self._organizations.apply(target=target, change=change)
        if target.kind == exchange.DOMAIN:
            return self._organizations.apply_domain(target=target, change=change)
        if target.kind in _INSIDE:
            return self._recipients.apply(target=target, change=change, password=password)
        raise _unknown(target.kind)

    def set_password(self, *, target: contract.Target, password: contract.Secret) -> None:
        """Nothing; gives an account or a mailbox another password."""
        if target.kind == exchange.ACCOUNT:
            self._accounts.set_password(target=target, password=password)
        elif target.kind == exchange.MAILBOX:
            self._recipients.set_password(target=target, password=password)
        else:
            raise _unknown(target.kind)

    def find_accounts(self, *, username: str = "", email: str = "") -> tuple[contract.Candidate, ...]:
        """Accounts with that login name or mail address."""
        return self._accounts.find(username=username.strip(), email=email.strip())

    def inventory(self, *, cursor: Mapping[str, Any] | None = None) -> contract.InventoryPage:
        """One page of everything under our reseller account."""
        return self._walk().page(cursor=cursor)

    def estate(self, *, cursor: Mapping[str, Any] | None = None) -> contract.EstatePage:
        """One page of all accounts under our reseller account with what they hold."""
        return self._estate.page(cursor=cursor)

    def inside(self, *, target: contract.Target) -> tuple[contract.Candidate, ...]:
        """Everything one account contains."""
        return tuple(self._walk().of_account(target=target))

    def _walk(self) -> listing.Inventory:
        return listing.Inventory(
            client=self._client,
            ownership=self._own,
            accounts=self._accounts,
            organizations=self._organizations,
            recipients=self._recipients,
        )

    def list_plans(self) -> tuple[contract.PlatformPlan, ...]:
        """Hosting plans and add-ons that belong to our reseller account."""
        me = self._own.me().user_id
        found: list[contract.PlatformPlan] = []
        for operation, scope in (("GetHostingPlans", "account"), ("GetHostingAddons", "addon")):
            tables = self._client.tables(c.PACKAGES, operation, what="our plans", userId=me)
            for row in tables[0] if tables else []:
                context = self._client.record(
                    c.PACKAGES, "GetHostingPlanContext", what="our plans", planId=row.int("PlanID")
                )
                rows = context.records("QuotasArray") if context is not None else []
                values = {quota.text("QuotaName"): quota.int("QuotaAllocatedValue") for quota in rows}
                found.append(
                    contract.PlatformPlan(
                        id=row.text("PlanID"),
                        name=row.text("PlanName"),
                        scope="account" if scope == "account" else "addon",
                        description=row.text("PlanDescription"),
                        is_available=row.bool("Available"),
                        limits=tuple(
                            contract.Addition(meter=meter, amount=values[quota])
                            for meter, quota in quotas.QUOTAS.items()
                            if quota in values and meter != "exchange.disk_allocated"
                        ),
                    )
                )
        return tuple(found)

    def list_mailbox_plans(self, *, target: contract.Target) -> tuple[contract.PlatformPlan, ...]:
        """Mailbox plans of an organization."""
        what = f"the organization {target.name}"
        if target.ref is None:
            raise ValueError("the organization has to be known")
        self._organizations.held(target.ref, what=what)
        return tuple(
            contract.PlatformPlan(
                id=plan.text("MailboxPlanId"),
                name=plan.text("MailboxPlan"),
                scope="mailbox",
                is_available=True,
                limits=(contract.Addition(meter="exchange.disk", amount=plan.int("MailboxSizeMB")),),
            )
            for plan in self._recipients.plans(int(target.ref["item"]), what=what)
        )

    def refresh_usage(self, *, targets: Sequence[contract.Target]) -> tuple[contract.UsageOutcome, ...]:
        """Outcomes of those that could not be asked for fresh figures."""
        return self._usage.refresh(targets=targets)

    def read_usage(
        self,
        *,
        targets: Sequence[contract.Target],
        now: dt.datetime,
        wait_s: float = 0,
        meters: frozenset[str] | None = None,
    ) -> Iterator[contract.UsageOutcome]:
        """One outcome per target, as they come in."""
        return self._usage.read(targets=targets, now=now, wait_s=wait_s, wanted=meters)

    def prepare_sign_on(self, *, target: contract.Target) -> contract.SignOn:
        """The portal's login form, filled with a password that was set a moment ago."""
        portal = self._settings.portal_url.rstrip("/")
        if not portal:
            raise contract.NeedsOperator(
                "The connection has no portal URL, so nobody can be signed on. Enter it in the connection.",
                reason="no_portal",
            )
        password = passwords.fresh()
        user = self._accounts.set_password(target=target, password=password)
        notice = ""
        if user.int("MfaMode") > 0:
            notice = "The portal will ask for your second factor."
        return contract.SignOn(
            action=portal + _LOGIN_PAGE,
            fields={"user": user.text("Username"), "password": str(password)},
            notice=notice,
        )

    def dns_host(self, *, target: contract.Target) -> zones.Zones:
        """The zones the platform hosts for an account."""
        if target.ref is None:
            raise ValueError("the account has to be known")
        return zones.Zones(client=self._client, ownership=self._own, ref=target.ref, name=target.name)

    def close(self) -> None:
        """Release the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


def _unknown(kind: str) -> contract.PermanentFailure:
    return contract.PermanentFailure(f"This connector does not serve {kind}.", reason="not_supported")
