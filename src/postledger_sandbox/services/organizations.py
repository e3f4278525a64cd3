# SPDX-License-Identifier: Apache-2.0
"""esOrganizations: hosted organizations, their domains and their users."""

from __future__ import annotations

from typing import Any

from postledger_sandbox.rules import cascades, domains, paging, quotas, rights
from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.services import packages
from postledger_sandbox.services.registry import Operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault, World, null_reference
from postledger_sandbox.wire.writing import DataSet

operations = Operations("esOrganizations")

ID_WIDTH = {"W": 10, "S": 128, "F": 128}
PERSONAL = (
    "FirstName Initials LastName Address City State Zip Country JobTitle Company Department Office BusinessPhone Fax"
    " HomePhone MobilePhone Pager WebPage Notes"
).split()


# Organizations


def id_exists(call: Call, organization_id: str) -> bool:
    """Whether the database knows the id; the later generations compare only its first ten characters."""
    compared = organization_id if call.is_w else organization_id[:10]
    return call.store.organizations.first("OrganizationId", compared) is not None


def _in_directory(call: Call, organization_id: str) -> bool:
    if call.store.organizations.first("OrganizationId", organization_id) is not None:
        return True
    return call.store.facts.first("Name", f"directory:{organization_id}") is not None


@operations.act
def check_org_id_exists(call: Call, org_id: str | None) -> bool:
    return id_exists(call, org_id or "")


@operations.act
def create_organization(
    call: Call,
    package_id: int,
    organization_id: str | None,
    organization_name: str | None,
    domain_name: str | None = None,
) -> int:
    rights.demand_account(call, active=True)
    package = rights.demand_active_package(call, package_id)
    rights.demand_package(call, package_id)
    if quotas.is_full(call.world, package, "HostedSolution.Organizations"):
        return -2703
    if quotas.is_full(call.world, package, "OS.SubDomains"):
        return -508
    if not organization_id:
        raise Fault("Value cannot be null. Parameter name: organizationId")
    if id_exists(call, organization_id) or _in_directory(call, organization_id):
        return -2701
    service = domains.service_of(call.world, package, domains.ORGANIZATIONS_GROUP)
    if service is None:
        raise Fault(
            "Could not create organization ---> Organizations service is not available in this package"
        )
    temp_domain = service["Settings"].get("TempDomain") or ""
    first = f"{organization_id}.{temp_domain}" if temp_domain else ""
    if call.is_w and not first:
        return -2704
    if not call.is_w:
        first = domain_name or first or organization_name or ""
    if len(organization_id) > ID_WIDTH[call.world.contract.dialect]:
        raise Fault("String or binary data would be truncated. The statement has been terminated.")
    domain_id = _first_domain(call, package_id, first)
    if domain_id < 0:
        return domain_id
    organization = call.store.organizations.add(
        {
            "TypeId": 29,
            "PackageId": package_id,
            "ServiceId": service["ServiceId"],
            "Name": organization_name or "",
            "GroupName": "Hosted Organizations",
            "CreatedDate": call.now,
            "OrganizationId": organization_id,
            "DefaultDomain": first.lower(),
            "DistinguishedName": f"OU={organization_id},OU=Hosted,DC=hosted,DC=example",
            "GlobalAddressList": "",
            "DiskSpace": 0,
        }
    )
    _link(call, organization, domain_id, is_host=True, is_default=True)
    if not call.is_w:
        rules.new_account(
            call,
            organization,
            rules.DEFAULT_SECURITY_GROUP,
            display_name=organization_id,
            name=organization_id,
            address=None,
        )
        _add_service_templates(call, package, domain_id)
    return organization["Id"]


def _first_domain(call: Call, package_id: int, name: str) -> int:
    existing = call.store.domains.first("DomainName", name)
    if existing is None:
        return domains.create(call, package_id, name, is_sub_domain=True)
    if existing["PackageId"] != package_id:
        return -502
    if call.store.organization_domains.count("DomainId", existing["DomainId"]):
        return -2705
    return existing["DomainId"]


