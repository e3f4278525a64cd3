# SPDX-License-Identifier: Apache-2.0
"""What organizations and their accounts have in common: finding them, counting them, naming them."""

from __future__ import annotations

from collections.abc import Callable

from postledger_sandbox.rules import domains, quotas, rights
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault, World, null_reference

(
    UNDEFINED,
    MAILBOX,
    CONTACT,
    DISTRIBUTION_LIST,
    PUBLIC_FOLDER,
    ROOM,
    EQUIPMENT,
    USER,
    SECURITY_GROUP,
    DEFAULT_SECURITY_GROUP,
    SHARED_MAILBOX,
    DELETED_USER,
    JOURNALING_MAILBOX,
) = range(13)
MAILBOXES = (MAILBOX, ROOM, EQUIPMENT, SHARED_MAILBOX, JOURNALING_MAILBOX)
PEOPLE = (MAILBOX, ROOM, EQUIPMENT, USER)


def find(call: Call, item_id: int) -> Row | None:
    """The organization, if there is one that the caller has rights on."""
    organization = call.store.organizations.get(item_id)
    if organization is None or not rights.has_package(call, organization["PackageId"]):
        return None
    return organization


def known(call: Call, item_id: int) -> Row:
    """The organization, which exists and the caller has rights on.

    Raises:
        Fault: a null reference.
    """
    organization = find(call, item_id)
    if organization is None:
        raise null_reference()
    return organization


def account(call: Call, item_id: int, account_id: int) -> Row:
    """An account of an organization.

    Raises:
        Fault: a null reference, when either is unknown.
    """
    known(call, item_id)
    row = call.store.accounts.get(account_id)
    if row is None or row["ItemId"] != item_id:
        raise null_reference()
    return row


def accounts_of(world: World, item_id: int, *types: int) -> list[Row]:
    return [a for a in world.store.accounts.find("ItemId", item_id) if not types or a["AccountType"] in types]


def has_exchange(organization: Row) -> bool:
    return bool(organization.get("GlobalAddressList"))


def email_exists(world: World, address: str) -> bool:
    return world.store.accounts.first("Addresses", address) is not None


def demand_password(call: Call, password: str | None) -> None:
    """Raises: Fault: the directory is strict and the password is weak."""
    text = password or ""
    kinds = sum(any(test(letter) for letter in text) for test in (str.isupper, str.islower, str.isdigit))
    if call.world.options.secure_passwords and (len(text) < 8 or kinds < 3):
        raise Fault(
            "The password does not meet the password policy requirements. Check the minimum password length,"
            " password complexity and password history requirements."
        )


def directory_name(call: Call, organization: Row, name: str) -> str:
    """A new account name in the directory: the name, cut, and the organization id."""
    organization_id = organization["OrganizationId"]
    length = max(1, 19 - len(organization_id))
    for number in range(10000):
        tail = str(number) if number else ""
        candidate = f"{name[: length - len(tail)]}{tail}_{organization_id}"
        if call.store.accounts.first("AccountName", candidate) is None:
            return candidate
    raise Fault("The specified account already exists.")


def new_account(
    call: Call, organization: Row, account_type: int, *, display_name: str, name: str, address: str | None
) -> Row:
    directory = directory_name(call, organization, name)
    return call.store.accounts.add(
        {
            "ItemId": organization["Id"],
            "PackageId": organization["PackageId"],
            "AccountType": account_type,
            "AccountName": directory,
            "SamAccountName": f"{organization['OrganizationId'].upper()[:15]}\\{directory}",
            "DisplayName": display_name,
            "PrimaryEmailAddress": address,
            "UserPrincipalName": address,
            "Addresses": [address] if address else [],
            "CreatedDate": call.now,
        }
    )


# Statistics

Count = Callable[[Row], int]


def _count_accounts(world: World, *types: int) -> Count:
    return lambda organization: len(accounts_of(world, organization["Id"], *types))


def _count_flagged(world: World, flag: str) -> Count:
    return lambda o: sum(bool(a.get(flag)) for a in world.store.accounts.find("ItemId", o["Id"]))


def _count_domains(world: World) -> Count:
    return lambda organization: world.store.organization_domains.count("ItemId", organization["Id"])


def _archive_mb(world: World, organization: Row) -> int:
    """What the plans allot to archives; with an unlimited mailbox among them, -1 for all."""
    if _disk_mb(world, organization) < 0:
        return quotas.UNLIMITED
    sizes = []
    for row in accounts_of(world, organization["Id"], *MAILBOXES):
        plan = world.store.mailbox_plans.get(row.get("ArchivingMailboxPlanId") or 0) or (
            world.store.mailbox_plans.get(row.get("MailboxPlanId") or 0)
        )
        if row.get("EnableArchiving") and plan is not None:
            sizes.append(plan.get("ArchiveSizeMB") or 0)
    return _total(sizes)


