"""What Exchange will cost at the next close if it holds what is ordered, and if it held more or less of something."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.billing.types import LineView, ProposalView
from postledger.provisioning import queries as provisioning
from postledger.resources import exchange
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import _booking

_COUNTED = {
    "exchange.organizations": exchange.ORGANIZATION,
    "exchange.domains": exchange.DOMAIN,
    "exchange.mailboxes": exchange.MAILBOX,
    "exchange.contacts": exchange.CONTACT,
    "exchange.lists": exchange.DISTRIBUTION_LIST,
    "exchange.folders": exchange.PUBLIC_FOLDER,
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """The next close with what is ordered (`before`) and with the difference asked about (`after`).

    Attributes:
        units: meter → how many with the difference.
        closes_left: month closes until the end of the open billing period, the next one among them.
    """

    before: ProposalView
    after: ProposalView
    units: Mapping[str, Fraction]
    closes_left: int
    period_end: dt.date

    @property
    def difference(self) -> int:
        """How much more the next close costs, tax included, in minor units."""
        return self.after.total - self.before.total

    @property
    def usage(self) -> tuple[LineView, ...]:
        """The usage lines of the next close with the difference."""
        return tuple(line for line in self.after.lines if line.kind == "usage")

    @property
    def monthly(self) -> int:
        """What the usage lines of one close come to, net, in minor units."""
        return sum(line.amount for line in self.usage)

    @property
    def until_period_end(self) -> int:
        """What the usage of the open billing period comes to if it stays so, net, in minor units."""
        return self.monthly * self.closes_left


def expect_usage(
    viewer: Viewer, *, buyer_id: int, more: Mapping[str, int], now: dt.datetime, is_new: bool = False
) -> Expectation | None:
    """The price of a difference in what Exchange holds, figured by the code that closes the month; None while nothing is
    open. Nothing is booked: usage is billed when the month closes (U1).

    Args:
        more: meter → how many more (or fewer) than are ordered now.
        is_new: nothing is ordered yet and no disk space used.
    Raises:
        NotVisible: no such account for him.
    """
    buyer = accounts.require_account(viewer, buyer_id)
    subscription_id = subscriptions.of_buyers([buyer_id]).get(buyer_id)
    if subscription_id is None or buyer.seller_id is None:
        return None
    held = subscriptions.subscription(viewer, subscription_id)
    if held.next_close is None:
        return None
    day = _booking.local_day(buyer.seller_id, now)
    wanted = [found.kind for found in provisioning.resources_of(viewer, buyer_id) if found.is_wanted]
    units = {meter: Fraction(wanted.count(kind)) for meter, kind in _COUNTED.items()}
    if is_new:
        units["exchange.disk"] = Fraction(0)
    changed = {meter: units.get(meter, Fraction(0)) + more.get(meter, 0) for meter in {*units, *more}}
    before = billing.estimate_with(subscription_id, units=units, day=day)
    after = billing.estimate_with(subscription_id, units=changed, day=day)
    if before is None or after is None:
        return None
    closes = (
        12 * (held.period_end.year - held.month_start.year) + held.period_end.month - held.month_start.month
    )
    return Expectation(before, after, changed, max(1, closes), held.period_end)
