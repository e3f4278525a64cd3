"""A seller moves the start of a buyer's billing period."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.billing import queries as billing_queries
from postledger.billing.types import ProposalView
from postledger.core import changes, facts
from postledger.core.errors import Refusal
from postledger.core.period import add_months
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking, enter_credit, read_account

_TEXT = "Time paid twice, because the start of the billing period was moved"


class ClosedAlready(Refusal):
    """The new period would close on a day whose close is on an invoice already."""

    reason = "closed_already"


@dataclass(frozen=True)
class Moved:
    """What moving the start books; amounts in minor units of the subscription's currency.

    Attributes:
        paid_twice: what the buyer pays a second time, tax included: the credit to offer; 0 where there is none.
        credit_id: the ledger entry of the credit that was given; None without one.
    """

    proposal: ProposalView
    paid_twice: int
    credit_id: int | None


def change_start(
    viewer: Viewer,
    *,
    buyer_id: int,
    start: dt.date,
    now: dt.datetime,
    credit: int | None = None,
    credit_text: str = "",
    preview: bool = False,
) -> Moved:
    """What the change books (close, usage, refunds, open, recurring), and the credit it calls for (C6).

    Args:
        credit: given with the change, all or nothing; none is given unless the seller says so.
        credit_text: for the statement.
    Raises:
        NotVisible, NotAllowed, NotOpen, NotOffered, ClosedAlready, NegativeCredit: nothing was changed.
    """
    subscription_id = _booking.acting_on(viewer, buyer_id, as_seller=True)
    seller_id, _ = subscription_queries.buyer_of(subscription_id)
    read_account.read_account(
        viewer, account_id=buyer_id, now=now
    )  # also to show the price, which is then booked
    day = _booking.local_day(seller_id, now)
    twice = 0

    def move(sub: facts.Subscription) -> Sequence[facts.Line]:
        nonlocal twice
        _require_new_closes(subscription_id, start, day)
        net = billing.minor(changes.paid_twice(sub, start, day=day), sub.currency)
        twice = billing.with_tax(net, seller_id=seller_id, buyer_id=buyer_id)
        return changes.change_start(sub, start, day=day)

    with transaction.atomic():
        proposal = _booking.apply(
            viewer,
            subscription_id,
            move,
            kind="change_start",
            data={"start": start.isoformat()},
            now=now,
            preview=preview,
            may_be_refused=False,
            prepaid_since=start,
        )
        credit_id = None
        if credit is not None and not preview:
            credit_id = enter_credit.enter_credit(
                viewer,
                buyer_id=buyer_id,
                amount=credit,
                reason="paid twice",
                text=credit_text or _TEXT,
                now=now,
            )
    return Moved(proposal, twice, credit_id)


def _require_new_closes(subscription_id: int, start: dt.date, day: dt.date) -> None:
    """No month is closed twice (M11): a start far back would close on days that are billed."""
    closed = billing_queries.closes_billed(subscription_id, since=start)
    months = 1
    while (closes_on := add_months(start, months)) <= day:
        if closes_on in closed:
            raise ClosedAlready(
                f"The close of {closes_on} is on an invoice already, and a period from {start} would close on that day "
                "again. Choose another start."
            )
        months += 1
