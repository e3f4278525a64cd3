# SPDX-License-Identifier: Apache-2.0
"""esPackages: hosting plans, add-ons, packages ("spaces"), quotas and their use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from postledger_sandbox.contract import GROUPS, Quota
from postledger_sandbox.rules import background, domains, letters, paging, quotas, rights
from postledger_sandbox.services import users
from postledger_sandbox.services.registry import Operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault, Refused, World, null_reference
from postledger_sandbox.wire.writing import DataSet

operations = Operations("esPackages")

SYSTEM = 1
ORGANIZATION_TYPE = {"ItemTypeID": 29, "TypeName": "Organization", "GroupName": "Hosted Organizations"}


# Plans


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


def _group_rows(world: World, plan: Row | None, parent: Row | None) -> list[Row]:
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


def _quota_row(quota: Quota) -> Row:
    return {
        "QuotaID": quota.quota_id,
        "GroupID": quota.group_id,
        "QuotaName": quota.name,
        "QuotaDescription": quota.name.partition(".")[2],
        "QuotaTypeID": quota.kind,
    }


@operations.act
def get_hosting_plan_quotas(call: Call, package_id: int, plan_id: int, server_id: int) -> DataSet:
    if package_id > SYSTEM:
        rights.demand_package(call, package_id)
    plan = call.store.plans.get(plan_id)
    parent = call.store.packages.get(package_id)
    rows = [
        {
            **_quota_row(quota),
            "QuotaValue": quotas.plan_value(plan, quota),
            "ParentQuotaValue": quotas.value(call.world, parent, quota) if parent else quotas.UNLIMITED,
        }
        for quota in call.world.contract.quotas.values()
    ]
    return DataSet("esPackages.GetHostingPlanQuotas", [_group_rows(call.world, plan, parent), rows])


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
    if len(values["PlanName"] or "") > 200:
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
            return _exceeded(excess)
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


# Packages, reading


def info(package: Row, *, in_list: bool = False) -> Row:
    """A package as PackageInfo; lists leave the comments and the override out."""
    filled = {**package, "Groups": [], "Quotas": []}
    if in_list:
        filled |= {"PackageComments": None, "OverrideQuotas": False}
    return filled


def _server_columns(world: World, package: Row) -> Row:
    server = world.store.servers.get(package.get("ServerId") or 0)
    return {
        "ServerID": server["ServerId"] if server else 0,
        "ServerName": server["ServerName"] if server else "None",
        "ServerComments": (server.get("Comments") or "") if server else "",
        "VirtualServer": bool(server and server.get("VirtualServer")),
    }


def _row(world: World, package: Row) -> Row:
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
        **_server_columns(world, package),
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


def _computed(compute: Callable[[World, Row], Row], name: str) -> paging.Column:
    """A column taken from a computed row."""
    return lambda world, row: compute(world, row)[name]


_ROW_COLUMNS = (
    "PackageID ParentPackageID PackageName StatusID PurchaseDate StatusIDchangeDate Comments ServerID ServerName"
    " ServerComments VirtualServer PlanID PlanName UserID Username FirstName LastName FullName RoleID Email"
    " DefaultTopPackage"
).split()
VIEW: paging.View = {name: _computed(_row, name) for name in _ROW_COLUMNS}


def _descending_packages(call: Call, user_id: int) -> list[Row]:
    user = call.store.users.get(user_id)
    if user is None:
        return []
    found = []
    level = [user]
    while level:
        level = [child for owner in level for child in call.store.users.find("OwnerId", owner["UserId"])]
        found += [p for child in level for p in call.store.packages.find("UserId", child["UserId"])]
    return found


@operations.act
def get_my_packages(call: Call, user_id: int) -> list[Row]:
    rights.demand_user(call, user_id)
    return [info(package, in_list=True) for package in call.store.packages.find("UserId", user_id)]


@operations.act
def get_packages(call: Call, user_id: int) -> list[Row]:
    if not call.is_w:
        return [info(package, in_list=True) for package in call.store.packages.find("UserId", user_id)]
    rights.demand_user(call, user_id)
    return [info(package, in_list=True) for package in _descending_packages(call, user_id)]


@operations.act
def get_raw_packages(call: Call, user_id: int) -> DataSet:
    rights.demand_user(call, user_id)
    found = _descending_packages(call, user_id) if call.is_w else call.store.packages.find("UserId", user_id)
    return DataSet("esPackages.GetRawPackages", [[_row(call.world, package) for package in found]])


@operations.act
def get_raw_my_packages(call: Call, user_id: int) -> DataSet:
    rights.demand_user(call, user_id)
    rows = [_row(call.world, package) for package in call.store.packages.find("UserId", user_id)]
    return DataSet("esPackages.GetRawMyPackages", [rows])


@operations.act
def get_package(call: Call, package_id: int) -> Row | None:
    package = call.store.packages.get(package_id)
    return info(package) if package else None


@operations.act
def get_package_packages(call: Call, package_id: int) -> list[Row]:
    rights.demand_package(call, package_id)
    return [info(p, in_list=True) for p in call.store.packages.find("ParentPackageId", package_id)]


def _page(call: Call, found: list[Row], column: str | None, value: str | None, sort: str | None) -> list[Row]:
    found = paging.filtered(call.world, found, VIEW, column=column, value=value)
    return paging.ordered(call.world, found, VIEW, sort)


@operations.act
def get_packages_paged(
    call: Call,
    user_id: int,
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
) -> DataSet:
    rights.demand_user(call, user_id)
    found = _page(call, _descending_packages(call, user_id), filter_column, filter_value, sort_column)
    page = paging.window(found, start_row, maximum_rows, inclusive=False)
    rows = [_row(call.world, package) for package in page]
    return DataSet("esPackages.GetPackagesPaged", [[{"Column1": len(found)}], rows])


@operations.act
def get_nested_packages_paged(
    call: Call,
    package_id: int,
    filter_column: str | None,
    filter_value: str | None,
    status_id: int,
    plan_id: int,
    server_id: int,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
) -> DataSet:
    rights.demand_package(call, package_id)
    nested = [
        package
        for package in call.store.packages.find("ParentPackageId", package_id)
        if (not status_id or package["StatusId"] == status_id)
        and (not plan_id or package.get("PlanId") == plan_id)
        and (not server_id or package.get("ServerId") == server_id)
    ]
    found = _page(call, nested, filter_column, filter_value, sort_column)
    page = paging.window(found, start_row, maximum_rows, inclusive=False)
    rows = [_row(call.world, package) for package in page]
    return DataSet("esPackages.GetNestedPackagesPaged", [[{"Column1": len(found)}], rows])


@operations.act
def get_nested_packages_summary(call: Call, package_id: int) -> DataSet:
    rights.demand_package(call, package_id)
    nested = call.store.packages.find("ParentPackageId", package_id)
    statuses = sorted({package["StatusId"] for package in nested})
    rows = [
        {"StatusID": status, "PackagesNumber": sum(p["StatusId"] == status for p in nested)}
        for status in statuses
    ]
    return DataSet("esPackages.GetNestedPackagesSummary", [[{"PackagesNumber": len(nested)}], rows])


@operations.act
def get_package_context(call: Call, package_id: int) -> Row | None:
    package = call.store.packages.get(package_id)
    if package is None:
        return None
    rights.demand_package(call, package_id)
    groups = quotas.groups_of(call.world, package)
    enabled = {group["GroupId"] for group in groups}
    holdings = quotas.Holdings(call.world, package)
    values = [
        quotas.value_info(call.world, package, quota, holdings)
        for quota in call.world.contract.quotas.values()
        if quota.group_id in enabled
    ]
    return {"Package": info(package), "GroupsArray": groups, "QuotasArray": values}


def _package_quotas(call: Call, package_id: int, *, for_edit: bool) -> DataSet:
    rights.demand_package(call, package_id)
    package = call.store.packages.get(package_id)
    if package is None:
        return DataSet(f"esPackages.{call.operation}", [[], []])
    world = call.world
    parent = call.store.packages.get(package.get("ParentPackageId") or 0)
    groups = _group_rows(world, quotas.source(world, package), parent)
    if not for_edit:
        enabled = {group["GroupId"] for group in quotas.groups_of(world, package)}
        groups = [group for group in groups if group["GroupID"] in enabled]
    holdings = quotas.Holdings(world, package)
    rows = []
    for quota in world.contract.quotas.values():
        row = _quota_row(quota)
        row["ParentQuotaValue"] = quotas.value(world, parent, quota) if parent else quotas.UNLIMITED
        if for_edit:
            row["QuotaValue"] = quotas.own_value(world, package, quota)
        else:
            row["QuotaValue"] = quotas.allocated(world, package, quota)
            row["QuotaValuePerOrganization"] = quotas.value(world, package, quota)
            row["QuotaUsedValue"] = quotas.used(world, package, quota, holdings)
            row["PerOrganization"] = quota.is_per_organization
        rows.append(row)
    return DataSet(f"esPackages.{call.operation}", [groups, rows])


@operations.act
def get_package_quotas(call: Call, package_id: int) -> DataSet:
    return _package_quotas(call, package_id, for_edit=False)


@operations.act
def get_package_quotas_for_edit(call: Call, package_id: int) -> DataSet:
    return _package_quotas(call, package_id, for_edit=True)


@operations.act
def get_package_quota(call: Call, package_id: int, quota_name: str | None) -> Row | None:
    rights.demand_package(call, package_id)
    package = call.store.packages.get(package_id)
    quota = call.world.contract.quotas.get(quota_name or "")
    if package is None or quota is None:
        return {"QuotaName": quota_name}
    return quotas.value_info(call.world, package, quota)


# Packages, writing


def _exceeded(rows: list[Row]) -> Row:
    return {"Result": -305, "ExceedingQuotas": DataSet("esPackages.PackageResult.ExceedingQuotas", [rows])}


def create(
    call: Call, user_id: int, plan_id: int, name: str, comments: str, status_id: int, purchased: str
) -> Row:
    """A PackageResult: the id of the new package, or -305 with the quotas its parent would exceed."""
    plan = call.store.plans.get(plan_id)
    user = call.store.users.get(user_id)
    if plan is None or user is None:
        raise null_reference()
    rights.demand_user(call, user_id)
    rights.demand_user(call, plan["UserId"])
    if len(name) > 300:
        raise Fault("String or binary data would be truncated. The statement has been terminated.")
    package = call.store.packages.add(
        {
            "ParentPackageId": plan.get("PackageId") or SYSTEM,
            "UserId": user_id,
            "PlanId": plan_id,
            "PackageName": name,
            "PackageComments": comments,
            "StatusId": status_id,
            "PurchaseDate": purchased if purchased > "1753" else call.now,
            "StatusIDchangeDate": call.now,
            "ServerId": plan.get("ServerId") or 0,
            "OverrideQuotas": False,
        }
    )
    excess = quotas.exceeding(call.world, package["ParentPackageId"])
    if excess:
        call.store.packages.remove(package)
        return _exceeded(excess)
    return {"Result": package["PackageId"]}


@operations.act
def add_package(
    call: Call,
    user_id: int,
    plan_id: int,
    package_name: str | None,
    package_comments: str | None,
    status_id: int,
    purchase_date: str,
) -> Row:
    rights.demand_account(call, active=True, role=rights.RESELLER)
    return create(
        call, user_id, plan_id, package_name or "", package_comments or "", status_id, purchase_date
    )


@operations.act
def add_package_with_resources(
    call: Call,
    user_id: int,
    plan_id: int,
    space_name: str | None,
    status_id: int,
    create_resources: bool,
    domain_name: str | None,
    create_web_site: bool,
    create_mail_account: bool,
    **others: Any,
) -> Row:
    rights.demand_account(call, active=True, role=rights.RESELLER)
    result = create(call, user_id, plan_id, space_name or "", "", status_id, call.now)
    if create_resources and domain_name and result["Result"] > 0:
        code = domains.create(call, result["Result"], domain_name)
        if code < 0:
            call.store.packages.remove(call.store.packages.rows[result["Result"]])
            return {"Result": code}
    return result


@operations.act
def create_user_wizard(
    call: Call,
    parent_package_id: int,
    username: str | None,
    password: str | None,
    role_id: int,
    first_name: str | None,
    last_name: str | None,
    email: str | None,
    secondary_email: str | None,
    html_mail: bool,
    create_package: bool,
    plan_id: int,
    domain_name: str | None,
    create_web_site: bool,
    create_mail_account: bool,
    create_zone_record: bool = False,
    **others: Any,
) -> int:
    rights.demand_account(call, active=True, role=rights.RESELLER)
    parent = rights.demand_active_package(call, parent_package_id)
    if call.store.users.first("Username", (username or "").strip()) is not None:
        return -1100
    domain_name = (domain_name or "").strip()
    if domain_name and call.store.domains.first("DomainName", domain_name) is not None:
        return -502
    ftp_name = (others.get("ftpAccountName") or username or "").strip()
    if call.store.facts.first("Name", f"ftp:{ftp_name}") is not None:
        return -1101
    values = {
        "OwnerId": parent["UserId"],
        "RoleId": role_id,
        "StatusId": rights.ACTIVE,
        "Username": username,
        "FirstName": first_name,
        "LastName": last_name,
        "Email": email,
        "SecondaryEmail": secondary_email,
        "HtmlMail": html_mail,
    }
    user_id = users.add(call, values, password)
    if user_id < 0:
        return user_id
    code = 0
    if create_package:
        plan = call.store.plans.get(plan_id)
        if plan is None:
            _undo_user(call, user_id)
            raise null_reference()
        code = create(call, user_id, plan_id, plan["PlanName"], "", rights.ACTIVE, call.now)["Result"]
    if code > 0 and domain_name and (create_web_site or create_mail_account or create_zone_record):
        code = min(0, domains.create(call, code, domain_name))
    if code < 0:
        _undo_user(call, user_id)
        return code
    if others.get("createFtpAccount"):
        call.store.facts.add({"Name": f"ftp:{ftp_name}", "Value": user_id})
    return user_id


def _undo_user(call: Call, user_id: int) -> None:
    """Remove the user again, in the background as DeleteUser does."""
    background.schedule(
        call.world,
        user_id=call.caller.user_id,
        source="SPACE",
        name="DELETE_ITEMS",
        does="delete_user",
        item_id=user_id,
        deleted_id=user_id,
    )


def _update(call: Call, package_id: int, **values: Any) -> Row:
    rights.demand_account(call, active=True, role=rights.RESELLER)
    package = call.store.packages.get(package_id)
    if package is None:
        return {"Result": -300}
    rights.demand_package(call, package_id)
    if values["PlanId"] and call.store.plans.get(values["PlanId"]) is None:
        raise Fault("The UPDATE statement conflicted with the FOREIGN KEY constraint.")
    before = {name: package.get(name) for name in values}
    if values["StatusId"] != package["StatusId"]:
        values["StatusIDchangeDate"] = call.now
    call.store.packages.change(package, **values)
    excess = quotas.exceeding(call.world, package.get("ParentPackageId"))
    if excess:
        call.store.packages.change(package, **before)
        return _exceeded(excess)
    return {"Result": 0}


@operations.act
def update_package(call: Call, package: Row | None) -> Row:
    if package is None:
        raise null_reference()
    changed = {
        name: package[name]
        for name in "StatusId PlanId PurchaseDate PackageName PackageComments OverrideQuotas".split()
    }
    if package["OverrideQuotas"]:
        changed |= {"Groups": package["Groups"] or [], "Quotas": package["Quotas"] or []}
    return _update(call, package["PackageId"], **changed)


@operations.act
def update_package_literal(
    call: Call,
    package_id: int,
    status_id: int,
    plan_id: int,
    purchase_date: str,
    package_name: str | None,
    package_comments: str | None,
) -> Row:
    return _update(
        call,
        package_id,
        StatusId=status_id,
        PlanId=plan_id,
        PurchaseDate=purchase_date,
        PackageName=package_name or "",
        PackageComments=package_comments or "",
    )


@operations.act
def update_package_name(
    call: Call, package_id: int, package_name: str | None, package_comments: str | None
) -> int:
    rights.demand_account(call)
    package = call.store.packages.get(package_id)
    if package is None:
        return -300
    rights.demand_package(call, package_id)
    call.store.packages.change(
        package, PackageName=package_name or "", PackageComments=package_comments or ""
    )
    return 0


@operations.act
def change_package_status(call: Call, package_id: int, status: int) -> int:
    rights.demand_account(call, active=True, role=rights.RESELLER)
    package = call.store.packages.get(package_id)
    if package is None:
        return -1
    rights.demand_package(call, package_id)
    changed = list(quotas.below(call.world, package))
    for each in changed:
        call.store.packages.change(each, StatusId=status, StatusIDchangeDate=call.now)
    users.schedule_status(call, [each["PackageId"] for each in changed], status == rights.ACTIVE)
    return 0


@operations.act
def delete_package(call: Call, package_id: int) -> int:
    rights.demand_account(call, active=True, role=rights.RESELLER)
    package = call.store.packages.get(package_id)
    if package is None:
        return -300
    rights.demand_package(call, package_id)
    if call.store.packages.count("ParentPackageId", package_id):
        return -301
    background.schedule(
        call.world,
        user_id=call.caller.user_id,
        source="SPACE",
        name="DELETE_ITEMS",
        does="delete_package",
        item_id=package_id,
        item_name=package["PackageName"],
        package_id=package_id,
        deleted_id=package_id,
    )
    return 0


@operations.act
def change_package_user(call: Call, package_id: int, user_id: int) -> int:
    rights.demand_account(call, active=True, role=rights.RESELLER)
    package = rights.demand_active_package(call, package_id)
    rights.demand_package(call, package_id)
    rights.demand_user(call, user_id)
    call.store.packages.change(package, UserId=user_id)
    return 0


@operations.act
def set_default_top_package(call: Call, user_id: int, package_id: int) -> bool:
    rights.demand_user(call, user_id)
    for package in call.store.packages.find("UserId", user_id):
        call.store.packages.change(package, DefaultTopPackage=package["PackageId"] == package_id)
    return True


# Add-ons


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
        return _exceeded(excess)
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
        return _exceeded(excess)
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


# Settings and letters


@operations.act
def get_package_settings(call: Call, package_id: int, settings_name: str | None) -> Row:
    rights.demand_package(call, package_id)
    package = call.store.packages.get(package_id)
    if package is None:
        return {"PackageId": package_id, "SettingsName": settings_name, "SettingsArray": []}
    return letters.package_settings(call.world, package, settings_name or "")


@operations.act
def update_package_settings(call: Call, settings: Row | None) -> int:
    if settings is None:
        raise null_reference()
    rights.demand_account(call)
    rights.demand_package(call, settings["PackageId"])
    values = [item for item in settings["SettingsArray"] or [] if item]
    letters.write_settings(
        call.world, "package", settings["PackageId"], settings["SettingsName"] or "", values
    )
    return 0


def _letter_of_package(call: Call, package_id: int) -> str:
    package = call.store.packages.get(package_id)
    if package is None:
        raise null_reference()
    rights.demand_package(call, package_id)
    user = call.store.users.rows[package["UserId"]]
    return letters.letter(call.world, user, "PackageSummaryLetter")


def _letter_of_user(call: Call, user_id: int) -> str:
    rights.demand_user(call, user_id)
    return letters.letter(call.world, users.known(call, user_id), "AccountSummaryLetter")


@operations.act
def send_account_summary_letter(call: Call, user_id: int) -> int:
    return 0 if _letter_of_user(call, user_id) else -200


@operations.act
def send_package_summary_letter(call: Call, package_id: int) -> int:
    return 0 if _letter_of_package(call, package_id) else -201


@operations.act
def get_evaluated_account_template_body(call: Call, user_id: int) -> str | None:
    return _letter_of_user(call, user_id) or None


@operations.act
def get_evaluated_package_template_body(call: Call, package_id: int) -> str | None:
    return _letter_of_package(call, package_id) or None


@operations.act
def evaluate_user_package_tempate(call: Call, template: str | None) -> str | None:
    return template


# Items


def item_row(world: World, organization: Row) -> Row:
    """An organization as a row of service items."""
    package = world.store.packages.get(organization["PackageId"]) or {"UserId": 0}
    user = world.store.users.get(package["UserId"]) or {}
    return {
        "ItemID": organization["Id"],
        "ItemName": organization["Name"],
        **ORGANIZATION_TYPE,
        "ServiceID": organization.get("ServiceId"),
        "PackageID": organization["PackageId"],
        "CreatedDate": organization.get("CreatedDate"),
        "PackageName": package.get("PackageName"),
        **_server_columns(world, package),
        "UserID": package["UserId"],
        "Username": user.get("Username"),
        "FirstName": user.get("FirstName"),
        "LastName": user.get("LastName"),
        "FullName": users.full_name(world, user),
        "RoleID": user.get("RoleId"),
        "Email": user.get("Email"),
    }


ITEM_COLUMNS = (
    "ItemID ItemName ItemTypeID TypeName ServiceID PackageID CreatedDate GroupName PackageName ServerID ServerName"
    " ServerComments VirtualServer UserID Username FirstName LastName FullName RoleID Email"
).split()
ITEM_VIEW: paging.View = {name: _computed(item_row, name) for name in ITEM_COLUMNS}


def items(call: Call, package_id: int, recursive: bool) -> list[Row]:
    """The organizations in a package, or also in those nested in it.

    Raises:
        Fault: the caller has no rights on the package.
    """
    rights.demand_package(call, package_id)
    package = call.store.packages.get(package_id)
    if package is None:
        return []
    levels = quotas.below(call.world, package) if recursive else [package]
    return [item for p in levels for item in call.store.organizations.find("PackageId", p["PackageId"])]


def items_paged(
    call: Call,
    found: list[Row],
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
) -> tuple[int, list[Row]]:
    """How many items match, and those of the page."""
    found = paging.filtered(call.world, found, ITEM_VIEW, column=filter_column, value=filter_value)
    found = paging.ordered(call.world, found, ITEM_VIEW, sort_column)
    return len(found), paging.window(found, start_row, maximum_rows, inclusive=False)


@operations.act
def get_raw_package_items(call: Call, package_id: int) -> DataSet:
    rows = [item_row(call.world, item) for item in items(call, package_id, False)]
    return DataSet("esPackages.GetRawPackageItems", [rows])


@operations.act
def get_raw_package_items_by_type(
    call: Call, package_id: int, item_type_name: str | None, recursive: bool
) -> DataSet:
    found = items(call, package_id, recursive)
    if "Organization" not in (item_type_name or "Organization"):
        found = []
    rows = [item_row(call.world, item) for item in found]
    return DataSet("esPackages.GetRawPackageItemsByType", [rows])


@operations.act
def get_raw_package_items_paged(
    call: Call,
    package_id: int,
    recursive: bool,
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
) -> DataSet:
    found = items(call, package_id, recursive)
    count, page = items_paged(call, found, filter_column, filter_value, sort_column, start_row, maximum_rows)
    rows = [item_row(call.world, item) for item in page]
    return DataSet("esPackages.GetRawPackageItemsPaged", [[{"Column1": count}], rows])


def _item(call: Call, item_id: int) -> Row:
    rights.demand_account(call, active=True, role=rights.ADMINISTRATOR)
    item = call.store.organizations.get(item_id)
    if item is None:
        raise Refused(-1)
    return item


@operations.act
def detach_package_item(call: Call, item_id: int) -> int:
    call.store.organizations.remove(_item(call, item_id))
    return 0


@operations.act
def move_package_item(call: Call, item_id: int, destination_service_id: int) -> int:
    call.store.organizations.change(_item(call, item_id), ServiceId=destination_service_id)
    return 0


# Disk and traffic


def _usage(call: Call, package_id: int, kind: str) -> list[Row]:
    """Stored figures of a package, of the groups its plan calculates them for."""
    rights.demand_package(call, package_id)
    package = call.store.packages.get(package_id)
    if package is None:
        return []
    flag = "CalculateDiskSpace" if kind == "disk" else "CalculateBandwidth"
    counted = {group["GroupId"] for group in quotas.groups_of(call.world, package) if group[flag]}
    rows = call.store.usage.find("PackageId", package_id)
    return [row for row in rows if row["Kind"] == kind and row["GroupId"] in counted]


@operations.act
def get_package_diskspace(call: Call, package_id: int) -> DataSet:
    rows = [
        {
            "GroupID": row["GroupId"],
            "GroupName": GROUPS[row["GroupId"]],
            "Diskspace": round(row["Bytes"] / 2**20),
            "DiskspaceBytes": row["Bytes"],
        }
        for row in _usage(call, package_id, "disk")
        if row["Bytes"]
    ]
    return DataSet("esPackages.GetPackageDiskspace", [rows])


@operations.act
def get_package_bandwidth(call: Call, package_id: int, start_date: str, end_date: str) -> DataSet:
    totals: dict[int, list[int]] = {}
    for row in _usage(call, package_id, "traffic"):
        if start_date[:10] <= row["Day"] <= end_date[:10]:
            total = totals.setdefault(row["GroupId"], [0, 0])
            total[0] += row["Sent"]
            total[1] += row["Received"]
    rows = [
        {
            "GroupID": group_id,
            "GroupName": GROUPS[group_id],
            "MegaBytesSent": round(sent / 2**20),
            "MegaBytesReceived": round(received / 2**20),
            "MegaBytesTotal": round((sent + received) / 2**20),
            "BytesSent": sent,
            "BytesReceived": received,
            "BytesTotal": sent + received,
        }
        for group_id, (sent, received) in totals.items()
        if sent + received
    ]
    return DataSet("esPackages.GetPackageBandwidth", [rows])


def _overview(call: Call, user_id: int, package_id: int, quota_name: str, column: str) -> list[Row]:
    rights.demand_user(call, user_id)
    world = call.world
    quota = world.contract.quotas[quota_name]
    if package_id > 0:
        found = call.store.packages.find("ParentPackageId", package_id)
    else:
        found = _descending_packages(call, user_id)
    rows = []
    for package in found:
        limit, use = quotas.allocated(world, package, quota), quotas.used(world, package, quota)
        rows.append(
            _row(world, package)
            | {
                "QuotaValue": limit,
                column: use,
                "UsagePercentage": round(use * 100 / limit) if limit > 0 else 0,
                "PackagesNumber": call.store.packages.count("ParentPackageId", package["PackageId"]),
                "UserComments": None,
            }
        )
    return rows


def _overview_page(call: Call, rows: list[Row], sort: str | None, start: int, most: int) -> DataSet:
    view = {name: paging.member(name) for name in (rows[0] if rows else {})}
    found = paging.ordered(call.world, rows, view, sort) if rows else []
    page = paging.window(found, start, most, inclusive=False)
    return DataSet(f"esPackages.{call.operation}", [[{"Column1": len(found)}], page])


@operations.act
def get_packages_diskspace_paged(
    call: Call, user_id: int, package_id: int, sort_column: str | None, start_row: int, maximum_rows: int
) -> DataSet:
    rows = _overview(call, user_id, package_id, "OS.Diskspace", "Diskspace")
    return _overview_page(call, rows, sort_column, start_row, maximum_rows)


@operations.act
def get_packages_bandwidth_paged(
    call: Call, user_id: int, package_id: int, sort_column: str | None, start_row: int, maximum_rows: int
) -> DataSet:
    rows = _overview(call, user_id, package_id, "OS.Bandwidth", "Bandwidth")
    return _overview_page(call, rows, sort_column, start_row, maximum_rows)
