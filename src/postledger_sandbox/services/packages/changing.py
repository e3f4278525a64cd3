# SPDX-License-Identifier: Apache-2.0
"""Packages made, changed and deleted."""

from __future__ import annotations

from typing import Any

from postledger_sandbox.rules import background, domains, quotas, rights
from postledger_sandbox.services import users
from postledger_sandbox.services.packages.shared import (
    SYSTEM,
    exceeded,
    operations,
)
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault, Refused, null_reference


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
        return exceeded(excess)
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
    try:
        if create_package:
            plan = call.store.plans.get(plan_id)
            if plan is None:
                raise null_reference()
            code = create(call, user_id, plan_id, plan["PlanName"], "", rights.ACTIVE, call.now)["Result"]
        if code > 0 and domain_name and (create_web_site or create_mail_account or create_zone_record):
            code = min(0, domains.create(call, code, domain_name))
    except (Fault, Refused):
        _undo_user(call, user_id)
        raise
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
        return exceeded(excess)
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
