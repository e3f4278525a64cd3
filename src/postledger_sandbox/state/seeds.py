# SPDX-License-Identifier: Apache-2.0
"""What a new installation holds: an administrator, two resellers, their plans, the services; and larger estates."""

from __future__ import annotations

from postledger_sandbox.contract import GROUPS
from postledger_sandbox.rules import letters
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import World

PASSWORD = "Secret-1"
ADMINISTRATOR, RESELLER, SECOND_RESELLER = "serveradmin", "reseller", "reseller2"
TEMP_DOMAIN = "hosted.example"
UNLIMITED = -1

SWITCHES = (
    "Exchange2007.POP3Allowed Exchange2007.IMAPAllowed Exchange2007.OWAAllowed Exchange2007.MAPIAllowed"
    " Exchange2007.ActiveSyncAllowed Exchange2007.POP3Enabled Exchange2007.IMAPEnabled Exchange2007.OWAEnabled"
    " Exchange2007.MAPIEnabled Exchange2007.ActiveSyncEnabled Exchange2007.MailEnabledPublicFolders DNS.Editor"
    " Exchange2007.EnablePlansEditing OCS.Federation Lync.Conferencing SfB.Conferencing"
).split()
COMMON = {
    **dict.fromkeys(SWITCHES, 1),
    "OS.Domains": 10,
    "OS.SubDomains": 10,
    "OS.DomainPointers": 10,
    "OS.Diskspace": UNLIMITED,
    "OS.Bandwidth": UNLIMITED,
    "HostedSolution.SecurityGroups": UNLIMITED,
    "Exchange2007.MaxRecipients": UNLIMITED,
    "Exchange2007.MaxSendMessageSizeKB": UNLIMITED,
    "Exchange2007.MaxReceiveMessageSizeKB": UNLIMITED,
    "Exchange2007.KeepDeletedItemsDays": 30,
    "Exchange2007.RecoverableItemsSpace": UNLIMITED,
}
PLANS: dict[str, tuple[str, dict[str, int]]] = {
    "Exchange Small": (
        "1 organization, 5 mailboxes",
        {
            "HostedSolution.Organizations": 1,
            "HostedSolution.Users": 10,
            "HostedSolution.Domains": 3,
            "Exchange2007.Mailboxes": 5,
            "Exchange2007.DiskSpace": 10240,
            "Exchange2007.Contacts": 25,
            "Exchange2007.DistributionLists": 10,
            "Exchange2007.PublicFolders": 5,
            "Exchange2013.SharedMailboxes": 2,
            "Exchange2013.ResourceMailboxes": 2,
            "BlackBerry.Users": 2,
            "OCS.Users": 5,
            "Lync.Users": 5,
            "SfB.Users": 5,
        },
    ),
    "Exchange Large": (
        "5 organizations, 500 mailboxes",
        {
            "HostedSolution.Organizations": 5,
            "HostedSolution.Users": 1000,
            "HostedSolution.Domains": 50,
            "OS.Domains": 100,
            "OS.SubDomains": 100,
            "Exchange2007.Mailboxes": 500,
            "Exchange2007.DiskSpace": UNLIMITED,
            "Exchange2007.Contacts": UNLIMITED,
            "Exchange2007.DistributionLists": UNLIMITED,
            "Exchange2007.PublicFolders": 100,
            "Exchange2013.SharedMailboxes": 50,
            "Exchange2013.ResourceMailboxes": 50,
            "Exchange2013.JournalingMailboxes": 1,
            "Exchange2013.ArchivingMailboxes": 100,
            "Exchange2013.ArchivingStorage": UNLIMITED,
            "HostedSolution.DeletedUsers": 10,
            "BlackBerry.Users": 100,
            "OCS.Users": 500,
            "Lync.Users": 500,
            "SfB.Users": 500,
        },
    ),
}
ADDONS = {
    "10 Mailboxes": (
        "10 more mailboxes and users",
        {"Exchange2007.Mailboxes": 10, "HostedSolution.Users": 10},
    ),
    "10 GB": ("10 GB more", {"Exchange2007.DiskSpace": 10240}),
}
MAILBOX_PLANS = (("Small 2 GB", 2048, False), ("Large 10 GB", 10240, False), ("Archive 5 GB", 5120, True))


