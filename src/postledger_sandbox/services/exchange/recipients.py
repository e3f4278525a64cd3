# SPDX-License-Identifier: Apache-2.0
"""Contacts, distribution lists and public folders."""

from __future__ import annotations

from typing import Any

from postledger_sandbox.rules import cascades, rights
from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.services import organizations
from postledger_sandbox.services.exchange.shared import ids, info, infos, one, operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault

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
        "ManagerAccount": one(call, contact.get("ManagerId")),
        "AcceptAccounts": infos(call, contact.get("AcceptAccounts")),
        "RejectAccounts": infos(call, contact.get("RejectAccounts")),
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
        AcceptAccounts=ids(call, item_id, accept_accounts),
        RejectAccounts=ids(call, item_id, reject_accounts),
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
        "MembersAccounts": infos(call, group.get("Members")),
        "ManagerAccount": one(call, group.get("ManagerId")),
        "AcceptAccounts": infos(call, group.get("AcceptAccounts")),
        "RejectAccounts": infos(call, group.get("RejectAccounts")),
        "SendAsAccounts": infos(call, group.get("SendAsAccounts")),
        "SendOnBehalfAccounts": infos(call, group.get("SendOnBehalfAccounts")),
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
        Members=ids(call, item_id, member_accounts),
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
        SendAsAccounts=ids(call, item_id, send_as_accounts),
        SendOnBehalfAccounts=ids(call, item_id, send_on_behalf_accounts),
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
    return [info(call.world, g) for g in groups if account_id in (g.get("Members") or ())]


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
        "AuthorsAccounts": infos(call, folder.get("Members")),
        "Accounts": infos(call, folder.get("Members")),
        "AcceptAccounts": infos(call, folder.get("AcceptAccounts")),
        "RejectAccounts": infos(call, folder.get("RejectAccounts")),
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
    members = ids(call, item_id, author_accounts)
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
