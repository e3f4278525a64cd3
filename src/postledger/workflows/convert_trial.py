"""A trial becomes a paying account."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.billing.types import ProposalView
from postledger.core import changes
from postledger.payments import operations as payments
from postledger.subscriptions import operations as subscriptions
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking

TRIAL_OVER = "trial over"  # the reason for which a trial is suspended when its days have passed


def convert_trial(viewer: Viewer, *, buyer_id: int, now: dt.datetime, preview: bool = False) -> ProposalView:
    """What the conversion books: the charges recorded on trial, then the fees of the period that opens (M9).

    Raises:
        NotOpen: no trial, or one that is suspended for another reason than that its days have passed.
    """
    subscription_id = _booking.acting_on(viewer, buyer_id)
    held = subscription_queries.subscription(viewer, subscription_id)
    if held.status == "suspended" and held.suspended_reason != TRIAL_OVER:
        raise changes.NotOpen(
            "The account is suspended. It has to be resumed before the trial can be converted."
        )
    day = _booking.local_day(subscription_queries.buyer_of(subscription_id)[0], now)
    recorded = billing.lines_recorded(subscription_queries.recorded(subscription_id))

    def collect() -> None:
        subscriptions.record(subscription_id=subscription_id, lines=[])
        payments.note_closes([buyer_id])  # what was recorded is collected now, as at a close

    return _booking.apply(
        viewer,
        subscription_id,
        lambda sub: [*recorded, *changes.convert(sub, day=day)],
        kind="convert",
        data={},
        now=now,
        preview=preview,
        may_be_refused=False,
        columns=lambda sub: {"trial_ends_on": None},
        after=collect,
    )
