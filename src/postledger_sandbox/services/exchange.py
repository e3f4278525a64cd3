# SPDX-License-Identifier: Apache-2.0
"""esExchangeServer: mailboxes, contacts, distribution lists, public folders, mailbox plans, devices, statistics."""

from __future__ import annotations

from typing import Any

from postledger_sandbox.rules import background, cascades, domains, quotas, rights
from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.services import organizations, packages
from postledger_sandbox.services.registry import Operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault, World, null_reference
from postledger_sandbox.wire.writing import DataSet

operations = Operations("esExchangeServer")

MIB = 2**20
LEAST_RECOVERABLE_MB = 6144


# Organizations


@operations.act
def get_organization(call: Call, item_id: int) -> Row | None:
    return rules.find(call, item_id)


@operations.act
def get_exchange_organizations(call: Call, package_id: int, recursive: bool) -> list[Row]:
    return packages.items(call, package_id, recursive)


@operations.act
def get_exchange_organizations_paged(
    call: Call,
    package_id: int,
    recursive: bool,
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
) -> Row:
    found = packages.items(call, package_id, recursive)
    count, page = packages.items_paged(
        call, found, filter_column, filter_value, sort_column, start_row, maximum_rows
    )
    return {"RecordsCount": count, "PageItems": page}


@operations.act
def get_raw_exchange_organizations_paged(
    call: Call,
    package_id: int,
    recursive: bool,
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
) -> DataSet:
    found = packages.items(call, package_id, recursive)
    count, page = packages.items_paged(
        call, found, filter_column, filter_value, sort_column, start_row, maximum_rows
    )
    rows = [packages.item_row(call.world, item) for item in page]
    return DataSet("esExchangeServer.GetRawExchangeOrganizationsPaged", [[{"Column1": count}], rows])


@operations.act
def get_organization_statistics(call: Call, item_id: int) -> Row | None:
    organization = rules.find(call, item_id)
    if organization is None:
        return None
    return rules.plain_statistics(call, organization, rules.exchange_counts(call.world))


@operations.act
def get_organization_statistics_by_organization(call: Call, item_id: int) -> Row | None:
    organization = rules.find(call, item_id)
    if organization is None:
        return None
    return rules.statistics(call, organization, rules.exchange_counts(call.world), per_organization=True)


@operations.act
def get_exchange_service_id(call: Call, item_id: int) -> int:
    organization = rules.known(call, item_id)
    package = call.store.packages.rows[organization["PackageId"]]
    service = domains.service_of(call.world, package, domains.EXCHANGE_GROUP)
    return service["ServiceId"] if service else 0


@operations.act
def delete_organization(call: Call, item_id: int) -> int:
    rights.demand_account(call)
    organization = rules.find(call, item_id)
    if organization is None:
        return -1
    cascades.drop_exchange(call.world, organization)
    return 0


@operations.act
def get_organization_storage_limits(call: Call, item_id: int) -> Row | None:
    return rules.find(call, item_id)


@operations.act
def set_organization_storage_limits(
    call: Call,
    item_id: int,
    issue_warning_kb: int,
    prohibit_send_kb: int,
    prohibit_send_receive_kb: int,
    keep_deleted_items_days: int,
    apply_to_mailboxes: bool,
) -> int:
    rights.demand_account(call, active=True)
    organization = rules.find(call, item_id)
    if organization is None:
        return 0
    package = call.store.packages.rows[organization["PackageId"]]
    limit = quotas.value(call.world, package, call.world.contract.quotas["Exchange2007.DiskSpace"])
    sizes = (issue_warning_kb, prohibit_send_kb, prohibit_send_receive_kb)
    if limit > 0 and any(size > limit * 1024 for size in sizes):
        return -2612
    changes = {
        "IssueWarningKB": issue_warning_kb,
        "ProhibitSendKB": prohibit_send_kb,
        "ProhibitSendReceiveKB": prohibit_send_receive_kb,
        "KeepDeletedItemsDays": keep_deleted_items_days,
    }
    call.store.organizations.change(organization, **changes)
    if apply_to_mailboxes:
        for mailbox in rules.accounts_of(call.world, item_id, *rules.MAILBOXES):
            call.store.accounts.change(mailbox, **changes)
    return 0


