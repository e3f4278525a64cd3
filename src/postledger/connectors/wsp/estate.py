"""The whole estate of our reseller account from lists: a handful of calls for a thousand users instead of several for each.

Invariant: users come by their id, so a walk that is taken up with the last page's cursor, in another session and days
later, sees every user that stayed there once. Lists only look: what is linked afterwards is observed on its own.
"""

import concurrent.futures
from collections.abc import Iterator, Mapping
from typing import Any

from postledger.connectors import contract
from postledger.connectors.wsp import client as c
from postledger.connectors.wsp import organizations, paging, recipients, reseller, soap
from postledger.resources import exchange

USERS_PER_PAGE = 1000
ROWS_PER_PAGE = 1000
_OVERLAP = 5
_ANYTHING = (1, 2, 3, 4, 5, 6, 10)
_NO_SHARED = (1, 2, 3, 4, 5, 6)


class Estate:
    """Walks over everything of ours. The lists below the users are read once, at the first page a session gives."""

    def __init__(self, *, client: c.Client, ownership: reseller.Ownership) -> None:
        self._client = client
        self._own = ownership
        self._spaces: dict[int, list[soap.Record]] | None = None
        self._held: dict[int, list[soap.Record]] = {}
        self._domains: dict[int, list[str]] = {}

    def page(self, *, cursor: Mapping[str, Any] | None) -> contract.EstatePage:
        """The next thousand users with all they hold."""
        me = self._own.me().user_id
        if self._spaces is None:
            self._read_lists(me)
        assert self._spaces is not None
        row, last = (int(cursor["row"]), int(cursor["user"])) if cursor else (0, 0)
        start = max(0, row - _OVERLAP)
        total, rows = paging.user_page(
            client=self._client,
            owner_id=me,
            column="",
            value="",
            start=start,
            rows=USERS_PER_PAGE + _OVERLAP,
            what="the list of accounts",
        )
        rows.sort(key=lambda found: found.int("UserID"))
        found: list[tuple[soap.Record, soap.Record | None]] = []
        for user in rows:
            user_id = user.int("UserID")
            if user_id <= last:
                continue
            last = user_id
            if user.int("OwnerID") == me and not user.bool("IsPeer"):
                held: list[soap.Record | None] = list(self._spaces.get(user_id, ()))
                found += [(user, space) for space in held or [None]]
        end = start + USERS_PER_PAGE + _OVERLAP
        inside = self._inside([space.int("PackageID") for _, space in found if space is not None])
        return contract.EstatePage(
            holdings=tuple(self._holding(user, space, inside) for user, space in found),
            cursor={"row": end, "user": last} if end < total and rows else None,
            seen=min(end, total),
            total=total,
        )

    def _read_lists(self, me: int) -> None:
        spaces: dict[int, list[soap.Record]] = {}
        what = "the list of subscriptions"
        for package in self._client.records(c.PACKAGES, "GetMyPackages", what=what, userId=me):
            if package.int("UserId") != me:
                continue
            root = package.int("PackageId")
            for row in self._rows(c.PACKAGES, "GetNestedPackagesPaged", "PackageID", packageId=root):
                spaces.setdefault(row.int("UserID"), []).append(row)
            for row in self._rows(
                c.SERVERS, "GetDomainsPaged", "DomainID", packageId=root, serverId=0, recursive=True
            ):
                self._domains.setdefault(row.int("PackageID"), []).append(row.text("DomainName").lower())
            for found in self._client.records(
                c.ORGANIZATIONS,
                "GetOrganizations",
                what="the list of organizations",
                slow=True,
                packageId=root,
                recursive=True,
            ):
                self._held.setdefault(found.int("PackageId"), []).append(found)
        self._spaces = spaces

    def _rows(self, service: str, operation: str, id_name: str, /, **where: Any) -> Iterator[soap.Record]:
        def fetch(start: int, rows: int) -> tuple[int, list[soap.Record]]:
            found = self._client.tables(
                service,
                operation,
                what="the list of subscriptions",
                slow=True,
                filterColumn="",
                filterValue="",
                sortColumn=id_name,
                startRow=start,
                maximumRows=rows,
                **where,
            )
            total = found[0][0].int("Column1") if found and found[0] else 0
            return total, (found[1] if len(found) > 1 else [])

        return paging.walked(fetch, id_name=id_name, rows=ROWS_PER_PAGE)

    def _inside(self, spaces: list[int]) -> dict[int, list[tuple[str, str]]]:
        """Kind and name of what is in each organization of these subscriptions, several organizations at a time."""
        wanted = [found for space in spaces for found in self._held.get(space, ())]
        if not wanted:
            return {}
        types = _ANYTHING if self._client.has(c.EXCHANGE, "GetExchangeMailboxPlans") else _NO_SHARED

        def named(organization: soap.Record) -> list[tuple[str, str]]:
            what, code = "what is in an organization", organization.text("OrganizationId")
            rows = paging.accounts(
                client=self._client, item_id=organization.int("Id"), types=types, what=what
            )
            kinds = ((recipients.kind_of(row), row) for row in rows)
            found = ((kind, recipients.name_of(kind, row, code)) for kind, row in kinds if kind is not None)
            return [(kind, name) for kind, name in found if name]

        with concurrent.futures.ThreadPoolExecutor(max(1, self._client.settings.concurrency)) as pool:
            found = pool.map(named, wanted)
            return {organization.int("Id"): names for organization, names in zip(wanted, found, strict=True)}

    def _holding(
        self,
        user: soap.Record,
        space: soap.Record | None,
        inside: Mapping[int, list[tuple[str, str]]],
    ) -> contract.Holding:
        space_id = space.int("PackageID") if space is not None else 0
        ref = {"user": user.int("UserID"), "space": space_id}
        held = self._held.get(space_id, [])
        states = {user.int("StatusID"), space.int("StatusID") if space is not None else reseller.USER_ACTIVE}
        name = user.text("Username").lower()
        account = contract.Candidate(
            kind=exchange.ACCOUNT,
            name=name,
            ref=ref,
            spec=exchange.Account(
                username=name,
                first_name=user.text("FirstName"),
                last_name=user.text("LastName"),
                email=user.text("Email"),
                company=user.text("CompanyName"),
                plan=space.text("PlanID") if space is not None else "",
                status="active" if states == {reseller.USER_ACTIVE} else "suspended",
            ),
            is_ours=True,
            facts={"space_name": space.text("PackageName")} if space is not None else {},
        )
        organizations_held = []
        for found in held:
            seen = organizations.observed(found, ref)
            assert seen.ref is not None
            organizations_held.append(
                contract.Candidate(
                    kind=exchange.ORGANIZATION,
                    name=seen.spec.code,
                    ref=seen.ref,
                    spec=seen.spec,
                    is_ours=True,
                    parent=ref,
                    parent_name=name,
                    facts=seen.facts,
                )
            )
        things = [entry for found in held for entry in inside.get(found.int("Id"), ())]
        return contract.Holding(
            account=account,
            organizations=tuple(organizations_held),
            domains=tuple(sorted(set(self._domains.get(space_id, ())))),
            mailboxes=tuple(sorted(name for kind, name in things if kind == exchange.MAILBOX)),
            others=tuple(sorted(entry for entry in things if entry[0] != exchange.MAILBOX)),
        )
