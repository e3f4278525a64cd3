# SPDX-License-Identifier: Apache-2.0
"""esLync and esSfB: users of Lync and of Skype for Business, which differ in name only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.rules import rights
from postledger_sandbox.services.blackberry import account_of, failure, page_of, success
from postledger_sandbox.services.registry import Operations
from postledger_sandbox.state.tables import Row, Table
from postledger_sandbox.state.world import Call, null_reference

lync = Operations("esLync")
sfb = Operations("esSfB")


def _in_order(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operation whose parameters are handed over by their order: their names differ between the two products."""

    def acted(call: Call, **arguments: Any) -> Any:
        return function(call, *arguments.values())

    return acted


class Messenger:
    """The operations of one of the two products; `name` is "Lync" or "SfB"."""

    def __init__(self, name: str, operations: Operations) -> None:
        self.name = name
        self.plan_member = f"{name}PlanId"
        self.id_member = f"{name}UserPlanId"
        acts = {
            f"Create{name}User": self.create,
            f"Delete{name}User": self.delete,
            f"Get{name}UsersPaged": self.paged,
            f"Get{name}UserCount": self.count,
            f"Get{name}UserGeneralSettings": self.settings,
            f"Set{name}UserGeneralSettings": self.set_settings,
            f"SetUser{name}Plan": self.set_plan,
            f"Get{name}UsersByPlanId": self.by_plan,
            f"Get{name}UserPlans": self.plans,
            f"Get{name}UserPlan": self.plan,
            f"Add{name}UserPlan": self.add_plan,
            f"Update{name}UserPlan": self.update_plan,
            f"Delete{name}UserPlan": self.delete_plan,
            f"SetOrganizationDefault{name}UserPlan": self.set_default_plan,
            "GetFederationDomains": self.federation,
            "AddFederationDomain": self.add_federation,
            "RemoveFederationDomain": self.remove_federation,
            "GetPolicyList": self.policies,
        }
        for operation, function in acts.items():
            operations.act_as(operation)(_in_order(function))

    def table(self, call: Call) -> Table:
        return call.store.lync_plans if self.name == "Lync" else call.store.sfb_plans

    def info(self, call: Call, account: Row) -> Row:
        plan = self.table(call).get(account.get(self.plan_member) or 0) or {}
        return {
            "SipAddress": account.get(f"{self.name}Sip") or account["PrimaryEmailAddress"],
            "UserPrincipalName": account.get("UserPrincipalName"),
            "DisplayName": account["DisplayName"],
            "PrimaryUri": f"sip:{account['PrimaryEmailAddress']}",
            "PrimaryEmailAddress": account["PrimaryEmailAddress"],
            "LineUri": account.get(f"{self.name}Line"),
            "AccountID": account["AccountId"],
            self.id_member: plan.get(self.id_member, 0),
            f"{self.name}UserPlanName": plan.get(f"{self.name}UserPlanName"),
        }

    def users(self, call: Call, item_id: int) -> list[Row]:
        return [a for a in rules.accounts_of(call.world, item_id) if a.get(self.plan_member)]

    def create(self, call: Call, item_id: int, account_id: int, plan_id: int) -> Row:
        rights.demand_account(call, active=True)
        account = account_of(call, item_id, account_id)
        if account is None:
            return failure("CANNOT_GET_ACCOUNT")
        if account.get(self.plan_member):
            return failure(f"USER_IS_ALREADY_{self.name.upper()}_USER")
        organization = rules.known(call, item_id)
        counts = rules.organization_counts(call.world)
        if rules.is_used_up(call, organization, counts, f"Created{self.name}Users"):
            return failure("USER_QUOTA_HAS_BEEN_REACHED")
        if self.plan(call, item_id, plan_id) is None:
            return failure(f"CANNOT_ADD_{self.name.upper()}_USER")
        call.store.accounts.change(account, **{self.plan_member: plan_id})
        return success(Value=self.info(call, account))

    def delete(self, call: Call, item_id: int, account_id: int) -> Row:
        rights.demand_account(call, active=True)
        account = account_of(call, item_id, account_id)
        if account is None:
            return failure("CANNOT_GET_ACCOUNT")
        call.store.accounts.change(account, **{self.plan_member: 0})
        return success()

    def paged(
        self,
        call: Call,
        item_id: int,
        sort_column: str | None,
        sort_direction: str | None,
        start_row: int,
        maximum_rows: int,
    ) -> Row:
        if rules.find(call, item_id) is None:
            return failure("CANNOT_GET_ORGANIZATION_BY_ITEM_ID")
        rows = page_of(self.users(call, item_id), sort_column, sort_direction)
        page = [self.info(call, row) for row in rows[start_row : start_row + maximum_rows]]
        return success(Value={"RecordsCount": len(rows), "PageUsers": page})

    def count(self, call: Call, item_id: int) -> Row:
        if rules.find(call, item_id) is None:
            return failure("CANNOT_GET_ORGANIZATION_BY_ITEM_ID")
        return success(Value=len(self.users(call, item_id)))

    def settings(self, call: Call, item_id: int, account_id: int) -> Row:
        return self.info(call, rules.account(call, item_id, account_id))

    def set_settings(
        self, call: Call, item_id: int, account_id: int, sip_address: str | None, line_uri: str | None
    ) -> Row:
        account = rules.account(call, item_id, account_id)
        call.store.accounts.change(account, **{f"{self.name}Sip": sip_address, f"{self.name}Line": line_uri})
        return success(Value=self.info(call, account))

    def set_plan(self, call: Call, item_id: int, account_id: int, plan_id: int) -> Row:
        account = rules.account(call, item_id, account_id)
        if self.plan(call, item_id, plan_id) is None:
            return failure(f"CANNOT_SET_{self.name.upper()}_PLAN")
        call.store.accounts.change(account, **{self.plan_member: plan_id})
        return success(Value=self.info(call, account))

    def by_plan(self, call: Call, item_id: int, plan_id: int) -> list[Row]:
        rules.known(call, item_id)
        users = self.users(call, item_id)
        return [self.info(call, row) for row in users if row[self.plan_member] == plan_id]

    def plans(self, call: Call, item_id: int) -> list[Row]:
        rules.known(call, item_id)
        table = self.table(call)
        return [*table.find("ItemId", item_id), *table.find("ItemId", 0)]

    def plan(self, call: Call, item_id: int, plan_id: int) -> Row | None:
        return next((plan for plan in self.plans(call, item_id) if plan["PlanId"] == plan_id), None)

    def add_plan(self, call: Call, item_id: int, user_plan: Row | None) -> int:
        rights.demand_account(call, active=True)
        rules.known(call, item_id)
        if user_plan is None:
            raise null_reference()
        plan = self.table(call).add({**user_plan, "ItemId": item_id})
        self.table(call).change(plan, **{self.id_member: plan["PlanId"]})
        return plan["PlanId"]

    def update_plan(self, call: Call, item_id: int, user_plan: Row | None) -> int:
        stored = self.plan(call, item_id, (user_plan or {}).get(self.id_member, 0))
        if stored is None or user_plan is None:
            raise null_reference()
        self.table(call).change(stored, **{k: v for k, v in user_plan.items() if k != "ItemId"})
        return 0

    def delete_plan(self, call: Call, item_id: int, plan_id: int) -> int:
        stored = self.plan(call, item_id, plan_id)
        if stored is not None and stored["ItemId"] == item_id:
            self.table(call).remove(stored)
        return 0

    def set_default_plan(self, call: Call, item_id: int, plan_id: int) -> int:
        for plan in self.plans(call, item_id):
            self.table(call).change(plan, IsDefault=plan["PlanId"] == plan_id)
        return 0

    # Domains whose people may be talked to, kept with the organization

    def federation(self, call: Call, item_id: int) -> list[Row]:
        return rules.known(call, item_id).get(f"{self.name}Federation") or []

    def add_federation(
        self, call: Call, item_id: int, domain_name: str | None, proxy_fqdn: str | None
    ) -> Row:
        rights.demand_account(call, active=True)
        added = {"DomainName": domain_name, "ProxyFqdn": proxy_fqdn}
        return self._keep_federation(call, item_id, [*self.federation(call, item_id), added])

    def remove_federation(self, call: Call, item_id: int, domain_name: str | None) -> Row:
        rights.demand_account(call, active=True)
        kept = [row for row in self.federation(call, item_id) if row["DomainName"] != domain_name]
        return self._keep_federation(call, item_id, kept)

    def _keep_federation(self, call: Call, item_id: int, rows: list[Row]) -> Row:
        call.store.organizations.change(rules.known(call, item_id), **{f"{self.name}Federation": rows})
        return success()

    def policies(self, call: Call, item_id: int, kind: int, name: str | None) -> list[str]:
        rules.known(call, item_id)
        return []


Messenger("Lync", lync)
Messenger("SfB", sfb)
