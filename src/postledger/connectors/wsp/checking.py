"""How a connection stands, in words an operator can act on."""

from typing import Literal

from postledger.connectors import contract
from postledger.connectors.wsp import client as c
from postledger.connectors.wsp import reseller
from postledger.core.errors import Refusal

EXCHANGE_GROUP, ORGANIZATIONS_GROUP = "Exchange", "Hosted Organizations"

_NEEDED = {
    c.USERS: (
        *("GetUserByUsername", "GetUserById", "UserExists", "GetUsersPagedRecursive", "UpdateUser"),
        *("ChangeUserPassword", "ChangeUserStatus", "DeleteUser"),
    ),
    c.PACKAGES: (
        *("CreateUserWizard", "GetMyPackages", "GetPackage", "UpdatePackageLiteral", "ChangePackageStatus"),
        *(
            "DeletePackage",
            "AddPackageAddonById",
            "DeletePackageAddon",
            "GetPackageAddons",
            "GetHostingPlans",
        ),
    ),
    c.SERVERS: ("GetMyDomains", "GetDomain", "GetDnsZoneRecords", "AddDnsZoneRecord", "DeleteDnsZoneRecord"),
    c.ORGANIZATIONS: (
        *("CreateOrganization", "GetOrganizations", "GetOrganization", "DeleteOrganization"),
        *("AddOrganizationDomain", "GetOrganizationDomains", "GetOrganizationStatistics"),
    ),
    c.EXCHANGE: ("CreateMailbox", "DeleteMailbox", "GetAccountsPaged", "GetOrganizationStatistics"),
}


State = Literal["ok", "warning", "failed"]


class _Stop(Exception):
    """Nothing further can be looked at."""