def plant(world: World) -> None:
    """Fill a new installation."""
    store = world.store
    store.facts.add({"Name": "dialect", "Value": world.options.dialect})
    add_user(world, ADMINISTRATOR, owner_id=0, role_id=1)
    system = add_package(world, "System", user_id=1, parent_id=None, plan_id=None)
    store.servers.add({"ServerName": "Server 1", "ServerUrl": "http://127.0.0.1:9003", "Comments": ""})
    _add_services(world)
    setting = [["NameServers", f"ns1.{TEMP_DOMAIN};ns2.{TEMP_DOMAIN}"]]
    letters.write_settings(world, "package", system["PackageId"], "NameServers", setting)
    policy = [["MailboxPasswordPolicy", "True;8;20;0;2;0;True"]]
    letters.write_settings(world, "user", 1, "ExchangePolicy", policy)
    everything = {
        name: (0 if ".NotAllow" in name else 1) if quota.kind == 1 else UNLIMITED
        for name, quota in world.contract.quotas.items()
    }
    wholesale = add_plan(world, "Reseller Exchange", "Everything", 1, system["PackageId"], everything)
    for name in (RESELLER, SECOND_RESELLER):
        add_reseller(world, name, wholesale)
    for task in ("DISKSPACE", "BANDWIDTH"):
        _add_schedule(world, f"SCHEDULE_TASK_CALCULATE_PACKAGES_{task}")
    for plans in (store.lync_plans, store.sfb_plans) if not world.is_w else ():
        name = "Lync" if plans is store.lync_plans else "SfB"
        plan = plans.add({"ItemId": 0, f"{name}UserPlanName": "Standard", "IM": True, "IsDefault": True})
        plans.change(plan, **{f"{name}UserPlanId": plan["PlanId"]})


def add_user(world: World, username: str, *, owner_id: int, role_id: int, **values: object) -> Row:
    """A user, made past all checks."""
    now = world.clock.now()
    user: Row = {
        "OwnerId": owner_id,
        "RoleId": role_id,
        "StatusId": 1,
        "Username": username,
        "Password": PASSWORD,
        "FirstName": username.capitalize(),
        "LastName": "Example",
        "Email": f"{username}@{TEMP_DOMAIN}",
        "Created": now,
        "Changed": now,
        "FailedLogins": 0,
        "HtmlMail": False,
        **values,
    }
    return world.store.users.add(user)


def add_package(world: World, name: str, *, user_id: int, parent_id: int | None, plan_id: int | None) -> Row:
    """A package, made past all checks."""
    return world.store.packages.add(
        {
            "PackageName": name,
            "PackageComments": "",
            "UserId": user_id,
            "ParentPackageId": parent_id,
            "PlanId": plan_id,
            "StatusId": 1,
            "PurchaseDate": world.clock.now(),
            "StatusIDchangeDate": world.clock.now(),
            "ServerId": 0,
            "OverrideQuotas": False,
        }
    )


def add_plan(
    world: World,
    name: str,
    description: str,
    user_id: int,
    package_id: int,
    values: dict[str, int],
    *,
    is_addon: bool = False,
) -> Row:
    """A hosting plan with all resource groups, or an add-on with those its quotas need."""
    known = world.contract.quotas
    quotas = {known[name]: value for name, value in values.items() if name in known}
    groups = {quota.group_id for quota in quotas} if is_addon else set(GROUPS)
    return world.store.plans.add(
        {
            "UserId": user_id,
            "PackageId": package_id,
            "PlanName": name,
            "PlanDescription": description,
            "Available": True,
            "ServerId": 0,
            "IsAddon": is_addon,
            "SetupPrice": "0.0000",
            "RecurringPrice": "9.9500",
            "RecurrenceUnit": 2,
            "RecurrenceLength": 1,
            "Groups": [
                {"GroupId": group, "Enabled": True, "CalculateDiskSpace": True, "CalculateBandwidth": True}
                for group in sorted(groups)
            ],
            "Quotas": [{"QuotaId": quota.quota_id, "QuotaValue": value} for quota, value in quotas.items()],
        }
    )


def add_reseller(world: World, username: str, wholesale: Row) -> Row:
    """A reseller with his package, his plans, add-ons and (later generations) mailbox plans."""
    user = add_user(world, username, owner_id=1, role_id=2, EcommerceEnabled=True)
    package = add_package(
        world,
        f"{username}'s space",
        user_id=user["UserId"],
        parent_id=wholesale["PackageId"],
        plan_id=wholesale["PlanId"],
    )
    for name, (description, values) in PLANS.items():
        add_plan(world, name, description, user["UserId"], package["PackageId"], {**COMMON, **values})
    for name, (description, values) in ADDONS.items():
        add_plan(world, name, description, user["UserId"], package["PackageId"], values, is_addon=True)
    for name, size_mb, is_archive in MAILBOX_PLANS if not world.is_w else ():
        add_mailbox_plan(world, name, size_mb, user["UserId"], is_archive=is_archive)
    return user


def add_mailbox_plan(world: World, name: str, size_mb: int, user_id: int, *, is_archive: bool = False) -> Row:
    return world.store.mailbox_plans.add(
        {
            "UserId": user_id,
            "MailboxPlan": name,
            "MailboxPlanType": 1,
            "MailboxSizeMB": 0 if is_archive else size_mb,
            "IsDefault": name == MAILBOX_PLANS[0][0],
            "MaxRecipients": 500,
            "MaxSendMessageSizeKB": 25600,
            "MaxReceiveMessageSizeKB": 25600,
            "EnablePOP": True,
            "EnableIMAP": True,
            "EnableOWA": True,
            "EnableMAPI": True,
            "EnableActiveSync": True,
            "IssueWarningPct": 90,
            "ProhibitSendPct": 95,
            "ProhibitSendReceivePct": 100,
            "KeepDeletedItemsDays": 14,
            "Archiving": is_archive,
            "EnableArchiving": is_archive,
            "ArchiveSizeMB": size_mb if is_archive else 0,
            "ArchiveWarningPct": 90,
        }
    )


