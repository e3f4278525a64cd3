"""Read the usage of one customer from his platform now."""

import datetime as dt

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
    found = queries.account_resource(viewer, account_id)
    if found is None or not found.reference or found.subscription_id is None:
        return ""
    try:
        done = collect_usage.collect_usage(
            connection_id=found.connection_id,
            now=now,
            refresh_wait_s=refresh_wait_s,
            account_ids=frozenset({account_id}),
        )
    except (contract.Failure, NeedsOperator) as error:
        return str(error)
    return done.failed.get(found.key, "")
