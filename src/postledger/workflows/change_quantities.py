"""A buyer orders more or fewer units."""

import datetime as dt
from collections.abc import Mapping, Sequence
from fractions import Fraction

from postledger.accounts.types import Viewer
from postledger.billing.types import ProposalView
from postledger.core import changes, facts
from postledger.subscriptions import queries as subscription_queries
from postledger.workflows import _booking, _ceiling


def change_quantities(
    viewer: Viewer,
    *,
    buyer_id: int,
    quantities: Mapping[str, Fraction],
    now: dt.datetime,
    preview: bool = False,
) -> ProposalView:
    """What the new quantities book: setup and the days left for more, a refund for fewer (R2, R3, F1).

    Raises:
        AboveMaximum, BeyondCeiling, OverCreditLimit, CardDeclined, NotOffered, BadQuantity: nothing was changed.
    """
    subscription_id = _booking.acting_on(viewer, buyer_id)
    day = _booking.local_day(subscription_queries.buyer_of(subscription_id)[0], now)

    def event(sub: facts.Subscription) -> Sequence[facts.Line]:
        return changes.set_quantities(sub, quantities, day=day)

    # a prepaid limit that is lowered leaves more to be billed as usage
    _ceiling.require_below(viewer, buyer_id=buyer_id, change=event, now=now)
    return _booking.apply(
        viewer,
        subscription_id,
        event,
        kind="set",
        data={name: str(units) for name, units in quantities.items()},
        now=now,
        preview=preview,
    )
