"""Walk over everything our reseller account holds on a platform and say what is otherwise than here or on the last invoice."""

import collections
import concurrent.futures
import datetime as dt
import functools
from collections.abc import Callable, Mapping
from typing import Any

from postledger.accounts.types import Viewer
from postledger.connectors import contract
from postledger.core.errors import NeedsOperator
from postledger.provisioning import adoption, differences, queries
from postledger.provisioning.types import DifferenceView, ResourceView
from postledger.resources import exchange, meters
from postledger.workflows import _drift, _platform

_WIDTH = 8


def find_drift(
    *, connection_id: int, now: dt.datetime, tell: Callable[[int, int], None] = lambda seen, total: None
) -> tuple[DifferenceView, ...]:
    """Every difference between the platform, our records and the last invoices, kept with the connection; those somebody
    ignores are left out. Nothing is changed.

    Codes: `unlinked` account or `unlinked_organization` that is nobody's here, `missing` there, `unbilled` units and
    `billed_ghost`s, `wrong_plan`, `wrong_status`, `quota_above` what is sold, `unsubscribed` account that nobody pays for.

    Args:
        tell: told how many users were gone over, of how many.
    Raises:
        contract.TemporaryFailure, contract.PermanentFailure, NeedsOperator: the walk did not come to its end; what the
            last one found stays.
    """
    held = queries.accounts_on(connection_id=connection_id)
    by_reference = {adoption.reference_key(found.reference): found for found in held if found.reference}
    by_name = {found.key: found for found in held}
    cause = _platform.Cause(actor="system", purpose="find_drift", now=now)
    unlinked: list[contract.Holding] = []
    seen: dict[int, contract.Holding] = {}
    try:
        with _platform.platform(connection_id=connection_id, cause=cause) as session:
            cursor: Mapping[str, Any] | None = None
            while True:
                page = session.estate(cursor=cursor)
                for holding in page.holdings:
                    found = by_reference.get(adoption.reference_key(holding.account.ref))
                    if found is None:
                        named = by_name.get(holding.account.name)
                        found = named if named is not None and not named.reference else None
                    if found is None:
                        unlinked.append(holding)
                    else:
                        seen[found.id] = holding
                tell(page.seen, page.total)
                cursor = page.cursor
                if cursor is None:
                    break
            facts = _drift.facts_of(connection_id=connection_id, accounts=held, now=now)
            looked = [found for found in held if found.id in seen and found.subscription_id is not None]
            counts = _counts(session, looked, now)
            ceilings = _ceilings(session, [found for found in looked if facts.sold_ceilings(found)])
    except contract.Failure as error:
        _platform.note_failure(connection_id=connection_id, error=error, now=now)
        raise
    names = collections.Counter(holding.account.name for holding in (*unlinked, *seen.values()))
    lines = [
        line
        for holding in unlinked
        for line in _drift.unlinked(facts, holding, is_second=names[holding.account.name] > 1)
    ]
    for found in held:
        if found.id in seen:
            lines += _drift.compared(
                facts, found, seen[found.id], counts.get(found.id, {}), ceilings.get(found.id)
            )
        elif found.observed is not None:
            lines.append(_drift.missing(facts, found))
    differences.record(connection_id=connection_id, found=lines, now=now)
    return differences.differences_of(Viewer.system(), connection_id)


def _counts(session: Any, accounts: list[ResourceView], now: dt.datetime) -> dict[int, dict[str, int]]:
    """What the platform counts in each account; one that cannot be read is left out: no figure is not zero."""
    wanted = frozenset(meter.code for meter in meters.METERS.values() if meter.unit == meters.COUNT)
    targets = {found.key: found for found in accounts if found.reference}
    asked = [_target(found) for found in targets.values()]
    counts = {}
    for outcome in session.read_usage(targets=asked, now=now, meters=wanted - {"exchange.activesync"}):
        if outcome.failure is None:
            read = {reading.meter: int(reading.value) for reading in outcome.readings}
            counts[targets[outcome.target.name].id] = read
    return counts


def _ceilings(session: Any, accounts: list[ResourceView]) -> dict[int, Mapping[str, int]]:
    """The account's own ceilings on the platform; those of its plan are left out."""
    with concurrent.futures.ThreadPoolExecutor(_WIDTH) as pool:
        found = pool.map(functools.partial(_ceilings_of, session), accounts)
        return {account.id: own for account, own in zip(accounts, found, strict=True) if own is not None}


def _ceilings_of(session: Any, account: ResourceView) -> Mapping[str, int] | None:
    try:
        seen = session.observe(target=_target(account))
    except NeedsOperator:
        return None
    return dict(seen.spec.quotas or {}) if seen.exists and seen.is_ours else None


def _target(found: ResourceView) -> contract.Target:
    return contract.Target(kind=exchange.ACCOUNT, name=found.key, ref=found.reference)