@operations.act
def calculate_organization_diskspace(call: Call, item_id: int) -> int:
    organization = rules.known(call, item_id)
    background.schedule(
        call.world,
        user_id=call.caller.user_id,
        source="EXCHANGE",
        name="CALCULATE_DISKSPACE",
        does="calculate_disk",
        item_id=item_id,
        item_name=organization["Name"],
        package_id=organization["PackageId"],
        measured_id=item_id,
    )
    return 0


def _item_statistics(account: Row) -> Row:
    return {
        "ItemName": account["DisplayName"],
        "TotalItems": account.get("Items", 0),
        "TotalSizeMB": round(account.get("SizeMB", 0)),
        "LastLogon": account.get("LastLogon"),
        "LastLogoff": account.get("LastLogoff"),
    }


@operations.act
def get_mailboxes_statistics(call: Call, item_id: int) -> list[Row]:
    rules.known(call, item_id)
    return [_item_statistics(a) for a in rules.accounts_of(call.world, item_id, *rules.MAILBOXES)]


@operations.act
def get_public_folders_statistics(call: Call, item_id: int) -> list[Row]:
    rules.known(call, item_id)
    return [_item_statistics(a) for a in rules.accounts_of(call.world, item_id, rules.PUBLIC_FOLDER)]


@operations.act
def get_mailbox_statistics(call: Call, item_id: int, account_id: int) -> Row:
    account = rules.account(call, item_id, account_id)
    organization = rules.known(call, item_id)
    plan = call.store.mailbox_plans.get(account.get("MailboxPlanId") or 0) or {}
    size_mb = plan.get("MailboxSizeMB", 0)
    return {
        "OrganizationName": organization["Name"],
        "OrganizationCreated": organization["CreatedDate"],
        "OrganizationID": organization["OrganizationId"],
        "DisplayName": account["DisplayName"],
        "AccountCreated": account.get("CreatedDate"),
        "PrimaryEmailAddress": account["PrimaryEmailAddress"],
        "POPEnabled": plan.get("EnablePOP"),
        "IMAPEnabled": plan.get("EnableIMAP"),
        "OWAEnabled": plan.get("EnableOWA"),
        "MAPIEnabled": plan.get("EnableMAPI"),
        "ActiveSyncEnabled": plan.get("EnableActiveSync"),
        "TotalItems": account.get("Items", 0),
        "TotalSize": round(account.get("SizeMB", 0) * MIB),
        "MaxSize": size_mb if size_mb < 0 else size_mb * MIB,
        "Enabled": not account.get("Disabled"),
        "MailboxType": account["AccountType"],
        "BlackberryEnabled": bool(account.get("IsBlackBerryUser")),
        "MailboxPlan": plan.get("MailboxPlan"),
        "LastLogon": account.get("LastLogon"),
        "LastLogoff": account.get("LastLogoff"),
    }


@operations.act_as("AddAuthoritativeDomain", "DeleteAuthoritativeDomain")
def change_authoritative_domain(call: Call, item_id: int, domain_id: int) -> int:
    rights.demand_account(call, active=True)
    organization = rules.find(call, item_id)
    domain = call.store.domains.get(domain_id)
    if organization is None or domain is None:
        return -1
    change = rules.accept_domain if call.operation.startswith("Add") else rules.release_domain
    change(call, organization, domain)
    return 0


# Accounts


def account_info(world: World, account: Row) -> Row:
    """An account as ExchangeAccount."""
    plan = world.store.mailbox_plans.get(account.get("MailboxPlanId") or 0)
    archive = world.store.mailbox_plans.get(account.get("ArchivingMailboxPlanId") or 0)
    return {
        **account,
        "MailboxPlan": plan["MailboxPlan"] if plan else None,
        "ArchivingMailboxPlan": archive["MailboxPlan"] if archive else None,
        "Disabled": bool(account.get("Disabled") or account.get("SwitchedOff")),
        "MailEnabledPublicFolder": bool(account.get("MailEnabled")),
    }


def _infos(call: Call, ids: list[int] | None) -> list[Row]:
    rows = [call.store.accounts.get(account_id) for account_id in ids or ()]
    return [account_info(call.world, row) for row in rows if row is not None]


def _one(call: Call, account_id: int | None) -> Row | None:
    row = call.store.accounts.get(account_id or 0)
    return account_info(call.world, row) if row else None


