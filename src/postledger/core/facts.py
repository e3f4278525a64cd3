"""What billing knows of one subscription, and what it proposes to book: plain values, no tables.

Billing sees facts, not rows. `Subscription` is a working copy: the engine advances it and the caller either stores what
changed and books the lines, or throws both away (a preview).
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from postledger.core.period import Period, add_months, span
from postledger.core.quantity import Reading
from postledger.core.terms import Terms

ZERO = Fraction(0)


@dataclass(slots=True)
class Item:
    """One charge as this subscription holds it.

    `quantity`: units ordered (reserved), the reserved limit, or the units charged ahead (metered in advance).
    `usage_from`: the first day whose usage is not billed yet, where that is not the start of the billing month.
    `pool_units`: how many of the units use a reseller's free units: a customer's at wholesale, his own at what he buys
    himself (M10).
    """

    quantity: Fraction = ZERO
    is_on: bool = True
    usage_from: dt.date | None = None
    pool_units: Fraction = ZERO


@dataclass(slots=True)
class Lot:
    """Units prepaid together: what a refund is figured from (F1, F2)."""

    item: str
    is_package: bool
    units: Fraction  # left
    bought_units: Fraction
    price: Fraction  # for one unit and the full period
    promotions: tuple[Fraction, ...]  # percentages it was bought with
    full: Period
    is_whole: bool  # a month fee: charged and refunded whole (R4, F2)
    net_amount: int  # as booked, less its promotions
    bought_in: Period


@dataclass(frozen=True, slots=True)
class Pending:
    """Usage of a closed month that waits for a reading (U4)."""

    item: str
    period: Period
    closes_on: dt.date
    terms: Terms
    months: int
    price: Fraction
    threshold: Fraction
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Debit:
    """A repeating debit entered by the seller (M4)."""

    id: int
    amount: int
    is_taxed: bool
    every: str  # month or period
    text: str


@dataclass(slots=True)
class Line:
    """A line as proposed: the exact inputs in `why`, the amount rounded once.

    `full` is the whole period a prepaid fee was a part of, `promotions` are those it was bought with: with its price they
    make the line a lot that can be refunded.
    """

    kind: str
    item: str
    amount: int
    why: dict[str, Any]
    start: dt.date | None = None
    end: dt.date | None = None
    quantity: Fraction | None = None
    unit_price: Fraction | None = None
    is_taxed: bool = True
    full: Period | None = None
    promotions: tuple[Fraction, ...] = ()
    pending_id: int | None = None


@dataclass(slots=True)
class Pool:
    """How many of a reseller's free units per charge his customers use at present, and he himself (M10)."""

    used: dict[str, Fraction] = field(default_factory=dict)
    own: dict[str, Fraction] = field(default_factory=dict)


@dataclass(slots=True)
class Wholesale:
    """What the reseller owes the provider for a customer of his (M10)."""

    subscription_id: int  # the reseller's own
    terms_at: Callable[[dt.date], Terms]
    pool: Pool
    promotions: tuple[Fraction, ...]
    currency: str
    lots: dict[str, list[Lot]] = field(default_factory=dict)  # what was charged for this customer


@dataclass(slots=True)
class Booking:
    """The lines that one event or one close books for one buyer: one invoice."""

    subscription_id: int | None  # None: entered before there was any
    on: dt.date
    lines: list[Line] = field(default_factory=list)
    closes: bool = False
    for_subscription_id: int | None = None  # wholesale: the customer's subscription it arose from


@dataclass(slots=True)
class Subscription:
    """The facts of one subscription: where it stands in its calendar, what it holds, what was read."""

    id: int
    seller_id: int
    buyer_id: int
    currency: str
    months: int
    terms_at: Callable[[dt.date], Terms]
    status: str = "active"
    anchor: dt.date = dt.date.min
    offset: int = 0  # months from the anchor to the start of the open period
    month_index: int = 0  # billing months of the open period that are closed
    activated_on: dt.date | None = None
    suspended_on: dt.date | None = None
    suspended_from: str = ""  # the status to resume to
    is_period_over: bool = False  # the period ended while suspended (M8)
    exchange_since: dt.date | None = None  # an organization exists
    resold_since: dt.date | None = None  # a reseller's: one of his customers has, or had this month (U11)
    items: dict[str, Item] = field(default_factory=dict)
    packages: dict[str, Fraction] = field(default_factory=dict)
    promotions: tuple[Fraction, ...] = ()
    readings: Mapping[str, Sequence[Reading]] = field(default_factory=dict)
    pending: list[Pending] = field(default_factory=list)
    debits: Sequence[Debit] = ()
    lots: dict[str, list[Lot]] = field(default_factory=dict)  # loaded for changes, not for closes
    past_lots: dict[str, list[Lot]] = field(
        default_factory=dict
    )  # month fees of the period's earlier months (F3)
    wholesale: Wholesale | None = None
    pool: Pool | None = None  # a reseller's own: the free units his customers use are not his any more
    wholesale_lines: list[Line] = field(default_factory=list)
    unbilled_usage: list[dict[str, Any]] = field(default_factory=list)  # reported, not billed (U10, U12)

    @property
    def period(self) -> Period:
        """The open billing period."""
        return span(self.anchor, self.offset, self.months)

    @property
    def month(self) -> Period:
        """The open billing month."""
        return span(self.anchor, self.offset + self.month_index, 1)

    @property
    def next_close(self) -> dt.date | None:
        """The day on which the open billing month closes; none while nothing is open (C1, M8)."""
        if self.status not in ("active", "suspended") or self.is_period_over:
            return None
        if self.suspended_from == "trial":
            return None
        return add_months(self.anchor, self.offset + self.month_index + 1)

    @property
    def has_exchange(self) -> bool:
        """Whether there is an Exchange organization to bill, his own or one of his customers'."""
        return self.exchange_since is not None or self.resold_since is not None

    def had_exchange(self, day: dt.date) -> bool:
        """Whether an Exchange organization exists that existed on `day` already."""
        return any(since is not None and since <= day for since in (self.exchange_since, self.resold_since))

    def item(self, charge: str, *, is_on: bool = True) -> Item:
        """What is held of a charge; a fresh item, on or off, where nothing is held yet."""
        found = self.items.get(charge)
        if found is None:
            found = self.items[charge] = Item(is_on=is_on)
        return found

    def package_names(self, terms: Terms) -> tuple[str, ...]:
        """The extra packages held, in the plan's order; what the plan has no longer comes last."""
        return (
            *(name for name in terms.packages if name in self.packages),
            *(name for name in self.packages if name not in terms.packages),
        )

    def free_units(self, terms: Terms, charge: str) -> Fraction:
        """Units included in the price, with those of extra packages: only those above cost anything (R1, F8)."""
        free = terms.charges[charge].free
        for name, count in self.packages.items():
            package = terms.packages.get(name)
            if package is not None:
                free += package.adds.get(charge, ZERO) * count
        if self.pool is not None and terms.charges[charge].measure == "reserved":
            free = max(ZERO, free - self.pool.used.get(charge, ZERO))
        return free
