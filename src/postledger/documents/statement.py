"""A buyer's statement as it is printed: every line with the balance after it."""

import datetime as dt
from collections.abc import Sequence

from postledger.accounts.types import AccountView
from postledger.billing.types import StatementLine
from postledger.documents import _typst, words


def pdf(*, seller: AccountView, buyer: AccountView, lines: Sequence[StatementLine], on: dt.date) -> bytes:
    """The PDF of a statement as of a day; `lines` oldest first, at least one."""
    currency = lines[-1].currency
    data = {
        "date": words.day(on),
        "currency": currency,
        "seller": {"name": seller.name, "address": seller.address},
        "buyer": {"name": buyer.name, "address": buyer.address},
        "balance": words.plain(lines[-1].balance, currency),
        "lines": [
            {
                "date": words.day(line.on),
                "title": words.line_title(line.kind, line.item),
                "days": words.days(line.start, line.end),
                "invoice": line.invoice or "",
                "amount": words.plain(line.amount, currency),
                "balance": words.plain(line.balance, currency),
            }
            for line in lines
        ],
    }
    return _typst.pdf(template="statement.typ", data=data, on=on)
