"""What has come together for a buyer since the last close."""

import datetime as dt
from dataclasses import dataclass

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.billing import queries as billing_queries
from postledger.billing.types import LineView
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking


@dataclass(frozen=True)
class Accrued:
    """The open month of a buyer so far.

    Attributes:
        since: first day of the open month; None while nothing is open.
        closes_on: when it closes.
        booked: lines booked since then, by changes and debits.
        usage: what the usage would come to if the month closed with the latest readings; not booked yet.
    """

    currency: str
    since: dt.date | None
    closes_on: dt.date | None
    booked: tuple[LineView, ...]
    usage: tuple[LineView, ...]

    @property
    def used(self) -> int:
        """What was read comes to so far, net: what a ceiling on a month's usage is measured by."""
        ahead = (line for line in self.booked if line.is_metered and line.kind != "usage")
        return sum(line.amount for line in (*self.usage, *ahead))

    @property
    def total(self) -> int:
        return sum(line.amount for line in (*self.booked, *self.usage))


def accrued_charges(viewer: Viewer, *, buyer_id: int, now: dt.datetime) -> Accrued:
    """What was booked for a buyer since the last close, and what his usage comes to so far.

    Raises:
        NotVisible: not his to see. NoSubscription, CannotBill: the message says what.
    """
    accounts.require_account(viewer, buyer_id)
    held = subscription_queries.subscription_of(viewer, buyer_id)
    if held.next_close is None:
        return Accrued(held.currency, None, None, (), ())
    today = _booking.local_day(held.seller_id, now)
    proposal = billing.estimate(held.id, as_of=today)
    return Accrued(
        currency=held.currency,
        since=held.month_start,
        closes_on=held.next_close,
        booked=billing_queries.booked_between(held.id, first=held.month_start, last=today),
        usage=tuple(line for line in proposal.lines if line.kind == "usage") if proposal else (),
    )
