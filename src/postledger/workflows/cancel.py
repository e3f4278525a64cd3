"""A buyer quits."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.billing.types import ProposalView
from postledger.core import changes
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking, read_account


def cancel(viewer: Viewer, *, buyer_id: int, now: dt.datetime, preview: bool = False) -> ProposalView:
    """What quitting books: the usage of the month, then refunds; inside the money-back days all fees (U5, F1, F3)."""
    subscription_id = _booking.acting_on(viewer, buyer_id)
    read_account.read_account(
        viewer, account_id=buyer_id, now=now
    )  # also to show the price, which is then booked
    day = _booking.local_day(subscription_queries.buyer_of(subscription_id)[0], now)
    return _booking.apply(
        viewer,
        subscription_id,
        lambda sub: changes.cancel(sub, day=day),
        kind="cancel",
        data={},
        now=now,
        preview=preview,
        may_be_refused=False,
    )
