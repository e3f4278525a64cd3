"""Walk over everything our reseller account holds on a platform and propose whose each account is."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.connectors import contract
from postledger.core.errors import NeedsOperator
from postledger.provisioning import adoption, operations, queries
from postledger.provisioning.types import Walk
from postledger.resources import matching
from postledger.workflows import _platform


def propose_adoptions(
    viewer: Viewer,
    *,
    connection_id: int,
    now: dt.datetime,
    tell: Callable[[Walk], None] = lambda walk: None,
    anew: bool = False,
) -> Walk:
    """The walk, come to its end: every account on the platform that is nobody's here is proposed. Nothing is changed there.

    Each page is kept together with the place to go on from, so a walk that was killed goes on where it was.

    Args:
        tell: told of the progress after each page.
        anew: from the beginning, although a walk was interrupted.
    Raises:
        NotVisible, NotAllowed: the connection is none of the viewer's to change.
        contract.TemporaryFailure, contract.PermanentFailure, NeedsOperator: the walk stopped; it goes on when asked again.
    """
    held = queries.connection(viewer, connection_id)
    accounts.require_seller(viewer, held.seller_id)
    walk = adoption.begin_walk(connection_id=connection_id, now=now, anew=anew)
    matcher = matching.Matcher(customers=adoption.customers_to_match(seller_id=held.seller_id))
    linked = adoption.linked_references(connection_id=connection_id)
    cause = _platform.Cause(actor=viewer.actor, purpose="propose_adoptions", now=now)
    try:
        with _platform.platform(connection_id=connection_id, cause=cause, is_wide=True) as session:
            while walk.finished_at is None:
                page = session.estate(cursor=walk.cursor)
                rows = _rows(page.holdings, matcher, linked)
                walk = adoption.record_page(
                    walk=walk, rows=rows, cursor=page.cursor, seen=page.seen, total=page.total, now=now
                )
                tell(walk)
    except (contract.Failure, NeedsOperator) as error:
        _platform.note_failure(connection_id=connection_id, error=error, now=now)
        raise
    operations.record_connection_ok(connection_id=connection_id)
    return walk


def _rows(
    holdings: Sequence[contract.Holding], matcher: matching.Matcher, linked: frozenset[str]
) -> list[dict[str, Any]]:
    """A page of proposals. All subscriptions of a login come on one page; the one with Exchange speaks for it."""
    taken, with_exchange = set(), set()
    strangers = []
    for holding in holdings:
        if adoption.reference_key(holding.account.ref) in linked:
            taken.add(holding.account.name)
            continue
        strangers.append(holding)
        if holding.organizations:
            with_exchange.add(holding.account.name)
    rows = []
    for holding in strangers:
        name = holding.account.name
        is_further = name in taken or (name in with_exchange and not holding.organizations)
        rows.append(_row(holding, None if is_further else matcher))
    return rows


def _row(holding: contract.Holding, matcher: matching.Matcher | None) -> dict[str, Any]:
    """The fields of a proposal; without a matcher it is a further subscription of a login."""
    found = holding.account
    match = matcher and matcher.best(
        found=matching.Found(
            username=found.name,
            email=found.spec.email or "",
            company=found.spec.company or "",
            domains=frozenset(holding.domains),
            mailboxes=frozenset(holding.mailboxes),
        )
    )
    return {
        "reference_key": adoption.reference_key(found.ref),
        "reference": dict(found.ref),
        "name": found.name[:300],
        "email": (found.spec.email or "")[:320],
        "company": (found.spec.company or "")[:300],
        "person": f"{found.spec.first_name or ''} {found.spec.last_name or ''}".strip()[:300],
        "plan": found.spec.plan or "",
        "status": found.spec.status or "",
        "organizations": [
            {"code": inside.name, "name": inside.spec.name or "", "reference": dict(inside.ref)}
            for inside in holding.organizations
        ],
        "domains": list(holding.domains),
        "mailboxes": len(holding.mailboxes),
        "account_id": match.customer_id if match else None,
        "score": match.score if match else 0,
        "reasons": list(match.reasons) if match else [],
        "is_proved": match.is_proved if match else False,
        "is_unique": match.is_unique if match else False,
        "is_further": matcher is None,
    }
