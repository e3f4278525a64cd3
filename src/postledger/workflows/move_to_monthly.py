"""The way out of an annual plan: the unused time comes back as credit and pays for the months to come (F9)."""

import dataclasses
import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.billing.types import ProposalView
from postledger.core.period import add_months
from postledger.ledger import queries as ledger
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking, change_period, read_account


@dataclass(frozen=True)
class Move:
    """What the move to monthly billing does; amounts in minor units of the subscription's currency.

    Attributes:
        proposal: what it books: the refund of the unused time, the first month.
        refund: what comes back for the unused time, taxes included.
        balance: what the seller holds for the buyer after it; positive is credit.
        monthly_cost: what a month is expected to cost, by the latest readings.
        credit_lasts_until: the close at which the credit no longer covers the month; None without credit, or when the
            months cost nothing.
    """

    proposal: ProposalView
    refund: int
    balance: int
    monthly_cost: int
    credit_lasts_until: dt.date | None


def move_to_monthly(viewer: Viewer, *, buyer_id: int, now: dt.datetime, preview: bool = False) -> Move:
    """What the move books and how long the credit lasts; the preview is the same, rolled back.

    Raises:
        NotOffered: the plan is not sold by the month.
        NotVisible, NotAllowed, NotOpen: nothing was changed.
    """
    subscription_id = _booking.acting_on(viewer, buyer_id)
    seller_id, _ = subscription_queries.buyer_of(subscription_id)
    day = _booking.local_day(seller_id, now)
    read_account.read_account(
        viewer, account_id=buyer_id, now=now
    )  # also to show the price, which is then booked
    with transaction.atomic():
        proposal = change_period.change_period(viewer, buyer_id=buyer_id, months=1, now=now, is_read=True)
        month = billing.estimate(subscription_id, as_of=day)
        cost = max(month.total, 0) if month else 0
        balance = ledger.balance(viewer, buyer_id)
        until = None
        if month and cost and balance > 0:
            until = add_months(month.on, balance // cost)
        if preview:
            transaction.set_rollback(True)
            proposal = dataclasses.replace(proposal, invoice_ids=())
    given_back = -sum(line.amount for line in proposal.lines if line.kind == "refund")
    refund = billing.with_tax(given_back, seller_id=seller_id, buyer_id=buyer_id)
    return Move(proposal, refund, balance, cost, until)
