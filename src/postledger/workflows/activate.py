"""A reviewer activates a signup that waits."""

import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing.types import ProposalView
from postledger.core import changes
from postledger.payments import operations as payments
from postledger.workflows import _booking


def activate(viewer: Viewer, *, buyer_id: int, now: dt.datetime) -> ProposalView:
    """What the activation books; the first period opens today (C1)."""
    subscription_id = _booking.acting_on(viewer, buyer_id, as_seller=True)
    buyer = accounts.require_account(viewer, buyer_id)
    day = _booking.local_day(buyer.seller_id, now)
    view = _booking.apply(
        viewer,
        subscription_id,
        lambda sub: changes.activate(sub, day=day),
        kind="activate",
        data={},
        now=now,
        may_be_refused=False,
    )
    payments.notify(buyer, kind="activated", day=day, now=now)
    return view
