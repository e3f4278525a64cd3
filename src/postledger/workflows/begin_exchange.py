"""A buyer has an Exchange organization from now on: its meters are read and billed."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.subscriptions import operations as subscriptions
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking


def begin_exchange(viewer: Viewer, *, buyer_id: int, now: dt.datetime) -> None:
    """Remember that an organization exists; nothing is charged when Exchange is added (U1). Again changes nothing."""
    subscription_id = _booking.acting_on(viewer, buyer_id)
    seller_id, _ = subscription_queries.buyer_of(subscription_id)
    subscriptions.begin_exchange(
        subscription_id=subscription_id,
        seller_id=seller_id,
        day=_booking.local_day(seller_id, now),
        actor=viewer.actor,
        now=now,
    )
