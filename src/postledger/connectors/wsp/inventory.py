"""Everything under our reseller account, page by page.

Invariant: walking again with the last page's cursor goes on where that page ended, also days later and after users were
added or removed in between: users come by their id, and one that was seen is not seen again.
"""

from collections.abc import Mapping
from typing import Any

from postledger.connectors import contract
from postledger.connectors.wsp import accounts, organizations, paging, recipients, reseller
from postledger.connectors.wsp import client as c
from postledger.resources import exchange, spec

USERS_PER_PAGE = 20
_OVERLAP = 5


class Inventory:
    """Lists what could be linked, and what should not be there."""

    def __init__(
        self,
        *,
        client: c.Client,
        ownership: reseller.Ownership,
        accounts: accounts.Accounts,
        organizations: organizations.Organizations,
        recipients: recipients.Recipients,
    ) -> None:
        self._client = client
        self._own = ownership
        self._accounts = accounts
        self._organizations = organizations
        self._recipients = recipients

    def page(self, *, cursor: Mapping[str, Any] | None) -> contract.InventoryPage:
        """The accounts of the next few users with all they contain."""
        me = self._own.me().user_id
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
        found: list[contract.Candidate] = []
        for entry in rows:
            user_id = entry.int("UserID")
            if user_id <= last:
                continue
            last = user_id
            if entry.int("OwnerID") != me or entry.bool("IsPeer"):
                continue
            found.extend(self._of_user(user_id, entry.text("Username")))
        end = start + USERS_PER_PAGE + _OVERLAP
        more = end < total and bool(rows)
        return contract.InventoryPage(items=tuple(found), cursor={"row": end, "user": last} if more else None)

    def of_account(self, *, target: contract.Target) -> list[contract.Candidate]:
        """What one account contains; empty when it is gone."""
        assert target.ref is not None, "the account has to be known"
        user_id, space = int(target.ref["user"]), int(target.ref.get("space") or 0)
        return [
            found
            for found in self._of_user(user_id, target.name)
            if found.kind != exchange.ACCOUNT and int(found.ref["space"]) == space
        ]

    def _of_user(self, user_id: int, name: str) -> list[contract.Candidate]:
        what = f"the account {name}"
        user = self._own.user(user_id, what=what)
        if user is None:
            return []
        found: list[contract.Candidate] = []
        for account in self._accounts.candidates(user):
            found.append(account)
            for record in self._organizations.in_space(account.ref, what=what):
                seen = organizations.observed(record, account.ref)
                assert seen.ref is not None
                found.append(
                    _candidate(exchange.ORGANIZATION, seen.spec.code, seen, account.ref, account.name)
                )
                found.extend(self._inside(seen.ref, seen.spec.code, what))
        return found

    def _inside(self, ref: contract.Ref, name: str, what: str) -> list[contract.Candidate]:
        found = []
        for row in self._organizations.domains(ref, what=what):
            seen = organizations.observed_domain(row, ref)
            found.append(_candidate(exchange.DOMAIN, seen.spec.name, seen, ref, name))
        for kind, seen in self._recipients.everything(ref, code=name, what=what):
            found.append(_candidate(kind, spec.name_of(kind=kind, spec=seen.spec), seen, ref, name))
        return found


def _candidate(
    kind: str, name: str, seen: contract.Observation, parent: contract.Ref, parent_name: str
) -> contract.Candidate:
    assert seen.ref is not None
    return contract.Candidate(
        kind=kind,
        name=name,
        ref=seen.ref,
        spec=seen.spec,
        is_ours=True,
        parent=parent,
        parent_name=parent_name,
        facts=seen.facts,
    )
