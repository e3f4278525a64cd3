# SPDX-License-Identifier: Apache-2.0
"""Mailboxes: made, disabled, deleted, and their settings."""

from __future__ import annotations

from typing import Any

from postledger_sandbox.rules import cascades, quotas, rights
from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.services import organizations
from postledger_sandbox.services.exchange import plans
from postledger_sandbox.services.exchange.shared import ids, infos, one, operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault, null_reference


def _full_code(call: Call, organization: Row, account_type: int) -> int:
    """0, or the code of the mailbox quota that is used up."""
    counts = rules.exchange_counts(call.world)
    created = "CreatedMailboxes"
    if not call.is_w:
        created = {
            rules.SHARED_MAILBOX: "CreatedSharedMailboxes",
            rules.ROOM: "CreatedResourceMailboxes",
            rules.EQUIPMENT: "CreatedResourceMailboxes",
            rules.JOURNALING_MAILBOX: "CreatedJournalingMailboxes",
        }.get(account_type, created)
    if not rules.is_used_up(call, organization, counts, created):
        return 0
    return -2614 if created == "CreatedJournalingMailboxes" else -2607


@operations.act
def create_mailbox(
    call: Call,
    item_id: int,
    account_id: int,
    account_type: int,
    display_name: str | None,
    name: str | None,
    domain: str | None,
    password: str | None,
    mailbox_plan_id: int = 0,
    archived_plan_id: int = 0,
    subscriber_number: str | None = None,
    enable_archiving: bool = False,
) -> int:
    rights.demand_account(call, active=True)
    organization = rules.find(call, item_id)
    if organization is None:
        return -1
    code = _full_code(call, organization, account_type)
    if code:
        return code
    is_new = account_id == 0
    if is_new:
        account_id = organizations.make_user(call, item_id, display_name, name, domain, password)
        if account_id < 0:
            return account_id
    account = rules.account(call, item_id, account_id)
    try:
        code = _upgrade(call, organization, account, account_type, mailbox_plan_id)
    except Fault:
        if is_new:
            cascades.drop_account(call.world, account)
        raise
    if code:
        if is_new:
            cascades.drop_account(call.world, account)
        return code
    call.store.accounts.change(
        account,
        ArchivingMailboxPlanId=max(0, archived_plan_id),
        EnableArchiving=enable_archiving,
        SubscriberNumber=subscriber_number,
    )
    return account_id


def _upgrade(call: Call, organization: Row, account: Row, account_type: int, mailbox_plan_id: int) -> int:
    rules.extend(call, organization)
    package = rights.demand_active_package(call, organization["PackageId"])
    if account_type not in rules.MAILBOXES:
        raise Fault("Could not create mailbox ---> Exception of type 'System.ArgumentException' was thrown.")
    changes: Row = {"AccountType": account_type, "SizeMB": 0, "Items": 0, "MailboxManagerActions": 15}
    if call.is_w:
        on = {
            "EnablePOP": "Exchange2007.POP3",
            "EnableIMAP": "Exchange2007.IMAP",
            "EnableOWA": "Exchange2007.OWA",
            "EnableMAPI": "Exchange2007.MAPI",
            "EnableActiveSync": "Exchange2007.ActiveSync",
        }
        for member, quota in on.items():
            allowed, enabled = (
                call.world.contract.quotas[f"{quota}{tail}"] for tail in ("Allowed", "Enabled")
            )
            values = [quotas.value(call.world, package, each) for each in (allowed, enabled)]
            changes[member] = all(value != 0 for value in values)
        for member in ("IssueWarningKB", "ProhibitSendKB", "ProhibitSendReceiveKB", "KeepDeletedItemsDays"):
            changes[member] = organization.get(member, 0)
    else:
        plan = plans.plan_of(call, organization, mailbox_plan_id)
        if plan is None:
            raise null_reference()
        code = plans.plan_code(call, organization, plan)
        if code:
            return code
        changes["MailboxPlanId"] = mailbox_plan_id
    call.store.accounts.change(account, **changes)
    return 0


@operations.act
def delete_mailbox(call: Call, item_id: int, account_id: int) -> int:
    rights.demand_account(call)
    if rules.find(call, item_id) is None:
        return -1
    cascades.drop_account(call.world, rules.account(call, item_id, account_id))
    return 0


@operations.act
def disable_mailbox(call: Call, item_id: int, account_id: int) -> int:
    rights.demand_account(call)
    if rules.find(call, item_id) is None:
        return -1
    cascades.disable_mailbox(call.world, rules.account(call, item_id, account_id))
    return 0


@operations.act
def set_deleted_mailbox(call: Call, item_id: int, account_id: int) -> int:
    return disable_mailbox(call, item_id, account_id)


@operations.act
def export_mail_box(call: Call, item_id: int, account_id: int) -> int:
    rules.account(call, item_id, account_id)
    return 0


def _mailbox_info(call: Call, account: Row) -> Row:
    """A mailbox as ExchangeMailbox."""
    plan = call.store.mailbox_plans.get(account.get("MailboxPlanId") or 0)
    info = {**account, "Disabled": bool(account.get("Disabled") or account.get("SwitchedOff"))}
    if plan is not None:
        for (
            member
        ) in "EnablePOP EnableIMAP EnableOWA EnableMAPI EnableActiveSync KeepDeletedItemsDays".split():
            info[member] = plan.get(member)
        size_kb = plan["MailboxSizeMB"] * 1024
        for member, share in (
            ("IssueWarningKB", "IssueWarningPct"),
            ("ProhibitSendKB", "ProhibitSendPct"),
            ("ProhibitSendReceiveKB", "ProhibitSendReceivePct"),
        ):
            info[member] = -1 if size_kb < 0 else size_kb * plan.get(share, 100) // 100
        for member in "MaxRecipients MaxSendMessageSizeKB MaxReceiveMessageSizeKB".split():
            info[member] = plan.get(member, 0)
    info |= {
        "TotalItems": account.get("Items", 0),
        "TotalSizeMB": round(account.get("SizeMB", 0)),
        "Domain": "HOSTED",
        "ManagerAccount": one(call, account.get("ManagerId")),
        "ForwardingAccount": one(call, account.get("ForwardingId")),
    }
    for member in (
        "SendOnBehalfAccounts AcceptAccounts RejectAccounts SendAsAccounts FullAccessAccounts OnBehalfOfAccounts"
        " CalendarAccounts ContactAccounts"
    ).split():
        info[member] = infos(call, account.get(member))
    return info


