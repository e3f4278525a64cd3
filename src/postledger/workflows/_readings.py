"""Keeping what a platform measured."""

import datetime as dt
from collections.abc import Sequence

from postledger.accounts import queries as accounts
from postledger.connectors import contract
from postledger.provisioning.types import ResourceView
from postledger.resources import meters
from postledger.usage import operations as usage
from postledger.usage.types import NewReading


def keep(*, account: ResourceView, readings: Sequence[contract.Reading], now: dt.datetime) -> int:
    """How many readings of an account are newly kept for its subscription.

    A figure the platform could not be made to take afresh says so in its source.
    """
    if account.subscription_id is None or not readings:
        return 0
    return usage.record_readings(
        readings=[
            NewReading(
                subscription_id=account.subscription_id,
                meter=reading.meter,
                taken_at=min(reading.taken_at, now),
                value=reading.value,
                unit="MB" if reading.unit == meters.MIB else "",
                source=f"{reading.source}, not fresh" if reading.is_stale else reading.source,
            )
            for reading in readings
        ],
        now=now,
        zones={account.subscription_id: accounts.time_zone_of(account.seller_id)},
    )
