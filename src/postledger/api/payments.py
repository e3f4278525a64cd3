"""Routes of money that is entered: payments, credits, debits; how a buyer pays; debtors; how a seller bills."""

import datetime as dt
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Schema
from pydantic import Field, StringConstraints

from postledger import clock
from postledger.api import forms, routes
from postledger.api.subscriptions import Preview
from postledger.billing import operations as billing
from postledger.billing import queries as billing_queries
from postledger.core import money
from postledger.payments import operations, queries
from postledger.payments.types import PaymentTermsView
from postledger.workflows import (
    change_billing_settings,
    enter_credit,
    enter_debit,
    receive_payment,
    set_ceiling,
)

router = routes.area("Payments")
Method = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,16}$")]


class Payment(Schema):
    """Money received; `reference` is the number it was entered under."""

    id: int
    buyer_id: int
    amount: str
    currency: str
    method: str
    on: dt.date
    reference: str


class NewPayment(forms.Amount):
    """`reference` is the number of the payment at your bank or processor: the same one is entered once, for ever."""

    method: Method
    reference: Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]


class Made(Schema):
    """The number of what was made."""

    id: int


class NewCredit(forms.Amount):
    """`reason` is for the seller's books, `text` stands on the statement."""

    reason: forms.Text = ""
    text: forms.Name


class NewDebit(forms.Amount):
    """A debit is due today (`once`), or at each close of a month or period to come."""

    text: forms.Name
    is_taxed: bool = True
    every: Literal["once", "month", "period"] = "once"


class Debit(Schema):
    """A repeating debit."""

    id: int
    amount: str
    currency: str
    is_taxed: bool
    every: str
    text: str
    since: dt.date


class Terms(Schema):
    """How a buyer pays and how much he may owe; no limit is null."""

    method: str
    currency: str
    credit_limit: str | None
    is_card_declined: bool
    ceiling: str | None
    ceiling_approved_until: dt.date | None


class TermsChange(forms.Body):
    """What is left out stays; `credit_limit: null` lifts the limit."""

    method: Literal["check", "card"] | None = None
    credit_limit: forms.Amount | None = None


class CeilingChange(forms.Body):
    """Net, a month; an amount of zero takes the ceiling away. `approved_until: null` withdraws an approval."""

    ceiling: forms.Amount | None = None
    approved_until: forms.Day | None = None


class Debtor(Schema):
    """A buyer whose debt goes beyond his limit, with the next step."""

    buyer_id: int
    buyer: str
    debt: str
    currency: str
    since: dt.date
    last_step: str
    next_step: str
    next_step_on: dt.date | None


class Tax(forms.Body):
    """A tax with its percentage."""

    name: forms.Name
    percent: forms.DecimalText


class Step(forms.Body):
    """A step with debtors, so many days after the one before."""

    step: Literal["notice", "pre_suspension", "suspension", "deletion"]
    days: int = Field(ge=0, le=1000)


class SettingsChange(forms.Body):
    """How a seller bills; what is left out stays. Odd cents of tax are given out in the order of the taxes."""

    taxes: list[Tax] | None = None
    sends_no_charge_notice: bool | None = None
    number_prefix: Annotated[str, StringConstraints(max_length=20)] | None = None
    charge_cards: Literal["anniversary", "credit_limit"] | None = None
    steps: list[Step] | None = None


class Taxes(Schema):
    """A seller's taxes, in order."""

    taxes: list[Tax]


class Settings(Taxes):
    """How a seller bills. Steps with debtors that are off are left out; each counts its days from the one before."""

    sends_no_charge_notice: bool
    number_prefix: str
    next_number: int
    charge_cards: str
    steps: list[Step]


@router.get("/accounts/{account_id}/payments", response=forms.Page[Payment])
def payments(request: HttpRequest, account_id: forms.Id, limit: forms.Limit = 100, offset: forms.Offset = 0):
    """The payments of an account, newest first."""
    told = forms.page(queries.payments(request.auth, buyer_id=account_id), limit=limit, offset=offset)
    told["items"] = [
        {
            "id": row.id,
            "buyer_id": row.buyer_id,
            "amount": money.text(row.amount, row.currency),
            "currency": row.currency,
            "method": row.method,
            "on": row.on,
            "reference": row.key,
        }
        for row in told["items"]
    ]
    return told


@routes.books(router, "/accounts/{account_id}/payments", response={201: Made})
def pay(request: HttpRequest, account_id: forms.Id, payload: NewPayment):
    """Enter money that an account you sell to has paid. It pays the oldest invoices first."""
    payment_id = receive_payment.receive_payment(
        request.auth,
        buyer_id=account_id,
        amount=forms.minor(request.auth, account_id, payload),
        method=payload.method,
        key=payload.reference,
        now=clock.now(),
    )
    return {"id": payment_id}


@routes.books(router, "/accounts/{account_id}/credits", response={201: Made})
def credit(request: HttpRequest, account_id: forms.Id, payload: NewCredit):
    """Give an account you sell to a credit. The number is that of the ledger entry."""
    entry_id = enter_credit.enter_credit(
        request.auth,
        buyer_id=account_id,
        amount=forms.minor(request.auth, account_id, payload),
        reason=payload.reason,
        text=payload.text,
        now=clock.now(),
    )
    return {"id": entry_id}


