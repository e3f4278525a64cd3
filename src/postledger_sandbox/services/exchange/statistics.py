# SPDX-License-Identifier: Apache-2.0
"""Organizations as Exchange sees them: lists, limits, disk, counts."""

from __future__ import annotations

from postledger_sandbox.rules import background, cascades, domains, quotas, rights
from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.services import packages
from postledger_sandbox.services.exchange.shared import operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call
from postledger_sandbox.wire.writing import DataSet

MIB = 2**20


@operations.act
def get_organization(call: Call, item_id: int) -> Row | None:
    return rules.find(call, item_id)


@operations.act
def get_exchange_organizations(call: Call, package_id: int, recursive: bool) -> list[Row]:
    return packages.items.items(call, package_id, recursive)


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
    found = packages.items.items(call, package_id, recursive)
    count, page = packages.items.items_paged(
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
    found = packages.items.items(call, package_id, recursive)
    count, page = packages.items.items_paged(
        call, found, filter_column, filter_value, sort_column, start_row, maximum_rows
    )
    rows = [packages.items.item_row(call.world, item) for item in page]
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