def _recoverable_mb(world: World, organization: Row) -> int:
    sizes = []
    for row in accounts_of(world, organization["Id"], *MAILBOXES):
        plan = world.store.mailbox_plans.get(row.get("MailboxPlanId") or 0)
        if plan is not None and plan.get("AllowLitigationHold"):
            sizes.append(plan.get("RecoverableItemsSpace") or 0)
    return _total(sizes)


def _total(sizes: list[int]) -> int:
    """The sum; with an unlimited size among them, that one's -1."""
    return min(sizes) if sizes and min(sizes) < 0 else sum(sizes)


def _disk_mb(world: World, organization: Row) -> int:
    """W: as last measured. Later generations: what the mailboxes' plans allot."""
    if world.is_w:
        return organization.get("DiskSpace", 0)
    return quotas.mailbox_sizes_mb(world, accounts_of(world, organization["Id"]))


# Member of the statistics, the quota that limits it, what is counted; in three groups by who answers.
def exchange_counts(world: World) -> list[tuple[str, str, str, Count]]:
    mailboxes = (MAILBOX, ROOM, EQUIPMENT) if world.is_w else (MAILBOX,)
    counts = [
        (
            "CreatedMailboxes",
            "AllocatedMailboxes",
            "Exchange2007.Mailboxes",
            _count_accounts(world, *mailboxes),
        ),
        ("CreatedContacts", "AllocatedContacts", "Exchange2007.Contacts", _count_accounts(world, CONTACT)),
        (
            "CreatedDistributionLists",
            "AllocatedDistributionLists",
            "Exchange2007.DistributionLists",
            _count_accounts(world, DISTRIBUTION_LIST),
        ),
        (
            "CreatedPublicFolders",
            "AllocatedPublicFolders",
            "Exchange2007.PublicFolders",
            _count_accounts(world, PUBLIC_FOLDER),
        ),
        ("CreatedDomains", "AllocatedDomains", "HostedSolution.Domains", _count_domains(world)),
        ("UsedDiskSpace", "AllocatedDiskSpace", "Exchange2007.DiskSpace", lambda o: _disk_mb(world, o)),
        (
            "UsedArchingStorage",
            "AllocatedArchingStorage",
            "Exchange2013.ArchivingStorage",
            lambda o: _archive_mb(world, o),
        ),
        (
            "UsedLitigationHoldSpace",
            "AllocatedLitigationHoldSpace",
            "Exchange2007.RecoverableItemsSpace",
            lambda o: _recoverable_mb(world, o),
        ),
        (
            "CreatedSharedMailboxes",
            "AllocatedSharedMailboxes",
            "Exchange2013.SharedMailboxes",
            _count_accounts(world, SHARED_MAILBOX),
        ),
        (
            "CreatedResourceMailboxes",
            "AllocatedResourceMailboxes",
            "Exchange2013.ResourceMailboxes",
            _count_accounts(world, ROOM, EQUIPMENT),
        ),
        (
            "CreatedJournalingMailboxes",
            "AllocatedJournalingMailboxes",
            "Exchange2013.JournalingMailboxes",
            _count_accounts(world, JOURNALING_MAILBOX),
        ),
    ]
    return [item for item in counts if item[2] in world.contract.quotas]


def organization_counts(world: World) -> list[tuple[str, str, str, Count]]:
    counts = [
        ("CreatedUsers", "AllocatedUsers", "HostedSolution.Users", _count_accounts(world, *PEOPLE)),
        ("CreatedDomains", "AllocatedDomains", "HostedSolution.Domains", _count_domains(world)),
        (
            "CreatedBlackBerryUsers",
            "AllocatedBlackBerryUsers",
            "BlackBerry.Users",
            _count_flagged(world, "IsBlackBerryUser"),
        ),
        ("CreatedOCSUsers", "AllocatedOCSUsers", "OCS.Users", _count_flagged(world, "OcsInstanceId")),
        ("CreatedLyncUsers", "AllocatedLyncUsers", "Lync.Users", _count_flagged(world, "LyncPlanId")),
        ("CreatedSfBUsers", "AllocatedSfBUsers", "SfB.Users", _count_flagged(world, "SfBPlanId")),
        (
            "CreatedGroups",
            "AllocatedGroups",
            "HostedSolution.SecurityGroups",
            _count_accounts(world, SECURITY_GROUP, DEFAULT_SECURITY_GROUP),
        ),
        (
            "DeletedUsers",
            "AllocatedDeletedUsers",
            "HostedSolution.DeletedUsers",
            _count_accounts(world, DELETED_USER),
        ),
    ]
    return [item for item in counts if item[2] in world.contract.quotas]


