# SPDX-License-Identifier: Apache-2.0
"""Hosting plans and add-on plans."""

from __future__ import annotations

from postledger_sandbox.contract import GROUPS
from postledger_sandbox.rules import quotas, rights
from postledger_sandbox.services.packages.shared import (
    SYSTEM,
    exceeded,
    group_rows,
    operations,
    quota_row,
)
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault, null_reference
from postledger_sandbox.wire.writing import DataSet


def plan_info(plan: Row) -> Row:
    """A plan as HostingPlanInfo; its groups and quotas are never filled when reading."""
    return {**plan, "Groups": [], "Quotas": []}


def _plan_row(call: Call, plan: Row) -> Row:
    package = call.store.packages.get(plan.get("PackageId") or 0)
    server = call.store.servers.get(plan.get("ServerId") or 0)
    used_by = call.store.addons if plan.get("IsAddon") else call.store.packages
    return {
        "PlanID": plan["PlanId"],
        "UserID": plan["UserId"],
        "PackageID": plan.get("PackageId") or None,
        "PlanName": plan["PlanName"],
        "PlanDescription": plan.get("PlanDescription"),
        "Available": plan.get("Available", True),
        "SetupPrice": plan.get("SetupPrice") or "0.0000",
        "RecurringPrice": plan.get("RecurringPrice") or "0.0000",
        "RecurrenceLength": plan.get("RecurrenceLength", 1),
        "RecurrenceUnit": plan.get("RecurrenceUnit", 2),
        "IsAddon": bool(plan.get("IsAddon")),
        "PackagesNumber": used_by.count("PlanId", plan["PlanId"]),
        "ServerID": server["ServerId"] if server else 0,
        "ServerName": server["ServerName"] if server else "None",
        "ServerComments": (server.get("Comments") or "") if server else "",
        "VirtualServer": bool(server and server.get("VirtualServer")),
        "PackageID1": package["PackageId"] if package else 0,
        "PackageName": package["PackageName"] if package else "None",
    }


def _plans(call: Call, user_id: int, is_addon: bool) -> list[Row]:
    return [p for p in call.store.plans.find("UserId", user_id) if bool(p.get("IsAddon")) == is_addon]


@operations.act
def get_hosting_plans(call: Call, user_id: int) -> DataSet:
    rights.demand_user(call, user_id)
    rows = [_plan_row(call, plan) for plan in _plans(call, user_id, False)]
    return DataSet("esPackages.GetHostingPlans", [rows])


@operations.act
def get_hosting_addons(call: Call, user_id: int) -> DataSet:
    rights.demand_user(call, user_id)
    rows = [_plan_row(call, plan) for plan in _plans(call, user_id, True)]
    return DataSet("esPackages.GetHostingAddons", [rows])


def _available(call: Call, user_id: int, is_addon: bool) -> list[Row]:
    rights.demand_user(call, user_id)
    user = call.store.users.get(user_id)
    owner_id = (user or {}).get("OwnerId") or user_id
    return [plan_info(p) for p in _plans(call, owner_id, is_addon) if p.get("Available", True)]


@operations.act
def get_user_available_hosting_plans(call: Call, user_id: int) -> list[Row]:
    return _available(call, user_id, False)


@operations.act
def get_user_available_hosting_addons(call: Call, user_id: int) -> list[Row]:
    return _available(call, user_id, True)


@operations.act
def get_hosting_plan(call: Call, plan_id: int) -> Row | None:
    plan = call.store.plans.get(plan_id)
    return plan_info(plan) if plan else None


@operations.act
def get_hosting_plan_quotas(call: Call, package_id: int, plan_id: int, server_id: int) -> DataSet:
    if package_id > SYSTEM:
        rights.demand_package(call, package_id)
    plan = call.store.plans.get(plan_id)
    parent = call.store.packages.get(package_id)
    rows = [
        {
            **quota_row(quota),
            "QuotaValue": quotas.plan_value(plan, quota),
            "ParentQuotaValue": quotas.value(call.world, parent, quota) if parent else quotas.UNLIMITED,
        }
        for quota in call.world.contract.quotas.values()
    ]
    return DataSet("esPackages.GetHostingPlanQuotas", [group_rows(call.world, plan, parent), rows])


@operations.act
def get_hosting_plan_context(call: Call, plan_id: int) -> Row | None:
    plan = call.store.plans.get(plan_id)
    if plan is None:
        return None
    groups = [
        {**group, "GroupName": GROUPS.get(group["GroupId"], "")}
        for group in plan.get("Groups") or ()
        if group.get("Enabled")
    ]
    values = [
        {
            "QuotaAllocatedValue": quotas.plan_value(plan, quota),
            "QuotaAllocatedValuePerOrganization": quotas.plan_value(plan, quota),
            "QuotaName": quota.name,
            "QuotaDescription": quota.name.partition(".")[2],
            "QuotaId": quota.quota_id,
            "QuotaTypeId": quota.kind,
            "GroupId": quota.group_id,
        }
        for quota in call.world.contract.quotas.values()
        if quotas.plan_group(plan, quota.group_id)
    ]
    return {"HostingPlan": plan_info(plan), "GroupsArray": groups, "QuotasArray": values}


def _plan_values(plan: Row) -> Row:
    kept = "PackageId PlanName PlanDescription Available ServerId IsAddon SetupPrice RecurringPrice"
    values = {name: plan[name] for name in f"{kept} RecurrenceUnit RecurrenceLength".split()}
    values["PlanName"] = values["PlanName"] or ""
    if len(values["PlanName"]) > 200:
        raise Fault("String or binary data would be truncated. The statement has been terminated.")
    return values | {"Groups": plan["Groups"] or [], "Quotas": plan["Quotas"] or []}


@operations.act
def add_hosting_plan(call: Call, plan: Row | None) -> int:
    if plan is None:
        raise null_reference()
    rights.demand_account(call, active=True, role=rights.RESELLER)
    rights.demand_user(call, plan["UserId"])
    return call.store.plans.add({"UserId": plan["UserId"], **_plan_values(plan)})["PlanId"]


@operations.act
def update_hosting_plan(call: Call, plan: Row | None) -> Row:
    if plan is None:
        raise null_reference()
    rights.demand_account(call, active=True, role=rights.RESELLER)
    stored = call.store.plans.get(plan["PlanId"])
    if stored is None:
        raise null_reference()
    rights.demand_user(call, stored["UserId"])
    before = dict(stored)
    call.store.plans.change(stored, **_plan_values(plan))
    for package in call.store.packages.find("PlanId", stored["PlanId"]):
        excess = quotas.exceeding(call.world, package.get("ParentPackageId"))
        if excess:
            call.store.plans.change(stored, **before)
            return exceeded(excess)
    return {"Result": 0}


@operations.act
def delete_hosting_plan(call: Call, plan_id: int) -> int:
    rights.demand_account(call, active=True, role=rights.RESELLER)
    plan = call.store.plans.get(plan_id)
    if plan is None:
        return 0
    rights.demand_user(call, plan["UserId"])
    if call.store.packages.count("PlanId", plan_id):
        return -1501
    if call.store.addons.count("PlanId", plan_id):
        return -1502
    call.store.plans.remove(plan)
    return 0
