"""A buyer's Exchange organization is removed: its closing reading is billed."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.billing.types import ProposalView
from postledger.core import changes
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking


def end_exchange(viewer: Viewer, *, buyer_id: int, now: dt.datetime, preview: bool = False) -> ProposalView:
    """What the end of Exchange books: the usage of the month, from the closing reading taken before (U5)."""
    subscription_id = _booking.acting_on(viewer, buyer_id)
    day = _booking.local_day(subscription_queries.buyer_of(subscription_id)[0], now)
    return _booking.apply(
        viewer,
        subscription_id,
        lambda sub: changes.delete_exchange(sub, day=day),
        kind="delete_exchange",
        data={},
        now=now,
        preview=preview,
        may_be_refused=False,
    )
