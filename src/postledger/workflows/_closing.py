"""The last reading before an organization is deleted (U5)."""

import datetime as dt
from typing import Any

from postledger.connectors import contract
from postledger.provisioning.types import ResourceView
from postledger.workflows import _limits, _readings


def take(*, session: Any, account: ResourceView, now: dt.datetime) -> int:
    """How many readings were taken and kept of an account whose organization is about to be deleted.

    Raises:
        contract.TemporaryFailure: the platform could not be read; then nothing may be deleted yet.
    """
    if account.subscription_id is None:
        return 0
    target = contract.Target(kind=account.kind, name=account.key, ref=account.reference)
    kept = 0
    meters = _limits.meters_to_read(seller_id=account.seller_id, now=now)
    for outcome in session.read_usage(targets=[target], now=now, meters=meters):
        if outcome.failure is not None:
            raise outcome.failure
        kept += _readings.keep(account=account, readings=outcome.readings, now=now)
    return kept