def statistics(
    call: Call,
    organization: Row,
    counts: list[tuple[str, str, str, Count]],
    *,
    per_organization: bool,
) -> Row:
    """OrganizationStatistics. Not per organization means: over all organizations of the owning user."""
    world = call.world
    key = (call.service, organization["Id"], per_organization)
    if world.stale_statistics and key in world.last_statistics:
        return world.last_statistics[key]
    package = world.store.packages.rows[organization["PackageId"]]
    counted = [organization] if per_organization else _of_owner(world, package)
    values: Row = {"ServiceLevels": []}
    for created, allocated, quota_name, count in counts:
        quota = world.contract.quotas[quota_name]
        numbers = [count(each) for each in counted]
        values[created] = _total(numbers) if created.startswith("Used") else sum(numbers)
        limit = quotas.value if per_organization and not world.is_w else quotas.allocated
        values[allocated] = limit(world, package, quota)
    world.last_statistics[key] = values
    return values


def _of_owner(world: World, package: Row) -> list[Row]:
    return [
        organization
        for each in world.store.packages.find("UserId", package["UserId"])
        for organization in world.store.organizations.find("PackageId", each["PackageId"])
    ]


def plain_statistics(call: Call, organization: Row, counts: list[tuple[str, str, str, Count]]) -> Row:
    """What GetOrganizationStatistics answers: W one organization, later generations all of the owner's."""
    return statistics(call, organization, counts, per_organization=call.is_w)


def is_used_up(
    call: Call, organization: Row, counts: list[tuple[str, str, str, Count]], created: str
) -> bool:
    """Whether one more of what `created` counts goes over the organization's limit."""
    chosen = [item for item in counts if item[0] == created]
    if not chosen:
        return False
    package = call.store.packages.rows[organization["PackageId"]]
    counted = [organization] if call.is_w else _of_owner(call.world, package)
    _, _, quota_name, count = chosen[0]
    limit = quotas.allocated(call.world, package, call.world.contract.quotas[quota_name])
    return limit != quotas.UNLIMITED and sum(count(each) for each in counted) >= limit


# Exchange


def extend(call: Call, organization: Row) -> None:
    """Give an organization its Exchange part, if it has none: what the first mailbox, contact, list or folder does."""
    if has_exchange(organization):
        return
    world = call.world
    package = world.store.packages.rows[organization["PackageId"]]
    service = world.store.services.first("GroupId", domains.EXCHANGE_GROUP) or {}
    name = organization["OrganizationId"]
    changes = {
        "GlobalAddressList": f"{name} Global Address List",
        "AddressList": f"{name} Address List",
        "OfflineAddressBook": f"{name} Offline Address Book",
        "RoomsAddressList": f"{name} Rooms",
        "AddressBookPolicy": f"{name} Address Policy",
        "Database": "Mailbox Database 1",
        "SecurityGroup": f"CN={name},{organization['DistinguishedName']}",
        "KeepDeletedItemsDays": int(service.get("Settings", {}).get("KeepDeletedItemsDays") or 14),
    }
    if world.is_w:
        size = quotas.value(world, package, world.contract.quotas["Exchange2007.DiskSpace"])
        changes |= {
            "IssueWarningKB": size if size < 0 else round(size * 922),
            "ProhibitSendKB": size if size < 0 else size * 1024,
            "ProhibitSendReceiveKB": size if size < 0 else size * 1024,
        }
    world.store.organizations.change(organization, **changes)
    for link in world.store.organization_domains.find("ItemId", organization["Id"]):
        accept_domain(call, organization, world.store.domains.rows[link["DomainId"]])


def accept_domain(call: Call, organization: Row, domain: Row) -> None:
    """Register a domain with Exchange; the later generations then add the service's template records to its zone."""
    if call.is_w or not domain["ZoneItemId"]:
        return
    package = call.store.packages.rows[organization["PackageId"]]
    levels = domains.service_templates(call.world, package, (domains.EXCHANGE_GROUP, 31, 32))
    domains.add_templates(call.world, domain, levels)


def release_domain(call: Call, organization: Row, domain: Row) -> None:
    if call.is_w or not domain["ZoneItemId"]:
        return
    package = call.store.packages.rows[organization["PackageId"]]
    levels = domains.service_templates(call.world, package, (domains.EXCHANGE_GROUP, 31, 32))
    domains.remove_templates(call.world, domain, levels)