def _ids(call: Call, item_id: int, names: list[str | None] | None) -> list[int]:
    """The ids of accounts named by their directory names; unknown names are skipped."""
    found = [organizations.manager_id(call, item_id, name) for name in names or ()]
    return [account_id for account_id in found if account_id]


@operations.act
def get_accounts(call: Call, item_id: int, account_type: int) -> list[Row]:
    rules.known(call, item_id)
    return [account_info(call.world, a) for a in rules.accounts_of(call.world, item_id, account_type)]


@operations.act
def get_accounts_paged(
    call: Call,
    item_id: int,
    account_types: str | None,
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
    archiving: bool = False,
) -> Row:
    rules.known(call, item_id)
    try:
        types = [int(text) for text in (account_types or "").split(",")]
    except ValueError as error:
        raise Fault(f"Incorrect syntax near '{account_types}'.") from error
    found = rules.accounts_of(call.world, item_id, *types)
    if archiving:
        found = [account for account in found if account.get("EnableArchiving")]
    count, page = organizations.accounts_page(
        call, found, filter_column, filter_value, sort_column, start_row, maximum_rows
    )
    return {"RecordsCount": count, "PageItems": [account_info(call.world, account) for account in page]}


@operations.act
def search_accounts(
    call: Call,
    item_id: int,
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    **others: Any,
) -> list[Row]:
    rules.known(call, item_id)
    flags = {
        "includeMailboxes": rules.MAILBOX,
        "includeContacts": rules.CONTACT,
        "includeDistributionLists": rules.DISTRIBUTION_LIST,
        "includeRooms": rules.ROOM,
        "includeEquipment": rules.EQUIPMENT,
        "IncludeSharedMailbox": rules.SHARED_MAILBOX,
        "includeSecurityGroups": rules.SECURITY_GROUP,
    }
    types = {kind for name, kind in flags.items() if others.get(name)}
    found = [a for a in rules.accounts_of(call.world, item_id) if a["AccountType"] in types]
    _, page = organizations.accounts_page(
        call, found, filter_column, filter_value, sort_column, 0, len(found)
    )
    return [account_info(call.world, account) for account in page]


@operations.act
def search_accounts_by_types(
    call: Call,
    item_id: int,
    types: list[int] | None,
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
) -> list[Row]:
    rules.known(call, item_id)
    found = [a for a in rules.accounts_of(call.world, item_id) if a["AccountType"] in (types or ())]
    _, page = organizations.accounts_page(
        call, found, filter_column, filter_value, sort_column, 0, len(found)
    )
    return [account_info(call.world, account) for account in page]


@operations.act
def get_account(call: Call, item_id: int, account_id: int) -> Row | None:
    rules.known(call, item_id)
    account = call.store.accounts.get(account_id)
    if account is None or account["ItemId"] != item_id:
        return None
    return account_info(call.world, account)


@operations.act
def search_account(call: Call, account_type: int, primary_email_address: str | None) -> Row | None:
    for account in call.store.accounts.find("Addresses", primary_email_address or ""):
        is_primary = (account["PrimaryEmailAddress"] or "").lower() == (primary_email_address or "").lower()
        is_ours = rights.has_package(call, account["PackageId"])
        if is_primary and is_ours and account["AccountType"] == account_type:
            return account_info(call.world, account)
    return None


@operations.act
def get_account_by_account_name_without_item_id(call: Call, account_name: str | None) -> Row | None:
    account = call.store.accounts.first("AccountName", account_name or "")
    if account is None or not rights.has_package(call, account["PackageId"]):
        return None
    return account_info(call.world, account)


@operations.act
def check_account_credentials(call: Call, item_id: int, email: str | None, password: str | None) -> bool:
    account = call.store.accounts.first("Addresses", email or "")
    if (
        account is None
        or account["ItemId"] != item_id
        or account.get("Disabled")
        or account.get("SwitchedOff")
    ):
        return False
    return bool(password) and account.get("Password") == password


# Mailboxes


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


