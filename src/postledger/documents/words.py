"""The words of invoices and statements: what a line is called, which days it is for, amounts and days as people write them."""

import datetime as dt
from decimal import Decimal

from babel import numbers

from postledger.core import money
from postledger.resources import meters

_KINDS = {
    "usage": "usage",
    "setup": "setup",
    "refund": "refund",
    "promotion": "promotion",
    "commitment": "commitment",
    "package": "extra package",
    "wholesale": "wholesale",
}
_SHORT = {
    "exchange.mailboxes": "Exchange mailboxes",
    "exchange.disk": "Exchange storage",
    "exchange.disk_allocated": "Exchange storage, granted",
}


def charge_title(name: str) -> str:
    """What a charge is called: a meter by its title, anything else by its own name."""
    if name in _SHORT:
        return _SHORT[name]
    meter = meters.METERS.get(name)
    return meter.title if meter else name


def line_title(kind: str, item: str) -> str:
    """What an invoice line is for: `Exchange mailboxes – usage`."""
    if kind == "tax":
        return item or "Tax"
    if kind in ("credit", "payment", "debit"):
        return item or kind.capitalize()
    word = _KINDS.get(kind, "")
    title = charge_title(item)
    return f"{title} – {word}" if word else title


def days(start: dt.date | None, end: dt.date | None) -> str:
    """A half-open period by its first and last day: `1 – 31 Jan 2027`; empty for none."""
    if start is None or end is None or end <= start:
        return ""
    last = end - dt.timedelta(days=1)
    if start == last:
        return day(start)
    if (start.year, start.month) == (last.year, last.month):
        return f"{start.day} – {day(last)}"
    if start.year == last.year:
        return f"{start.day} {start:%b} – {day(last)}"
    return f"{day(start)} – {day(last)}"


def day(value: dt.date | None) -> str:
    """A day without doubt about the order of its parts: `5 Jan 2027`."""
    return "" if value is None else f"{value.day} {value:%b %Y}"


def amount(minor: int, currency: str) -> str:
    """An amount with its currency: `USD 1,234.50`."""
    return f"{currency} {plain(minor, currency)}"


def plain(minor: int, currency: str) -> str:
    """An amount without its currency, thousands apart: `1,234.50`, a minus as the sign it is."""
    text = numbers.format_decimal(
        Decimal(money.text(minor, currency)),
        format=f"#,##0.{'0' * money.exponent(currency)}" if money.exponent(currency) else "#,##0",
        locale="en",
    )
    return text.replace("-", "−")


def number(value: Decimal | None) -> str:
    """A quantity or a unit price with the decimals it needs, a price with at least two where it is given so."""
    if value is None:
        return ""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text or "0"


def price(value: Decimal | None, currency: str) -> str:
    """A price for one unit: at least the currency's decimals, more where it has them."""
    if value is None:
        return ""
    whole, _, part = number(value).partition(".")
    return (
        f"{whole}.{part.ljust(money.exponent(currency), '0')}" if part or money.exponent(currency) else whole
    )
