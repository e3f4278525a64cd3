"""Read the usage of every hosted account of a connection and keep it for its subscription."""

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from postledger.connectors import contract
from postledger.provisioning import operations, queries
from postledger.workflows import _limits, _platform, _readings


@dataclass(frozen=True)
class Collected:
    """What one collection brought.

    Attributes:
        accounts: how many accounts could be read.
        readings: how many readings were kept.
        failed: account's name on the platform → why there is no reading of it. A failed reading is never a zero (U4).
        unmeasurable: name → meter → why.
        later: ids of the accounts of ours that may be read later without anybody doing anything.
    """

    accounts: int = 0
    readings: int = 0
    failed: Mapping[str, str] = field(default_factory=dict)
    unmeasurable: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    later: frozenset[int] = frozenset()


def collect_usage(
    *,
    connection_id: int,
    now: dt.datetime,
    refresh_wait_s: float | None = None,
    account_ids: frozenset[int] | None = None,
) -> Collected:
    """What was read from one connection at this instant, kept; one account that fails does not stop the others.

    Args:
        refresh_wait_s: ask the platform first to take fresh disk figures, and wait so long for it in all; None when it
            was asked before (`refresh_usage`).
        account_ids: only these accounts of ours; None for all.
    Raises:
        contract.TemporaryFailure, contract.PermanentFailure: the connection could not be used at all.
    """
    held = {
        found.key: found
        for found in queries.metered(connection_id=connection_id)
        if account_ids is None or found.account_id in account_ids
    }
    if not held:
        return Collected()
    targets = [
        contract.Target(kind=found.kind, name=found.key, ref=found.reference) for found in held.values()
    ]
    seller_id = next(iter(held.values())).seller_id
    meters = _limits.meters_to_read(seller_id=seller_id, now=now)
    cause = _platform.Cause(actor="system", purpose="collect_usage", now=now)
    accounts, readings = 0, 0
    failed: dict[str, str] = {}
    unmeasurable: dict[str, Mapping[str, str]] = {}
    later: set[int] = set()
    last: Exception | None = None
    try:
        with _platform.platform(connection_id=connection_id, cause=cause, is_wide=True) as session:
            if refresh_wait_s is not None:
                session.refresh_usage(targets=targets)
                time.sleep(refresh_wait_s)
            for outcome in session.read_usage(targets=targets, now=now, meters=meters):
                name = outcome.target.name
                if outcome.failure is not None:
                    failed[name] = str(outcome.failure)
                    last = outcome.failure
                    if isinstance(last, contract.TemporaryFailure):
                        later.add(held[name].account_id)
                    continue
                accounts += 1
                readings += _readings.keep(account=held[name], readings=outcome.readings, now=now)
                if outcome.unmeasurable:
                    unmeasurable[name] = dict(outcome.unmeasurable)
    except contract.Failure as error:
        _platform.note_failure(connection_id=connection_id, error=error, now=now)
        raise
    if accounts or last is None:
        operations.record_connection_ok(connection_id=connection_id)
    else:
        _platform.note_failure(connection_id=connection_id, error=last, now=now)
    return Collected(
        accounts=accounts,
        readings=readings,
        failed=failed,
        unmeasurable=unmeasurable,
        later=frozenset(later),
    )
