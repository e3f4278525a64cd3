"""A buyer's plan: what it holds, and every change of it with its price first."""

import datetime as dt
import functools
from fractions import Fraction

from django.http import Http404, HttpResponse
from django.urls import reverse

from postledger.accounts.types import AccountView
from postledger.catalog import queries as catalog
from postledger.catalog.types import PlanView
from postledger.core import money
from postledger.core.errors import Refusal
from postledger.documents import words
from postledger.subscriptions import queries as subscriptions
from postledger.subscriptions.types import SubscriptionView
from postledger.web.door import Ask, page, reading
from postledger.web.plan import forms
from postledger.web.preview import confirmed
from postledger.workflows import buy_package as buying
from postledger.workflows import cancel as cancelling
from postledger.workflows import change_period, change_plan, change_quantities, change_start
from postledger.workflows import move_to_monthly as moving
from postledger.workflows import subscribe as subscribing
from postledger.workflows import switch_charge as switching


@reading
def overview(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    held = subscriptions.of_accounts(ask.viewer, [account_id]).get(account_id)
    if held is None or held.status in ("closed", "deleted"):
        return ask.page("plan/none.html", account=account, held=held)
    plan = _plan(ask, account, held)
    terms = plan.terms
    return ask.page(
        "plan/overview.html",
        account=account,
        held=held,
        plan=plan,
        period_words=forms.months_words(held.months),
        charges=[
            {
                "charge": charge,
                "rates": terms.rates(charge.name, held.months),
                "held": held.quantities.get(charge.name),
                "is_on": held.switched.get(charge.name, charge.activated),
            }
            for charge in terms.charges.values()
        ],
        packages=[
            {
                "package": package,
                "count": held.packages.get(name),
                "rates": terms.package_rates(name, held.months),
            }
            for name, package in terms.packages.items()
        ],
        can_order=bool(forms.ordered(terms)),
        can_change_period=len(terms.periods) > 1,
        can_move_start=ask.own.id != account_id and held.status == "active",
        can_go_monthly=held.months > 1 and 1 in terms.periods,
        people=ask.people(account_id),
        changes=subscriptions.changes(ask.viewer, held.id)[:12],
    )


@page
def subscribe(ask: Ask, account_id: int) -> HttpResponse:
    account = ask.buyer(account_id)
    held = subscriptions.of_accounts(ask.viewer, [account_id]).get(account_id)
    if held is not None and held.status not in ("closed", "deleted"):
        return ask.failed("There is a plan already. Change it here.", "plan", account_id=account_id)
    offered = _offered(ask, account)
    form = forms.Choose(offered, ask.data)
    if ask.is_post and form.is_valid():
        plan_id, months = form.chosen
        act = functools.partial(
            subscribing.subscribe,
            ask.viewer,
            buyer_id=account_id,
            plan_id=plan_id,
            months=months,
            now=ask.now,
        )
        name = next(plan.name for plan in offered if plan.id == plan_id)
        return _confirmed(
            ask, account, form, act, "choice",
            title=f"Choose {name}", words=f"{name}, billed every {forms.months_words(months)}, from today.",
            button="Choose this plan", done=f"{account.name} is on {name} now.",
        )  # fmt: skip
    return _form(ask, account, form, "Choose a plan", "Show the price", empty=not offered)


@page
def quantities(ask: Ask, account_id: int) -> HttpResponse:
    account, held = _held(ask, account_id)
    plan = _plan(ask, account, held)
    form = forms.Quantities(plan.terms, held, ask.data)
    if ask.is_post and form.is_valid():
        wanted = {name: Fraction(units) for name, units in form.given().items()}
        act = functools.partial(
            change_quantities.change_quantities,
            ask.viewer,
            buyer_id=account_id,
            quantities=wanted,
            now=ask.now,
        )
        told = ", ".join(f"{words.charge_title(n)}: {words.number(u)}" for n, u in form.given().items())
        return _confirmed(
            ask, account, form, act, None,
            title="Change quantities", words=told, button="Change", done="The quantities are changed.",
        )  # fmt: skip
    return _form(ask, account, form, "Change quantities", "Show the price", empty=not form.names)


@page
def change(ask: Ask, account_id: int) -> HttpResponse:
    account, held = _held(ask, account_id)
    offered = [plan for plan in _offered(ask, account) if plan.id != held.plan_id]
    form = forms.Change(offered, ask.data)
    if ask.is_post and form.is_valid():
        plan_id = int(form.cleaned_data["plan"])
        name = next(plan.name for plan in offered if plan.id == plan_id)
        act = functools.partial(
            change_plan.change_plan, ask.viewer, buyer_id=account_id, plan_id=plan_id, now=ask.now
        )
        return _confirmed(
            ask, account, form, act, "plan",
            title=f"Change to {name}",
            words="What the present plan prepaid is refunded by the day; the new plan is charged for the days left.",
            button=f"Change to {name}", done=f"{account.name} is on {name} now.",
        )  # fmt: skip
    return _form(ask, account, form, "Change the plan", "Show the price", empty=not offered)


@page
def period(ask: Ask, account_id: int) -> HttpResponse:
    account, held = _held(ask, account_id)
    terms = _plan(ask, account, held).terms
    form = forms.Period([months for months in terms.periods if months != held.months], ask.data)
    if ask.is_post and form.is_valid():
        months = int(form.cleaned_data["months"])
        act = functools.partial(
            change_period.change_period, ask.viewer, buyer_id=account_id, months=months, now=ask.now
        )
        return _confirmed(
            ask, account, form, act, "months",
            title=f"Bill every {forms.months_words(months)}",
            words="The old period is refunded by the day; the new one is charged.",
            button="Change the billing period", done="The billing period is changed.",
        )  # fmt: skip
    return _form(
        ask, account, form, "Change the billing period", "Show the price", empty=len(terms.periods) < 2
    )


@page
def start(ask: Ask, account_id: int) -> HttpResponse:
    """Another start of the billing period, with the credit that the seller may give for time paid twice (C6)."""
    account, held = _held(ask, account_id)
    ask.selling_to(account_id)
    form = forms.Start(ask.data, initial={"start": held.period_start})
    if ask.is_post and form.is_valid():
        try:
            return _moved(ask, account, form.cleaned_data["start"])
        except Refusal as error:
            form.refuse(error, "start")
    return _form(ask, account, form, "Move the start of the period", "Show what it costs")


def _moved(ask: Ask, account: AccountView, first: dt.date) -> HttpResponse:
    change = functools.partial(
        change_start.change_start, ask.viewer, buyer_id=account.id, start=first, now=ask.now
    )
    moved = change(preview=True)
    currency = moved.proposal.currency
    seen = f"{moved.proposal.total_text} {len(moved.proposal.lines)} {moved.paid_twice}"
    pressed = ask.request.POST.get("confirm", "")
    credit = forms.PaidTwice(
        currency,
        ask.data if pressed == "credit" else None,
        initial={
            "credit": money.text(moved.paid_twice, currency),
            "text": f"Time paid twice: the period now starts on {words.day(first)}",
        },
    )
    if ask.request.POST.get("seen") == seen:
        if pressed == "alone":
            change()
            return ask.done("The start is moved; no credit was given.", "plan", account_id=account.id)
        if pressed == "credit" and credit.is_valid():
            given = credit.cleaned_data
            change(credit=given["credit"], credit_text=given["text"])
            told = words.amount(given["credit"], currency)
            return ask.done(f"The start is moved, and {told} credited.", "plan", account_id=account.id)
    return ask.page(
        "plan/start.html",
        account=account,
        first=first,
        moved=moved,
        credit=credit,
        seen=seen,
        notice="The price has changed meanwhile. Look at it again." if pressed and not credit.errors else "",
        status=422 if credit.errors else 200,
    )


@page
def monthly(ask: Ask, account_id: int) -> HttpResponse:
    account, held = _held(ask, account_id)
    if held.months == 1:
        return ask.failed("This plan is billed by the month already.", "plan", account_id=account_id)
    move = moving.move_to_monthly(ask.viewer, buyer_id=account_id, now=ask.now, preview=True)
    seen = f"{move.proposal.total_text} {move.balance} {move.monthly_cost}"
    if ask.is_post and ask.request.POST.get("seen") == seen:
        moving.move_to_monthly(ask.viewer, buyer_id=account_id, now=ask.now)
        return ask.done("Billed by the month from now on.", "plan", account_id=account_id)
    return ask.page(
        "plan/monthly.html",
        account=account,
        held=held,
        move=move,
        seen=seen,
        notice="The price has changed meanwhile. Look at it again." if ask.is_post else "",
    )


@page
def switch(ask: Ask, account_id: int, charge: str) -> HttpResponse:
    account, held = _held(ask, account_id)
    found = _plan(ask, account, held).terms.charges.get(charge)
    if found is None:
        raise Http404
    is_on = not held.switched.get(charge, found.activated)
    title = words.charge_title(charge)
    act = functools.partial(
        switching.switch_charge, ask.viewer, buyer_id=account_id, charge=charge, is_on=is_on, now=ask.now
    )
    return confirmed(
        ask, account, act,
        title=f"Switch {title} {'on' if is_on else 'off'}",
        words="It is billed from today." if is_on else "What was prepaid is refunded by the day.",
        button="Switch on" if is_on else "Switch off",
        done=f"{title} is {'on' if is_on else 'off'}.", to="plan",
    )  # fmt: skip


@page
def package(ask: Ask, account_id: int, package: str) -> HttpResponse:
    account, held = _held(ask, account_id)
    if package not in _plan(ask, account, held).terms.packages:
        raise Http404
    act = functools.partial(buying.buy_package, ask.viewer, buyer_id=account_id, package=package, now=ask.now)
    return confirmed(
        ask, account, act,
        title=f"Buy {package}", words="Its units are included in your plan from now on.", button="Buy",
        done=f"{package} is bought.", to="plan",
    )  # fmt: skip


@page
def cancel(ask: Ask, account_id: int) -> HttpResponse:
    account, held = _held(ask, account_id)
    act = functools.partial(cancelling.cancel, ask.viewer, buyer_id=account_id, now=ask.now)
    remarks = (
        ["Exchange with all its mail ends with the plan; its usage of this month is billed first."]
        if held.exchange_since
        else []
    )
    return confirmed(
        ask, account, act,
        title="End the plan", words="The plan ends today. What was prepaid is refunded by the day.",
        button="End the plan", done="The plan has ended.", to="plan", remarks=remarks,
    )  # fmt: skip


def _held(ask: Ask, account_id: int) -> tuple[AccountView, SubscriptionView]:
    account = ask.buyer(account_id)
    held = subscriptions.of_accounts(ask.viewer, [account_id]).get(account_id)
    if held is None or held.status in ("closed", "deleted"):
        raise Http404
    return account, held


def _plan(ask: Ask, account: AccountView, held: SubscriptionView) -> PlanView:
    return catalog.plan(ask.viewer, held.plan_id, today=ask.today(account))


def _offered(ask: Ask, account: AccountView) -> tuple[PlanView, ...]:
    return catalog.plans(ask.viewer, today=ask.today(account), seller_id=account.seller_id)


def _confirmed(ask: Ask, account, form, act, field: str | None, **texts) -> HttpResponse:
    try:
        return confirmed(ask, account, act, to="plan", **texts)
    except Refusal as error:
        form.refuse(error, field)
        return _form(ask, account, form, texts["title"], "Show the price")


def _form(
    ask: Ask, account: AccountView, form, title: str, button: str, *, empty: bool = False
) -> HttpResponse:
    return ask.page(
        "plan/form.html",
        account=account,
        form=form,
        title=title,
        button=button,
        empty=empty,
        back=reverse("plan", kwargs={"account_id": account.id}),
        status=422 if form.errors else 200,
    )
