"""Those a seller sells to: his list, their details, and what he enters for them by hand."""

import datetime as dt
import functools

from django.http import Http404, HttpResponse
from django.urls import reverse

from postledger.accounts import operations as account_operations
from postledger.accounts import queries as accounts
from postledger.catalog import queries as catalog
from postledger.core import money
from postledger.core.errors import Refusal
from postledger.documents import words
from postledger.ledger import queries as ledger
from postledger.payments import operations as payment_operations
from postledger.payments import queries as payments
from postledger.subscriptions import queries as subscriptions
from postledger.web.customers import forms
from postledger.web.door import Ask, action, page, reading
from postledger.web.preview import confirmed
from postledger.workflows import activate as activating
from postledger.workflows import enter_credit, enter_debit, receive_payment, set_ceiling
from postledger.workflows import resume as resuming
from postledger.workflows import suspend as suspending


@reading
def listed(ask: Ask) -> HttpResponse:
    own = ask.require_seller()
    buyers = accounts.sold_to(ask.viewer, own.id)
    ids = [buyer.id for buyer in buyers]
    balances = ledger.balances_of(ask.viewer, ids)
    held = subscriptions.of_accounts(ask.viewer, ids)
    names = {plan.id: plan.name for plan in _plans(ask)} if held else {}
    return ask.page(
        "customers/list.html",
        rows=[
            {
                "buyer": buyer,
                "held": held.get(buyer.id),
                "plan": names.get(held[buyer.id].plan_id, "") if buyer.id in held else "",
                "balance": balances.get(buyer.id, 0),
            }
            for buyer in buyers
        ],
    )


@page
def add(ask: Ask) -> HttpResponse:
    own = ask.require_seller()
    form = forms.Customer(ask.data)
    if own.kind != "provider":
        del form.fields["kind"]
    if ask.is_post and form.is_valid():
        given = dict(form.cleaned_data)
        password = given.pop("password")
        is_reseller = given.pop("kind", "customer") == "reseller"
        given["country"] = given["country"].upper()
        try:
            if password and accounts.user_by_email(given["email"]) is not None:
                raise account_operations.EmailTaken(
                    f"Somebody signs in as {given['email']} already. Leave the password empty, or use another address."
                )
            make = account_operations.create_reseller if is_reseller else account_operations.create_customer
            made = make(ask.viewer, seller_id=own.id, now=ask.now, **given)
            if password:
                account_operations.create_user(
                    ask.viewer, account_id=made.id, email=made.email, password=password, now=ask.now
                )
            return ask.done(f"{made.name} is added. Choose his plan.", "plan-subscribe", account_id=made.id)
        except account_operations.CodeTaken as error:
            form.refuse(error, "code")
        except account_operations.EmailTaken as error:
            form.refuse(error, "email")
        except Refusal as error:
            form.refuse(error)
    return ask.page(
        "panel/form_page.html", form=form, title="Add a customer", button="Add", back=reverse("customers"),
        back_title="Customers", status=422 if form.errors else 200,
    )  # fmt: skip


