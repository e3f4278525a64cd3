"""What a buyer's next invoice will be."""

import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.billing.types import ProposalView
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking


def estimate_invoice(viewer: Viewer, *, buyer_id: int, now: dt.datetime) -> ProposalView | None:
    """The invoice of the next close as it would be with what is on file now; None while nothing is open.

    Metered charges are estimated from their latest reading; it is the function of the billing run, given today's facts.

    Raises:
        NotVisible: not his to see. NoSubscription, CannotBill: the message says what.
    """
    accounts.require_account(viewer, buyer_id)
    subscription_id = subscription_queries.latest_id(buyer_id)
    seller_id, _ = subscription_queries.buyer_of(subscription_id)
    return billing.estimate(subscription_id, as_of=_booking.local_day(seller_id, now))
