"""Invoices, lines and proposals as other floors see them. Amounts are whole minor units of `currency`."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from postledger.core import money, words


@dataclass(frozen=True, slots=True)
class LineView:
    """A line of an invoice or of a proposal (`id` None). `end` is exclusive."""

    id: int | None
    kind: str
    item: str
    start: dt.date | None
    end: dt.date | None
    quantity: Decimal | None
    unit_price: Decimal | None
    amount: int
    currency: str
    why: Mapping[str, Any]

    @property
    def amount_text(self) -> str:
        return money.text(self.amount, self.currency)

    @property
    def explanation(self) -> str:
        """The sum in one line: `10.00 × 20/30`."""
        return words.formula(self.kind, self.why, self.currency)

    @property
    def is_metered(self) -> bool:
        """Whether it charges what was read: usage of a month, or of the time to come (R5, U9)."""
        return self.kind == "usage" or (self.kind == "recurring" and self.why.get("rule") == "U9")

    @property
    def breakdown(self) -> dict[str, str]:
        """A tax line's parts, per tax."""
        return {name: money.text(part, self.currency) for name, part in self.why.get("breakdown", {}).items()}


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """A final invoice or credit note, with everything that is printed on it."""

    id: int
    number: str
    kind: str
    seller_id: int
    buyer_id: int
    subscription_id: int | None  # None: entered before there was any
    for_subscription_id: int | None
    on: dt.date
    posted_on: dt.date
    closes_on: dt.date | None
    currency: str
    subtotal: int
    tax: int
    total: int
    is_silent: bool
    parties: Mapping[str, Any]
    lines: tuple[LineView, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a booked line is as it is, a sentence each, with the line and the invoice it is on."""

    line: LineView
    invoice: InvoiceView
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One row of a buyer's statement, in the order of the day it fell due, then as booked."""

    on: dt.date
    posted_on: dt.date
    kind: str
    item: str
    start: dt.date | None
    end: dt.date | None
    quantity: Decimal | None
    unit_price: Decimal | None
    amount: int
    balance: int
    currency: str
    invoice_id: int | None
    invoice: str | None
    line_id: int | None
    why: Mapping[str, Any]

    @property
    def explanation(self) -> str:
        return words.formula(self.kind, self.why, self.currency)


@dataclass(frozen=True, slots=True)
class ProposalView:
    """What an event would book for the buyer, or did: the same lines before and after."""

    on: dt.date
    currency: str
    lines: tuple[LineView, ...]
    invoice_ids: tuple[int, ...] = ()

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)

    @property
    def total_text(self) -> str:
        return money.text(self.total, self.currency)

    @property
    def metered(self) -> tuple[LineView, ...]:
        """What was read and is charged: usage, usage charged ahead, and the promotions on them (R5, U9, M2)."""
        found: list[LineView] = []
        is_metered = False
        for line in self.lines:
            if line.kind != "promotion":
                is_metered = line.is_metered
            if is_metered:
                found.append(line)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class SellerSettingsView:
    """How a seller bills. `taxes` are names with percentages as texts, in the order odd cents are given out (M3)."""

    seller_id: int
    taxes: tuple[tuple[str, str], ...]
    sends_no_charge_notice: bool
    number_prefix: str
    next_number: int


@dataclass(frozen=True, slots=True)
class PendingView:
    """Usage of a closed month that waits for a reading (U4)."""

    subscription_id: int
    item: str
    start: dt.date
    end: dt.date
    closes_on: dt.date


@dataclass(frozen=True, slots=True)
class ParkedView:
    """A subscription a run could not bill, with the reason."""

    subscription_id: int
    seller_id: int
    buyer_id: int
    buyer: str
    closes_on: dt.date
    reason: str
    at: dt.datetime


@dataclass(slots=True)
class BatchResult:
    """What one batch of closes booked, or would."""

    closes: int = 0
    lines: int = 0
    invoices: int = 0
    parked: int = 0
    totals: dict[str, int] | None = None
    # subscription, buyer, day of the close, whether anything was charged
    closed: list[tuple[int, int, dt.date, bool]] | None = None

    def add(self, other: "BatchResult") -> None:
        """Count another batch's sums in; `closed` stays that of one batch."""
        self.closes += other.closes
        self.lines += other.lines
        self.invoices += other.invoices
        self.parked += other.parked
        self.totals = dict(self.totals or {})
        for currency, amount in (other.totals or {}).items():
            self.totals[currency] = self.totals.get(currency, 0) + amount


@dataclass(frozen=True, slots=True)
class RunView:
    """One billing run."""

    id: int
    seller_id: int | None
    as_of: dt.date | None
    started_at: dt.datetime
    finished_at: dt.datetime | None
    closes: int
    lines: int
    parked: int
    totals: Mapping[str, int]
    started_by: str
