"""A buyer switches an optional charge on or off."""

import datetime as dt
from collections.abc import Sequence

from postledger.accounts.types import Viewer
from postledger.billing.types import ProposalView
from postledger.core import changes, facts
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking, _ceiling, read_account


def switch_charge(
    viewer: Viewer,
    *,
    buyer_id: int,
    charge: str,
    is_on: bool,
    now: dt.datetime,
    preview: bool = False,
) -> ProposalView:
    """What switching books: a charge is billed from its activation (R8), and refunded from its end.

    Raises:
        BeyondCeiling, OverCreditLimit, CardDeclined, NotOffered: nothing was changed.
    """
    subscription_id = _booking.acting_on(viewer, buyer_id)
    if not is_on:  # also to show the price: it is what is then booked
        read_account.read_account(viewer, account_id=buyer_id, now=now)
    day = _booking.local_day(subscription_queries.buyer_of(subscription_id)[0], now)
    change = changes.switch_on if is_on else changes.switch_off

    def event(sub: facts.Subscription) -> Sequence[facts.Line]:
        return change(sub, charge, day=day)

    if is_on:
        _ceiling.require_below(viewer, buyer_id=buyer_id, change=event, now=now)
    return _booking.apply(
        viewer,
        subscription_id,
        event,
        kind="switch_on" if is_on else "switch_off",
        data={"charge": charge},
        now=now,
        preview=preview,
    )
