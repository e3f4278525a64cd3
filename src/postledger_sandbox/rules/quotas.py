# SPDX-License-Identifier: Apache-2.0
"""What a package may have and what it uses.

A value of -1 is unlimited, 0 or no value is none. A package has the value of its plan (or its own, when it overrides), plus
its active add-ons, and never more than any package above it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from postledger_sandbox.contract import GROUPS, Quota
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import World

UNLIMITED = -1
SWITCH, COUNTED, CEILING = 1, 2, 3


def ancestry(world: World, package: Row) -> Iterator[Row]:
    """The package and all packages above it."""
    current: Row | None = package
    while current is not None:
        yield current
        parent_id = current.get("ParentPackageId")
        current = world.store.packages.get(parent_id) if parent_id else None


def below(world: World, package: Row) -> Iterator[Row]:
    """The package and all packages nested in it."""
    yield package
    for child in world.store.packages.find("ParentPackageId", package["PackageId"]):
        yield from below(world, child)


def source(world: World, package: Row) -> Row | None:
    """Where a package's groups and quotas come from: its plan, or itself when it overrides; the System package has none."""
    if package.get("OverrideQuotas"):
        return package
    return world.store.plans.get(package.get("PlanId") or 0)


def plan_group(plan: Row | None, group_id: int) -> Row | None:
    for group in (plan or {}).get("Groups") or ():
        if group["GroupId"] == group_id and group.get("Enabled"):
            return group
    return None


def plan_value(plan: Row | None, quota: Quota) -> int:
    """The value a plan itself gives; none without its resource group."""
    if plan_group(plan, quota.group_id) is None:
        return 0
    for item in (plan or {}).get("Quotas") or ():
        if item["QuotaId"] == quota.quota_id:
            return item["QuotaValue"]
    return 0


def own_value(world: World, package: Row, quota: Quota) -> int:
    """The value of a package before its parents have their say."""
    giver = source(world, package)
    if giver is None:
        return UNLIMITED
    value = plan_value(giver, quota)
    extra = 0
    for addon in world.store.addons.find("PackageId", package["PackageId"]):
        if addon["StatusId"] == 1:
            extra += plan_value(world.store.plans.get(addon["PlanId"]), quota) * addon["Quantity"]
    if extra < 0:
        return UNLIMITED
    if quota.kind == SWITCH:
        return 1 if value or extra > 0 else 0
    # Unlimited plus an add-on of n gives n - 1: a quirk of the original, kept.
    return value + extra


def value(world: World, package: Row, quota: Quota) -> int:
    """The effective value of a package."""
    effective = UNLIMITED
    for level in ancestry(world, package):
        own = own_value(world, level, quota)
        if own == UNLIMITED:
            continue
        effective = own if effective == UNLIMITED else min(effective, own)
    return effective


def organizations_allowed(world: World, package: Row) -> int:
    """How many organizations a package may have, at least one."""
    return max(1, value(world, package, world.contract.quotas["HostedSolution.Organizations"]))


def allocated(world: World, package: Row, quota: Quota) -> int:
    """The effective value of a package; of a quota per organization, that times its organizations."""
    effective = value(world, package, quota)
    if not quota.is_per_organization or effective == UNLIMITED:
        return effective
    return effective * organizations_allowed(world, package)


def has_group(world: World, package: Row, group_id: int) -> bool:
    return all(
        plan_group(giver, group_id) is not None
        for level in ancestry(world, package)
        if (giver := source(world, level)) is not None
    )


def mailbox_sizes_mb(world: World, accounts: list[Row]) -> int:
    """The sum of the sizes of the mailboxes' plans; with an unlimited one among them, that one's -1."""
    sizes = []
    for account in accounts:
        plan = world.store.mailbox_plans.get(account.get("MailboxPlanId") or 0)
        if plan is not None and account["AccountType"] in (1, 5, 6, 10, 12):
            sizes.append(plan["MailboxSizeMB"])
    if not sizes:
        return 0
    return min(sizes) if min(sizes) < 0 else sum(sizes)


class Holdings:
    """What lies in a package and in the packages below it, gathered once for many counts."""

    def __init__(self, world: World, package: Row) -> None:
        self.world = world
        self.packages = list(below(world, package))

    @functools.cached_property
    def organizations(self) -> list[Row]:
        found = self.world.store.organizations.find
        return [row for package in self.packages for row in found("PackageId", package["PackageId"])]

    @functools.cached_property
    def accounts(self) -> list[Row]:
        found = self.world.store.accounts.find
        return [row for organization in self.organizations for row in found("ItemId", organization["Id"])]

    @functools.cached_property
    def domains(self) -> list[Row]:
        found = self.world.store.domains.find
        return [row for package in self.packages for row in found("PackageId", package["PackageId"])]

    @functools.cached_property
    def usage(self) -> list[Row]:
        found = self.world.store.usage.find
        return [row for package in self.packages for row in found("PackageId", package["PackageId"])]


Count = Callable[[Holdings], int]


def _of_types(*types: int) -> Count:
    return lambda holdings: sum(account["AccountType"] in types for account in holdings.accounts)


