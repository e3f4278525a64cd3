# SPDX-License-Identifier: Apache-2.0
"""Mailbox plans, in the later generations."""

from __future__ import annotations

from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.rules import quotas, rights
from postledger_sandbox.services import packages
from postledger_sandbox.services.exchange.shared import info, operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault, null_reference

LEAST_RECOVERABLE_MB = 6144


def plan_code(call: Call, organization: Row, plan: Row, *, without: Row | None = None) -> int:
    """0, or why a mailbox of this plan does not fit the organization's disk quota."""
    world = call.world
    package = call.store.packages.rows[organization["PackageId"]]
    limit = quotas.allocated(world, package, world.contract.quotas["Exchange2007.DiskSpace"])
    if limit != quotas.UNLIMITED:
        if plan["MailboxSizeMB"] < 0:
            return -2612
        owned = [
            o for p in call.store.packages.find("UserId", package["UserId"]) for o in _in_package(call, p)
        ]
        others = [a for o in owned for a in rules.accounts_of(world, o["Id"]) if a is not without]
        if quotas.mailbox_sizes_mb(world, others) + plan["MailboxSizeMB"] > limit:
            return -2612
    if plan.get("AllowLitigationHold") and 0 <= plan.get("RecoverableItemsSpace", 0) < LEAST_RECOVERABLE_MB:
        return -2613
    return 0


def _in_package(call: Call, package: Row) -> list[Row]:
    return call.store.organizations.find("PackageId", package["PackageId"])


def _plans(call: Call, organization: Row) -> list[Row]:
    """The plans of an organization, and those of the accounts above it."""
    package = call.store.packages.rows[organization["PackageId"]]
    found = list(call.store.mailbox_plans.find("ItemId", organization["Id"]))
    owner = call.store.users.get(package["UserId"])
    for user in rights.owners(call.world, owner) if owner else ():
        found += call.store.mailbox_plans.find("UserId", user["UserId"])
    return found


def plan_of(call: Call, organization: Row, mailbox_plan_id: int) -> Row | None:
    for plan in _plans(call, organization):
        if plan["MailboxPlanId"] == mailbox_plan_id and not plan.get("Archiving"):
            return plan
    return None


def _plan_info(organization: Row, plan: Row) -> Row:
    """A plan as an organization sees it; which one is its default is the organization's own choice."""
    default_id = organization.get("DefaultMailboxPlanId")
    is_default = plan["MailboxPlanId"] == default_id if default_id else bool(plan.get("IsDefault"))
    return {**plan, "IsDefault": is_default, "ItemId": plan.get("ItemId") or 0}


@operations.act
def get_exchange_mailbox_plans(call: Call, item_id: int, archiving: bool) -> list[Row]:
    organization = rules.known(call, item_id)
    plans = [plan for plan in _plans(call, organization) if bool(plan.get("Archiving")) == archiving]
    return [_plan_info(organization, plan) for plan in plans]


@operations.act
def get_exchange_mailbox_plan(call: Call, item_id: int, mailbox_plan_id: int) -> Row | None:
    organization = rules.known(call, item_id)
    plan = call.store.mailbox_plans.get(mailbox_plan_id)
    return _plan_info(organization, plan) if plan else None


def _clamped(call: Call, organization: Row, plan: Row) -> Row:
    """The values of a plan, no larger than the package allows."""
    values = {
        name: value for name, value in plan.items() if name not in ("MailboxPlanId", "ItemId", "IsDefault")
    }
    package = call.store.packages.rows[organization["PackageId"]]
    if package["PackageId"] == packages.SYSTEM:
        return values
    ceilings = {
        "MailboxSizeMB": "Exchange2007.DiskSpace",
        "MaxRecipients": "Exchange2007.MaxRecipients",
        "MaxSendMessageSizeKB": "Exchange2007.MaxSendMessageSizeKB",
        "MaxReceiveMessageSizeKB": "Exchange2007.MaxReceiveMessageSizeKB",
        "KeepDeletedItemsDays": "Exchange2007.KeepDeletedItemsDays",
        "ArchiveSizeMB": "Exchange2013.ArchivingStorage",
    }
    for member, quota_name in ceilings.items():
        limit = quotas.value(call.world, package, call.world.contract.quotas[quota_name])
        if limit > 0 and (values[member] > limit or values[member] < 0):
            values[member] = limit
    switches = {
        "EnablePOP": "Exchange2007.POP3Allowed",
        "EnableIMAP": "Exchange2007.IMAPAllowed",
        "EnableOWA": "Exchange2007.OWAAllowed",
        "EnableMAPI": "Exchange2007.MAPIAllowed",
        "EnableActiveSync": "Exchange2007.ActiveSyncAllowed",
    }
    for member, quota_name in switches.items():
        is_allowed = quotas.value(call.world, package, call.world.contract.quotas[quota_name]) != 0
        values[member] = values[member] and is_allowed
    return values


