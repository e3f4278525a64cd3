"""Customers for accounts on a platform that are nobody's here."""

import datetime as dt
import re
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from django.db import transaction

from postledger.accounts import operations as account_operations
from postledger.accounts import queries as accounts
from postledger.accounts.types import AccountView, Viewer
from postledger.catalog import queries as catalog
from postledger.core.errors import Refusal
from postledger.provisioning import adoption, queries
from postledger.provisioning.types import ProposalView
from postledger.workflows import adopt, subscribe

_TRIES = 5


@dataclass(frozen=True)
class Created:
    """How many customers were made, and why the others were not: user name → words."""

    customers: int
    refused: tuple[tuple[str, str], ...]


def create_customers_from_platform(
    viewer: Viewer,
    *,
    connection_id: int,
    now: dt.datetime,
    plan_id: int | None = None,
    months: int = 1,
    proposal_ids: Collection[int] | None = None,
    most: int | None = None,
    tell: Callable[[int], None] = lambda created: None,
) -> Created:
    """Customers made from the platform's accounts, each linked to his; nothing is changed on the platform.

    Each customer is made whole or not at all, so a run that was killed goes on with the rest. The e-mail address is taken
    over, but proves nothing: whoever typed it there may have typed anything.

    Args:
        plan_id: the plan they are subscribed to from now on; None for none.
        months: the billing period.
        proposal_ids: only these; None for all for which no customer speaks.
        most: stop after so many.
    Raises:
        NotVisible, NotAllowed: the connection is none of the viewer's to change.
        NoSuchPlan: he does not offer the plan.
    """
    held = queries.connection(viewer, connection_id)
    accounts.require_seller(viewer, held.seller_id)
    if plan_id is not None:
        catalog.require_offered(viewer, plan_id, seller_id=held.seller_id)
    made, last = 0, 0
    refused: list[tuple[str, str]] = []
    chosen = None
    if proposal_ids is not None:
        chosen = [adoption.proposal(viewer, proposal_id) for proposal_id in sorted(proposal_ids)]
        chosen = [
            found for found in chosen if found.connection_id == connection_id and found.state != "linked"
        ]
    most = sys.maxsize if most is None else most
    while made < most and (batch := _batch(chosen, connection_id, last)):
        for found in batch:
            if made == most:
                break
            last = found.id
            try:
                with transaction.atomic():
                    customer = _customer(viewer, found, held.seller_id, now)
                    if plan_id is not None:
                        subscribe.subscribe(
                            viewer, buyer_id=customer.id, plan_id=plan_id, months=months, now=now
                        )
                    adopt.adopt(viewer, proposal_id=found.id, account_id=customer.id, now=now)
            except Refusal as refusal:
                refused.append((found.name, str(refusal)))
                continue
            made += 1
            tell(made)
        if chosen is not None:
            break
    return Created(made, tuple(refused))


def _batch(chosen: list[ProposalView] | None, connection_id: int, last: int) -> Sequence[ProposalView]:
    return chosen if chosen is not None else adoption.unmatched(connection_id=connection_id, after_id=last)


def _customer(viewer: Viewer, found: ProposalView, seller_id: int, now: dt.datetime) -> AccountView:
    base = re.sub(r"[^a-z0-9]+", "-", found.name.lower()).strip("-")[:50] or "customer"
    names = [inside["name"] for inside in found.organizations if inside["name"]]
    for attempt in range(_TRIES):
        try:
            return account_operations.create_customer(
                viewer,
                seller_id=seller_id,
                code=base if not attempt else f"{base}-{attempt + 1}",
                name=(found.company or (names[0] if names else "") or found.person or found.name)[:200],
                email=found.email,
                is_email_proved=False,
                now=now,
            )
        except account_operations.CodeTaken:
            if attempt == _TRIES - 1:
                raise
    raise AssertionError("the last attempt returns or raises")
