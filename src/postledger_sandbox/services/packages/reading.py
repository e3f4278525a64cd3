# SPDX-License-Identifier: Apache-2.0
"""Packages ("spaces"): lists, contexts, quotas."""

from __future__ import annotations

from postledger_sandbox.rules import paging, quotas, rights
from postledger_sandbox.services.packages.shared import (
    VIEW,
    columns_of,
    descending_packages,
    group_rows,
    info,
    operations,
    quota_row,
)
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call
from postledger_sandbox.wire.writing import DataSet


@operations.act
def get_my_packages(call: Call, user_id: int) -> list[Row]:
    rights.demand_user(call, user_id)
    return [info(package, in_list=True) for package in call.store.packages.find("UserId", user_id)]


@operations.act
def get_packages(call: Call, user_id: int) -> list[Row]:
    if not call.is_w:
        return [info(package, in_list=True) for package in call.store.packages.find("UserId", user_id)]
    rights.demand_user(call, user_id)
    return [info(package, in_list=True) for package in descending_packages(call, user_id)]


@operations.act
def get_raw_packages(call: Call, user_id: int) -> DataSet:
    rights.demand_user(call, user_id)
    found = descending_packages(call, user_id) if call.is_w else call.store.packages.find("UserId", user_id)
    return DataSet("esPackages.GetRawPackages", [[columns_of(call.world, package) for package in found]])


@operations.act
def get_raw_my_packages(call: Call, user_id: int) -> DataSet:
    rights.demand_user(call, user_id)
    rows = [columns_of(call.world, package) for package in call.store.packages.find("UserId", user_id)]
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
    found = _page(call, descending_packages(call, user_id), filter_column, filter_value, sort_column)
    page = paging.window(found, start_row, maximum_rows, inclusive=False)
    rows = [columns_of(call.world, package) for package in page]
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
    rows = [columns_of(call.world, package) for package in page]
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
    groups = group_rows(world, quotas.source(world, package), parent)
    if not for_edit:
        enabled = {group["GroupId"] for group in quotas.groups_of(world, package)}
        groups = [group for group in groups if group["GroupID"] in enabled]
    holdings = quotas.Holdings(world, package)
    rows = []
    for quota in world.contract.quotas.values():
        row = quota_row(quota)
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
        return {"QuotaName": quota_name, "QuotaExhausted": package_id == 0}
    return quotas.value_info(call.world, package, quota)