@operations.act
def add_exchange_mailbox_plan(call: Call, item_id: int, mailbox_plan: Row | None) -> int:
    rights.demand_account(call, active=True)
    organization = rules.find(call, item_id)
    if organization is None:
        return -1
    if mailbox_plan is None:
        raise null_reference()
    is_first = not call.store.mailbox_plans.count("ItemId", item_id)
    plan = call.store.mailbox_plans.add({**_clamped(call, organization, mailbox_plan), "ItemId": item_id})
    if is_first and not plan.get("Archiving"):
        call.store.organizations.change(organization, DefaultMailboxPlanId=plan["MailboxPlanId"])
    return plan["MailboxPlanId"]


@operations.act
def update_exchange_mailbox_plan(call: Call, item_id: int, mailbox_plan: Row | None) -> int:
    rights.demand_account(call, active=True)
    organization = rules.find(call, item_id)
    if organization is None:
        return -1
    stored = call.store.mailbox_plans.get((mailbox_plan or {}).get("MailboxPlanId", 0))
    if stored is None or mailbox_plan is None:
        raise null_reference()
    call.store.mailbox_plans.change(stored, **_clamped(call, organization, mailbox_plan))
    return 0


@operations.act
def delete_exchange_mailbox_plan(call: Call, item_id: int, mailbox_plan_id: int) -> int:
    rights.demand_account(call, active=True)
    rules.known(call, item_id)
    plan = call.store.mailbox_plans.get(mailbox_plan_id)
    if plan is not None and plan.get("ItemId") == item_id:
        in_use = [
            a for a in rules.accounts_of(call.world, item_id) if a.get("MailboxPlanId") == mailbox_plan_id
        ]
        if in_use:
            raise Fault("The DELETE statement conflicted with the REFERENCE constraint.")
        call.store.mailbox_plans.remove(plan)
    return 0


@operations.act
def set_organization_default_exchange_mailbox_plan(call: Call, item_id: int, mailbox_plan_id: int) -> None:
    call.store.organizations.change(rules.known(call, item_id), DefaultMailboxPlanId=mailbox_plan_id)


@operations.act
def set_exchange_mailbox_plan(
    call: Call,
    item_id: int,
    account_id: int,
    mailbox_plan_id: int,
    archive_plan_id: int,
    enable_archiving: bool,
) -> int:
    rights.demand_account(call, active=True)
    organization = rules.find(call, item_id)
    if organization is None:
        return -1
    account = rules.account(call, item_id, account_id)
    plan = plan_of(call, organization, mailbox_plan_id)
    if plan is None:
        raise null_reference()
    code = plan_code(call, organization, plan, without=account)
    if code:
        return code
    call.store.accounts.change(
        account,
        MailboxPlanId=mailbox_plan_id,
        ArchivingMailboxPlanId=max(0, archive_plan_id),
        EnableArchiving=enable_archiving,
    )
    return 0


@operations.act
def get_exchange_account_by_mailbox_plan_id(call: Call, item_id: int, mailbox_plan_id: int) -> list[Row]:
    rules.known(call, item_id)
    found = rules.accounts_of(call.world, item_id)
    return [info(call.world, a) for a in found if a.get("MailboxPlanId") == mailbox_plan_id]
