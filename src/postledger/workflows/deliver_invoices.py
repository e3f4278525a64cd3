"""Tell buyers about their invoices by mail."""

import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import queries as billing
from postledger.documents import words
from postledger.events import operations as events

_LOOKS_BACK = dt.timedelta(days=14)


def deliver_invoices(*, now: dt.datetime, most: int = 500) -> int:
    """How many mails were put in the outbox: one for each new invoice that is not silent, once, the PDF with it.

    The PDF is made when the mail is handed over. A buyer without an address gets none; the invoice stays in his panel, and
    is mailed when an address is entered within two weeks.
    """
    system = Viewer.system()
    written = 0
    for invoice_id in billing.not_mailed(since=(now - _LOOKS_BACK).date(), most=most):
        invoice = billing.invoice(system, invoice_id)
        buyer = accounts.account(system, invoice.buyer_id)
        seller = accounts.account(system, invoice.seller_id)
        title = "Invoice" if invoice.kind == "invoice" else "Credit note"
        events.enqueue_mail(
            seller_id=invoice.seller_id,
            account_id=buyer.id,
            key=f"invoice-{invoice.id}",
            to=buyer.email,
            subject=f"{title} {invoice.number} from {seller.name}",
            body=(
                f"{buyer.name}\n\n{title} {invoice.number} of {words.day(invoice.on)} is attached.\n"
                f"Total: {words.amount(invoice.total, invoice.currency)}\n\n"
                "In your panel each line says where it comes from.\n\n"
                f"{seller.name}\n"
            ),
            attachment={"invoice_id": invoice.id},
            now=now,
        )
        written += 1
    return written
