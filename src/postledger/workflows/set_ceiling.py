"""A seller sets a ceiling on a customer's usage of one month, or approves what goes beyond it."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.payments import operations as payments
from postledger.payments import queries
from postledger.payments.types import PaymentTermsView


def set_ceiling(
    viewer: Viewer,
    *,
    buyer_id: int,
    ceiling: int | None = None,
    approved_until: dt.date | None = None,
    withdraw_approval: bool = False,
) -> PaymentTermsView:
    """The buyer's payment terms as they now stand.

    Args:
        ceiling: net, in minor units a month; 0 takes it away; None leaves it.
        approved_until: up to this day, itself included, more than the ceiling may be ordered; None leaves it.
        withdraw_approval: nothing beyond the ceiling is approved any more.
    Raises:
        NotVisible, NotAllowed: not a buyer of this seller. BadPayment: a ceiling below zero.
    """
    payments.set_terms(
        viewer,
        buyer_id=buyer_id,
        ceiling=ceiling,
        ceiling_approved_until=approved_until,
        clear_ceiling_approval=withdraw_approval,
    )
    return queries.terms_of(viewer, buyer_id)
