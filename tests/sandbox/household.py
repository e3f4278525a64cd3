# SPDX-License-Identifier: Apache-2.0
"""What most stories begin with: a customer with a space, an organization and a mailbox, made by the operations."""

from typing import Any

from postledger_sandbox.server import Sandbox
from tests.sandbox.client import Client


class Household:
    def __init__(self, sandbox: Sandbox, client: Client) -> None:
        self.sandbox = sandbox
        self.client = client
        self.is_w = client.dialect == "W"

    @property
    def reseller_id(self) -> int:
        return self.client.call("esUsers", "GetUserByUsername", username="reseller")["UserId"]

    @property
    def space_id(self) -> int:
        """The reseller's own package."""
        return self.client.call("esPackages", "GetMyPackages", userId=self.reseller_id)[0]["PackageId"]

    def plan_id(self, name: str) -> int:
        user_id = self.reseller_id
        operation = "GetHostingAddons" if name.startswith("10") else "GetHostingPlans"
        (plans,) = self.client.call("esPackages", operation, userId=user_id)
        return next(int(plan["PlanID"]) for plan in plans if plan["PlanName"] == name)

    def customer(
        self, username: str = "acme", plan: str = "Exchange Small", **changes: Any
    ) -> tuple[int, int]:
        """The ids of a new customer and of his package."""
        values = {
            "parentPackageId": self.space_id,
            "username": username,
            "password": "Secret-2",
            "roleId": 3,
            "firstName": "Ann",
            "lastName": "O'Neil & <Søn>",
            "email": f"{username}@example.com",
            "createPackage": True,
            "planId": self.plan_id(plan),
        }
        user_id = self.client.call("esPackages", "CreateUserWizard", **{**values, **changes})
        assert user_id > 0, user_id
        (package,) = self.client.call("esPackages", "GetMyPackages", userId=user_id)
        return user_id, package["PackageId"]

    def organization(self, package_id: int, name: str = "acme", domain: str | None = None) -> int:
        values: dict[str, Any] = {
            "packageId": package_id,
            "organizationID": name,
            "organizationName": f"{name} Inc.",
        }
        if not self.is_w:
            values["domainName"] = domain or f"{name}.example"
        item_id = self.client.call("esOrganizations", "CreateOrganization", **values)
        assert item_id > 0, item_id
        return item_id

    def mailbox_code(self, item_id: int, email: str, **changes: Any) -> int:
        """What CreateMailbox answers."""
        name, _, domain = email.partition("@")
        values: dict[str, Any] = {
            "itemId": item_id,
            "accountType": "Mailbox",
            "displayName": name.capitalize(),
            "name": name,
            "domain": domain,
            "password": "Secret-3",
        }
        if not self.is_w and "mailboxPlanId" not in changes:
            values |= {"mailboxPlanId": self.mailbox_plan(item_id, "Small 2 GB"), "archivedPlanId": -1}
        return self.client.call("esExchangeServer", "CreateMailbox", **{**values, **changes})

    def mailbox(self, item_id: int, email: str, **changes: Any) -> int:
        account_id = self.mailbox_code(item_id, email, **changes)
        assert account_id > 0, account_id
        return account_id

    def mailbox_plan(self, item_id: int, name: str) -> int:
        plans = self.client.call(
            "esExchangeServer", "GetExchangeMailboxPlans", itemId=item_id, archiving=False
        )
        return next(plan["MailboxPlanId"] for plan in plans if plan["MailboxPlan"] == name)

    def default_domain(self, item_id: int) -> str:
        return self.client.call("esOrganizations", "GetOrganization", itemId=item_id)["DefaultDomain"]

    def whole(self) -> tuple[int, int, int]:
        """The ids of a new customer, his package and his organization with one mailbox."""
        user_id, package_id = self.customer()
        item_id = self.organization(package_id)
        self.mailbox(item_id, f"ann@{self.default_domain(item_id)}")
        return user_id, package_id, item_id
