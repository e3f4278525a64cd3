"""A seller enters a debit, once or repeating."""

import dataclasses
import datetime as dt

from django.db import transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.billing.types import ProposalView
from postledger.payments import operations as payments
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
    """What the debit books today: itself, or nothing where it falls due at the closes to come (M4).

    Raises:
        NoSubscription: it repeats, and there are no closes at which it could.
    """
    accounts.require_selling_to(viewer, buyer_id)
    if every == "once" and subscription_queries.has_none(buyer_id):
        return _without_plan(viewer, buyer_id, amount, text, is_taxed, now, preview)
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


def _without_plan(
    viewer: Viewer, buyer_id: int, amount: int, text: str, is_taxed: bool, now: dt.datetime, preview: bool
) -> ProposalView:
    day = _booking.local_day(accounts.require_account(viewer, buyer_id).seller_id, now)
    with transaction.atomic():
        view = billing.debit_without_plan(
            viewer, buyer_id=buyer_id, amount=amount, text=text, is_taxed=is_taxed, day=day, now=now
        )
        if preview:
            transaction.set_rollback(True)
            return dataclasses.replace(view, invoice_ids=())
    payments.charge_card(buyer_id=buyer_id, day=day, now=now)
    return view
