"""Read the usage of one buyer from the platform now: a customer's own, or what all customers of a reseller use."""

import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.connectors import contract
from postledger.core.errors import NeedsOperator
from postledger.provisioning import queries
from postledger.workflows import collect_usage


def read_account(
    viewer: Viewer, *, account_id: int, now: dt.datetime, refresh_wait_s: float | None = None
) -> str:
    """Why there is no reading, in words; empty when one was taken, or when there is nothing to read.

    Args:
        refresh_wait_s: as in `collect_usage`.
    Raises:
        NotVisible: not this viewer's account.
    """
    buyer = accounts.require_account(viewer, account_id)
    found = queries.account_resource(viewer, account_id)
    words: list[str] = []
    if found is not None and found.reference and found.subscription_id is not None:
        words += _collect(found.connection_id, now, refresh_wait_s, frozenset({account_id}))
    if buyer.kind == "reseller":  # he pays for the sum over his customers (U11)
        for connection in queries.enabled_connections():
            if connection.seller_id == account_id:
                words += _collect(connection.id, now, refresh_wait_s, None)
    return " ".join(words)


def _collect(
    connection_id: int, now: dt.datetime, refresh_wait_s: float | None, account_ids: frozenset[int] | None
) -> list[str]:
    try:
        done = collect_usage.collect_usage(
            connection_id=connection_id, now=now, refresh_wait_s=refresh_wait_s, account_ids=account_ids
        )
    except (contract.Failure, NeedsOperator) as error:
        return [str(error)]
    return list(done.failed.values())
