"""The one way an event reaches a subscription: catch up, propose, check, book. A preview is the same, rolled back."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.billing.types import ProposalView
from postledger.catalog.queries import PlanBook
from postledger.core import facts
from postledger.core.facts import Line
from postledger.payments import operations as payments
from postledger.subscriptions import operations as subscriptions
from postledger.subscriptions import queries as subscription_queries

Event = Callable[[facts.Subscription], Sequence[Line]]


def local_day(seller_id: int, now: dt.datetime) -> dt.date:
    """The date it is for a seller (C3)."""
    return now.astimezone(accounts.time_zone_of(seller_id)).date()


def acting_on(viewer: Viewer, buyer_id: int, *, as_seller: bool = False) -> int:
    """The newest subscription of a buyer for whom the viewer may act."""
    if as_seller:
        accounts.require_selling_to(viewer, buyer_id)
    else:
        accounts.require_acting(viewer, buyer_id)
    return subscription_queries.latest_id(buyer_id)


def apply(
    viewer: Viewer,
    subscription_id: int,
    event: Event,
    *,
    kind: str,
    data: Mapping[str, Any],
    now: dt.datetime,
    preview: bool = False,
    may_be_refused: bool = True,
    prepaid_since: dt.date | None = None,
    columns: Callable[[facts.Subscription], Mapping[str, Any]] | None = None,
    after: Callable[[], None] | None = None,
) -> ProposalView:
    """What an event books for the buyer, booked unless `preview`.

    Closes that are due are posted first, so that a late job never changes what an event costs (C4). A purchase that may
    not be made on credit is refused (M5); afterwards a card is charged where its time has come.

    Args:
        kind, data: how the change is remembered.
        may_be_refused: False for what accrues regardless of the credit limit: signing up, closes, what the seller enters.
        prepaid_since: the event has to know what was prepaid for days from then on.
        columns: further columns of the subscription to store, from the facts after the event.
        after: further writes in the same transaction.
    """
    seller_id, buyer_id = subscription_queries.buyer_of(subscription_id)
    day = local_day(seller_id, now)
    try:
        with transaction.atomic():
            catch_up([subscription_id], day=day, now=now)
            proposal = billing.propose(
                subscription_id, event, day=day, lock=True, prepaid_since=prepaid_since
            )
            _check(proposal, buyer_id, day, may_be_refused)
            if proposal.recorded:
                kept = subscription_queries.recorded(subscription_id)
                subscriptions.record(
                    subscription_id=subscription_id,
                    lines=kept + billing.recorded_lines(proposal.recorded),
                )
            view = billing.book(
                proposal,
                posted_on=day,
                now=now,
                **(columns(proposal.sub) if columns else {}),
            )
            subscriptions.add_change(
                subscription_id=subscription_id,
                seller_id=seller_id,
                on=day,
                kind=kind,
                data=data,
                actor=viewer.actor,
                now=now,
            )
            if after is not None:
                after()
            if preview:
                transaction.set_rollback(True)
                return dataclasses.replace(view, invoice_ids=())
    except payments.CardDeclined:
        if not preview:
            payments.note_declined(buyer_id=buyer_id, day=day, now=now)
        raise
    payments.charge_card(buyer_id=buyer_id, day=day, now=now)
    return view


def catch_up(subscription_ids: Sequence[int], *, day: dt.date, now: dt.datetime) -> int:
    """The number of closes posted because they were due by `day` and no job had come to them (C4).

    The subscriptions are held for the caller's transaction, so no billing run can close them at the same time.
    """
    posted = 0
    subscription_queries.hold(subscription_ids)
    for subscription_id in subscription_ids:
        while True:
            due = subscription_queries.due(subscription_id, as_of=day)
            if not due:
                break
            result = billing.close_batch([subscription_id], book=PlanBook(), posted_on=day, now=now)
            if result.parked:
                raise billing.CannotBill(
                    "This account waits for an operator because its last close could not be billed. "
                    "Look at the parked accounts of the billing run."
                )
            payments.note_closes([closed[1] for closed in result.closed or ()])
            posted += 1
    return posted


def _check(proposal: billing.Proposal, buyer_id: int, day: dt.date, may_be_refused: bool) -> None:
    if not may_be_refused:
        return
    trial = proposal.sub.terms_at(day).trial
    if proposal.sub.status == "trial":
        if trial is None or trial.credit_limit is None or not proposal.recorded:
            return
        so_far = billing.lines_recorded(subscription_queries.recorded(proposal.sub.id))
        net = sum(line.amount for line in (*so_far, *proposal.recorded))
        total = billing.with_tax(net, seller_id=proposal.sub.seller_id, buyer_id=buyer_id)
        limit = billing.minor(trial.credit_limit, proposal.sub.currency)
        payments.require_covered(buyer_id=buyer_id, amount=total, limit=limit)
        return
    payments.require_covered(buyer_id=buyer_id, amount=proposal.buyer_total)
