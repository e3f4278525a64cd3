"""A buyer chooses another billing period."""

import datetime as dt
from collections.abc import Sequence

from postledger.accounts.types import Viewer
from postledger.billing.types import ProposalView
from postledger.core import changes, facts
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking, _ceiling, read_account


def change_period(
    viewer: Viewer,
    *,
    buyer_id: int,
    months: int,
    now: dt.datetime,
    preview: bool = False,
    is_read: bool = False,
) -> ProposalView:
    """What the change books: the refund of the old period, the charge of the new one (C5).

    Args:
        is_read: the platform was asked already, for a month that is cut short.
    Raises:
        NotOffered, NotOpen, BeyondCeiling, OverCreditLimit, CardDeclined: nothing was changed.
    """
    subscription_id = _booking.acting_on(viewer, buyer_id)
    held = subscription_queries.subscription(viewer, subscription_id)
    if months < held.months and not is_read:
        read_account.read_account(viewer, account_id=buyer_id, now=now)
    day = _booking.local_day(held.seller_id, now)

    def event(sub: facts.Subscription) -> Sequence[facts.Line]:
        return changes.change_period(sub, months, day=day)

    # another period has other discounts on usage
    _ceiling.require_below(viewer, buyer_id=buyer_id, change=event, now=now)
    return _booking.apply(
        viewer,
        subscription_id,
        event,
        kind="change_period",
        data={"months": months},
        now=now,
        preview=preview,
    )
