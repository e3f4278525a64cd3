"""A seller's plans and their charges. Terms are never changed: a new version takes their place from a day on."""

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse

from postledger.accounts import queries as accounts
from postledger.catalog import operations as catalog_operations
from postledger.catalog import queries as catalog
from postledger.catalog.types import PlanView
from postledger.core import terms
from postledger.core.errors import Refusal
from postledger.provisioning import queries as provisioning
from postledger.subscriptions import queries as subscriptions
from postledger.web.door import Ask, action, page, reading
from postledger.web.plans import forms
from postledger.workflows import compare_cadences as comparing


@reading
def listed(ask: Ask) -> HttpResponse:
    own = ask.require_seller()
    plans = catalog.plans(ask.viewer, today=ask.today(), seller_id=own.id, only_offered=False)
    held = subscriptions.of_accounts(ask.viewer, [buyer.id for buyer in accounts.sold_to(ask.viewer, own.id)])
    counts: dict[int, int] = {}
    for found in held.values():
        if found.status not in ("closed", "deleted"):
            counts[found.plan_id] = counts.get(found.plan_id, 0) + 1
    with_exchange = provisioning.offered_plan_ids(ask.viewer, seller_id=own.id)
    return ask.page(
        "plans/list.html",
        rows=[(plan, counts.get(plan.id, 0), plan.id in with_exchange) for plan in plans],
    )


@reading
def one(ask: Ask, plan_id: int) -> HttpResponse:
    plan = _plan(ask, plan_id)
    return ask.page(
        "plans/plan.html",
        plan=plan,
        charges=plan.terms.charges.values(),
        periods=plan.terms.periods.items(),
        versions=catalog.versions(ask.viewer, plan_id, today=ask.today()),
        has_exchange=plan_id in provisioning.offered_plan_ids(ask.viewer, seller_id=ask.own.id),
        connections=provisioning.connections_of(ask.viewer, ask.own.id),
        warnings=_warnings(ask, plan.terms, plan.currency, plan_id),
    )


@action
def offer(ask: Ask, plan_id: int) -> HttpResponse:
    plan = _plan(ask, plan_id)
    catalog_operations.offer(ask.viewer, plan_id=plan_id, is_offered=not plan.is_offered, now=ask.now)
    words = "is no longer offered; its subscribers keep it" if plan.is_offered else "is offered again"
    return ask.done(f"{plan.name} {words}.", "plans-one", plan_id=plan_id)


@page
def add(ask: Ask) -> HttpResponse:
    ask.require_seller()
    base = {
        "charges": [
            {"name": "Base fee", "measure": "fixed"},
            {"name": "exchange.mailboxes", "measure": "metered"},
        ]
    }
    form = forms.Plan(ask.data, initial={"effective_from": ask.today()})
    rows = _rows(ask, base["charges"])
    warnings: tuple[comparing.Comparison, ...] = ()
    if ask.is_post and _are_valid(form, rows):
        made = _document(form, rows, {})
        wanted = _wanted(form, made, form.cleaned_data["name"], ask.own.currency)
        warnings = _warnings(ask, wanted, ask.own.currency) if wanted is not None else ()
        try:
            if wanted is not None and (not warnings or ask.request.POST.get("accepted") == "yes"):
                plan_id = catalog_operations.publish_plan(
                    ask.viewer,
                    seller_id=ask.own.id,
                    code=form.cleaned_data["code"].strip().lower(),
                    name=form.cleaned_data["name"].strip(),
                    terms=made,
                    effective_from=form.cleaned_data["effective_from"],
                    now=ask.now,
                )
                return ask.done(
                    "The plan is there. Switch a platform plan on for it to offer Exchange.",
                    "plans-one",
                    plan_id=plan_id,
                )
        except catalog_operations.PlanExists as error:
            form.refuse(error, "code")
        except Refusal as error:
            form.refuse(error)
    return _editor(ask, form, rows, "Add a plan", reverse("plans"), warnings=warnings)


