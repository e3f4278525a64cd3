"""Who has something due, by his own date."""

import datetime as dt
from collections.abc import Collection

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.subscriptions import queries as subscriptions


def sellers(
    viewer: Viewer, seller_ids: Collection[int] | None, now: dt.datetime, as_of: dt.date | None
) -> list[tuple[dt.date, dt.date, list[int]]]:
    """The sellers with something due, by the day up to which it is due and their own today."""
    latest = as_of or (now + dt.timedelta(days=1)).date()
    ids = subscriptions.sellers_due(latest=latest)
    if seller_ids is not None:
        for id in seller_ids:
            accounts.require_seller(viewer, id)
        ids = [id for id in ids if id in seller_ids]
    elif not viewer.is_system:
        accounts.require_seller(viewer, viewer.account_id)
        visible = {viewer.account_id}
        if viewer.kind == "provider":
            visible |= {account.id for account in accounts.sold_to(viewer, viewer.account_id)}
        ids = [id for id in ids if id in visible]
    groups: dict[dt.date, list[int]] = {}
    for id, zone in accounts.time_zones(ids).items():
        groups.setdefault(now.astimezone(zone).date(), []).append(id)
    return [(as_of or today, today, sorted(due)) for today, due in sorted(groups.items())]