def _add_service_templates(call: Call, package: Row, domain_id: int) -> None:
    domain = call.store.domains.rows[domain_id]
    if domain["ZoneItemId"]:
        levels = domains.service_templates(call.world, package, (domains.ORGANIZATIONS_GROUP,))
        domains.add_templates(call.world, domain, levels)


def _link(call: Call, organization: Row, domain_id: int, *, is_host: bool, is_default: bool) -> None:
    call.store.organization_domains.add(
        {"ItemId": organization["Id"], "DomainId": domain_id, "IsHost": is_host, "IsDefault": is_default}
    )


@operations.act
def get_organizations(call: Call, package_id: int, recursive: bool) -> list[Row]:
    return packages.items.items(call, package_id, recursive)


@operations.act
def get_raw_organizations_paged(
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
    return DataSet("esOrganizations.GetRawOrganizationsPaged", [[{"Column1": count}], rows])


@operations.act
def get_organization(call: Call, item_id: int) -> Row | None:
    return rules.find(call, item_id)


@operations.act
def get_organization_by_id(call: Call, organization_id: str | None) -> Row | None:
    found = call.store.organizations.first("OrganizationId", organization_id or "")
    return rules.find(call, found["Id"]) if found else None


@operations.act
def set_default_organization(
    call: Call, new_default_organization_id: int, current_default_organization_id: int
) -> None:
    for item_id, is_default in (
        (current_default_organization_id, False),
        (new_default_organization_id, True),
    ):
        organization = rules.find(call, item_id)
        if organization is not None:
            call.store.organizations.change(organization, IsDefault=is_default)


@operations.act
def delete_organization(call: Call, item_id: int) -> int:
    rights.demand_account(call)
    cascades.drop_organization(call.world, rules.known(call, item_id))
    return 0


@operations.act
def get_organization_statistics(call: Call, item_id: int) -> Row | None:
    organization = rules.find(call, item_id)
    if organization is None:
        return None
    return rules.plain_statistics(call, organization, rules.organization_counts(call.world))


@operations.act
def get_organization_statistics_by_organization(call: Call, item_id: int) -> Row | None:
    organization = rules.find(call, item_id)
    if organization is None:
        return None
    counts = rules.organization_counts(call.world)
    return rules.statistics(call, organization, counts, per_organization=True)


# Domains


@operations.act
def get_organization_domains(call: Call, item_id: int) -> list[Row] | None:
    if rules.find(call, item_id) is None:
        return None
    return [
        {**link, "DomainName": call.store.domains.rows[link["DomainId"]]["DomainName"]}
        for link in call.store.organization_domains.find("ItemId", item_id)
    ]


@operations.act
def add_organization_domain(call: Call, item_id: int, domain_name: str | None) -> int:
    rights.demand_account(call, active=True)
    organization = rules.known(call, item_id)
    if rules.is_used_up(call, organization, rules.organization_counts(call.world), "CreatedDomains"):
        return -2611
    rights.demand_active_package(call, organization["PackageId"])
    name = (domain_name or "").strip().lower()
    existing = call.store.domains.first("DomainName", name)
    if existing is not None:
        if existing["PackageId"] != organization["PackageId"]:
            return -502
        if call.store.organization_domains.count("DomainId", existing["DomainId"]):
            return -2705
        domain_id = existing["DomainId"]
    else:
        domain_id = domains.create(call, organization["PackageId"], name)
        if domain_id < 0:
            return domain_id
    _link(call, organization, domain_id, is_host=False, is_default=False)
    if rules.has_exchange(organization):
        rules.accept_domain(call, organization, call.store.domains.rows[domain_id])
    return 0


def _links(call: Call, item_id: int) -> list[Row]:
    return call.store.organization_domains.find("ItemId", item_id)


@operations.act
def delete_organization_domain(call: Call, item_id: int, domain_id: int) -> int:
    rights.demand_account(call, active=True)
    organization = rules.find(call, item_id)
    domain = call.store.domains.get(domain_id)
    if organization is None or domain is None:
        return -1
    if not call.is_w and rules.has_exchange(organization) and _is_used(call, item_id, domain["DomainName"]):
        return -1
    for link in _links(call, item_id):
        if link["DomainId"] == domain_id:
            call.store.organization_domains.remove(link)
    if rules.has_exchange(organization):
        rules.release_domain(call, organization, domain)
    return 0


def _is_used(call: Call, item_id: int, domain_name: str) -> bool:
    tail = f"@{domain_name}".lower()
    found = call.store.accounts.find("ItemId", item_id)
    return any(address.lower().endswith(tail) for a in found for address in a.get("Addresses", ()))


@operations.act
def set_organization_default_domain(call: Call, item_id: int, domain_id: int) -> int:
    rights.demand_account(call, active=True)
    organization = rules.find(call, item_id)
    if organization is None:
        return -1
    links = _links(call, item_id)
    if any(link["DomainId"] == domain_id for link in links):
        for link in links:
            call.store.organization_domains.change(link, IsDefault=link["DomainId"] == domain_id)
        name = call.store.domains.rows[domain_id]["DomainName"]
        call.store.organizations.change(organization, DefaultDomain=name)
    return 0


@operations.act
def change_organization_domain_type(call: Call, item_id: int, domain_id: int, new_domain_type: int) -> int:
    rights.demand_account(call, active=True)
    if rules.find(call, item_id) is None:
        return -1
    for link in _links(call, item_id):
        if link["DomainId"] == domain_id:
            call.store.organization_domains.change(link, DomainTypeId=new_domain_type)
    return 0


@operations.act
def check_domain_used_by_hosted_organization(call: Call, item_id: int, domain_id: int) -> bool:
    domain = call.store.domains.get(domain_id)
    return domain is not None and _is_used(call, item_id, domain["DomainName"])


@operations.act
def get_organization_objects_by_domain(call: Call, item_id: int, domain_name: str | None) -> DataSet:
    tail = f"@{domain_name or ''}".lower()
    rows = [
        {
            "ObjectName": account["PrimaryEmailAddress"],
            "ObjectID": account["AccountId"],
            "ObjectType": account["AccountType"],
            "DisplayName": account["DisplayName"],
            "OwnerID": 0,
        }
        for account in rules.accounts_of(call.world, item_id)
        if any(address.lower().endswith(tail) for address in account.get("Addresses", ()))
    ]
    return DataSet("esOrganizations.GetOrganizationObjectsByDomain", [rows])


# Users


def user_info(account: Row) -> Row:
    """An account as OrganizationUser."""
    return {
        **account,
        "Manager": None,
        "Disabled": bool(account.get("Disabled") or account.get("SwitchedOff")),
        "DomainUserName": account.get("SamAccountName"),
        "IsOCSUser": bool(account.get("OcsInstanceId")),
        "IsLyncUser": bool(account.get("LyncPlanId")),
        "IsSfBUser": bool(account.get("SfBPlanId")),
    }


def make_user(
    call: Call,
    item_id: int,
    display_name: str | None,
    name: str | None,
    domain: str | None,
    password: str | None,
) -> int:
    """The id of a new directory user, or a negative code; also how CreateMailbox begins."""
    for text, parameter in (
        (display_name, "displayName"),
        (name, "name"),
        (domain, "domain"),
        (password, "password"),
    ):
        if not text:
            raise Fault(f"Value cannot be null. Parameter name: {parameter}")
    rights.demand_account(call, active=True)
    organization = rules.find(call, item_id)
    if organization is None:
        return -1
    address = f"{name}@{domain}"
    if rules.email_exists(call.world, address):
        return -2602
    if rules.is_used_up(call, organization, rules.organization_counts(call.world), "CreatedUsers"):
        return -2707
    rights.demand_active_package(call, organization["PackageId"])
    rules.demand_password(call, password)
    if len(display_name or "") > 300 or len(address) > 300:
        raise Fault("String or binary data would be truncated. The statement has been terminated.")
    account = rules.new_account(
        call, organization, rules.USER, display_name=display_name or "", name=name or "", address=address
    )
    call.store.accounts.change(account, Password=password)
    return account["AccountId"]


@operations.act
def create_user(
    call: Call,
    item_id: int,
    display_name: str | None,
    name: str | None,
    domain: str | None,
    password: str | None,
    subscriber_number: str | None = None,
) -> int:
    account_id = make_user(call, item_id, display_name, name, domain, password)
    if account_id > 0 and subscriber_number:
        call.store.accounts.change(call.store.accounts.rows[account_id], SubscriberNumber=subscriber_number)
    return account_id


@operations.act
def import_user(
    call: Call,
    item_id: int,
    account_name: str | None,
    display_name: str | None,
    name: str | None,
    domain: str | None,
    password: str | None,
) -> int:
    return make_user(call, item_id, display_name or name, name, domain, password or "Imported-1")


@operations.act
def delete_user(call: Call, item_id: int, account_id: int) -> int:
    rights.demand_account(call)
    account = rules.account(call, item_id, account_id)
    if account.get("OcsInstanceId"):
        return -2709
    if account.get("LyncPlanId") or account.get("SfBPlanId"):
        return -2710
    cascades.drop_account(call.world, account)
    return 0


@operations.act
def set_deleted_user(call: Call, item_id: int, account_id: int) -> int:
    account = rules.account(call, item_id, account_id)
    organization = rules.known(call, item_id)
    if rules.is_used_up(call, organization, rules.organization_counts(call.world), "DeletedUsers"):
        return -2711
    cascades.disable_mailbox(call.world, account)
    call.store.accounts.change(account, AccountType=rules.DELETED_USER)
    return 0


_ACCOUNT_VIEW: paging.View = {
    name: paging.member(name)
    for name in (
        "AccountId ItemId AccountType AccountName DisplayName PrimaryEmailAddress SubscriberNumber UserPrincipalName"
        " SamAccountName MailboxPlanId"
    ).split()
}


def accounts_page(
    call: Call,
    found: list[Row],
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
) -> tuple[int, list[Row]]:
    """How many accounts match, and those of the page; without an order, by display name."""
    value = filter_value or ""
    if value and not call.is_w:
        value = f"%{value}%"
    found = _filtered(call, found, filter_column, value)
    found = paging.ordered(call.world, found, _ACCOUNT_VIEW, sort_column or "DisplayName")
    return len(found), paging.window(found, start_row, maximum_rows, inclusive=False)


def _filtered(call: Call, found: list[Row], column: str | None, value: str) -> list[Row]:
    if not value or not column:
        return found
    if column.strip().lower() == "primaryemailaddress":
        matches = paging.like(value)
        return [a for a in found if any(matches(address) for address in a.get("Addresses", ()))]
    return paging.filtered(call.world, found, _ACCOUNT_VIEW, column=column, value=value)


@operations.act
def get_organization_users_paged(
    call: Call,
    item_id: int,
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
) -> Row:
    types = (7, 1, 5, 6) if call.is_w else (7, 1, 5, 6, 10)
    rules.known(call, item_id)
    found = rules.accounts_of(call.world, item_id, *types)
    count, page = accounts_page(
        call, found, filter_column, filter_value, sort_column, start_row, maximum_rows
    )
    return {"RecordsCount": count, "PageUsers": [user_info(account) for account in page]}


@operations.act
def get_organization_deleted_users_paged(
    call: Call,
    item_id: int,
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
) -> Row:
    rules.known(call, item_id)
    found = rules.accounts_of(call.world, item_id, rules.DELETED_USER)
    count, page = accounts_page(
        call, found, filter_column, filter_value, sort_column, start_row, maximum_rows
    )
    deleted = [{"Id": a["AccountId"], "AccountId": a["AccountId"], "User": user_info(a)} for a in page]
    return {"RecordsCount": count, "PageDeletedUsers": deleted}


@operations.act
def search_accounts(
    call: Call,
    item_id: int,
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    include_mailboxes: bool,
) -> list[Row]:
    rules.known(call, item_id)
    types = (7, 1, 5, 6) if include_mailboxes else (7,)
    found = rules.accounts_of(call.world, item_id, *types)
    _, page = accounts_page(call, found, filter_column, filter_value, sort_column, 0, len(found))
    return [user_info(account) for account in page]


@operations.act_as("GetUserGeneralSettings", "GetUserGeneralSettingsWithExtraData")
def get_user_general_settings(call: Call, item_id: int, account_id: int) -> Row:
    account = rules.account(call, item_id, account_id)
    info = user_info(account)
    manager = call.store.accounts.get(account.get("ManagerId") or 0)
    info["Manager"] = user_info(manager) if manager else None
    return info


def personal(others: Row) -> Row:
    """The personal data among the parameters of a "general settings" operation, as members of an account."""
    given = {name.lower(): value for name, value in others.items()}
    return {name: given.get(name.lower()) for name in PERSONAL}


def manager_id(call: Call, item_id: int, account_name: str | None) -> int:
    for account in rules.accounts_of(call.world, item_id):
        if account_name and account["AccountName"].lower() == account_name.lower():
            return account["AccountId"]
    return 0


@operations.act
def set_user_general_settings(
    call: Call,
    item_id: int,
    account_id: int,
    display_name: str | None,
    password: str | None,
    hide_address_book: bool,
    disabled: bool,
    locked: bool,
    **others: Any,
) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    changes: Row = personal(others)
    changes |= {
        "DisplayName": (display_name or "").strip(),
        "HideFromAddressBook": hide_address_book,
        "Disabled": disabled,
        "Locked": locked,
        "ExternalEmail": others.get("externalEmail"),
        "ManagerId": manager_id(call, item_id, others.get("managerAccountName")),
    }
    for wire_name, name in (
        ("subscriberNumber", "SubscriberNumber"),
        ("levelId", "LevelId"),
        ("isVIP", "IsVIP"),
        ("userMustChangePassword", "UserMustChangePassword"),
    ):
        if wire_name in others:
            changes[name] = others[wire_name]
    if password and call.is_w:
        rules.demand_password(call, password)
        changes["Password"] = password
    call.store.accounts.change(account, **changes)
    return 0


@operations.act
def set_user_password(call: Call, item_id: int, account_id: int, password: str | None) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    rules.demand_password(call, password)
    call.store.accounts.change(account, Password=password or "")
    return 0


@operations.act
def set_user_principal_name(
    call: Call, item_id: int, account_id: int, user_principal_name: str | None, inherit: bool
) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    call.store.accounts.change(account, UserPrincipalName=user_principal_name)
    return 0


@operations.act
def get_account_id_by_user_principal_name(call: Call, item_id: int, user_principal_name: str | None) -> int:
    for account in rules.accounts_of(call.world, item_id):
        if (account.get("UserPrincipalName") or "").lower() == (user_principal_name or "").lower():
            return account["AccountId"]
    return 0


@operations.act
def get_password_policy(call: Call, item_id: int) -> Row:
    rules.known(call, item_id)
    return {
        "IsSuccess": True,
        "ErrorCodes": [],
        "Value": {"MinLength": 8, "IsComplexityEnable": call.world.options.secure_passwords},
    }


@operations.act
def get_organization_user_summury_letter(call: Call, item_id: int, account_id: int) -> str | None:
    rules.account(call, item_id, account_id)
    return None


@operations.act
def send_organization_user_summury_letter(call: Call, item_id: int, account_id: int) -> int:
    rules.account(call, item_id, account_id)
    return 0


# Security groups and service levels, in the later generations


@operations.act
def create_security_group(call: Call, item_id: int, display_name: str | None) -> int:
    if not display_name:
        raise Fault("Value cannot be null. Parameter name: displayName")
    rights.demand_account(call, active=True)
    organization = rules.find(call, item_id)
    if organization is None:
        return -1
    group = rules.new_account(
        call, organization, rules.SECURITY_GROUP, display_name=display_name, name=display_name, address=None
    )
    return group["AccountId"]


@operations.act
def delete_security_group(call: Call, item_id: int, account_id: int) -> int:
    cascades.drop_account(call.world, rules.account(call, item_id, account_id))
    return 0


def group_account(world: World, account: Row) -> Row:
    """A member of a group as ExchangeAccount."""
    return {**account, "MailboxPlan": None, "Disabled": bool(account.get("Disabled"))}


@operations.act
def get_security_group_general_settings(call: Call, item_id: int, account_id: int) -> Row:
    group = rules.account(call, item_id, account_id)
    members = [call.store.accounts.rows[m] for m in group.get("Members") or () if call.store.accounts.get(m)]
    return {**group, "MembersAccounts": [group_account(call.world, member) for member in members]}


@operations.act
def set_security_group_general_settings(
    call: Call,
    item_id: int,
    account_id: int,
    display_name: str | None,
    member_accounts: list[str | None] | None,
    notes: str | None,
) -> int:
    group = rules.account(call, item_id, account_id)
    members = [manager_id(call, item_id, name) for name in member_accounts or ()]
    kept = [member for member in members if member]
    call.store.accounts.change(group, DisplayName=display_name or "", Notes=notes, Members=kept)
    return 0


@operations.act
def get_organization_security_groups_paged(
    call: Call,
    item_id: int,
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
) -> Row:
    rules.known(call, item_id)
    found = rules.accounts_of(call.world, item_id, rules.SECURITY_GROUP, rules.DEFAULT_SECURITY_GROUP)
    count, page = accounts_page(
        call, found, filter_column, filter_value, sort_column, start_row, maximum_rows
    )
    return {"RecordsCount": count, "PageItems": [group_account(call.world, group) for group in page]}


def _group_named(call: Call, item_id: int, name: str | None) -> Row:
    for group in rules.accounts_of(call.world, item_id, rules.SECURITY_GROUP, rules.DEFAULT_SECURITY_GROUP):
        if group["AccountName"].lower() == (name or "").lower():
            return group
    raise null_reference()


@operations.act
def add_object_to_security_group(call: Call, item_id: int, account_id: int, group_name: str | None) -> int:
    account = rules.account(call, item_id, account_id)
    group = _group_named(call, item_id, group_name)
    members = {*(group.get("Members") or ()), account["AccountId"]}
    call.store.accounts.change(group, Members=sorted(members))
    return 0


@operations.act
def delete_object_from_security_group(
    call: Call, item_id: int, account_id: int, group_name: str | None
) -> int:
    group = _group_named(call, item_id, group_name)
    kept = [member for member in group.get("Members") or () if member != account_id]
    call.store.accounts.change(group, Members=kept)
    return 0


@operations.act_as("GetSecurityGroupsByMember", "GetUserGroups")
def get_security_groups_by_member(call: Call, item_id: int, account_id: int) -> list[Row]:
    rules.account(call, item_id, account_id)
    groups = rules.accounts_of(call.world, item_id, rules.SECURITY_GROUP, rules.DEFAULT_SECURITY_GROUP)
    return [group_account(call.world, g) for g in groups if account_id in (g.get("Members") or ())]


@operations.act
def search_organization_accounts(
    call: Call,
    item_id: int,
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    include_only_security_groups: bool,
) -> list[Row]:
    rules.known(call, item_id)
    types = (8, 9) if include_only_security_groups else ()
    found = rules.accounts_of(call.world, item_id, *types)
    _, page = accounts_page(call, found, filter_column, filter_value, sort_column, 0, len(found))
    return [group_account(call.world, account) for account in page]


@operations.act
def get_support_service_levels(call: Call) -> list[Row]:
    return list(call.store.levels)


@operations.act
def get_support_service_level(call: Call, level_id: int) -> Row | None:
    return call.store.levels.get(level_id)


@operations.act
def add_support_service_level(call: Call, level_name: str | None, level_description: str | None) -> int:
    rights.demand_account(call, active=True, role=rights.ADMINISTRATOR)
    level = {"LevelName": level_name or "", "LevelDescription": level_description}
    return call.store.levels.add(level)["LevelId"]


@operations.act
def update_support_service_level(
    call: Call, level_id: int, level_name: str | None, level_description: str | None
) -> None:
    rights.demand_account(call, active=True, role=rights.ADMINISTRATOR)
    level = call.store.levels.get(level_id)
    if level is not None:
        call.store.levels.change(level, LevelName=level_name, LevelDescription=level_description)


@operations.act
def delete_support_service_level(call: Call, level_id: int) -> Row:
    rights.demand_account(call, active=True, role=rights.ADMINISTRATOR)
    level = call.store.levels.get(level_id)
    if level is not None:
        call.store.levels.remove(level)
    return {"IsSuccess": True, "ErrorCodes": []}