def _flagged(flag: str) -> Count:
    return lambda holdings: sum(bool(account.get(flag)) for account in holdings.accounts)


def _domains(is_sub_domain: bool, is_pointer: bool) -> Count:
    return lambda holdings: sum(
        bool(domain.get("IsSubDomain")) == is_sub_domain and bool(domain.get("IsDomainPointer")) == is_pointer
        for domain in holdings.domains
    )


def _disk_mb(holdings: Holdings) -> int:
    return round(sum(row["Bytes"] for row in holdings.usage if row["Kind"] == "disk") / 2**20)


def _bandwidth_mb(holdings: Holdings) -> int:
    month = holdings.world.clock.now()[:7]
    rows = [row for row in holdings.usage if row["Kind"] == "traffic" and row["Day"].startswith(month)]
    return round(sum(row["Sent"] + row["Received"] for row in rows) / 2**20)


_COUNTS: dict[str, Count] = {
    "OS.Domains": _domains(False, False),
    "OS.SubDomains": _domains(True, False),
    "OS.DomainPointers": _domains(False, True),
    "OS.Diskspace": _disk_mb,
    "OS.Bandwidth": _bandwidth_mb,
    "HostedSolution.Organizations": lambda holdings: len(holdings.organizations),
    "HostedSolution.Users": _of_types(1, 5, 6, 7),
    "HostedSolution.SecurityGroups": _of_types(8, 9),
    "HostedSolution.DeletedUsers": _of_types(11),
    "Exchange2007.Mailboxes": _of_types(1),
    "Exchange2007.DiskSpace": lambda holdings: mailbox_sizes_mb(holdings.world, holdings.accounts),
    "Exchange2013.JournalingMailboxes": _of_types(12),
    "BlackBerry.Users": _flagged("IsBlackBerryUser"),
    "OCS.Users": _flagged("OcsInstanceId"),
    "Lync.Users": _flagged("LyncPlanId"),
    "SfB.Users": _flagged("SfBPlanId"),
}


# Counted by its kind, but the package always reads 0 there; the organization's statistics know.
_UNCOUNTED_IN_W = frozenset({"OCS.Users"})


def used(world: World, package: Row, quota: Quota, holdings: Holdings | None = None) -> int:
    """The use of a quota by a package and the packages below; 0 for what is not counted."""
    if quota.kind != COUNTED or quota.name not in _COUNTS or (world.is_w and quota.name in _UNCOUNTED_IN_W):
        return 0
    return _COUNTS[quota.name](holdings or Holdings(world, package))


def is_exhausted(world: World, package: Row, name: str) -> bool:
    """Whether nothing more of a counted quota may be made in the package."""
    quota = world.contract.quotas[name]
    if package["PackageId"] in (0, 1):
        return True
    limit = allocated(world, package, quota)
    return limit != UNLIMITED and used(world, package, quota) >= limit


def is_full(world: World, package: Row, name: str) -> bool:
    """Whether the next object of a counted quota is refused; the System package refuses nothing."""
    return package["PackageId"] != 1 and is_exhausted(world, package, name)


def value_info(world: World, package: Row, quota: Quota, holdings: Holdings | None = None) -> Row:
    """A quota of a package as QuotaValueInfo."""
    limit = allocated(world, package, quota)
    use = used(world, package, quota, holdings)
    return {
        "QuotaAllocatedValue": limit,
        "QuotaAllocatedValuePerOrganization": value(world, package, quota),
        "QuotaUsedValue": use,
        "QuotaExhausted": package["PackageId"] in (0, 1) or (limit != UNLIMITED and use >= limit),
        "QuotaName": quota.name,
        "QuotaDescription": quota.name.partition(".")[2],
        "QuotaId": quota.quota_id,
        "QuotaTypeId": quota.kind,
        "GroupId": quota.group_id,
    }


def groups_of(world: World, package: Row) -> list[Row]:
    """The resource groups of a package as HostingPlanGroupInfo."""
    giver = source(world, package)
    groups = []
    for group_id, name in GROUPS.items():
        if not has_group(world, package, group_id):
            continue
        own = plan_group(giver, group_id) or {"CalculateDiskSpace": True, "CalculateBandwidth": True}
        groups.append(
            {
                "GroupId": group_id,
                "Enabled": True,
                "CalculateDiskSpace": own.get("CalculateDiskSpace", False),
                "CalculateBandwidth": own.get("CalculateBandwidth", False),
                "GroupName": name,
            }
        )
    return groups


def exceeding(world: World, parent_id: int | None) -> list[Row]:
    """The quotas of a package that its nested packages together exceed, as rows of ExceedingQuotas."""
    parent = world.store.packages.get(parent_id or 0)
    if parent is None or parent["PackageId"] == 1:
        return []
    children = world.store.packages.find("ParentPackageId", parent["PackageId"])
    rows = []
    for quota in world.contract.quotas.values():
        if quota.kind == SWITCH:
            continue
        limit = value(world, parent, quota)
        if limit == UNLIMITED:
            continue
        asked = sum(max(0, own_value(world, child, quota)) for child in children)
        if asked > limit:
            rows.append({"QuotaID": quota.quota_id, "QuotaName": quota.name, "QuotaValue": asked - limit})
    return rows
