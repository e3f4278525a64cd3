"""Payments and debts as other floors see them. Amounts are whole minor units of the buyer's currency."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaymentTermsView:
    """How a buyer pays and how much he may owe."""

    buyer_id: int
    method: str
    credit_limit: int | None
    is_card_declined: bool
    ceiling: int | None
    ceiling_approved_until: dt.date | None


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
