"""A suspended account goes on."""

import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core import changes
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking


def resume(viewer: Viewer, *, buyer_id: int, now: dt.datetime) -> tuple[int, ...]:
    """The accounts that go on: the buyer, and of a reseller's customers those suspended with him (M8).

    Inside the period nothing is booked; after it a new one opens today.
    """
    buyer = accounts.require_selling_to(viewer, buyer_id)
    resumed = _resume(viewer, buyer_id, None, now)
    if buyer.kind == "reseller":
        for customer in accounts.sold_to(viewer, buyer_id):
            resumed += _resume(viewer, customer.id, "reseller", now)
    return resumed


def _resume(viewer: Viewer, buyer_id: int, only: str | None, now: dt.datetime) -> tuple[int, ...]:
    subscription_id = subscription_queries.of_buyers([buyer_id]).get(buyer_id)
    if subscription_id is None:
        return ()
    held = subscription_queries.subscription(viewer, subscription_id)
    if held.status != "suspended" or (only is not None and held.suspended_reason != only):
        return ()
    day = _booking.local_day(held.seller_id, now)
    _booking.apply(
        viewer,
        subscription_id,
        lambda sub: changes.resume(sub, day=day),
        kind="resume",
        data={},
        now=now,
        may_be_refused=False,
        columns=lambda sub: {"suspended_reason": ""},
    )
    return (buyer_id,)
