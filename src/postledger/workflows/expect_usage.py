"""What Exchange will cost if it holds what is ordered, and if it held more or less of something, or the plan were another."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.billing.types import LineView, ProposalView
from postledger.core import money
from postledger.provisioning import queries as provisioning
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import _booking, _holdings


@dataclass(frozen=True, slots=True)
class Expectation:
    """The closes until the open billing period ends, with what is ordered and with the difference asked about.

    Attributes:
        as_it_stands, with_it: one proposal for each close, the next one first.
        units: meter → how many with the difference.
    """

    as_it_stands: tuple[ProposalView, ...]
    with_it: tuple[ProposalView, ...]
    units: Mapping[str, Fraction]

    @property
    def before(self) -> ProposalView:
        """The next close as it stands."""
        return self.as_it_stands[0]

    @property
    def after(self) -> ProposalView:
        """The next close with the difference."""
        return self.with_it[0]

    @property
    def closes_left(self) -> int:
        """Month closes until the end of the billing period, the next one among them."""
        return len(self.with_it)

    @property
    def period_end(self) -> dt.date:
        return self.with_it[-1].on

    @property
    def difference(self) -> int:
        """How much more the next close costs, tax included, in minor units."""
        return self.after.total - self.before.total

    @property
    def usage(self) -> tuple[LineView, ...]:
        """The usage lines of the next close with the difference; where usage is billed by the period, those of its end."""
        return self.after.metered or self.with_it[-1].metered

    @property
    def at_next_close(self) -> int:
        """What is read comes to at the next close, net, in minor units."""
        return _sum(self.after.metered)

    @property
    def monthly(self) -> int:
        """What the usage of one month comes to, net, in minor units: also of what is billed by the period."""
        return _monthly(self.with_it)

    @property
    def monthly_before(self) -> int:
        return _monthly(self.as_it_stands)

    @property
    def until_period_end(self) -> int:
        """What the usage of the open billing period still comes to if it stays so, net, in minor units."""
        return sum(_sum(close.metered) for close in self.with_it)

    @property
    def until_period_end_before(self) -> int:
        return sum(_sum(close.metered) for close in self.as_it_stands)


def expect_usage(
    viewer: Viewer,
    *,
    buyer_id: int,
    now: dt.datetime,
    more: Mapping[str, Fraction | int] | None = None,
    is_new: bool = False,
    change: billing.Event | None = None,
) -> Expectation | None:
    """The price of a difference in what Exchange holds, figured by the code that closes the month; None while nothing is
    open. Nothing is booked: usage is billed when the month closes (U1).

    Args:
        more: meter → how many more (or fewer) than are ordered now, in the unit of the charge: storage in GB.
        is_new: nothing is ordered yet and no disk space used.
        change: of the subscription, as a function of `core.changes`.
    Raises:
        NotVisible: no such account for him. Refusal: from the change.
    """
    buyer = accounts.require_account(viewer, buyer_id)
    subscription_id = subscriptions.of_buyers([buyer_id]).get(buyer_id)
    if subscription_id is None or buyer.seller_id is None:
        return None
    day = _booking.local_day(buyer.seller_id, now)
    if is_new:
        before = _holdings.nothing()
        read = {}
    else:
        read = billing.latest_units(subscription_id, day=day)
        before = _holdings.ordered(provisioning.resources_of(viewer, buyer_id), read=read)
    more = more or {}
    before |= {meter: read.get(meter, Fraction(0)) for meter in more if meter not in before}
    after = before | {meter: max(Fraction(0), before[meter] + units) for meter, units in more.items()}
    as_it_stands = billing.estimate_with(subscription_id, units=before, day=day)
    with_it = billing.estimate_with(subscription_id, units=after, day=day, event=change)
    return Expectation(as_it_stands, with_it, after) if as_it_stands and with_it else None


def _sum(lines: Sequence[LineView]) -> int:
    return sum(line.amount for line in lines)


def _monthly(closes: Sequence[ProposalView]) -> int:
    """One month of what the next close bills, and of what waits for the end of the period; late lines are of other months."""
    lines = {(line.kind, line.item): line for line in closes[-1].metered if _months(line) > 1}
    lines |= {(line.kind, line.item): line for line in closes[0].metered}
    shares = (Fraction(line.amount, _months(line)) for line in lines.values() if "late" not in line.why)
    return money.round_half_away(sum(shares, Fraction(0)))


def _months(line: LineView) -> int:
    if line.start is None or line.end is None:
        return 1
    return max(1, 12 * (line.end.year - line.start.year) + line.end.month - line.start.month)
