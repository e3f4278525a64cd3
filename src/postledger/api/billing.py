"""Routes of what was billed and will be: statements, invoices, explanations, estimates, runs, margins."""

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import Schema

from postledger import clock
from postledger.accounts import queries as accounts
from postledger.api import forms, routes
from postledger.billing import as_json, operations, queries
from postledger.billing.types import BatchResult, InvoiceView, RunView
from postledger.core import money
from postledger.core.errors import Refusal
from postledger.documents import invoice as invoices_on_paper
from postledger.documents import statement as statements_on_paper
from postledger.ledger import queries as ledger
from postledger.workflows import (
    accrued_charges,
    billing_run,
    ceiling_ahead,
    estimate_invoice,
    expect_usage,
)

router = routes.area("Billing")


class NothingBooked(Refusal):
    """There is no line to print."""

    reason = "nothing_booked"


class StatementLine(Schema):
    """A row of a statement; `amount` is what the buyer owes because of it, `balance` what the seller then holds for him."""

    on: dt.date
    posted_on: dt.date
    kind: str
    item: str
    from_: dt.date | None = forms.Field(alias="from")
    to: dt.date | None
    quantity: str | None
    unit_price: str | None
    amount: str
    explanation: str
    breakdown: dict[str, str] | None = None
    balance: str
    currency: str
    invoice: str | None
    invoice_id: int | None
    line_id: int | None


class Balance(Schema):
    """What the seller holds for the buyer: positive is credit, negative is debt. `owed` is the debt, or zero."""

    currency: str
    balance: str
    owed: str


class Invoice(Schema):
    """A final invoice or credit note, without its lines."""

    id: int
    number: str
    kind: str
    seller_id: int
    buyer_id: int
    on: dt.date
    posted_on: dt.date
    closes_on: dt.date | None
    currency: str
    subtotal: str
    tax: str
    total: str
    is_silent: bool


class WholeInvoice(Invoice):
    """An invoice with its lines and the names and addresses printed on it."""

    parties: dict[str, Any]
    lines: list[forms.Line]


class Explanation(Schema):
    """Why a line is as it is, a sentence each; the same as `postledger explain` prints."""

    line: forms.Line
    invoice: Invoice
    sentences: list[str]


class Estimate(Schema):
    """The next invoice as it would be with what is on file now; null while nothing is open."""

    invoice: forms.Proposal | None


class Accrued(Schema):
    """The open month so far: lines booked since the last close, and what usage comes to by the latest readings, net."""

    currency: str
    since: dt.date | None
    closes_on: dt.date | None
    total: str
    booked: list[forms.Line]
    usage: list[forms.Line]


class Difference(forms.Body):
    """Meter → how many more of it (or fewer), storage in GB: `{"exchange.mailboxes": 5, "exchange.disk_allocated": "2.5"}`."""

    more: dict[forms.Name, forms.Units]


class CeilingAhead(Schema):
    """What a month comes to, before tax, against the ceiling agreed with the buyer.

    `needs_approval`: his own order would be refused with the reason `ceiling` until his seller approves it.
    """

    ceiling: str
    expected: str
    is_near: bool
    is_beyond: bool
    is_approved: bool
    needs_approval: bool


class Expectation(Schema):
    """The next close as ordered (`before`) and with the difference (`after`). Usage is billed when the month closes.

    `monthly` is what the usage of one month comes to, `until_period_end` what is still to come in the open period, both
    before tax. `ceiling` is null where none is set.
    """

    before: forms.Proposal
    after: forms.Proposal
    difference: str
    monthly: str
    until_period_end: str
    closes_left: int
    period_end: dt.date
    currency: str
    ceiling: CeilingAhead | None


class Pending(Schema):
    """Usage of a closed month that waits for a reading."""

    subscription_id: int
    item: str
    start: dt.date
    end: dt.date
    closes_on: dt.date


class RunWish(forms.Body):
    """`as_of`: close what is due up to this day, else up to each seller's own today. `seller_id`: only what he sells."""

    as_of: forms.Day | None = None
    seller_id: forms.Id | None = None
    dry_run: bool = False


class RunResult(Schema):
    """What a run booked, or would; totals by currency. Accounts that could not be billed are parked."""

    dry_run: bool
    closes: int
    invoices: int
    lines: int
    parked: int
    totals: dict[str, str]


class Run(Schema):
    """A billing run as it went."""

    id: int
    seller_id: int | None
    as_of: dt.date | None
    started_at: dt.datetime
    finished_at: dt.datetime | None
    started_by: str
    closes: int
    lines: int
    parked: int
    totals: dict[str, str]


