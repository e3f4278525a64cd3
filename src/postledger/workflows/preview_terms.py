"""What a new version of a plan would mean, before it is published."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.catalog import operations as catalog_operations
from postledger.catalog import queries as catalog
from postledger.core import versions
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import _booking

_MOST = 200


@dataclass(frozen=True, slots=True)
class Reached:
    """A present subscriber whose bills the version changes: the closes until his period ends, the next opening included.

    Attributes:
        on: the first close that is another one.
        before, after: what all of them come to, tax included, in minor units.
    """

    buyer_id: int
    buyer: str
    on: dt.date
    before: int
    after: int

    @property
    def difference(self) -> int:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a version changes, and for whom.

    Attributes:
        subscribers: who is on the plan today; `keeping` of them keep an older version whatever is published.
        looked_at: for how many of them the bills were figured.
        reached: those whose bills change, the largest difference first.
    """

    differences: tuple[versions.Difference, ...]
    subscribers: int
    keeping: int
    looked_at: int
    reached: tuple[Reached, ...]
    currency: str

    @property
    def before(self) -> int:
        return sum(one.before for one in self.reached)

    @property
    def after(self) -> int:
        return sum(one.after for one in self.reached)


def preview_terms(
    viewer: Viewer, *, plan_id: int, terms: Mapping[str, Any], effective_from: dt.date, now: dt.datetime
) -> Meaning:
    """The version's meaning, figured by publishing it, closing the months of the plan's subscribers, and undoing both.

    Raises:
        NotVisible, NotAllowed, NoSuchPlan, BadTerms: the version cannot be published.
    """
    seller_id = catalog.seller_of(plan_id)
    accounts.require_seller(viewer, seller_id)
    day = _booking.local_day(seller_id, now)
    held = subscriptions.on_plan(plan_id)
    ids = [id for id, _, is_kept in held if not is_kept][:_MOST]
    with transaction.atomic():
        before = billing.foresee(ids, day=day)
        old = catalog.book_of([plan_id]).terms_at(plan_id)(effective_from)
        catalog_operations.change_terms(
            viewer, plan_id=plan_id, terms=terms, effective_from=effective_from, now=now
        )
        new = catalog.book_of([plan_id]).terms_at(plan_id)(effective_from)
        after = billing.foresee(ids, day=day)
        transaction.set_rollback(True)
    buyers = {id: buyer_id for id, buyer_id, _ in held}
    names = accounts.accounts_by_id(viewer, {buyers[id] for id in before})
    reached = []
    for id, closes in before.items():
        others = [
            old_close.on
            for old_close, new_close in zip(closes, after.get(id, ()), strict=False)
            if old_close.total != new_close.total
        ]
        if others:
            reached.append(
                Reached(
                    buyer_id=buyers[id],
                    buyer=names[buyers[id]].name,
                    on=others[0],
                    before=sum(close.total for close in closes),
                    after=sum(close.total for close in after[id]),
                )
            )
    return Meaning(
        differences=versions.differences(old, new),
        subscribers=len(held),
        keeping=sum(is_kept for _, _, is_kept in held),
        looked_at=len(before),
        reached=tuple(sorted(reached, key=lambda one: -abs(one.difference))),
        currency=new.currency,
    )
