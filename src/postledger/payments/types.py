"""Payments and debts as other floors see them. Amounts are whole minor units of the buyer's currency."""

import datetime as dt
from dataclasses import dataclass

_NEAR_PERCENT = 80


def is_near(used: int, ceiling: int) -> bool:
    """Whether usage has come to four fifths of its ceiling."""
    return used * 100 >= ceiling * _NEAR_PERCENT


@dataclass(frozen=True, slots=True)
class PaymentTermsView:
    """How a buyer pays and how much he may owe."""

    buyer_id: int
    method: str
    credit_limit: int | None
    is_card_declined: bool
    ceiling: int | None
    ceiling_approved_until: dt.date | None

    def is_near_ceiling(self, used: int) -> bool:
        """Whether the usage of a month has come to four fifths of its ceiling."""
        return self.ceiling is not None and is_near(used, self.ceiling)

    def is_approved(self, today: dt.date) -> bool:
        """Whether more than the ceiling may be ordered today."""
        return self.ceiling_approved_until is not None and today <= self.ceiling_approved_until


@dataclass(frozen=True, slots=True)
class PolicyView:
    """When a seller charges cards, and his steps with debtors: each with its days after the one before, in order."""

    seller_id: int
    mode: str
    dunning: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class PaymentView:
    """Money received."""

    id: int
    buyer_id: int
    amount: int
    currency: str
    method: str
    on: dt.date
    key: str


@dataclass(frozen=True, slots=True)
class DebtorView:
    """A buyer whose debt goes beyond his limit."""

    buyer_id: int
    buyer: str
    debt: int
    since: dt.date
    last_step: str
    next_step: str
    next_step_on: dt.date | None


@dataclass(frozen=True, slots=True)
class DueStep:
    """A debtor's step to be taken now (M7)."""

    buyer_id: int
    seller_id: int
    step: str
    on: dt.date
