# SPDX-License-Identifier: Apache-2.0
"""What the modules of esPackages share: its operations, and packages, groups and quotas as it shows them."""

from __future__ import annotations

from collections.abc import Callable

from postledger_sandbox.contract import GROUPS, Quota
from postledger_sandbox.rules import paging, quotas
from postledger_sandbox.services import users
from postledger_sandbox.services.registry import Operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, World
from postledger_sandbox.wire.writing import DataSet

operations = Operations("esPackages")

SYSTEM = 1


def info(package: Row, *, in_list: bool = False) -> Row:
    """A package as PackageInfo; lists leave the comments and the override out."""
    filled = {**package, "Groups": [], "Quotas": []}
    if in_list:
        filled |= {"PackageComments": None, "OverrideQuotas": False}
    return filled


def server_columns(world: World, package: Row) -> Row:
    """The server of a package, as columns; most packages have none of their own."""
    server = world.store.servers.get(package.get("ServerId") or 0)
    return {
        "ServerID": server["ServerId"] if server else 0,
        "ServerName": server["ServerName"] if server else "None",
        "ServerComments": (server.get("Comments") or "") if server else "",
        "VirtualServer": bool(server and server.get("VirtualServer")),
    }


def columns_of(world: World, package: Row) -> Row:
    """A package as a row of the tables that list packages."""
    plan = world.store.plans.get(package.get("PlanId") or 0)
    user = world.store.users.get(package["UserId"]) or {}
    return {
        "PackageID": package["PackageId"],
        "ParentPackageID": package.get("ParentPackageId"),
        "PackageName": package["PackageName"],
        "StatusID": package["StatusId"],
        "PurchaseDate": package["PurchaseDate"],
        "StatusIDchangeDate": package.get("StatusIDchangeDate"),
        "Comments": package.get("PackageComments"),
        **server_columns(world, package),
        "PlanID": package.get("PlanId"),
        "PlanName": plan["PlanName"] if plan else "System",
        "UserID": package["UserId"],
        "Username": user.get("Username"),
        "FirstName": user.get("FirstName"),
        "LastName": user.get("LastName"),
        "FullName": users.full_name(world, user),
        "RoleID": user.get("RoleId"),
        "Email": user.get("Email"),
        "DefaultTopPackage": bool(package.get("DefaultTopPackage")),
    }


def computed(compute: Callable[[World, Row], Row], name: str) -> paging.Column:
    """A column taken from a computed row."""
    return lambda world, row: compute(world, row)[name]


_ROW_COLUMNS = (
    "PackageID ParentPackageID PackageName StatusID PurchaseDate StatusIDchangeDate Comments ServerID ServerName"
    " ServerComments VirtualServer PlanID PlanName UserID Username FirstName LastName FullName RoleID Email"
    " DefaultTopPackage"
).split()


VIEW: paging.View = {name: computed(columns_of, name) for name in _ROW_COLUMNS}


def descending_packages(call: Call, user_id: int) -> list[Row]:
    """The packages of everybody below a user."""
    user = call.store.users.get(user_id)
    if user is None:
        return []
    found = []
    level = [user]
    while level:
        level = [child for owner in level for child in call.store.users.find("OwnerId", owner["UserId"])]
        found += [p for child in level for p in call.store.packages.find("UserId", child["UserId"])]
    return found


def group_rows(world: World, plan: Row | None, parent: Row | None) -> list[Row]:
    """The resource groups of a plan (or of what stands for one), as rows, with what the package above has."""
    rows = []
    for group_id, name in GROUPS.items():
        own = quotas.plan_group(plan, group_id)
        parent_enabled = parent is None or quotas.has_group(world, parent, group_id)
        rows.append(
            {
                "GroupID": group_id,
                "GroupName": name,
                "Enabled": own is not None,
                "ParentEnabled": parent_enabled,
                "CalculateDiskSpace": own.get("CalculateDiskSpace", False) if own else parent_enabled,
                "CalculateBandwidth": own.get("CalculateBandwidth", False) if own else parent_enabled,
            }
        )
    return rows


def quota_row(quota: Quota) -> Row:
    """A quota as a row, without values."""
    return {
        "QuotaID": quota.quota_id,
        "GroupID": quota.group_id,
        "QuotaName": quota.name,
        "QuotaDescription": quota.name.partition(".")[2],
        "QuotaTypeID": quota.kind,
    }


def exceeded(rows: list[Row]) -> Row:
    """A PackageResult that says which quotas of the package above are exceeded."""
    return {"Result": -305, "ExceedingQuotas": DataSet("esPackages.PackageResult.ExceedingQuotas", [rows])}