def _plan_code(call: Call, organization: Row, plan: Row, *, without: Row | None = None) -> int:
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
        plan = _plan_of(call, organization, mailbox_plan_id)
        if plan is None:
            raise null_reference()
        code = _plan_code(call, organization, plan)
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
        "ManagerAccount": _one(call, account.get("ManagerId")),
        "ForwardingAccount": _one(call, account.get("ForwardingId")),
    }
    for member in (
        "SendOnBehalfAccounts AcceptAccounts RejectAccounts SendAsAccounts FullAccessAccounts OnBehalfOfAccounts"
        " CalendarAccounts ContactAccounts"
    ).split():
        info[member] = _infos(call, account.get(member))
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
        "SendOnBehalfAccounts": _ids(call, item_id, send_on_behalf_accounts),
        "AcceptAccounts": _ids(call, item_id, accept_accounts),
        "RejectAccounts": _ids(call, item_id, reject_accounts),
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
        SendAsAccounts=_ids(call, item_id, send_asaccounts),
        FullAccessAccounts=_ids(call, item_id, full_access_acounts),
        OnBehalfOfAccounts=_ids(call, item_id, on_behalf_of_accounts),
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


# E-mail addresses, of anything that has them


@operations.act_as(
    "GetMailboxEmailAddresses", "GetDistributionListEmailAddresses", "GetPublicFolderEmailAddresses"
)
def get_email_addresses(call: Call, item_id: int, account_id: int) -> list[Row]:
    account = rules.account(call, item_id, account_id)
    primary = (account.get("PrimaryEmailAddress") or "").lower()
    return [
        {
            "EmailAddress": address,
            "IsPrimary": address.lower() == primary,
            "IsUserPrincipalName": address.lower() == (account.get("UserPrincipalName") or "").lower(),
        }
        for address in account.get("Addresses", ())
    ]


@operations.act_as("AddMailboxEmailAddress", "AddDistributionListEmailAddress", "AddPublicFolderEmailAddress")
def add_email_address(call: Call, item_id: int, account_id: int, email_address: str | None) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    if not email_address:
        raise Fault("Value cannot be null. Parameter name: emailAddress")
    if rules.email_exists(call.world, email_address):
        return -2602
    call.store.accounts.change(account, Addresses=[*account.get("Addresses", ()), email_address])
    return 0


@operations.act_as(
    "SetMailboxPrimaryEmailAddress",
    "SetDistributionListPrimaryEmailAddress",
    "SetPublicFolderPrimaryEmailAddress",
)
def set_primary_email_address(call: Call, item_id: int, account_id: int, email_address: str | None) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    changes: Row = {"PrimaryEmailAddress": email_address}
    known = [address.lower() for address in account.get("Addresses", ())]
    if email_address and email_address.lower() not in known:
        changes["Addresses"] = [*account.get("Addresses", ()), email_address]
    call.store.accounts.change(account, **changes)
    return 0


@operations.act_as(
    "DeleteMailboxEmailAddresses",
    "DeleteDistributionListEmailAddresses",
    "DeletePublicFolderEmailAddresses",
)
def delete_email_addresses(
    call: Call, item_id: int, account_id: int, email_addresses: list[str | None] | None
) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    unwanted = {(address or "").lower() for address in email_addresses or ()}
    unwanted.discard((account.get("PrimaryEmailAddress") or "").lower())
    kept = [address for address in account.get("Addresses", ()) if address.lower() not in unwanted]
    call.store.accounts.change(account, Addresses=kept)
    return 0


# Contacts


def _roomy(call: Call, item_id: int, created: str, code: int) -> Row | int:
    """The organization, or a code: unknown, or the quota is used up."""
    rights.demand_account(call, active=True)
    organization = rules.find(call, item_id)
    if organization is None:
        return -1
    if rules.is_used_up(call, organization, rules.exchange_counts(call.world), created):
        return code
    rights.demand_active_package(call, organization["PackageId"])
    return organization


@operations.act
def create_contact(call: Call, item_id: int, display_name: str | None, email: str | None) -> int:
    organization = _roomy(call, item_id, "CreatedContacts", -2608)
    if isinstance(organization, int):
        return organization
    if not email:
        raise Fault("Value cannot be null. Parameter name: email")
    rules.extend(call, organization)
    contact = rules.new_account(
        call,
        organization,
        rules.CONTACT,
        display_name=display_name or "",
        name=email.partition("@")[0],
        address=None,
    )
    call.store.accounts.change(contact, PrimaryEmailAddress=email, EmailAddress=email)
    return contact["AccountId"]


