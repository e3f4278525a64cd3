"""Booked and proposed lines as JSON: one form for the API, the simulator and whatever else writes lines down.

Invariant: amounts are decimal texts with all the decimals of the currency, days are ISO texts, `to` is exclusive.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from postledger.billing.types import LineView, StatementLine
from postledger.core import money


def line(view: LineView | StatementLine) -> dict[str, Any]:
    """A line of an invoice, a proposal or a statement; a tax line has its parts under `breakdown`."""
    told: dict[str, Any] = {
        "kind": view.kind,
        "item": view.item,
        "from": view.start.isoformat() if view.start else None,
        "to": view.end.isoformat() if view.end else None,
        "quantity": None if view.quantity is None else plain(view.quantity),
        "unit_price": None
        if view.unit_price is None
        else money.decimal_text(Fraction(view.unit_price), least=money.exponent(view.currency), most=10),
        "amount": money.text(view.amount, view.currency),
        "explanation": view.explanation,
    }
    if view.kind == "tax":
        told["breakdown"] = {
            name: money.text(part, view.currency) for name, part in view.why["breakdown"].items()
        }
    return told


def statement_line(view: StatementLine) -> dict[str, Any]:
    """A row of a statement: a line, the days it was booked for and on, and the balance after it."""
    return {
        "on": view.on.isoformat(),
        "posted_on": view.posted_on.isoformat(),
        **line(view),
        "balance": money.text(view.balance, view.currency),
        "invoice": view.invoice,
    }


def plain(value: Decimal | Fraction) -> str:
    """A number without trailing zeros: `2`, `1.5`."""
    return money.decimal_text(Fraction(value))
