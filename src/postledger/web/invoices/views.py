"""Invoices and statements, on the screen and as PDF."""

from django.http import Http404, HttpResponse

from postledger.accounts import queries as accounts
from postledger.billing import queries as billing
from postledger.documents import invoice as invoice_document
from postledger.documents import statement as statement_document
from postledger.ledger import queries as ledger
from postledger.web.door import Ask, reading


@reading
def issued(ask: Ask) -> HttpResponse:
    own = ask.require_seller()
    found = billing.invoices(ask.viewer, seller_id=own.id, most=500) if ask.viewer.may_write else ()
    names = accounts.accounts_by_id(ask.viewer, {invoice.buyer_id for invoice in found})
    return ask.page("invoices/issued.html", invoices=[(row, names.get(row.buyer_id)) for row in found])


@reading
def of_account(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    return ask.page(
        "invoices/list.html",
        account=account,
        invoices=billing.invoices(ask.viewer, buyer_id=account_id, most=500),
    )


@reading
def one(ask: Ask, invoice_id: int) -> HttpResponse:
    found = billing.invoice(ask.viewer, invoice_id)
    return ask.page("invoices/invoice.html", invoice=found, account=ask.buyer(found.buyer_id))


@reading
def pdf(ask: Ask, invoice_id: int) -> HttpResponse:
    found = billing.invoice(ask.viewer, invoice_id)
    return _file(invoice_document.pdf(found), f"{found.number}.pdf")


@reading
def statement(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    lines = billing.statement(ask.viewer, account_id)
    return ask.page(
        "invoices/statement.html",
        account=account,
        lines=reversed(lines),
        count=len(lines),
        balance=ledger.balance(ask.viewer, account_id),
        currency=lines[-1].currency if lines else account.currency,
    )


@reading
def statement_pdf(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    lines = billing.statement(ask.viewer, account_id)
    if not lines:
        raise Http404
    made = statement_document.pdf(
        seller=accounts.seller_of(ask.viewer, account_id), buyer=account, lines=lines, on=ask.today(account)
    )
    return _file(made, f"statement-{account.code}.pdf")


def _file(content: bytes, name: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="{"".join(c for c in name if c.isalnum() or c in "-_.")}"'
        },
    )
