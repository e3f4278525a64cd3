"""What the platform allows a customer follows what is sold: his plan's maxima, what he ordered, and what his reseller buys."""

import dataclasses
import datetime as dt
import logging

from postledger.accounts import queries as accounts
from postledger.catalog import queries as catalog
from postledger.core.errors import Refusal
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange, spec
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import _limits

log = logging.getLogger(__name__)


def follow_quotas(*, now: dt.datetime) -> int:
    """How many accounts were ordered to have other ceilings on their platform.

    A reseller's customers share what he may have at most: each may have what the others leave. An account that was adopted
    keeps the ceilings it has there until somebody corrects them.
    """
    by_seller: dict[int, list[int]] = {}
    for connection in queries.enabled_connections():
        by_seller.setdefault(connection.seller_id, []).append(connection.id)
    return sum(_of_seller(seller_id, ids, now) for seller_id, ids in by_seller.items())


def _of_seller(seller_id: int, connection_ids: list[int], now: dt.datetime) -> int:
    day = now.astimezone(accounts.time_zone_of(seller_id)).date()
    tree = _limits.tree_of(seller_id=seller_id, now=now)
    found: list[ResourceView] = []
    for connection_id in connection_ids:
        found += queries.accounts_on(connection_id=connection_id)
    ids = {entry.subscription_id for entry in found if entry.subscription_id is not None}
    facts = subscriptions.load(sorted(ids), catalog.book_of([]))
    changed = 0
    for entry in found:
        sub = facts.get(entry.subscription_id or 0)
        wish = spec.load(kind=exchange.ACCOUNT, data=entry.desired)
        if sub is None or not entry.is_wanted or (entry.is_linked and wish.quotas is None):
            continue
        sold = tree.sold(sub, account_id=entry.id, day=day)
        if sold == dict(wish.quotas or {}):
            continue
        try:
            operations.change_wish(
                resource_id=entry.id,
                desired=dataclasses.replace(wish, quotas=sold),
                now=now,
                actor="system",
            )
        except Refusal as refusal:
            log.warning("the ceilings of %s do not follow: %s", entry.key, refusal)
            continue
        changed += 1
    return changed
