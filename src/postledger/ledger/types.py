"""Bookings as the ledger takes and gives them."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A booking against one buyer: what he owes more (positive) or less, and where that comes from.

    `legs` are (kind of ledger account, amount) with debit positive; with the receivable they add up to zero.
    """

    seller_id: int
    buyer_id: int
    currency: str
    kind: str
    on: dt.date
    receivable: int
    legs: tuple[tuple[str, int], ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class PostingView:
    """One leg of an entry."""

    kind: str
    buyer_id: int | None
    amount: int
    currency: str
