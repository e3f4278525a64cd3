"""A buyer has an Exchange organization from now on: its meters are read and billed."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.core.facts import Line, Subscription
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking


def begin_exchange(viewer: Viewer, *, buyer_id: int, now: dt.datetime) -> None:
    """Remember that an organization exists; nothing is charged when Exchange is added (U1)."""
    subscription_id = _booking.acting_on(viewer, buyer_id)
    day = _booking.local_day(subscription_queries.buyer_of(subscription_id)[0], now)

    def begin(sub: Subscription) -> list[Line]:
        if sub.exchange_since is None:
            sub.exchange_since = day
        return []

    _booking.apply(
        viewer,
        subscription_id,
        begin,
        kind="begin_exchange",
        data={},
        now=now,
        may_be_refused=False,
    )
