"""A buyer changes to another plan of his seller."""

import datetime as dt
from collections.abc import Sequence

from postledger.accounts.types import Viewer
from postledger.billing.types import ProposalView
from postledger.catalog import queries as catalog
from postledger.core import changes, facts
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking, _ceiling


def change_plan(
    viewer: Viewer, *, buyer_id: int, plan_id: int, now: dt.datetime, preview: bool = False
) -> ProposalView:
    """What the change books: refunds of the old plan, fees of the new one for the days left; the period stays open (F5).

    Raises:
        ExchangeExists, AboveMaximum, NoSuchPlan, BeyondCeiling, OverCreditLimit: nothing was changed.
    """
    subscription_id = _booking.acting_on(viewer, buyer_id)
    seller_id, _ = subscription_queries.buyer_of(subscription_id)
    day = _booking.local_day(seller_id, now)
    catalog.require_offered(viewer, plan_id, seller_id=seller_id)
    target = catalog.book_of([plan_id]).terms_at(plan_id)(day)

    def event(sub: facts.Subscription) -> Sequence[facts.Line]:
        return changes.change_plan(sub, target, day=day)

    def settled(sub: facts.Subscription) -> Sequence[facts.Line]:
        lines = event(sub)
        sub.terms_at = lambda _: target
        return lines

    _ceiling.require_below(viewer, buyer_id=buyer_id, change=settled, now=now)
    return _booking.apply(
        viewer,
        subscription_id,
        event,
        kind="change_plan",
        data={"plan": plan_id},
        now=now,
        preview=preview,
        columns=lambda sub: {
            "plan_id": plan_id,
            "kept_version_id": target.id if target.is_grandfathered else None,
        },
    )