@page
def edit(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.selling_to(account_id)
    fields = ("name", "email", "address", "country", "is_tax_exempt")
    form = forms.Details(ask.data, initial={name: getattr(account, name) for name in fields})
    if ask.is_post and form.is_valid():
        try:
            given = {**form.cleaned_data, "country": form.cleaned_data["country"].upper()}
            account_operations.update_details(ask.viewer, account_id=account_id, now=ask.now, **given)
            return ask.done("Saved.", "account", account_id=account_id)
        except Refusal as error:
            form.refuse(error)
    return _form(ask, account, form, "Details", "Save")


@page
def payment(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.selling_to(account_id)
    form = forms.Payment(account.currency, ask.data)
    if ask.is_post and form.is_valid():
        given = form.cleaned_data
        try:
            receive_payment.receive_payment(
                ask.viewer,
                buyer_id=account_id,
                amount=given["amount"],
                method=given["method"],
                key=given["key"].strip(),
                now=ask.now,
            )
            return ask.done(
                f"{words.amount(given['amount'], account.currency)} is booked.",
                "statement",
                account_id=account_id,
            )
        except Refusal as error:
            form.refuse(error, "amount")
    return _form(ask, account, form, "Enter a payment", "Book the payment")


@page
def credit(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.selling_to(account_id)
    form = forms.Credit(account.currency, ask.data)
    if ask.is_post and form.is_valid():
        given = form.cleaned_data
        try:
            enter_credit.enter_credit(ask.viewer, buyer_id=account_id, now=ask.now, **given)
            return ask.done(
                f"A credit of {words.amount(given['amount'], account.currency)} is booked.",
                "statement",
                account_id=account_id,
            )
        except Refusal as error:
            form.refuse(error, "amount")
    return _form(ask, account, form, "Enter a credit", "Book the credit")


@page
def debit(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.selling_to(account_id)
    form = forms.Debit(account.currency, ask.data)
    if ask.is_post and form.is_valid():
        act = functools.partial(
            enter_debit.enter_debit, ask.viewer, buyer_id=account_id, now=ask.now, **form.cleaned_data
        )
        try:
            return confirmed(
                ask, account, act,
                title="Enter a debit",
                words=form.cleaned_data["text"]
                if form.cleaned_data["every"] == "once"
                else f"{form.cleaned_data['text']}: it falls due at each close from the next one on.",
                button="Book the debit", done="The debit is booked.", to="statement",
            )  # fmt: skip
        except Refusal as error:
            form.refuse(error, "amount")
    return _form(ask, account, form, "Enter a debit", "Show what is booked")


@page
def terms(ask: Ask, account_id: int) -> HttpResponse:
    """How a buyer pays, how much he may owe, and how much he may order in a month."""
    account = ask.selling_to(account_id)
    currency = accounts.seller_of(ask.viewer, account_id).currency
    held = payments.terms_of(ask.viewer, account_id)
    shown = {
        "method": held.method,
        "credit_limit": _typed(held.credit_limit, currency),
        "ceiling": _typed(held.ceiling, currency),
        "ceiling_approved_until": held.ceiling_approved_until,
    }
    form = forms.Terms(currency, ask.data, initial=shown)
    if ask.is_post and form.is_valid():
        given = form.cleaned_data
        try:
            payment_operations.set_terms(
                ask.viewer,
                buyer_id=account_id,
                method=given["method"] or None,
                credit_limit=given["credit_limit"],
                clear_credit_limit=given["credit_limit"] is None,
                ceiling=given["ceiling"] or 0,
                ceiling_approved_until=given["ceiling_approved_until"],
                clear_ceiling_approval=given["ceiling_approved_until"] is None,
            )
            return ask.done("Saved.", "account", account_id=account_id)
        except Refusal as error:
            form.refuse(error)
    return _form(
        ask, account, form, "Payment terms", "Save",
        words="Whether he pays tax is set in his details. When cards are charged, and what is done about debts, is set for "
        "all your customers in your settings.",
    )  # fmt: skip


@action
def approve(ask: Ask, account_id: int) -> HttpResponse:
    """More than the ceiling up to a day, or no longer."""
    account = ask.selling_to(account_id)
    try:
        until = dt.date.fromisoformat(ask.request.POST["until"]) if ask.request.POST.get("until") else None
    except ValueError as error:
        raise Http404 from error
    set_ceiling.set_ceiling(
        ask.viewer, buyer_id=account_id, approved_until=until, withdraw_approval=until is None
    )
    if until is None:
        return ask.done("The approval is withdrawn.", "account", account_id=account_id)
    told = f"Until {words.day(until)}, {account.name} may order beyond the ceiling."
    return ask.done(told, "account", account_id=account_id)


@page
def suspend(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.selling_to(account_id)
    form = forms.Suspension(ask.data)
    if ask.is_post and form.is_valid():
        try:
            gone = suspending.suspend(
                ask.viewer, buyer_id=account_id, reason=form.cleaned_data["reason"], now=ask.now
            )
            more = f", with {len(gone) - 1} of his customers" if len(gone) > 1 else ""
            return ask.done(f"{account.name} is suspended{more}.", "account", account_id=account_id)
        except Refusal as error:
            form.refuse(error)
    return _form(
        ask, account, form, f"Suspend {account.name}", "Suspend",
        words="Nothing is refunded and the billing period goes on. His customers, if he has any, are suspended with him.",
    )  # fmt: skip


@page
def resume(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.selling_to(account_id)
    form = forms.Form(ask.data)
    if ask.is_post and form.is_valid():
        try:
            resuming.resume(ask.viewer, buyer_id=account_id, now=ask.now)
            return ask.done(f"{account.name} goes on.", "account", account_id=account_id)
        except Refusal as error:
            form.refuse(error)
    return _form(
        ask, account, form, f"Resume {account.name}", "Resume",
        words="Inside the billing period nothing is charged. After it a new period opens today, and the gap is not billed.",
    )  # fmt: skip


@page
def activate(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.selling_to(account_id)
    form = forms.Form(ask.data)
    if ask.is_post and form.is_valid():
        try:
            activating.activate(ask.viewer, buyer_id=account_id, now=ask.now)
            return ask.done(f"{account.name} is active.", "account", account_id=account_id)
        except Refusal as error:
            form.refuse(error)
    return _form(
        ask, account, form, f"Activate {account.name}", "Activate",
        words="You have looked at the signup and it is right. The first billing period opens today.",
    )  # fmt: skip


def _typed(minor: int | None, currency: str) -> str | None:
    return None if minor is None else money.text(minor, currency)


def _plans(ask: Ask):
    return catalog.plans(ask.viewer, today=ask.today(), seller_id=ask.own.id, only_offered=False)


def _form(ask: Ask, account, form, title: str, button: str, **context) -> HttpResponse:
    return ask.page(
        "customers/form.html",
        account=account,
        form=form,
        title=title,
        button=button,
        status=422 if form.errors else 200,
        **context,
    )
