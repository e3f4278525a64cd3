"""A seller enters a debit, once or repeating."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.billing.types import ProposalView
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking


def enter_debit(
    viewer: Viewer,
    *,
    buyer_id: int,
    amount: int,
    text: str,
    is_taxed: bool,
    now: dt.datetime,
    every: str = "once",
    preview: bool = False,
) -> ProposalView:
    """What the debit books today: itself, or nothing where it falls due at the closes to come (M4)."""
    subscription_id = _booking.acting_on(viewer, buyer_id, as_seller=True)
    seller_id, _ = subscription_queries.buyer_of(subscription_id)
    day = _booking.local_day(seller_id, now)
    if every == "once":
        event = billing.debit_event(amount=amount, text=text, is_taxed=is_taxed)
        after = None
    else:

        def event(sub):
            return []

        def after() -> None:
            billing.repeat_debit(
                subscription_id=subscription_id,
                amount=amount,
                text=text,
                is_taxed=is_taxed,
                every=every,
                day=day,
            )

    return _booking.apply(
        viewer,
        subscription_id,
        event,
        kind="debit",
        data={"amount": amount, "text": text, "every": every},
        now=now,
        preview=preview,
        may_be_refused=False,
        after=after,
    )
