# SPDX-License-Identifier: Apache-2.0
"""What goes, or changes, along with something else."""

from __future__ import annotations

from postledger_sandbox.rules import background
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import World

ORGANIZATION_GROUP = 13


def descendants(world: World, user: Row, *, with_peers: bool) -> list[Row]:
    """Everybody below a user, nearest first; peers of the users met only when asked for."""
    found: list[Row] = []
    level = [user]
    while level:
        below = []
        for owner in level:
            for child in world.store.users.find("OwnerId", owner["UserId"]):
                if child.get("IsPeer"):
                    if with_peers:
                        found.append(child)
                else:
                    below.append(child)
        found += below
        level = below
    return found


def drop_exchange(world: World, organization: Row) -> None:
    """Take the Exchange part out of an organization: mailboxes become plain users, the rest goes."""
    for account in world.store.accounts.find("ItemId", organization["Id"]):
        if account["AccountType"] in (1, 5, 6, 10, 12):
            disable_mailbox(world, account)
        elif account["AccountType"] in (2, 3, 4):
            drop_account(world, account)
    world.store.organizations.change(
        organization, GlobalAddressList="", AddressList="", OfflineAddressBook="", Database="", DiskSpace=0
    )


def disable_mailbox(world: World, account: Row) -> None:
    """Keep the directory user, take the mailbox away."""
    primary = account.get("PrimaryEmailAddress")
    world.store.accounts.change(
        account,
        AccountType=7,
        Addresses=[primary] if primary else [],
        IsBlackBerryUser=False,
        MailboxPlanId=0,
        SizeMB=0,
        Items=0,
    )
    for device in world.store.devices.find("AccountId", account["AccountId"]):
        world.store.devices.remove(device)


def drop_account(world: World, account: Row) -> None:
    """Remove an account from everything that names it."""
    for device in world.store.devices.find("AccountId", account["AccountId"]):
        world.store.devices.remove(device)
    for other in world.store.accounts.find("ItemId", account["ItemId"]):
        members = other.get("Members")
        if members and account["AccountId"] in members:
            kept = [member for member in members if member != account["AccountId"]]
            world.store.accounts.change(other, Members=kept)
    world.store.accounts.remove(account)


def drop_organization(world: World, organization: Row) -> None:
    """Remove an organization with all it holds; its domains and their zones stay in the package."""
    for account in world.store.accounts.find("ItemId", organization["Id"]):
        for device in world.store.devices.find("AccountId", account["AccountId"]):
            world.store.devices.remove(device)
        world.store.accounts.remove(account)
    for link in world.store.organization_domains.find("ItemId", organization["Id"]):
        world.store.organization_domains.remove(link)
    for tag in world.store.retention_tags.find("ItemID", organization["Id"]):
        for tagged in world.store.plan_tags.find("TagID", tag["TagID"]):
            world.store.plan_tags.remove(tagged)
        world.store.retention_tags.remove(tag)
    for table in (
        world.store.mailbox_plans,
        world.store.lync_plans,
        world.store.sfb_plans,
        world.store.disclaimers,
    ):
        for row in table.find("ItemId", organization["Id"]):
            table.remove(row)
    world.store.organizations.remove(organization)


def drop_package(world: World, package: Row) -> None:
    """Remove a package with all it holds.

    Of the organizations in it only the first is properly taken out of the directory; the ids of the others stay taken.
    """
    package_id = package["PackageId"]
    for number, organization in enumerate(world.store.organizations.find("PackageId", package_id)):
        drop_organization(world, organization)
        if number:
            world.store.facts.add({"Name": f"directory:{organization['OrganizationId']}", "Value": True})
    for domain in world.store.domains.find("PackageId", package_id):
        world.store.domains.remove(domain)
    for table in (world.store.addons, world.store.usage, world.store.templates, world.store.schedules):
        for row in table.find("PackageId", package_id):
            table.remove(row)
    world.store.packages.remove(package)


def drop_user(world: World, user: Row) -> None:
    """Remove a user with his packages, plans, extra logins and comments."""
    user_id = user["UserId"]
    for package in world.store.packages.find("UserId", user_id):
        drop_package(world, package)
    for plan in world.store.plans.find("UserId", user_id):
        world.store.plans.remove(plan)
    for plan in world.store.mailbox_plans.find("UserId", user_id):
        world.store.mailbox_plans.remove(plan)
    for peer in world.store.users.find("OwnerId", user_id):
        world.store.users.remove(peer)
    world.store.users.remove(user)


def organization_disk_mb(world: World, organization: Row) -> int:
    """The measured size of an organization's mailboxes and public folders."""
    return round(sum(a.get("SizeMB", 0) for a in world.store.accounts.find("ItemId", organization["Id"])))


@background.work
def delete_user(world: World, deleted_id: int) -> None:
    user = world.store.users.get(deleted_id)
    if user is not None:
        drop_user(world, user)


@background.work
def delete_package(world: World, deleted_id: int) -> None:
    package = world.store.packages.get(deleted_id)
    if package is not None:
        drop_package(world, package)


@background.work
def change_items_status(world: World, package_ids: list[int], enabled: bool) -> None:
    """Switch the directory accounts of the packages' organizations off or on; those disabled one by one stay off."""
    for package_id in package_ids:
        for organization in world.store.organizations.find("PackageId", package_id):
            for account in world.store.accounts.find("ItemId", organization["Id"]):
                world.store.accounts.change(account, SwitchedOff=not enabled)


@background.work
def calculate_disk(world: World, measured_id: int) -> None:
    organization = world.store.organizations.get(measured_id)
    if organization is not None and not world.stale_statistics:
        world.store.organizations.change(organization, DiskSpace=organization_disk_mb(world, organization))


@background.work
def calculate_packages(world: World, package_ids: list[int]) -> None:
    """Book the disk use of the packages, as the daily task does."""
    if world.stale_statistics:
        return
    for package_id in package_ids:
        organizations = world.store.organizations.find("PackageId", package_id)
        size = sum(organization_disk_mb(world, organization) for organization in organizations)
        for row in world.store.usage.find("PackageId", package_id):
            if row["Kind"] == "disk" and row["GroupId"] == ORGANIZATION_GROUP:
                world.store.usage.remove(row)
        if size:
            world.store.usage.add(
                {
                    "Kind": "disk",
                    "PackageId": package_id,
                    "GroupId": ORGANIZATION_GROUP,
                    "Bytes": size * 2**20,
                }
            )