class Parked(Schema):
    """A subscription that could not be billed, with the reason."""

    subscription_id: int
    seller_id: int
    buyer_id: int
    buyer: str
    closes_on: dt.date
    reason: str
    at: dt.datetime


class Margin(Schema):
    """What a reseller charged a customer for an item and was charged for it. Wholesale usage stands under no customer."""

    customer_id: int | None
    customer: str
    item: str
    currency: str
    retail: str
    wholesale: str
    margin: str


@router.get("/accounts/{account_id}/statement", response=forms.Page[StatementLine])
def statement(request: HttpRequest, account_id: forms.Id, limit: forms.Limit = 100, offset: forms.Offset = 0):
    """All lines of an account by the day they fell due, with the running balance; oldest first."""
    rows = queries.statement(request.auth, account_id)
    told = forms.page(rows, limit=limit, offset=offset)
    told["items"] = [
        as_json.statement_line(row)
        | {"currency": row.currency, "invoice_id": row.invoice_id, "line_id": row.line_id}
        for row in told["items"]
    ]
    return told


@router.get("/accounts/{account_id}/statement/pdf", openapi_extra=routes.PDF)
def statement_pdf(request: HttpRequest, account_id: forms.Id):
    """The whole statement as PDF, as of today."""
    seller = accounts.seller_of(request.auth, account_id)
    buyer = accounts.account(request.auth, account_id)
    lines = queries.statement(request.auth, account_id)
    if not lines:
        raise NothingBooked(f"Nothing was booked for {buyer.name} yet, so there is no statement to print.")
    today = clock.now().astimezone(seller.zone).date()
    made = statements_on_paper.pdf(seller=seller, buyer=buyer, lines=lines, on=today)
    return routes.pdf(made, name=f"statement-{buyer.code}")


@router.get("/accounts/{account_id}/balance", response=Balance)
def balance(request: HttpRequest, account_id: forms.Id):
    """What the seller holds for the account, or is owed by it."""
    currency = forms.currency_of(request.auth, account_id)
    held = ledger.balance(request.auth, account_id)
    return {
        "currency": currency,
        "balance": money.text(held, currency),
        "owed": money.text(max(0, -held), currency),
    }


@router.get("/invoices", response=forms.Page[Invoice])
def invoices(
    request: HttpRequest,
    buyer_id: forms.Id | None = None,
    seller_id: forms.Id | None = None,
    limit: forms.Limit = 100,
    offset: forms.Offset = 0,
):
    """Invoices and credit notes, newest first: of a buyer, issued by a seller, or all you may see."""
    rows = queries.invoices(request.auth, buyer_id=buyer_id, seller_id=seller_id, most=offset + limit + 1)
    return forms.page([_invoice(row) for row in rows], limit=limit, offset=offset)


@router.get("/invoices/{invoice_id}", response=WholeInvoice)
def invoice(request: HttpRequest, invoice_id: forms.Id):
    """An invoice with its lines."""
    row = queries.invoice(request.auth, invoice_id)
    return _invoice(row) | {"parties": row.parties, "lines": [forms.line(line) for line in row.lines]}


@router.get("/invoices/{invoice_id}/pdf", openapi_extra=routes.PDF)
def invoice_pdf(request: HttpRequest, invoice_id: forms.Id):
    """The invoice as PDF, as it is sent; the same bytes each time."""
    row = queries.invoice(request.auth, invoice_id)
    return routes.pdf(invoices_on_paper.pdf(row), name=row.number)


@router.get("/lines/{line_id}/explanation", response=Explanation)
def explanation(request: HttpRequest, line_id: forms.Id):
    """Why an invoice line is as it is: rule, price version, units, readings, share of the period, rounding."""
    told = queries.explain(request.auth, line_id)
    return {
        "line": forms.line(told.line),
        "invoice": _invoice(told.invoice),
        "sentences": list(told.sentences),
    }


@router.get("/accounts/{account_id}/next-invoice", response=Estimate)
def next_invoice(request: HttpRequest, account_id: forms.Id):
    """The next invoice as it would be now. Metered charges are estimated from their latest reading."""
    view = estimate_invoice.estimate_invoice(request.auth, buyer_id=account_id, now=clock.now())
    return {"invoice": forms.proposal(view) if view else None}