def _add_services(world: World) -> None:
    settings = {
        "Hosted Organizations": {"TempDomain": TEMP_DOMAIN},
        "Exchange": {"KeepDeletedItemsDays": "14"},
        "DNS": {"ResponsiblePerson": "hostmaster.[DOMAIN_NAME]"},
    }
    for group_id, name in GROUPS.items():
        service = world.store.services.add(
            {
                "ServerId": 1,
                "ServerName": "Server 1",
                "ServiceName": f"{name} service",
                "ProviderId": group_id,
                "GroupId": group_id,
                "Comments": "",
                "ServiceQuotaValue": 0,
                "ClusterId": 0,
                "Settings": settings.get(name, {}),
            }
        )
        if name == "DNS":
            for record_name in ("", "www"):
                world.store.templates.add(
                    {
                        "ServiceId": service["ServiceId"],
                        "ServerId": 0,
                        "PackageId": 0,
                        "RecordType": "A",
                        "RecordName": record_name,
                        "RecordData": "[ip]",
                        "MxPriority": 0,
                        "ExternalIP": "192.0.2.10",
                    }
                )


def _add_schedule(world: World, task_id: str) -> None:
    world.store.schedules.add(
        {
            "TaskId": task_id,
            "PackageId": 1,
            "ScheduleTypeId": "Daily",
            "ScheduleName": task_id.removeprefix("SCHEDULE_TASK_").replace("_", " ").capitalize(),
            "FromTime": "2000-01-01T12:00:00",
            "ToTime": "2000-01-01T12:00:00",
            "StartTime": "2000-01-01T12:30:00",
            "NextRun": world.clock.now(),
            "Enabled": True,
            "PriorityId": "Normal",
            "MaxExecutionTime": 3600,
            "HistoriesNumber": 7,
            "WeekMonthDay": 1,
        }
    )


def grow(world: World, *, users: int, organizations: int, mailboxes: int, owner: str = RESELLER) -> None:
    """An estate below a reseller: customers with a space each, the first of them with an organization and mailboxes."""
    store = world.store
    reseller = store.users.first("Username", owner)
    assert reseller is not None
    parent = store.packages.find("UserId", reseller["UserId"])[0]
    plans = [plan for plan in store.plans.find("UserId", reseller["UserId"]) if not plan["IsAddon"]]
    each, rest = divmod(mailboxes, organizations) if organizations else (0, 0)
    plan = plans[-1] if each >= 5 else plans[0]
    mailbox_plans = store.mailbox_plans.find("UserId", reseller["UserId"])
    for number in range(1, max(users, organizations) + 1):
        user = add_user(world, f"customer{number:05}", owner_id=reseller["UserId"], role_id=3)
        package = add_package(
            world,
            plan["PlanName"],
            user_id=user["UserId"],
            parent_id=parent["PackageId"],
            plan_id=plan["PlanId"],
        )
        if number <= organizations:
            count = each + (1 if number <= rest else 0)
            _grow_organization(world, package, number, count, mailbox_plans[0] if mailbox_plans else None)


def _grow_organization(world: World, package: Row, number: int, mailboxes: int, plan: Row | None) -> None:
    store = world.store
    name = f"org{number:05}"
    now = world.clock.now()
    organization = store.organizations.add(
        {
            "TypeId": 29,
            "PackageId": package["PackageId"],
            "ServiceId": 4,
            "Name": f"Organization {number}",
            "GroupName": "Hosted Organizations",
            "CreatedDate": now,
            "OrganizationId": name,
            "DefaultDomain": f"{name}.example",
            "DistinguishedName": f"OU={name},OU=Hosted,DC=hosted,DC=example",
            "GlobalAddressList": f"{name} Global Address List" if mailboxes else "",
            "KeepDeletedItemsDays": 14 if mailboxes else 0,
            "DiskSpace": mailboxes * 100,
        }
    )
    domain = store.domains.add(
        {
            "PackageId": package["PackageId"],
            "DomainName": f"{name}.example",
            "IsSubDomain": True,
            "ZoneItemId": 0,
            "Records": [],
        }
    )
    store.organization_domains.add(
        {"ItemId": organization["Id"], "DomainId": domain["DomainId"], "IsHost": True, "IsDefault": True}
    )
    for index in range(1, mailboxes + 1):
        address = f"user{index}@{name}.example"
        store.accounts.add(
            {
                "ItemId": organization["Id"],
                "PackageId": package["PackageId"],
                "AccountType": 1,
                "AccountName": f"user{index}_{name}",
                "SamAccountName": f"{name.upper()}\\user{index}_{name}",
                "DisplayName": f"User {index}",
                "PrimaryEmailAddress": address,
                "UserPrincipalName": address,
                "Addresses": [address],
                "Password": PASSWORD,
                "CreatedDate": now,
                "MailboxPlanId": plan["MailboxPlanId"] if plan else 0,
                "SizeMB": 100,
                "Items": 1000,
                "EnableOWA": True,
                "EnableMAPI": True,
            }
        )
