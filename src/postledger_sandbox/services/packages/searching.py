# SPDX-License-Identifier: Apache-2.0
"""The portal's search over everything below an account, and its reports of spaces that use more than they may."""

from __future__ import annotations

from typing import Any

from postledger_sandbox.rules import cascades, paging, quotas, rights
from postledger_sandbox.services import users
from postledger_sandbox.services.packages.items import ORGANIZATION_TYPE, item_row
from postledger_sandbox.services.packages.shared import columns_of, descending_packages, operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call
from postledger_sandbox.wire.writing import DataSet


@operations.act
def get_searchable_service_item_types(call: Call) -> DataSet:
    row = {"ItemTypeID": ORGANIZATION_TYPE["ItemTypeID"], "DisplayName": ORGANIZATION_TYPE["TypeName"]}
    return DataSet("esPackages.GetSearchableServiceItemTypes", [[row]])


@operations.act
def search_service_items_paged(
    call: Call,
    user_id: int,
    item_type_id: int,
    filter_value: str | None,
    start_row: int,
    maximum_rows: int,
) -> DataSet:
    rights.demand_user(call, user_id)
    matches = paging.like(filter_value or "%")
    found = [
        item
        for package in descending_packages(call, user_id)
        for item in call.store.organizations.find("PackageId", package["PackageId"])
        if item_type_id == ORGANIZATION_TYPE["ItemTypeID"] and matches(item["Name"])
    ]
    page = paging.window(found, start_row, maximum_rows, inclusive=False)
    rows = [item_row(call.world, item) for item in page]
    return DataSet("esPackages.SearchServiceItemsPaged", [[{"Column1": len(found)}], rows])


def _found_users(call: Call, user_id: int, filter_value: str | None) -> list[Row]:
    rights.demand_user(call, user_id)
    owner = call.store.users.get(user_id)
    below = cascades.descendants(call.world, owner, with_peers=False) if owner else []
    matches = paging.like(f"%{filter_value or ''}%")
    return [
        {
            "ItemID": user["UserId"],
            "TextSearch": user["Username"],
            "ColumnType": "Username",
            "FullType": "Users",
            "PackageID": 0,
            "AccountID": 0,
            "Username": user["Username"],
            "FullName": users.full_name(call.world, user),
        }
        for user in below
        if matches(user["Username"])
    ]


@operations.act
def get_search_object(
    call: Call, user_id: int, filter_value: str | None, start_row: int, maximum_rows: int
) -> DataSet:
    found = _found_users(call, user_id, filter_value)
    page = paging.window(found, start_row, maximum_rows, inclusive=False)
    return DataSet("esPackages.GetSearchObject", [[{"Column1": len(found)}], page])


@operations.act
def get_search_object_quick_find(
    call: Call, user_id: int, filter_value: str | None, maximum_rows: int
) -> DataSet:
    found = _found_users(call, user_id, filter_value)
    return DataSet("esPackages.GetSearchObjectQuickFind", [found[:maximum_rows]])


@operations.act
def get_search_table_by_columns(
    call: Call, user_id: int, filter_value: str | None, maximum_rows: int, **others: Any
) -> DataSet:
    found = _found_users(call, user_id, filter_value)
    return DataSet("esPackages.GetSearchTableByColumns", [found[:maximum_rows]])


@operations.act_as(
    "GetOverusageSummaryReport", "GetDiskspaceOverusageDetailsReport", "GetBandwidthOverusageDetailsReport"
)
def get_overusage_report(call: Call, user_id: int, package_id: int) -> DataSet:
    rights.demand_user(call, user_id)
    found = descending_packages(call, user_id)
    if package_id > 1:
        found = [package for package in found if package["PackageId"] == package_id]
    name = "OS.Bandwidth" if "Bandwidth" in call.operation else "OS.Diskspace"
    quota = call.world.contract.quotas[name]
    rows = []
    for package in found:
        limit, use = (
            quotas.allocated(call.world, package, quota),
            quotas.used(call.world, package, quota),
        )
        if 0 <= limit < use:
            values = {"QuotaValue": limit, "Used": use, "Overusage": use - limit}
            rows.append(columns_of(call.world, package) | values)
    return DataSet(f"esPackages.{call.operation}", [rows])
