"""A buyer buys an extra package."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.billing.types import ProposalView
from postledger.core import changes
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking


def buy_package(
    viewer: Viewer, *, buyer_id: int, package: str, now: dt.datetime, preview: bool = False
) -> ProposalView:
    """What one more package books; its units are free from now on (F8)."""
    subscription_id = _booking.acting_on(viewer, buyer_id)
    day = _booking.local_day(subscription_queries.buyer_of(subscription_id)[0], now)
    return _booking.apply(
        viewer,
        subscription_id,
        lambda sub: changes.buy_package(sub, package, day=day),
        kind="buy_package",
        data={"package": package},
        now=now,
        preview=preview,
    )
