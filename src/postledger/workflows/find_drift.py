"""Walk over everything our reseller account holds on a platform and say what is otherwise than here or on the last invoice."""

import concurrent.futures
import datetime as dt
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from postledger.accounts.types import Viewer
from postledger.connectors import contract
from postledger.core.errors import NeedsOperator
from postledger.provisioning import adoption, differences, queries
from postledger.provisioning.types import DifferenceView, ResourceView
from postledger.resources import exchange, meters
from postledger.workflows import _drift, _limits, _platform

_WIDTH = 8
_TOLD_EVERY = 20


def find_drift(
    *, connection_id: int, now: dt.datetime, tell: Callable[[int, int], None] = lambda seen, total: None
) -> tuple[DifferenceView, ...]:
    """Every difference between the platform, our records and the last invoices, kept with the connection; those somebody
    ignores are left out. Nothing is changed.

    Codes: `unlinked` account or `unlinked_organization` that is nobody's here, `missing` there, `unbilled` units and
    `billed_ghost`s, `unlinked_contents` (also units that cost nothing more) and `missing_contents`, `wrong_plan`, `wrong_status`,
    `quota_above` what is sold, `tree_above` what a reseller buys for all his customers, `unsubscribed` account that nobody
    pays for.

    Args:
        tell: told how many steps were taken, of how many: users gone over, then accounts of ours looked into.
    Raises:
        contract.TemporaryFailure, contract.PermanentFailure, NeedsOperator: the walk did not come to its end; what the
            last one found stays.
    """
    held = queries.accounts_on(connection_id=connection_id)
    seller_id = queries.connection(Viewer.system(), connection_id).seller_id
    cause = _platform.Cause(actor="system", purpose="find_drift", now=now)
    try:
        with _platform.platform(connection_id=connection_id, cause=cause, is_wide=True) as session:
            found = _walked(session, held, tell)
            facts = _drift.facts_of(connection_id=connection_id, accounts=held, now=now)
            looked = [entry for entry in held if entry.id in found.ours and entry.subscription_id is not None]
            capped = [entry for entry in looked if facts.sold_ceilings(entry)]
            total = found.users + len(looked) + len(capped)
            wanted = _wanted(_limits.meters_to_read(seller_id=seller_id, now=now))
            counts, untold = _counts(
                session, looked, now, wanted, lambda done: tell(found.users + done, total)
            )
            ceilings = _ceilings(session, capped, lambda done: tell(total - len(capped) + done, total))
    except (contract.Failure, NeedsOperator) as error:
        _platform.note_failure(connection_id=connection_id, error=error, now=now)
        raise
    lines = _drift.unlinked(facts, found.strangers, found.ours.values())
    for entry in held:
        if entry.id in found.ours:
            lines += _drift.compared(
                facts,
                entry,
                found.ours[entry.id],
                counts.get(entry.id, {}),
                ceilings.get(entry.id),
                untold.get(entry.id, {}),
            )
        elif entry.observed is not None:
            lines.append(_drift.missing(facts, entry))
    lines += _drift.tree_above(facts, seller_id=seller_id, counts=counts, now=now)
    differences.record(connection_id=connection_id, found=lines, now=now)
    return differences.differences_of(Viewer.system(), connection_id)


@dataclass
class _Walked:
    """What stands on the platform: accounts of ours by number, strangers, and how many users were gone over."""

    ours: dict[int, contract.Holding] = field(default_factory=dict)
    strangers: list[contract.Holding] = field(default_factory=list)
    users: int = 0


def _walked(session: Any, held: Sequence[ResourceView], tell: Callable[[int, int], None]) -> _Walked:
    by_reference = {adoption.reference_key(entry.reference): entry for entry in held if entry.reference}
    by_name = {entry.key: entry for entry in held if not entry.reference}
    walked = _Walked()
    cursor: Mapping[str, Any] | None = None
    while True:
        page = session.estate(cursor=cursor)
        for holding in page.holdings:
            entry = by_reference.get(adoption.reference_key(holding.account.ref))
            entry = entry or by_name.get(holding.account.name)
            if entry is None:
                walked.strangers.append(holding)
            else:
                walked.ours[entry.id] = holding
        walked.users = page.total
        tell(page.seen, page.total + len(held))
        cursor = page.cursor
        if cursor is None:
            return walked


def _wanted(read: frozenset[str] | None) -> frozenset[str]:
    """The meters to compare: all that cost no further calls, and the space of whole accounts where it is charged for."""
    free = frozenset(meters.METERS) - {"exchange.activesync", "space.disk", "space.traffic"}
    return free | ({"space.disk"} & (read or frozenset()))


def _counts(
    session: Any,
    accounts: Sequence[ResourceView],
    now: dt.datetime,
    wanted: frozenset[str],
    tell: Callable[[int], None],
) -> tuple[dict[int, dict[str, int]], dict[int, Mapping[str, str]]]:
    """What the platform counts in each account, and what it cannot tell; one that cannot be read is left out: no figure
    is not zero."""
    targets = {entry.key: entry for entry in accounts if entry.reference}
    asked = [_target(entry) for entry in targets.values()]
    counts, untold = {}, {}
    for done, outcome in enumerate(session.read_usage(targets=asked, now=now, meters=wanted), start=1):
        if outcome.failure is None:
            entry = targets[outcome.target.name]
            counts[entry.id] = {reading.meter: int(reading.value) for reading in outcome.readings}
            untold[entry.id] = outcome.unmeasurable
        if done % _TOLD_EVERY == 0:
            tell(done)
    return counts, untold


def _ceilings(
    session: Any, accounts: Sequence[ResourceView], tell: Callable[[int], None]
) -> dict[int, Mapping[str, int]]:
    """The account's own ceilings on the platform; those of its plan are left out."""
    ceilings = {}
    with concurrent.futures.ThreadPoolExecutor(_WIDTH) as pool:
        found = pool.map(functools.partial(_ceilings_of, session), accounts)
        for done, (entry, own) in enumerate(zip(accounts, found, strict=True), start=1):
            if own is not None:
                ceilings[entry.id] = own
            if done % _TOLD_EVERY == 0:
                tell(done)
    return ceilings


def _ceilings_of(session: Any, account: ResourceView) -> Mapping[str, int] | None:
    try:
        seen = session.observe(target=_target(account))
    except NeedsOperator:
        return None
    return dict(seen.spec.quotas or {}) if seen.exists and seen.is_ours else None


def _target(found: ResourceView) -> contract.Target:
    return contract.Target(kind=exchange.ACCOUNT, name=found.key, ref=found.reference)
