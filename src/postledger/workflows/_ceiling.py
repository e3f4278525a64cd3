"""The ceiling a seller sets on a customer's usage of one month: a warning before it, an approval beyond it."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.core import money
from postledger.core.errors import Refusal
from postledger.payments import queries as payments
from postledger.payments import types as payment_types
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import _booking, _limits, expect_usage


class BeyondCeiling(Refusal):
    """The usage of a month would go beyond what was agreed, and the seller has not approved it."""

    reason = "ceiling"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a month's usage would come to against the ceiling, all net in minor units.

    Attributes:
        before: what the usage comes to without the difference.
    """

    before: int
    usage: int
    ceiling: int
    currency: str
    is_approved: bool

    @property
    def is_near(self) -> bool:
        return payment_types.is_near(self.usage, self.ceiling)

    @property
    def is_beyond(self) -> bool:
        return self.usage > self.ceiling

    @property
    def is_refused(self) -> bool:
        """Whether the buyer himself may not order it: it raises his usage beyond what was agreed or approved."""
        return self.is_beyond and self.usage > self.before and not self.is_approved


def ahead(
    viewer: Viewer,
    *,
    buyer_id: int,
    now: dt.datetime,
    more: Mapping[str, Fraction | int] | None = None,
    is_new: bool = False,
    change: billing.Event | None = None,
) -> Ceiling | None:
    """How a difference stands against the buyer's ceiling; None where there is none to meet.

    Args:
        more: meter → how many more Exchange holds.
        is_new: nothing is ordered yet and no disk space used.
        change: of the subscription, as a function of `core.changes`.
    """
    if payments.terms_of(viewer, buyer_id).ceiling is None:
        return None
    expected = expect_usage.expect_usage(
        viewer, buyer_id=buyer_id, more=more, is_new=is_new, change=change, now=now
    )
    return None if expected is None else measured(viewer, buyer_id=buyer_id, expected=expected, now=now)


def measured(
    viewer: Viewer, *, buyer_id: int, expected: expect_usage.Expectation, now: dt.datetime
) -> Ceiling | None:
    """How what is expected stands against the buyer's ceiling; None where there is none."""
    terms = payments.terms_of(viewer, buyer_id)
    if terms.ceiling is None:
        return None
    held = subscriptions.subscription_of(viewer, buyer_id)
    today = _booking.local_day(held.seller_id, now)
    return Ceiling(
        before=expected.monthly_before,
        usage=expected.monthly,
        ceiling=terms.ceiling,
        currency=held.currency,
        is_approved=terms.is_approved(today),
    )


def require_below(
    viewer: Viewer,
    *,
    buyer_id: int,
    now: dt.datetime,
    more: Mapping[str, Fraction | int | None] | None = None,
    is_new: bool = False,
    change: billing.Event | None = None,
) -> None:
    """Nothing, when the difference stays below the ceiling, was approved, or is ordered by the seller himself.

    Args:
        more: meter → how many more; None where nobody can say how many.
    Raises:
        BeyondCeiling: the message says by how much. Refusal: from the change.
    """
    if viewer.account_id != buyer_id:
        return
    more = more or {}
    known = {meter: units for meter, units in more.items() if units is not None}
    found = ahead(viewer, buyer_id=buyer_id, more=known, is_new=is_new, change=change, now=now)
    if found is None or found.is_approved:
        return
    if len(known) < len(more) and _is_charged(buyer_id, more.keys() - known.keys(), now):
        raise BeyondCeiling(
            f"What this would cost cannot be told before, and {money.text(found.ceiling, found.currency)} "
            f"{found.currency} is the ceiling agreed for your account. Choose a size, or ask your provider to approve it; "
            "nothing was changed."
        )
    if found.is_refused:
        raise BeyondCeiling(
            f"With this, the usage of a month would come to {money.text(found.usage, found.currency)} "
            f"{found.currency}, more than the ceiling of {money.text(found.ceiling, found.currency)} "
            f"{found.currency} agreed for your account. Ask your provider to approve it; nothing was changed."
        )


def _is_charged(buyer_id: int, meters: Collection[str], now: dt.datetime) -> bool:
    """Whether the buyer's plan has a price for one of these meters."""
    subscription_id = subscriptions.latest_id(buyer_id)
    seller_id, _ = subscriptions.buyer_of(subscription_id)
    terms = _limits.terms_of(subscription_id=subscription_id, seller_id=seller_id, now=now)
    return any(meter in terms.charges and terms.charges[meter].usage for meter in meters)
