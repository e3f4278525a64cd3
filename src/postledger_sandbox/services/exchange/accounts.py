# SPDX-License-Identifier: Apache-2.0
"""Finding accounts of any kind."""

from __future__ import annotations

from typing import Any

from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.rules import rights
from postledger_sandbox.services import organizations
from postledger_sandbox.services.exchange.shared import info, operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault


@operations.act
def get_accounts(call: Call, item_id: int, account_type: int) -> list[Row]:
    rules.known(call, item_id)
    return [info(call.world, a) for a in rules.accounts_of(call.world, item_id, account_type)]


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
    return {"RecordsCount": count, "PageItems": [info(call.world, account) for account in page]}


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
    return [info(call.world, account) for account in page]


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
    return [info(call.world, account) for account in page]


@operations.act
def get_account(call: Call, item_id: int, account_id: int) -> Row | None:
    rules.known(call, item_id)
    account = call.store.accounts.get(account_id)
    if account is None or account["ItemId"] != item_id:
        return None
    return info(call.world, account)


@operations.act
def search_account(call: Call, account_type: int, primary_email_address: str | None) -> Row | None:
    for account in call.store.accounts.find("Addresses", primary_email_address or ""):
        is_primary = (account["PrimaryEmailAddress"] or "").lower() == (primary_email_address or "").lower()
        is_ours = rights.has_package(call, account["PackageId"])
        if is_primary and is_ours and account["AccountType"] == account_type:
            return info(call.world, account)
    return None


@operations.act
def get_account_by_account_name_without_item_id(call: Call, account_name: str | None) -> Row | None:
    account = call.store.accounts.first("AccountName", account_name or "")
    if account is None or not rights.has_package(call, account["PackageId"]):
        return None
    return info(call.world, account)


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
