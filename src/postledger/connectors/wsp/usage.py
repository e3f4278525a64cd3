"""What an account uses, as readings.

Invariant: no figure is not zero. A negative or missing figure, and disk space that was never calculated, leave their
meter out and say why. The statistics of one organization are asked for where the release can sum over several.
"""

import datetime as dt
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from postledger.connectors import contract
from postledger.connectors.wsp import client as c
from postledger.connectors.wsp import codes, collecting, organizations, paging, reseller, soap
from postledger.resources import exchange, meters

POLL_S = 1.0

_EXCHANGE: Mapping[str, str] = {
    "exchange.mailboxes": "CreatedMailboxes",
    "exchange.shared_mailboxes": "CreatedSharedMailboxes",
    "exchange.resource_mailboxes": "CreatedResourceMailboxes",
    "exchange.contacts": "CreatedContacts",
    "exchange.lists": "CreatedDistributionLists",
    "exchange.folders": "CreatedPublicFolders",
}
_DIRECTORY: Mapping[str, str] = {
    "exchange.users": "CreatedUsers",
    "exchange.domains": "CreatedDomains",
    "exchange.blackberry": "CreatedBlackBerryUsers",
    "exchange.ocs": "CreatedOCSUsers",
    "exchange.lync": "CreatedLyncUsers",
    "exchange.sfb": "CreatedSfBUsers",
}
_GRANTED: Mapping[str, str] = {
    "exchange.archive": "UsedArchingStorage",
    "exchange.recoverable": "UsedLitigationHoldSpace",
}
ON_REQUEST = frozenset({"exchange.activesync", "space.disk", "space.traffic"})
"""Meters that cost further calls."""

EVERY = frozenset(
    {*_EXCHANGE, *_DIRECTORY, *_GRANTED, "exchange.organizations", "exchange.disk", "exchange.disk_allocated"}
)


@dataclass
class _Figures:
    """What was found so far for one target."""

    sums: dict[str, int] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    unmeasurable: dict[str, str] = field(default_factory=dict)
    is_stale: bool = False

    def add(self, meter: str, value: int, source: str, why: str = "The platform cannot tell.") -> None:
        if value < 0:
            self.unmeasurable[meter] = why
            return
        self.sums[meter] = self.sums.get(meter, 0) + value
        self.sources[meter] = source


