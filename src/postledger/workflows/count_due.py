"""How much a billing run would have to do."""

import datetime as dt
from collections.abc import Collection

from postledger.accounts.types import Viewer
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import _due


def count_due(
    viewer: Viewer,
    *,
    now: dt.datetime,
    as_of: dt.date | None = None,
    seller_ids: Collection[int] | None = None,
) -> int:
    """How many accounts the run would close."""
    return sum(
        subscriptions.count_due(seller_ids=due_sellers, as_of=day)
        for day, _, due_sellers in _due.sellers(viewer, seller_ids, now, as_of)
    )
