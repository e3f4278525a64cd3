"""An invoice or credit note as it is printed: everything comes from the invoice itself, nothing is looked up."""

from typing import Any

from django.template.loader import render_to_string

from postledger.billing.types import InvoiceView
from postledger.documents import _typst, words


def pdf(invoice: InvoiceView) -> bytes:
    """The PDF of an invoice; the same invoice gives the same bytes."""
    return _typst.pdf(template="invoice.typ", data=content(invoice), on=invoice.on)


def html(invoice: InvoiceView) -> str:
    """The invoice as one HTML document that needs nothing else, for mail and archives."""
    return render_to_string("documents/invoice.html", content(invoice))


def content(invoice: InvoiceView) -> dict[str, Any]:
    """What is printed, as texts."""
    title = "Invoice" if invoice.kind == "invoice" else "Credit note"
    return {
        "title": title,
        "number": invoice.number,
        "date": words.day(invoice.on),
        "close": words.day(invoice.closes_on),
        "currency": invoice.currency,
        "seller": _party(invoice.parties.get("seller", {})),
        "buyer": _party(invoice.parties.get("buyer", {})),
        "lines": [
            {
                "title": words.line_title(line.kind, line.item),
                "days": words.days(line.start, line.end),
                "quantity": words.number(line.quantity),
                "price": words.price(line.unit_price, invoice.currency),
                "sum": line.explanation,
                "amount": words.plain(line.amount, invoice.currency),
            }
            for line in invoice.lines
            if line.kind != "tax"
        ],
        "taxes": [
            {"title": name, "amount": amount}
            for line in invoice.lines
            if line.kind == "tax"
            for name, amount in (
                line.breakdown or {"Tax": words.plain(line.amount, invoice.currency)}
            ).items()
        ],
        "subtotal": words.plain(invoice.subtotal, invoice.currency),
        "total": words.plain(invoice.total, invoice.currency),
    }


def _party(given: Any) -> dict[str, str]:
    return {name: str(given.get(name, "")) for name in ("name", "address", "country", "email")}
