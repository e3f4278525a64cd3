"""A buyer switches an optional charge on or off."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.billing.types import ProposalView
from postledger.core import changes
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking


def switch_charge(
    viewer: Viewer,
    *,
    buyer_id: int,
    charge: str,
    is_on: bool,
    now: dt.datetime,
    preview: bool = False,
) -> ProposalView:
    """What switching books: a charge is billed from its activation (R8), and refunded from its end."""
    subscription_id = _booking.acting_on(viewer, buyer_id)
    day = _booking.local_day(subscription_queries.buyer_of(subscription_id)[0], now)
    change = changes.switch_on if is_on else changes.switch_off
    return _booking.apply(
        viewer,
        subscription_id,
        lambda sub: change(sub, charge, day=day),
        kind="switch_on" if is_on else "switch_off",
        data={"charge": charge},
        now=now,
        preview=preview,
    )