@operations.act_as("DeleteContact", "DeleteDistributionList", "DeletePublicFolder")
def delete_other(call: Call, item_id: int, account_id: int) -> int:
    rights.demand_account(call)
    if rules.find(call, item_id) is None:
        return -1
    cascades.drop_account(call.world, rules.account(call, item_id, account_id))
    return 0


@operations.act_as("GetContactGeneralSettings", "GetContactMailFlowSettings")
def get_contact_settings(call: Call, item_id: int, account_id: int) -> Row:
    contact = rules.account(call, item_id, account_id)
    return {
        **contact,
        "ManagerAccount": _one(call, contact.get("ManagerId")),
        "AcceptAccounts": _infos(call, contact.get("AcceptAccounts")),
        "RejectAccounts": _infos(call, contact.get("RejectAccounts")),
    }


@operations.act
def set_contact_general_settings(
    call: Call,
    item_id: int,
    account_id: int,
    display_name: str | None,
    email_address: str | None,
    hide_address_book: bool,
    **others: Any,
) -> int:
    rights.demand_account(call, active=True)
    contact = rules.account(call, item_id, account_id)
    call.store.accounts.change(
        contact,
        **organizations.personal(others),
        DisplayName=(display_name or "").strip(),
        EmailAddress=email_address,
        PrimaryEmailAddress=email_address,
        HideFromAddressBook=hide_address_book,
        UseMapiRichTextFormat=others.get("useMapiRichTextFormat", 0),
        ManagerId=organizations.manager_id(call, item_id, others.get("managerAccountName")),
    )
    return 0


@operations.act_as(
    "SetContactMailFlowSettings", "SetDistributionListMailFlowSettings", "SetPublicFolderMailFlowSettings"
)
def set_mail_flow_settings(
    call: Call,
    item_id: int,
    account_id: int,
    accept_accounts: list[str | None] | None,
    reject_accounts: list[str | None] | None,
    require_sender_authentication: bool,
) -> int:
    rights.demand_account(call, active=True)
    call.store.accounts.change(
        rules.account(call, item_id, account_id),
        AcceptAccounts=_ids(call, item_id, accept_accounts),
        RejectAccounts=_ids(call, item_id, reject_accounts),
        RequireSenderAuthentication=require_sender_authentication,
    )
    return 0


# Distribution lists


@operations.act
def create_distribution_list(
    call: Call, item_id: int, display_name: str | None, name: str | None, domain: str | None, manager_id: int
) -> int:
    organization = _roomy(call, item_id, "CreatedDistributionLists", -2609)
    if isinstance(organization, int):
        return organization
    address = f"{name}@{domain}"
    if rules.email_exists(call.world, address):
        return -2602
    manager = rules.account(call, item_id, manager_id)
    rules.extend(call, organization)
    group = rules.new_account(
        call,
        organization,
        rules.DISTRIBUTION_LIST,
        display_name=display_name or "",
        name=name or "",
        address=address,
    )
    call.store.accounts.change(group, ManagerId=manager["AccountId"], Members=[])
    return group["AccountId"]


def _list_info(call: Call, group: Row) -> Row:
    return {
        **group,
        "MembersAccounts": _infos(call, group.get("Members")),
        "ManagerAccount": _one(call, group.get("ManagerId")),
        "AcceptAccounts": _infos(call, group.get("AcceptAccounts")),
        "RejectAccounts": _infos(call, group.get("RejectAccounts")),
        "SendAsAccounts": _infos(call, group.get("SendAsAccounts")),
        "SendOnBehalfAccounts": _infos(call, group.get("SendOnBehalfAccounts")),
    }


@operations.act_as("GetDistributionListGeneralSettings", "GetDistributionListMailFlowSettings")
def get_distribution_list_settings(call: Call, item_id: int, account_id: int) -> Row:
    return _list_info(call, rules.account(call, item_id, account_id))


@operations.act
def set_distribution_list_general_settings(
    call: Call,
    item_id: int,
    account_id: int,
    display_name: str | None,
    hide_address_book: bool,
    manager_account: str | None,
    member_accounts: list[str | None] | None,
    notes: str | None,
) -> int:
    rights.demand_account(call, active=True)
    call.store.accounts.change(
        rules.account(call, item_id, account_id),
        DisplayName=(display_name or "").strip(),
        HideFromAddressBook=hide_address_book,
        ManagerId=organizations.manager_id(call, item_id, manager_account),
        Members=_ids(call, item_id, member_accounts),
        Notes=notes,
    )
    return 0