class Usage:
    """Reads the figures of accounts and organizations."""

    def __init__(
        self, *, client: c.Client, ownership: reseller.Ownership, organizations: organizations.Organizations
    ) -> None:
        self._client = client
        self._own = ownership
        self._organizations = organizations

    def read(
        self,
        *,
        targets: Sequence[contract.Target],
        now: dt.datetime,
        wait_s: float,
        wanted: frozenset[str] | None,
    ) -> Iterator[contract.UsageOutcome]:
        """One outcome per target as they come in."""
        chosen = EVERY if wanted is None else wanted
        started = time.monotonic()

        def one(target: contract.Target) -> contract.UsageOutcome:
            return self._outcome(target, now, started, wait_s, chosen)

        return collecting.gather(one, targets, client=self._client)

    def refresh(self, *, targets: Sequence[contract.Target]) -> tuple[contract.UsageOutcome, ...]:
        """Outcomes of those targets that could not be asked."""

        def one(target: contract.Target) -> contract.UsageOutcome:
            try:
                for organization in self._held(target):
                    self._ask(organization.int("Id"), f"the usage of {target.name}")
            except (contract.Failure, contract.NeedsOperator) as failure:
                return contract.UsageOutcome(target=target, failure=failure)
            return contract.UsageOutcome(target=target)

        outcomes = collecting.gather(one, targets, client=self._client)
        return tuple(outcome for outcome in outcomes if outcome.failure is not None)

    def _outcome(
        self,
        target: contract.Target,
        now: dt.datetime,
        started: float,
        wait_s: float,
        wanted: frozenset[str],
    ) -> contract.UsageOutcome:
        figures = _Figures()
        try:
            held = self._held(target)
            if wait_s > 0 and "exchange.disk" in wanted:
                held = [self._fresh(organization, wait_s, figures, target) for organization in held]
            if target.kind == exchange.ACCOUNT:
                figures.add("exchange.organizations", len(held), "esOrganizations.GetOrganizations")
            for organization in held:
                self._add_organization(organization, figures, wanted, target)
            if not held:
                self._add_nothing(figures)
            if target.kind == exchange.ACCOUNT:
                self._add_space(target, figures, wanted, now)
        except (contract.Failure, contract.NeedsOperator) as failure:
            return contract.UsageOutcome(target=target, failure=failure)
        taken_at = now + dt.timedelta(seconds=time.monotonic() - started)
        readings = tuple(
            contract.Reading(
                meter=meter,
                value=Decimal(value),
                unit=meters.METERS[meter].unit,
                taken_at=taken_at,
                how=_how(meter),
                source=figures.sources[meter],
                is_stale=figures.is_stale and meter == "exchange.disk",
            )
            for meter, value in sorted(figures.sums.items())
            if meter in wanted and meter not in figures.unmeasurable
        )
        return contract.UsageOutcome(
            target=target,
            readings=readings,
            unmeasurable={meter: why for meter, why in figures.unmeasurable.items() if meter in wanted},
        )

    def _held(self, target: contract.Target) -> list[soap.Record]:
        """The organizations of the target, found to lie where its reference says."""
        what = f"the usage of {target.name}"
        if target.ref is None:
            raise codes.failure(code=-1, what=what)
        if target.kind == exchange.ORGANIZATION:
            return [self._organizations.held(target.ref, what=what)]
        space_id = int(target.ref.get("space") or 0)
        if not space_id:
            return []
        found = self._client.records(
            c.ORGANIZATIONS, "GetOrganizations", what=what, packageId=space_id, recursive=False
        )
        held = [organization for organization in found if organization.int("PackageId") == space_id]
        if not held and self._own.space(space_id, user_id=int(target.ref["user"]), what=what) is None:
            raise codes.failure(code=-300, what=what)
        return held

    def _ask(self, item_id: int, what: str) -> None:
        self._client.number(c.EXCHANGE, "CalculateOrganizationDiskspace", what=what, itemId=item_id)

    def _fresh(
        self, organization: soap.Record, wait_s: float, figures: _Figures, target: contract.Target
    ) -> soap.Record:
        """The organization after its disk space was calculated anew, or as it was when that does not show in time."""
        what = f"the usage of {target.name}"
        item_id, before = organization.int("Id"), organization.int("DiskSpace")
        self._ask(item_id, what)
        end = time.monotonic() + wait_s
        while True:
            found = self._client.record(c.ORGANIZATIONS, "GetOrganization", what=what, itemId=item_id)
            if found is None or found.int("PackageId") != organization.int("PackageId"):
                raise codes.failure(code=-1, what=what)
            if found.int("DiskSpace") != before:
                return found
            left = end - time.monotonic()
            if left <= 0:
                figures.is_stale = True
                return found
            time.sleep(min(POLL_S, left))

    def _statistics(self, service: str, item_id: int, what: str) -> tuple[soap.Record, str]:
        operation = "GetOrganizationStatisticsByOrganization"
        if not self._client.has(service, operation):
            operation = "GetOrganizationStatistics"
        found = self._client.record(service, operation, what=what, itemId=item_id)
        if found is None:
            raise codes.failure(code=-1, what=what)
        return found, f"{service}.{operation}"

    def _add_organization(
        self, organization: soap.Record, figures: _Figures, wanted: frozenset[str], target: contract.Target
    ) -> None:
        what = f"the usage of {target.name}"
        item_id = organization.int("Id")
        needs_exchange = wanted & {*_EXCHANGE, *_GRANTED, "exchange.disk", "exchange.disk_allocated"}
        if needs_exchange:
            found, source = self._statistics(c.EXCHANGE, item_id, what)
            for meter, member in _EXCHANGE.items():
                if found.has(member):
                    figures.add(meter, found.int(member), source)
            for meter, member in _GRANTED.items():
                if found.has(member):
                    figures.add(meter, found.int(member), source, "A mailbox has an unlimited plan.")
            self._add_disk(organization, found, figures, source)
        if wanted & _DIRECTORY.keys():
            found, source = self._statistics(c.ORGANIZATIONS, item_id, what)
            for meter, member in _DIRECTORY.items():
                if found.has(member):
                    figures.add(meter, found.int(member), source)
        if "exchange.activesync" in wanted:
            self._add_activesync(item_id, figures, what)

    def _add_disk(
        self, organization: soap.Record, statistics: soap.Record, figures: _Figures, source: str
    ) -> None:
        """Measured megabytes; in releases with mailbox plans the statistics hold what was granted instead."""
        measured, measured_source = organization.int("DiskSpace"), "esOrganizations.GetOrganization"
        if statistics.has("CreatedSharedMailboxes"):
            figures.add(
                "exchange.disk_allocated",
                statistics.int("UsedDiskSpace"),
                source,
                "A mailbox has an unlimited plan.",
            )
        elif statistics.has("UsedDiskSpace"):
            measured, measured_source = statistics.int("UsedDiskSpace"), source
        if measured == 0 and statistics.int("CreatedMailboxes") > 0 and not figures.is_stale:
            figures.add("exchange.disk", -1, "", "The platform never calculated it. Ask for fresh figures.")
            return
        figures.add("exchange.disk", measured, measured_source)

    def _add_nothing(self, figures: _Figures) -> None:
        """An account without organization: everything countable is truly zero."""
        for meter in EVERY - {"exchange.organizations"}:
            figures.add(meter, 0, "esOrganizations.GetOrganizations")

    def _add_activesync(self, item_id: int, figures: _Figures, what: str) -> None:
        has_plans = self._client.has(c.EXCHANGE, "GetExchangeMailboxPlans")
        rows = list(
            paging.accounts(
                client=self._client,
                item_id=item_id,
                types=(1, 5, 6, 10) if has_plans else (1, 5, 6),
                what=what,
            )
        )
        if has_plans:
            plans = self._client.records(
                c.EXCHANGE, "GetExchangeMailboxPlans", what=what, itemId=item_id, archiving=False
            )
            on = {plan.text("MailboxPlanId") for plan in plans if plan.bool("EnableActiveSync")}
            count = sum(1 for row in rows if row.text("MailboxPlanId") in on)
            figures.add("exchange.activesync", count, "esExchangeServer.GetExchangeMailboxPlans")
            return
        count = 0
        for row in rows:
            settings = self._client.record(
                c.EXCHANGE,
                "GetMailboxAdvancedSettings",
                what=what,
                itemId=item_id,
                accountId=row.int("AccountId"),
            )
            count += settings is not None and settings.bool("EnableActiveSync")
        figures.add("exchange.activesync", count, "esExchangeServer.GetMailboxAdvancedSettings")

    def _add_space(
        self, target: contract.Target, figures: _Figures, wanted: frozenset[str], now: dt.datetime
    ) -> None:
        assert target.ref is not None
        space_id, what = int(target.ref.get("space") or 0), f"the usage of {target.name}"
        if not wanted & {"space.disk", "space.traffic"} or not space_id:
            return
        if self._own.space(space_id, user_id=int(target.ref["user"]), what=what) is None:
            raise codes.failure(code=-300, what=what)
        if "space.disk" in wanted:
            found = self._client.tables(c.PACKAGES, "GetPackageDiskspace", what=what, packageId=space_id)
            total = sum(row.int("Diskspace") for row in (found[0] if found else []))
            figures.add("space.disk", total, "esPackages.GetPackageDiskspace")
        if "space.traffic" in wanted:
            found = self._client.tables(
                c.PACKAGES,
                "GetPackageBandwidth",
                what=what,
                packageId=space_id,
                startDate=now.strftime("%Y-%m-01T00:00:00"),
                endDate=now.strftime("%Y-%m-%dT00:00:00"),
            )
            total = sum(row.int("MegaBytesTotal") for row in (found[0] if found else []))
            figures.add("space.traffic", total, "esPackages.GetPackageBandwidth")


def _how(meter: str) -> meters.How:
    if meter in ("exchange.disk", "space.disk", "space.traffic"):
        return "measured"
    return "allocated" if meter == "exchange.disk_allocated" or meter in _GRANTED else "counted"
