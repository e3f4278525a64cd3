"""Money has come in."""

import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.payments import operations as payments
from postledger.workflows import _booking


def receive_payment(
    viewer: Viewer, *, buyer_id: int, amount: int, method: str, key: str, now: dt.datetime
) -> int:
    """The id of the payment, in minor units; the same key is the same payment, entered once."""
    buyer = accounts.require_selling_to(viewer, buyer_id)
    day = _booking.local_day(buyer.seller_id, now)
    return payments.pay(viewer, buyer_id=buyer_id, amount=amount, method=method, day=day, key=key, now=now)
