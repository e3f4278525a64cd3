"""A seller moves the start of a buyer's billing period."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.billing.types import ProposalView
from postledger.core import changes
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking


def change_start(
    viewer: Viewer, *, buyer_id: int, start: dt.date, now: dt.datetime, preview: bool = False
) -> ProposalView:
    """What the change books: close, usage, refunds, open, recurring (C6)."""
    subscription_id = _booking.acting_on(viewer, buyer_id, as_seller=True)
    day = _booking.local_day(subscription_queries.buyer_of(subscription_id)[0], now)
    return _booking.apply(
        viewer,
        subscription_id,
        lambda sub: changes.change_start(sub, start, day=day),
        kind="change_start",
        data={"start": start.isoformat()},
        now=now,
        preview=preview,
        may_be_refused=False,
    )
