"""The ceiling a seller sets on a customer's usage of one month: a warning before it, an approval beyond it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from postledger.accounts.types import Viewer
from postledger.core import money
from postledger.core.errors import Refusal
from postledger.payments import queries as payments
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import _booking, expect_usage

_NEAR_PERCENT = 80


class BeyondCeiling(Refusal):
    """The usage of a month would go beyond what was agreed, and the seller has not approved it."""

    reason = "ceiling"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a month's usage would come to against the ceiling, both net in minor units."""

    usage: int
    ceiling: int
    currency: str
    is_approved: bool

    @property
    def is_near(self) -> bool:
        return is_near(self.usage, self.ceiling)

    @property
    def is_beyond(self) -> bool:
        return self.usage > self.ceiling


def is_near(usage: int, ceiling: int) -> bool:
    """Whether usage has come to four fifths of its ceiling."""
    return usage * 100 >= ceiling * _NEAR_PERCENT


def ahead(viewer: Viewer, *, buyer_id: int, more: Mapping[str, int], now: dt.datetime) -> Ceiling | None:
    """How a difference in what Exchange holds stands against the buyer's ceiling; None where there is none to meet.

    Args:
        more: meter → how many more.
    """
    terms = payments.terms_of(viewer, buyer_id)
    if terms.ceiling is None:
        return None
    expected = expect_usage.expect_usage(viewer, buyer_id=buyer_id, more=more, now=now)
    if expected is None:
        return None
    held = subscriptions.subscription_of(viewer, buyer_id)
    today = _booking.local_day(held.seller_id, now)
    return Ceiling(
        usage=expected.monthly,
        ceiling=terms.ceiling,
        currency=held.currency,
        is_approved=terms.ceiling_approved_until is not None and today <= terms.ceiling_approved_until,
    )


def require_below(viewer: Viewer, *, buyer_id: int, more: Mapping[str, int], now: dt.datetime) -> None:
    """Nothing, when the difference stays below the ceiling, was approved, or is ordered by the seller himself.

    Raises:
        BeyondCeiling: the message says by how much.
    """
    if viewer.account_id != buyer_id:
        return
    found = ahead(viewer, buyer_id=buyer_id, more=more, now=now)
    if found is not None and found.is_beyond and not found.is_approved:
        raise BeyondCeiling(
            f"With this, the usage of a month would come to {money.text(found.usage, found.currency)} "
            f"{found.currency}, more than the ceiling of {money.text(found.ceiling, found.currency)} "
            f"{found.currency} agreed for your account. Ask your provider to approve it; nothing was changed."
        )