class Checking:
    """Looks at a connection from the outside in."""

    def __init__(self, *, client: c.Client, ownership: reseller.Ownership) -> None:
        self._client = client
        self._own = ownership
        self._lines: list[contract.CheckLine] = []

    def report(self) -> contract.CheckReport:
        """Every finding until one nothing can follow."""
        self._lines = []
        product = ""
        for code, look in (
            ("reachable", self._reach),
            ("dialect", self._look_at_dialect),
            ("credentials", self._log_in),
            ("organizations", self._look_at_organizations),
            ("plans", self._look_at_plans),
        ):
            try:
                product = look() or product
            except contract.TemporaryFailure as failure:
                self._lines.append(contract.CheckLine(code="reachable", state="failed", text=failure.message))
            except (contract.Failure, contract.NeedsOperator, Refusal) as failure:
                self._lines.append(contract.CheckLine(code=code, state="failed", text=str(failure)))
            except _Stop:
                pass
            if self._lines[-1].state == "failed":
                break
        self._look_at_portal()
        return contract.CheckReport(product=product, lines=tuple(self._lines))

    def _add(self, code: str, state: State, text: str) -> None:
        self._lines.append(contract.CheckLine(code=code, state=state, text=text))
        if state == "failed":
            raise _Stop

    def _reach(self) -> str:
        self._client.interface(c.USERS)
        self._add("reachable", "ok", f"{self._client.settings.url} answers as an Enterprise Server.")
        return ""

    def _look_at_dialect(self) -> str:
        settings = self._client.settings
        users = self._client.interface(c.USERS)
        product = self._product(users.namespace if users is not None else "")
        missing = [
            f"{service}.{operation}"
            for service, operations in _NEEDED.items()
            for operation in operations
            if not self._client.has(service, operation)
        ]
        if missing:
            text = f"It speaks {product}, but lacks {', '.join(missing[:6])}. Ask its operator for a complete installation."
            self._add("dialect", "failed", text)
        self._add("dialect", "ok", f"It speaks {product}.")
        if settings.url.startswith("http://"):
            text = "Passwords travel without encryption. Use https, or a tunnel, unless the network is yours alone."
            self._add("tls", "warning", text)
        elif not settings.verify_tls:
            self._add(
                "tls", "warning", "The TLS certificate is not checked. Switch that on outside of tests."
            )
        return product

    def _product(self, namespace: str) -> str:
        name = "FuseCP" if "fusecp" in namespace else "SolidCP" if "solidcp" in namespace else "WebsitePanel"
        if self._client.has(c.EXCHANGE, "SetExchangeMailboxPlan"):
            return name if name != "WebsitePanel" else "WebsitePanel with mailbox plans (2.x)"
        return f"{name} without mailbox plans (1.x)"

    def _log_in(self) -> str:
        password = str(self._client.settings.password)
        if not self._client.is_newest and (":" in password or not password.isascii()):
            text = "The password holds a colon or a letter outside ASCII, which this platform cannot read. Change it."
            self._add("credentials", "failed", text)
        me = self._own.me()
        self._add("credentials", "ok", f"Logged in; customers belong to {me.username} (user {me.user_id}).")
        if me.role not in (reseller.ROLE_ADMINISTRATOR, reseller.ROLE_RESELLER):
            self._add(
                "rights",
                "failed",
                f"{me.username} is no reseller, so it can have no customers. Change its role.",
            )
        if me.status != reseller.USER_ACTIVE or me.is_demo:
            state = "a demo account" if me.is_demo else "not active"
            self._add(
                "rights", "failed", f"{me.username} is {state} on the platform, so nothing can be changed."
            )
        if me.role == reseller.ROLE_ADMINISTRATOR:
            text = f"{me.username} is an administrator. A reseller account can do less harm; use one."
            self._add("rights", "warning", text)
        else:
            self._add("rights", "ok", f"{me.username} is an active reseller.")
        return ""

    def _look_at_organizations(self) -> str:
        me = self._own.me()
        packages = self._client.records(
            c.PACKAGES, "GetMyPackages", what="our own subscriptions", userId=me.user_id
        )
        active = [package for package in packages if package.int("StatusId") == 1]
        if not active:
            text = f"{me.username} holds no active subscription on the platform, so it can give none out."
            self._add("space", "failed", text)
        self._add(
            "space", "ok", f"{me.username} holds {len(active)} active subscription(s) to give out from."
        )
        found = self._client.records(
            c.ORGANIZATIONS,
            "GetOrganizations",
            what="our organizations",
            packageId=active[0].int("PackageId"),
            recursive=True,
        )
        count = f"{len(found)} organization(s) exist below it."
        if self._client.is_newest or self._client.is_token_used:
            self._add("organizations", "ok", f"The service for organizations knows who we are; {count}")
            return ""
        text = (
            "The service for organizations does not take our credentials and treats every caller as its administrator. "
            f"We check ownership ourselves; keep the Enterprise Server off the internet. {count}"
        )
        self._add("organizations", "warning", text)
        return ""

    def _look_at_plans(self) -> str:
        me = self._own.me()
        tables = self._client.tables(c.PACKAGES, "GetHostingPlans", what="our plans", userId=me.user_id)
        plans = [row for row in (tables[0] if tables else []) if row.bool("Available")]
        with_exchange = []
        for plan in plans[:50]:
            found = self._client.record(
                c.PACKAGES, "GetHostingPlanContext", what="our plans", planId=plan.int("PlanID")
            )
            groups = found.records("GroupsArray") if found is not None else []
            names = {group.text("GroupName") for group in groups if group.bool("Enabled")}
            if {ORGANIZATIONS_GROUP, EXCHANGE_GROUP} <= names:
                with_exchange.append(plan.text("PlanName"))
        if not plans:
            self._add(
                "plans", "failed", f"{me.username} has no hosting plan. Make one there, with Exchange in it."
            )
        if not with_exchange:
            text = "None of our hosting plans there contains organizations and Exchange. Switch both on in one of them."
            self._add("plans", "failed", text)
        shown = ", ".join(with_exchange[:5]) + ("…" if len(with_exchange) > 5 else "")
        self._add("plans", "ok", f"{len(with_exchange)} of {len(plans)} plans contain Exchange: {shown}.")
        return ""

    def _look_at_portal(self) -> None:
        portal = self._client.settings.portal_url
        if not portal:
            text = "No portal URL is given, so customers cannot be signed on."
            self._lines.append(contract.CheckLine(code="portal", state="warning", text=text))
        elif portal.startswith("http://"):
            text = "The portal is used without encryption; a fresh password is posted to it at each sign-on. Use https."
            self._lines.append(contract.CheckLine(code="portal", state="warning", text=text))
