# SPDX-License-Identifier: Apache-2.0
"""Stored figures of disk space and traffic."""

from __future__ import annotations

from postledger_sandbox.contract import GROUPS
from postledger_sandbox.rules import paging, quotas, rights
from postledger_sandbox.services.packages.shared import (
    columns_of,
    descending_packages,
    operations,
)
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call
from postledger_sandbox.wire.writing import DataSet


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
        found = descending_packages(call, user_id)
    rows = []
    for package in found:
        limit, use = quotas.allocated(world, package, quota), quotas.used(world, package, quota)
        rows.append(
            columns_of(world, package)
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