@operations.act
def set_distribution_list_permissions(
    call: Call,
    item_id: int,
    account_id: int,
    send_as_accounts: list[str | None] | None,
    send_on_behalf_accounts: list[str | None] | None,
) -> Row:
    call.store.accounts.change(
        rules.account(call, item_id, account_id),
        SendAsAccounts=_ids(call, item_id, send_as_accounts),
        SendOnBehalfAccounts=_ids(call, item_id, send_on_behalf_accounts),
    )
    return {"IsSuccess": True, "ErrorCodes": []}


@operations.act
def get_distribution_list_permissions(call: Call, item_id: int, account_id: int) -> Row:
    group = rules.account(call, item_id, account_id)
    return {"IsSuccess": True, "ErrorCodes": [], "Value": _list_info(call, group)}


@operations.act
def get_distribution_lists_by_member(call: Call, item_id: int, account_id: int) -> list[Row]:
    rules.account(call, item_id, account_id)
    groups = rules.accounts_of(call.world, item_id, rules.DISTRIBUTION_LIST)
    return [account_info(call.world, g) for g in groups if account_id in (g.get("Members") or ())]


@operations.act_as("AddDistributionListMember", "DeleteDistributionListMember")
def change_distribution_list_member(
    call: Call, item_id: int, distribution_list_name: str | None, member_id: int
) -> int:
    member = rules.account(call, item_id, member_id)
    group_id = organizations.manager_id(call, item_id, distribution_list_name)
    group = rules.account(call, item_id, group_id)
    members = [each for each in group.get("Members") or () if each != member["AccountId"]]
    if call.operation.startswith("Add"):
        members.append(member["AccountId"])
    call.store.accounts.change(group, Members=members)
    return 0


# Public folders


@operations.act
def create_public_folder(
    call: Call,
    item_id: int,
    parent_folder: str | None,
    folder_name: str | None,
    mail_enabled: bool,
    account_name: str | None,
    domain: str | None,
) -> int:
    organization = _roomy(call, item_id, "CreatedPublicFolders", -2610)
    if isinstance(organization, int):
        return organization
    address = f"{account_name}@{domain}" if mail_enabled else None
    if address and rules.email_exists(call.world, address):
        return -2602
    rules.extend(call, organization)
    path = f"{(parent_folder or chr(92) + organization['OrganizationId']).rstrip(chr(92))}\\{folder_name}"
    folder = rules.new_account(
        call,
        organization,
        rules.PUBLIC_FOLDER,
        display_name=path,
        name=folder_name or "",
        address=address,
    )
    call.store.accounts.change(folder, Name=folder_name, MailEnabled=mail_enabled)
    return folder["AccountId"]


@operations.act
def delete_public_folders(call: Call, item_id: int, account_ids: list[int] | None) -> int:
    for account_id in account_ids or ():
        delete_other(call, item_id, account_id)
    return 0


@operations.act
def enable_mail_public_folder(
    call: Call, item_id: int, account_id: int, name: str | None, domain: str | None
) -> int:
    rights.demand_account(call, active=True)
    folder = rules.account(call, item_id, account_id)
    address = f"{name}@{domain}"
    if rules.email_exists(call.world, address):
        return -2602
    call.store.accounts.change(folder, MailEnabled=True, PrimaryEmailAddress=address, Addresses=[address])
    return 0


@operations.act
def disable_mail_public_folder(call: Call, item_id: int, account_id: int) -> int:
    rights.demand_account(call, active=True)
    folder = rules.account(call, item_id, account_id)
    call.store.accounts.change(folder, MailEnabled=False, PrimaryEmailAddress=None, Addresses=[])
    return 0


@operations.act_as("GetPublicFolderGeneralSettings", "GetPublicFolderMailFlowSettings")
def get_public_folder_settings(call: Call, item_id: int, account_id: int) -> Row:
    folder = rules.account(call, item_id, account_id)
    return {
        **folder,
        "AuthorsAccounts": _infos(call, folder.get("Members")),
        "Accounts": _infos(call, folder.get("Members")),
        "AcceptAccounts": _infos(call, folder.get("AcceptAccounts")),
        "RejectAccounts": _infos(call, folder.get("RejectAccounts")),
    }


