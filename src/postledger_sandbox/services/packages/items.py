# SPDX-License-Identifier: Apache-2.0
"""What lies in packages: organizations, as rows of service items."""

from __future__ import annotations

from postledger_sandbox.rules import paging, quotas, rights
from postledger_sandbox.services import users
from postledger_sandbox.services.packages.shared import (
    computed,
    operations,
    server_columns,
)
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Refused, World
from postledger_sandbox.wire.writing import DataSet

ORGANIZATION_TYPE = {"ItemTypeID": 29, "TypeName": "Organization", "GroupName": "Hosted Organizations"}


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
        **server_columns(world, package),
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


ITEM_VIEW: paging.View = {name: computed(item_row, name) for name in ITEM_COLUMNS}


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
