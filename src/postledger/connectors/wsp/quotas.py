"""Ceilings of a single package, beside those of its plan.

Invariant: a ceiling here is what applies in the end, add-ons included. What is written is therefore less by what the
add-ons bring, and what was written is judged by what applies afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from postledger.connectors import contract
from postledger.connectors.wsp import client as c
from postledger.connectors.wsp import soap
from postledger.resources import exchange, meters

QUOTAS: Mapping[str, str] = {
    "exchange.organizations": "HostedSolution.Organizations",
    "exchange.users": "HostedSolution.Users",
    "exchange.domains": "HostedSolution.Domains",
    "exchange.mailboxes": "Exchange2007.Mailboxes",
    "exchange.disk": "Exchange2007.DiskSpace",
    "exchange.disk_allocated": "Exchange2007.DiskSpace",
    "exchange.contacts": "Exchange2007.Contacts",
    "exchange.lists": "Exchange2007.DistributionLists",
    "exchange.folders": "Exchange2007.PublicFolders",
    "exchange.shared_mailboxes": "Exchange2013.SharedMailboxes",
    "exchange.resource_mailboxes": "Exchange2013.ResourceMailboxes",
    "exchange.archive": "Exchange2013.ArchivingStorage",
    "exchange.recoverable": "Exchange2007.RecoverableItemsSpace",
    "exchange.blackberry": "BlackBerry.Users",
    "exchange.ocs": "OCS.Users",
    "exchange.lync": "Lync.Users",
    "exchange.sfb": "SfB.Users",
    "space.disk": "OS.Diskspace",
    "space.traffic": "OS.Bandwidth",
}
"""Our meter → the platform's quota that caps it; units are the same (count, and MB of 1024 × 1024 bytes)."""

_SAME_QUOTA = frozenset({"exchange.disk_allocated"})
"""Meters whose quota is listed under another meter already."""

UNLIMITED = exchange.UNLIMITED


@dataclass(frozen=True)
class Ceilings:
    """The ceilings of one package.

    Args:
        groups, rows: of its plan.
        present: of the package as they apply, add-ons and parents included.
        extra: quota → what its add-ons bring.
    """

    groups: list[soap.Record]
    rows: list[soap.Record]
    present: list[soap.Record]
    extra: Mapping[str, int]

    def own(self) -> dict[str, int]:
        """Meters whose ceiling is another than the plan and the add-ons make it."""
        found: dict[str, int] = {}
        for meter, quota in QUOTAS.items():
            applied = self._applied(quota)
            if applied is not None and applied != self._by_plan(quota) and meter not in _SAME_QUOTA:
                found[meter] = applied
        return found

    def wrong(self, wanted: Mapping[str, int]) -> list[str]:
        """Meters that do not show the wished ceiling, or show one that nobody wished."""
        named = {QUOTAS[meter] for meter in wanted}
        missing = [meter for meter, value in wanted.items() if self._applied(QUOTAS[meter]) != value]
        return missing + [meter for meter in self.own() if QUOTAS[meter] not in named]

    def is_capped_above(self, meter: str, value: int) -> bool:
        """True when a parent of the package allows less than that."""
        parent = self._parent(QUOTAS[meter])
        return parent != UNLIMITED and (value == UNLIMITED or value > parent)

    def below_addons(self, wanted: Mapping[str, int]) -> str:
        """A meter whose wished ceiling is less than its add-ons alone bring, or nothing."""
        for meter, value in wanted.items():
            if value != UNLIMITED and value < self.extra.get(QUOTAS[meter], 0):
                return meter
        return ""

    def written(
        self, package: soap.Record, wanted: Mapping[str, int], members: Mapping[str, tuple[str, ...]]
    ) -> soap.Record:
        """The package as it has to be sent so that these ceilings apply, and the plan's for the rest.

        Args:
            members: type name → names of its members, as the server declares them.
        """
        changed = soap.changed(package, {"OverrideQuotas": bool(wanted)})
        for name, item, rows in (
            ("Groups", "HostingPlanGroupInfo", self._groups_to_write()),
            ("Quotas", "HostingPlanQuotaInfo", self._rows_to_write(wanted)),
        ):
            soap.replace_list(changed, name, item, members[item], rows)
        return changed

    def _applied(self, quota: str) -> int | None:
        per = "QuotaValuePerOrganization"
        for row in self.present:
            if row.text("QuotaName") == quota:
                return row.int(per) if row.has(per) else row.int("QuotaValue")
        return None

    def _parent(self, quota: str) -> int:
        rows = (row for row in self.present if row.text("QuotaName") == quota)
        return next((row.int("ParentQuotaValue", UNLIMITED) for row in rows), UNLIMITED)

    def _by_plan(self, quota: str) -> int | None:
        """What would apply if the package had no ceiling of its own."""
        for row in self.rows:
            if row.text("QuotaName") == quota:
                value, parent = row.int("QuotaValue") + self.extra.get(quota, 0), self._parent(quota)
                return min((limit for limit in (value, parent) if limit != UNLIMITED), default=UNLIMITED)
        return None

    def _groups_to_write(self) -> list[dict[str, Any]]:
        return [
            {
                "GroupId": row.int("GroupID"),
                "Enabled": True,
                "CalculateDiskSpace": row.bool("CalculateDiskSpace"),
                "CalculateBandwidth": row.bool("CalculateBandwidth"),
                "GroupName": row.text("GroupName"),
            }
            for row in self.groups
            if row.bool("Enabled")
        ]

    def _rows_to_write(self, wanted: Mapping[str, int]) -> list[dict[str, Any]]:
        values = {QUOTAS[meter]: value for meter, value in wanted.items()}
        return [{"QuotaId": row.int("QuotaID"), "QuotaValue": self._value(row, values)} for row in self.rows]

    def _value(self, row: soap.Record, values: Mapping[str, int]) -> int:
        quota = row.text("QuotaName")
        if quota not in values:
            return row.int("QuotaValue")
        if values[quota] == UNLIMITED:
            return UNLIMITED
        return values[quota] - self.extra.get(quota, 0)


def read(*, client: c.Client, package: soap.Record, addons: Mapping[str, int], what: str) -> Ceilings:
    """The ceilings of a package.

    Args:
        addons: add-on plan → how many of it the package has.
    """
    plan = client.tables(
        c.PACKAGES,
        "GetHostingPlanQuotas",
        what=what,
        packageId=package.int("ParentPackageId"),
        planId=package.int("PlanId"),
        serverId=package.int("ServerId"),
    )
    present = client.tables(c.PACKAGES, "GetPackageQuotas", what=what, packageId=package.int("PackageId"))
    extra: dict[str, int] = {}
    for addon, count in addons.items():
        context = client.record(c.PACKAGES, "GetHostingPlanContext", what=what, planId=int(addon))
        for quota in context.records("QuotasArray") if context is not None else []:
            name = quota.text("QuotaName")
            extra[name] = extra.get(name, 0) + quota.int("QuotaAllocatedValue") * count
    return Ceilings(
        groups=plan[0] if plan else [],
        rows=plan[1] if len(plan) > 1 else [],
        present=present[1] if len(present) > 1 else [],
        extra=extra,
    )


def known(wanted: Mapping[str, int]) -> None:
    """Nothing, when the platform can cap each of these meters.

    Raises:
        PermanentFailure: reason `not_supported`.
    """
    unknown = min(wanted.keys() - QUOTAS.keys(), default="")
    if unknown:
        title = meters.METERS[unknown].title if unknown in meters.METERS else unknown
        raise contract.PermanentFailure(f"The platform cannot cap “{title}”.", reason="not_supported")