@operations.act
def set_public_folder_general_settings(
    call: Call,
    item_id: int,
    account_id: int,
    new_name: str | None,
    hide_address_book: bool,
    author_accounts: list[str | None] | None = None,
    accounts: list[Row | None] | None = None,
) -> int:
    rights.demand_account(call, active=True)
    folder = rules.account(call, item_id, account_id)
    members = _ids(call, item_id, author_accounts)
    members += [account["AccountId"] for account in accounts or () if account]
    parent = folder["DisplayName"].rpartition("\\")[0]
    call.store.accounts.change(
        folder,
        Name=new_name,
        DisplayName=f"{parent}\\{new_name}",
        HideFromAddressBook=hide_address_book,
        Members=members,
    )
    return 0


# ActiveSync


POLICY = {
    "RefreshInterval": 24,
    "AllowNonProvisionableDevices": True,
    "AttachmentsEnabled": True,
    "MaxAttachmentSizeKB": -1,
    "AllowSimplePassword": True,
    "MaxPasswordFailedAttempts": 8,
    "MinPasswordLength": 4,
    "InactivityLockMin": 15,
    "PasswordExpirationDays": -1,
    "PasswordHistory": 0,
}


@operations.act
def get_active_sync_policy(call: Call, item_id: int) -> Row:
    return {**POLICY, **(rules.known(call, item_id).get("ActiveSyncPolicy") or {})}


@operations.act
def set_active_sync_policy(call: Call, item_id: int, **others: Any) -> int:
    rights.demand_account(call, active=True)
    organization = rules.known(call, item_id)
    names = {name.lower(): name for name, _ in call.world.contract.members("ExchangeActiveSyncPolicy")}
    # The parameter really is called refreshInteval.
    names["refreshinteval"] = "RefreshInterval"
    policy = {names[name.lower()]: value for name, value in others.items()}
    call.store.organizations.change(organization, ActiveSyncPolicy=policy)
    return 0


@operations.act
def get_mobile_devices(call: Call, item_id: int, account_id: int) -> list[Row]:
    rules.account(call, item_id, account_id)
    return call.store.devices.find("AccountId", account_id)


def _device(call: Call, item_id: int, device_id: str | None) -> Row | None:
    rules.known(call, item_id)
    device = call.store.devices.first("Id", device_id or "")
    if device is None or call.store.accounts.rows[device["AccountId"]]["ItemId"] != item_id:
        return None
    return device


@operations.act
def get_mobile_device(call: Call, item_id: int, device_id: str | None) -> Row | None:
    return _device(call, item_id, device_id)


@operations.act
def wipe_data_from_device(call: Call, item_id: int, device_id: str | None) -> None:
    device = _device(call, item_id, device_id)
    if device is not None:
        call.store.devices.change(device, Status=1, DeviceWipeRequestTime=call.now)


@operations.act
def cancel_remote_wipe_request(call: Call, item_id: int, device_id: str | None) -> None:
    device = _device(call, item_id, device_id)
    if device is not None:
        call.store.devices.change(device, Status=0)


@operations.act
def remove_device(call: Call, item_id: int, device_id: str | None) -> None:
    device = _device(call, item_id, device_id)
    if device is not None:
        call.store.devices.remove(device)


# Mailbox plans, in the later generations


def _plans(call: Call, organization: Row) -> list[Row]:
    """The plans of an organization, and those of the accounts above it."""
    package = call.store.packages.rows[organization["PackageId"]]
    found = list(call.store.mailbox_plans.find("ItemId", organization["Id"]))
    owner = call.store.users.get(package["UserId"])
    for user in rights.owners(call.world, owner) if owner else ():
        found += call.store.mailbox_plans.find("UserId", user["UserId"])
    return found


def _plan_of(call: Call, organization: Row, mailbox_plan_id: int) -> Row | None:
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
    plan = _plan_of(call, organization, mailbox_plan_id)
    if plan is None:
        raise null_reference()
    code = _plan_code(call, organization, plan, without=account)
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
    return [account_info(call.world, a) for a in found if a.get("MailboxPlanId") == mailbox_plan_id]
