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
        return is_near(self.usage, self.ceiling)

    @property
    def is_beyond(self) -> bool:
        return self.usage > self.ceiling

    @property
    def is_refused(self) -> bool:
        """Whether the buyer himself may not order it: it raises his usage beyond what was agreed or approved."""
        return self.is_beyond and self.usage > self.before and not self.is_approved


def is_near(usage: int, ceiling: int) -> bool:
    """Whether usage has come to four fifths of its ceiling."""
    return usage * 100 >= ceiling * _NEAR_PERCENT


def ahead(
    viewer: Viewer, *, buyer_id: int, more: Mapping[str, int], now: dt.datetime, is_new: bool = False
) -> Ceiling | None:
    """How a difference in what Exchange holds stands against the buyer's ceiling; None where there is none to meet.

    Args:
        more: meter → how many more.
        is_new: nothing is ordered yet and no disk space used.
    """
    terms = payments.terms_of(viewer, buyer_id)
    if terms.ceiling is None:
        return None
    expected = expect_usage.expect_usage(viewer, buyer_id=buyer_id, more=more, now=now, is_new=is_new)
    if expected is None:
        return None
    held = subscriptions.subscription_of(viewer, buyer_id)
    today = _booking.local_day(held.seller_id, now)
    return Ceiling(
        before=sum(line.amount for line in expected.before.lines if line.kind == "usage"),
        usage=expected.monthly,
        ceiling=terms.ceiling,
        currency=held.currency,
        is_approved=terms.ceiling_approved_until is not None and today <= terms.ceiling_approved_until,
    )


def require_below(
    viewer: Viewer, *, buyer_id: int, more: Mapping[str, int], now: dt.datetime, is_new: bool = False
) -> None:
    """Nothing, when the difference stays below the ceiling, was approved, or is ordered by the seller himself.

    Raises:
        BeyondCeiling: the message says by how much.
    """
    if viewer.account_id != buyer_id:
        return
    found = ahead(viewer, buyer_id=buyer_id, more=more, now=now, is_new=is_new)
    if found is not None and found.is_refused:
        raise BeyondCeiling(
            f"With this, the usage of a month would come to {money.text(found.usage, found.currency)} "
            f"{found.currency}, more than the ceiling of {money.text(found.ceiling, found.currency)} "
            f"{found.currency} agreed for your account. Ask your provider to approve it; nothing was changed."
        )