@routes.books(router, "/accounts/{account_id}/debits", response=forms.Proposal)
def debit(request: HttpRequest, account_id: forms.Id, payload: NewDebit, preview: Preview = False):
    """Charge an account you sell to, once or repeating. Answers what is booked today."""
    return forms.proposal(
        enter_debit.enter_debit(
            request.auth,
            buyer_id=account_id,
            amount=forms.minor(request.auth, account_id, payload),
            text=payload.text,
            is_taxed=payload.is_taxed,
            every=payload.every,
            now=clock.now(),
            preview=preview,
        )
    )


@router.get("/accounts/{account_id}/debits", response=list[Debit])
def debits(request: HttpRequest, account_id: forms.Id):
    """The repeating debits of an account."""
    currency = forms.currency_of(request.auth, account_id)
    return [
        row | {"amount": money.text(row["amount"], currency), "currency": currency}
        for row in billing_queries.repeating_debits(request.auth, account_id)
    ]


@router.delete("/debits/{debit_id}", response=forms.Done)
def end_debit(request: HttpRequest, debit_id: forms.Id):
    """End a repeating debit."""
    billing.end_repeating_debit(request.auth, debit_id=debit_id, day=clock.now().date())
    return forms.Done()


@router.get("/accounts/{account_id}/payment-terms", response=Terms)
def terms(request: HttpRequest, account_id: forms.Id):
    """How an account pays and how much it may owe."""
    currency = forms.currency_of(request.auth, account_id)
    return _terms(queries.terms_of(request.auth, account_id), currency)


@router.patch("/accounts/{account_id}/payment-terms", response=forms.Done)
def change_terms(request: HttpRequest, account_id: forms.Id, payload: TermsChange):
    """Change how an account you sell to pays and how much it may owe."""
    limit = payload.credit_limit
    operations.set_terms(
        request.auth,
        buyer_id=account_id,
        method=payload.method,
        credit_limit=None if limit is None else forms.minor(request.auth, account_id, limit),
        clear_credit_limit=limit is None and "credit_limit" in payload.model_fields_set,
    )
    return forms.Done()


@router.patch("/accounts/{account_id}/ceiling", response=Terms)
def change_ceiling(request: HttpRequest, account_id: forms.Id, payload: CeilingChange):
    """Set a ceiling on the usage of one month of an account you sell to, or approve what goes beyond it."""
    ceiling = payload.ceiling
    row = set_ceiling.set_ceiling(
        request.auth,
        buyer_id=account_id,
        ceiling=None if ceiling is None else forms.minor(request.auth, account_id, ceiling),
        approved_until=payload.approved_until,
        withdraw_approval=payload.approved_until is None and "approved_until" in payload.model_fields_set,
    )
    return _terms(row, forms.currency_of(request.auth, account_id))


@router.get("/sellers/{seller_id}/debtors", response=list[Debtor])
def debtors(request: HttpRequest, seller_id: forms.Id):
    """The debtors of a seller, the longest first."""
    rows = queries.debtors(request.auth, seller_id=seller_id)
    currency = forms.own_currency_of(request.auth, seller_id)
    return [
        {
            "buyer_id": row.buyer_id,
            "buyer": row.buyer,
            "debt": money.text(row.debt, currency),
            "currency": currency,
            "since": row.since,
            "last_step": row.last_step,
            "next_step": row.next_step,
            "next_step_on": row.next_step_on,
        }
        for row in rows
    ]


@router.get("/sellers/{seller_id}/taxes", response=Taxes)
def taxes(request: HttpRequest, seller_id: forms.Id):
    """The taxes of a seller."""
    rows = billing_queries.taxes_of(request.auth, seller_id)
    return {"taxes": [{"name": name, "percent": percent} for name, percent in rows]}


@router.get("/sellers/{seller_id}/billing-settings", response=Settings)
def settings(request: HttpRequest, seller_id: forms.Id):
    """How a seller bills: taxes, invoice numbers, when cards are charged, and his steps with debtors."""
    row = billing_queries.settings_of(request.auth, seller_id)
    policy = queries.collection_of(request.auth, seller_id)
    return {
        "taxes": [{"name": name, "percent": percent} for name, percent in row.taxes],
        "sends_no_charge_notice": row.sends_no_charge_notice,
        "number_prefix": row.number_prefix,
        "next_number": row.next_number,
        "charge_cards": policy.mode,
        "steps": [{"step": step, "days": days} for step, days in policy.dunning],
    }


@router.patch("/sellers/{seller_id}/billing-settings", response=forms.Done)
def change_settings(request: HttpRequest, seller_id: forms.Id, payload: SettingsChange):
    """Change how a seller bills from now on: all of it or nothing. No steps with debtors is an empty list."""
    change_billing_settings.change_billing_settings(
        request.auth,
        seller_id=seller_id,
        taxes=None if payload.taxes is None else [(tax.name, tax.percent) for tax in payload.taxes],
        sends_no_charge_notice=payload.sends_no_charge_notice,
        number_prefix=payload.number_prefix,
        mode=payload.charge_cards,
        dunning=None if payload.steps is None else [(step.step, step.days) for step in payload.steps],
        now=clock.now(),
    )
    return forms.Done()


def _terms(row: PaymentTermsView, currency: str) -> dict[str, Any]:
    def text(amount: int | None) -> str | None:
        return None if amount is None else money.text(amount, currency)

    return {
        "method": row.method,
        "currency": currency,
        "credit_limit": text(row.credit_limit),
        "is_card_declined": row.is_card_declined,
        "ceiling": text(row.ceiling),
        "ceiling_approved_until": row.ceiling_approved_until,
    }
