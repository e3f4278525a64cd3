"""A seller, or a debt, suspends an account."""

import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core import changes
from postledger.core.facts import Line, Subscription
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking


def suspend(viewer: Viewer, *, buyer_id: int, reason: str, now: dt.datetime) -> tuple[int, ...]:
    """The accounts that are suspended by it: the buyer, and a reseller's customers with the reason `reseller` (M8).

    Suspension neither closes the period nor refunds.
    """
    buyer = accounts.require_selling_to(viewer, buyer_id)
    suspended = _suspend(viewer, buyer_id, reason, now)
    if buyer.kind == "reseller":
        for customer in accounts.sold_to(viewer, buyer_id):
            suspended += _suspend(viewer, customer.id, "reseller", now)
    return suspended


def _suspend(viewer: Viewer, buyer_id: int, reason: str, now: dt.datetime) -> tuple[int, ...]:
    subscription_id = subscription_queries.of_buyers([buyer_id]).get(buyer_id)
    if subscription_id is None:
        return ()
    held = subscription_queries.subscription(viewer, subscription_id)
    if held.status not in ("active", "trial"):
        return ()
    day = _booking.local_day(held.seller_id, now)

    def event(sub: Subscription) -> list[Line]:
        changes.suspend(sub, day=day)
        return []

    _booking.apply(
        viewer,
        subscription_id,
        event,
        kind="suspend",
        data={"reason": reason},
        now=now,
        may_be_refused=False,
        columns=lambda sub: {"suspended_reason": reason},
    )
    return (buyer_id,)
