"""A seller enters a credit."""

import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.workflows import _booking


def enter_credit(
    viewer: Viewer, *, buyer_id: int, amount: int, reason: str, text: str, now: dt.datetime
) -> int:
    """The ledger entry of the credit, in minor units above zero (M4).

    Raises:
        NegativeCredit: a debit is meant.
    """
    buyer = accounts.require_selling_to(viewer, buyer_id)
    day = _booking.local_day(buyer.seller_id, now)
    return billing.credit(
        viewer, buyer_id=buyer_id, amount=amount, reason=reason, text=text, day=day, now=now
    )