@operations.act_as(
    "GetMailboxGeneralSettings",
    "GetMailboxAdvancedSettings",
    "GetMailboxMailFlowSettings",
    "GetMailboxPermissions",
)
def get_mailbox_settings(call: Call, item_id: int, account_id: int) -> Row:
    return _mailbox_info(call, rules.account(call, item_id, account_id))


@operations.act
def set_mailbox_general_settings(
    call: Call,
    item_id: int,
    account_id: int,
    hide_address_book: bool,
    disabled: bool,
    display_name: str | None = None,
    password: str | None = None,
    **others: Any,
) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    changes: Row = {"HideFromAddressBook": hide_address_book, "Disabled": disabled}
    if call.is_w:
        changes |= organizations.personal(others)
        changes |= {
            "DisplayName": (display_name or "").strip(),
            "ManagerId": organizations.manager_id(call, item_id, others.get("managerAccountName")),
        }
        if password:
            rules.demand_password(call, password)
            changes["Password"] = password
    call.store.accounts.change(account, **changes)
    return 0


@operations.act
def set_mailbox_advanced_settings(
    call: Call,
    item_id: int,
    account_id: int,
    enable_pop: bool,
    enable_imap: bool,
    enable_owa: bool,
    enable_mapi: bool,
    enable_active_sync: bool,
    issue_warning_kb: int,
    prohibit_send_kb: int,
    prohibit_send_receive_kb: int,
    keep_deleted_items_days: int,
) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    organization = rules.known(call, item_id)
    package = call.store.packages.rows[organization["PackageId"]]
    limit = quotas.value(call.world, package, call.world.contract.quotas["Exchange2007.DiskSpace"])
    sizes = (issue_warning_kb, prohibit_send_kb, prohibit_send_receive_kb)
    if limit > 0 and any(size > limit * 1024 for size in sizes):
        return -2612
    call.store.accounts.change(
        account,
        EnablePOP=enable_pop,
        EnableIMAP=enable_imap,
        EnableOWA=enable_owa,
        EnableMAPI=enable_mapi,
        EnableActiveSync=enable_active_sync,
        IssueWarningKB=issue_warning_kb,
        ProhibitSendKB=prohibit_send_kb,
        ProhibitSendReceiveKB=prohibit_send_receive_kb,
        KeepDeletedItemsDays=keep_deleted_items_days,
    )
    return 0


@operations.act
def set_mailbox_mail_flow_settings(
    call: Call,
    item_id: int,
    account_id: int,
    enable_forwarding: bool,
    forwarding_account_name: str | None,
    forward_to_both: bool,
    send_on_behalf_accounts: list[str | None] | None,
    accept_accounts: list[str | None] | None,
    reject_accounts: list[str | None] | None,
    require_sender_authentication: bool,
    **others: Any,
) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    changes: Row = {
        "EnableForwarding": enable_forwarding,
        "ForwardingId": organizations.manager_id(call, item_id, forwarding_account_name),
        "DoNotDeleteOnForward": forward_to_both,
        "SendOnBehalfAccounts": ids(call, item_id, send_on_behalf_accounts),
        "AcceptAccounts": ids(call, item_id, accept_accounts),
        "RejectAccounts": ids(call, item_id, reject_accounts),
        "RequireSenderAuthentication": require_sender_authentication,
    }
    for wire_name, member in (
        ("maxRecipients", "MaxRecipients"),
        ("maxSendMessageSizeKB", "MaxSendMessageSizeKB"),
        ("maxReceiveMessageSizeKB", "MaxReceiveMessageSizeKB"),
        ("SaveSentItems", "SaveSentItems"),
    ):
        if wire_name in others:
            changes[member] = others[wire_name]
    call.store.accounts.change(account, **changes)
    return 0


@operations.act
def set_mailbox_permissions(
    call: Call,
    item_id: int,
    account_id: int,
    send_asaccounts: list[str | None] | None,
    full_access_acounts: list[str | None] | None,
    on_behalf_of_accounts: list[str | None] | None = None,
) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    call.store.accounts.change(
        account,
        SendAsAccounts=ids(call, item_id, send_asaccounts),
        FullAccessAccounts=ids(call, item_id, full_access_acounts),
        OnBehalfOfAccounts=ids(call, item_id, on_behalf_of_accounts),
    )
    return 0


@operations.act
def set_mailbox_manager_settings(
    call: Call, item_id: int, account_id: int, pmm_allowed: bool, action: int
) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    current = account.get("MailboxManagerActions", 0)
    call.store.accounts.change(
        account, MailboxManagerActions=current | action if pmm_allowed else current & ~action
    )
    return 0


@operations.act
def get_mailbox_setup_instructions(call: Call, item_id: int, account_id: int) -> str | None:
    account = rules.account(call, item_id, account_id)
    return f"Mailbox {account['PrimaryEmailAddress']}"


@operations.act
def send_mailbox_setup_instructions(call: Call, item_id: int, account_id: int) -> int:
    rules.account(call, item_id, account_id)
    return 0