@router.get("/accounts/{account_id}/accrued", response=Accrued)
def accrued(request: HttpRequest, account_id: forms.Id):
    """What has come together since the last close."""
    view = accrued_charges.accrued_charges(request.auth, buyer_id=account_id, now=clock.now())
    return {
        "currency": view.currency,
        "since": view.since,
        "closes_on": view.closes_on,
        "total": money.text(view.total, view.currency),
        "booked": [forms.line(line) for line in view.booked],
        "usage": [forms.line(line) for line in view.usage],
    }


@router.post("/accounts/{account_id}/expected-usage", response=Expectation | None)
def expected_usage(request: HttpRequest, account_id: forms.Id, payload: Difference):
    """What more or less usage will cost at the next close; null while nothing is open. Books nothing."""
    now = clock.now()
    view = expect_usage.expect_usage(
        request.auth, buyer_id=account_id, more=forms.units(payload.more), now=now
    )
    if view is None:
        return None
    currency = view.after.currency
    ceiling = ceiling_ahead.ceiling_ahead(request.auth, buyer_id=account_id, expected=view, now=now)
    return {
        "before": forms.proposal(view.before),
        "after": forms.proposal(view.after),
        "difference": money.text(view.difference, currency),
        "monthly": money.text(view.monthly, currency),
        "until_period_end": money.text(view.until_period_end, currency),
        "closes_left": view.closes_left,
        "period_end": view.period_end,
        "currency": currency,
        "ceiling": None
        if ceiling is None
        else {
            "ceiling": money.text(ceiling.ceiling, currency),
            "expected": money.text(ceiling.usage, currency),
            "is_near": ceiling.is_near,
            "is_beyond": ceiling.is_beyond,
            "is_approved": ceiling.is_approved,
            "needs_approval": ceiling.is_refused,
        },
    }


@router.get("/accounts/{account_id}/pending-usage", response=list[Pending])
def pending(request: HttpRequest, account_id: forms.Id):
    """Usage of closed months that waits for a reading, oldest first."""
    return queries.pending(request.auth, buyer_id=account_id)


@router.get("/billing-runs", response=list[Run])
def runs(request: HttpRequest, limit: forms.Limit = 30):
    """The latest billing runs, newest first."""
    return [_run(row) for row in queries.runs(request.auth, most=limit)]


@routes.books(router, "/billing-runs", response=RunResult, is_whole=False)
def run(request: HttpRequest, payload: RunWish):
    """Close every account that is due, or with `dry_run` tell what that would book. Closing twice is not possible."""
    result = billing_run.billing_run(
        request.auth,
        now=clock.now(),
        as_of=payload.as_of,
        seller_ids=None if payload.seller_id is None else [payload.seller_id],
        dry_run=payload.dry_run,
    )
    return _result(result, payload.dry_run)


@router.get("/parked", response=forms.Page[Parked])
def parked(
    request: HttpRequest,
    seller_id: forms.Id | None = None,
    limit: forms.Limit = 100,
    offset: forms.Offset = 0,
):
    """Subscriptions of your buyers, or of a seller's, that billing runs leave out, with the reasons."""
    rows = queries.parked(request.auth, seller_id=seller_id)
    return forms.page(rows, limit=limit, offset=offset)


@router.post("/parked/{subscription_id}/release", response=forms.Done)
def release(request: HttpRequest, subscription_id: forms.Id):
    """Let the next billing run take a parked subscription again."""
    operations.release_parked(request.auth, subscription_id=subscription_id, now=clock.now())
    return forms.Done()


@router.get("/sellers/{seller_id}/margins", response=list[Margin])
def margins(request: HttpRequest, seller_id: forms.Id, first: forms.Day, last: forms.Day):
    """Per customer and item what a reseller charged and was charged, from a day to a day, both included."""
    rows = queries.margins(request.auth, reseller_id=seller_id, first=first, last=last)
    return [
        row | {name: money.text(row[name], row["currency"]) for name in ("retail", "wholesale", "margin")}
        for row in rows
    ]


def _invoice(row: InvoiceView) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in Invoice.model_fields}
    return told | {name: money.text(told[name], row.currency) for name in ("subtotal", "tax", "total")}


def _totals(totals: Any) -> dict[str, str]:
    return {currency: money.text(amount, currency) for currency, amount in (totals or {}).items()}


def _run(row: RunView) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in Run.model_fields}
    return told | {"totals": _totals(row.totals)}


def _result(result: BatchResult, is_dry: bool) -> dict[str, Any]:
    return {
        "dry_run": is_dry,
        "closes": result.closes,
        "invoices": result.invoices,
        "lines": result.lines,
        "parked": result.parked,
        "totals": _totals(result.totals),
    }
