"""Keeping what a platform measured."""

from collections.abc import Sequence

from postledger.connectors import contract
from postledger.provisioning.types import ResourceView
from postledger.usage import operations as usage


def keep(*, account: ResourceView, readings: Sequence[contract.Reading]) -> int:
    """How many readings of an account were kept for its subscription; one that is there already counts no more.

    A figure the platform granted and did not measure says so in its source.
    """
    if account.subscription_id is None or not readings:
        return 0
    usage.record_readings(
        readings=[
            (
                account.subscription_id,
                reading.meter,
                reading.taken_at,
                reading.value,
                reading.unit,
                f"{reading.source}{', not fresh' if reading.is_stale else ''}",
            )
            for reading in readings
        ]
    )
    return len(readings)
