"""Reads of the books."""

from collections.abc import Iterable

from django.db import connection

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.ledger.types import PostingView

_BALANCE = (
    "SELECT a.buyer_id, coalesce(-sum(p.amount), 0) FROM ledger_ledgeraccount a "
    "JOIN ledger_posting p ON p.ledger_account_id = a.id "
    "WHERE a.kind = 'receivable' AND a.buyer_id = ANY(%s) GROUP BY 1"
)


def balances(buyer_ids: Iterable[int]) -> dict[int, int]:
    """What the seller holds for each buyer, in minor units: positive is credit, negative is debt; no bookings, no key."""
    with connection.cursor() as cursor:
        cursor.execute(_BALANCE, [list(buyer_ids)])
        return {buyer_id: int(balance) for buyer_id, balance in cursor.fetchall()}


def balance(viewer: Viewer, buyer_id: int) -> int:
    """The balance of a buyer the viewer may see, in minor units (positive is credit)."""
    accounts.require_account(viewer, buyer_id)
    return balances([buyer_id]).get(buyer_id, 0)


def debtors(seller_ids: Iterable[int]) -> dict[int, int]:
    """The buyers of these sellers who owe something, with how much in minor units."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.buyer_id, sum(p.amount) FROM ledger_ledgeraccount a "
            "JOIN ledger_posting p ON p.ledger_account_id = a.id "
            "WHERE a.kind = 'receivable' AND a.seller_id = ANY(%s) GROUP BY 1 HAVING sum(p.amount) > 0",
            [list(seller_ids)],
        )
        return {buyer_id: int(owed) for buyer_id, owed in cursor.fetchall()}


def postings(entry_id: int) -> tuple[PostingView, ...]:
    """The legs of an entry."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.kind, a.buyer_id, p.amount, a.currency FROM ledger_posting p "
            "JOIN ledger_ledgeraccount a ON a.id = p.ledger_account_id WHERE p.entry_id = %s ORDER BY p.id",
            [entry_id],
        )
        return tuple(PostingView(*row) for row in cursor.fetchall())


def balances_of(viewer: Viewer, buyer_ids: Iterable[int]) -> dict[int, int]:
    """The balance of each of these buyers the viewer may see, in minor units (positive is credit); 0 without bookings."""
    visible = accounts.accounts_by_id(viewer, buyer_ids)
    found = balances(visible)
    return {buyer_id: found.get(buyer_id, 0) for buyer_id in visible}