@page
def edit(ask: Ask, plan_id: int) -> HttpResponse:
    plan = _plan(ask, plan_id)
    document = terms.to_json(plan.terms)
    form = forms.Plan(ask.data, initial=forms.initial_plan(plan.name, plan.code, document, ask.today()))
    for fixed in ("name", "code"):
        form.fields[fixed].disabled = True
    rows = _rows(ask, document["charges"])
    warnings: tuple[comparing.Comparison, ...] = ()
    if ask.is_post and _are_valid(form, rows):
        made = _document(form, rows, document)
        wanted = _wanted(form, made, plan.name, plan.currency)
        warnings = _warnings(ask, wanted, plan.currency, plan_id) if wanted is not None else ()
        try:
            if wanted is not None and (not warnings or ask.request.POST.get("accepted") == "yes"):
                catalog_operations.change_terms(
                    ask.viewer,
                    plan_id=plan_id,
                    terms=made,
                    effective_from=form.cleaned_data["effective_from"],
                    now=ask.now,
                )
                return ask.done("The new version is saved.", "plans-one", plan_id=plan_id)
        except Refusal as error:
            form.refuse(error, "effective_from")
    return _editor(
        ask,
        form,
        rows,
        f"Change {plan.name}",
        reverse("plans-one", kwargs={"plan_id": plan_id}),
        plan,
        warnings,
    )


def _plan(ask: Ask, plan_id: int) -> PlanView:
    """A plan of the seller's own; those of others do not exist here."""
    own = ask.require_seller()
    found = catalog.plan(ask.viewer, plan_id, today=ask.today())
    if found.seller_id != own.id:
        raise Http404
    return found


def _rows(ask: Ask, charges) -> list[forms.Charge]:
    if ask.is_post:
        count = int(ask.request.POST.get("rows", "0")) if ask.request.POST.get("rows", "").isdigit() else 0
        return [forms.Charge(ask.data, prefix=f"c{number}") for number in range(min(count, 200))]
    blank = [None] * forms.BLANK_ROWS
    return [
        forms.Charge(prefix=f"c{number}", initial=forms.initial_charge(item) if item else None)
        for number, item in enumerate([*charges, *blank])
    ]


def _are_valid(form: forms.Plan, rows: list[forms.Charge]) -> bool:
    return all([form.is_valid(), *(row.is_valid() for row in rows)])


def _document(form: forms.Plan, rows: list[forms.Charge], before: dict[str, Any]) -> dict[str, Any]:
    given = form.cleaned_data
    known = {item["name"]: item for item in before.get("charges", [])}
    charges = []
    for row in rows:
        if row.is_used:
            name = row.cleaned_data["meter"] or row.cleaned_data["name"].strip()
            charges.append(row.document(known.get(name)))
    periods = {}
    for months, off in given["periods"].items():
        periods[months] = {**before.get("periods", {}).get(months, {}), "recurring": "0", **off}
    return {
        **before,
        "charges": charges,
        "periods": periods,
        "refund_percent": f"{given['refund_percent']:f}",
        "money_back_days": given["money_back_days"],
        "moderated": given["moderated"],
        "grandfathered": given["grandfathered"],
    }


def _wanted(form: forms.Plan, made: dict[str, Any], name: str, currency: str) -> terms.Terms | None:
    """The terms a document says; None, with the words beside the form, where it says none."""
    try:
        return terms.from_json(made, id=0, plan=name, currency=currency)
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        form.refuse(f"{error}. Nothing was saved.")
        return None


def _warnings(
    ask: Ask, wanted: terms.Terms, currency: str, plan_id: int | None = None
) -> tuple[comparing.Comparison, ...]:
    """Metered charges billed by the period, with last month's usage under both cadences (rule U3)."""
    return comparing.compare_cadences(
        ask.viewer,
        seller_id=ask.own.id,
        plan_id=plan_id,
        terms=wanted,
        currency=currency,
        today=ask.today(),
    )


def _editor(ask: Ask, form, rows, title: str, back: str, plan=None, warnings=()) -> HttpResponse:
    has_errors = bool(form.errors) or any(row.errors for row in rows)
    return ask.page(
        "plans/edit.html",
        form=form,
        rows=rows,
        title=title,
        back=back,
        plan=plan,
        warnings=warnings,
        status=422 if has_errors or warnings else 200,
    )
