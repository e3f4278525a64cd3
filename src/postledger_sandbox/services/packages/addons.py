# SPDX-License-Identifier: Apache-2.0
"""Add-ons of packages."""

from __future__ import annotations

from typing import Any

from postledger_sandbox.rules import quotas, rights
from postledger_sandbox.services.packages.shared import (
    exceeded,
    operations,
)
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault, null_reference
from postledger_sandbox.wire.writing import DataSet


def _addon(call: Call, package_addon_id: int) -> Row:
    addon = call.store.addons.get(package_addon_id)
    if addon is None:
        raise null_reference()
    rights.demand_package(call, addon["PackageId"])
    return addon


def _add_addon(call: Call, package_id: int, plan_id: int, quantity: int, **values: Any) -> Row:
    rights.demand_account(call, active=True, role=rights.RESELLER)
    rights.demand_package(call, package_id)
    package = call.store.packages.get(package_id)
    if package is None or call.store.plans.get(plan_id) is None:
        raise Fault("The INSERT statement conflicted with the FOREIGN KEY constraint.")
    addon = call.store.addons.add(
        {"PackageId": package_id, "PlanId": plan_id, "Quantity": quantity, **values}
    )
    excess = quotas.exceeding(call.world, package.get("ParentPackageId"))
    if excess:
        call.store.addons.remove(addon)
        return exceeded(excess)
    return {"Result": addon["PackageAddonId"]}


def _date(call: Call, text: str) -> str:
    return text if text > "1753" else call.now


@operations.act
def add_package_addon_by_id(call: Call, package_id: int, addon_plan_id: int, quantity: int) -> Row:
    return _add_addon(
        call, package_id, addon_plan_id, quantity, StatusId=1, PurchaseDate=call.now, Comments=""
    )


@operations.act
def add_package_addon(call: Call, addon: Row | None) -> Row:
    if addon is None:
        raise null_reference()
    return _add_addon(
        call,
        addon["PackageId"],
        addon["PlanId"],
        addon["Quantity"],
        StatusId=addon["StatusId"],
        PurchaseDate=_date(call, addon["PurchaseDate"]),
        Comments=addon["Comments"] or "",
    )


@operations.act
def add_package_addon_literal(
    call: Call,
    package_id: int,
    plan_id: int,
    quantity: int,
    status_id: int,
    purchase_date: str,
    comments: str | None,
) -> Row:
    return _add_addon(
        call,
        package_id,
        plan_id,
        quantity,
        StatusId=status_id,
        PurchaseDate=_date(call, purchase_date),
        Comments=comments or "",
    )


def _update_addon(call: Call, package_addon_id: int, **values: Any) -> Row:
    rights.demand_account(call, active=True, role=rights.RESELLER)
    addon = _addon(call, package_addon_id)
    before = dict(addon)
    call.store.addons.change(addon, **values)
    package = call.store.packages.rows[addon["PackageId"]]
    excess = quotas.exceeding(call.world, package.get("ParentPackageId"))
    if excess:
        call.store.addons.change(addon, **before)
        return exceeded(excess)
    return {"Result": 0}


@operations.act
def update_package_addon(call: Call, addon: Row | None) -> Row:
    if addon is None:
        raise null_reference()
    names = "PlanId Quantity StatusId PurchaseDate Comments".split()
    return _update_addon(call, addon["PackageAddonId"], **{name: addon[name] for name in names})


@operations.act
def update_package_addon_literal(
    call: Call,
    package_addon_id: int,
    plan_id: int,
    quantity: int,
    status_id: int,
    purchase_date: str,
    comments: str | None,
) -> Row:
    return _update_addon(
        call,
        package_addon_id,
        PlanId=plan_id,
        Quantity=quantity,
        StatusId=status_id,
        PurchaseDate=purchase_date,
        Comments=comments or "",
    )


@operations.act
def delete_package_addon(call: Call, package_addon_id: int) -> int:
    rights.demand_account(call, active=True, role=rights.RESELLER)
    addon = call.store.addons.get(package_addon_id)
    if addon is not None:
        rights.demand_package(call, addon["PackageId"])
        call.store.addons.remove(addon)
    return 0


def _with_plan(call: Call, addon: Row) -> Row:
    plan = call.store.plans.get(addon["PlanId"]) or {}
    return {**addon, "PlanName": plan.get("PlanName"), "PlanDescription": plan.get("PlanDescription")}


@operations.act
def get_package_addon(call: Call, package_addon_id: int) -> Row | None:
    addon = call.store.addons.get(package_addon_id)
    if addon is None:
        return None
    rights.demand_package(call, addon["PackageId"])
    return _with_plan(call, addon)


@operations.act
def get_package_addons(call: Call, package_id: int) -> DataSet:
    rights.demand_package(call, package_id)
    rows = []
    for addon in call.store.addons.find("PackageId", package_id):
        row = _with_plan(call, addon)
        rows.append(
            row
            | {
                "PackageAddonID": addon["PackageAddonId"],
                "PackageID": addon["PackageId"],
                "PlanID": addon["PlanId"],
                "StatusID": addon["StatusId"],
            }
        )
    return DataSet("esPackages.GetPackageAddons", [rows])
