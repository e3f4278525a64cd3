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
from postledger.workflows import preview_terms as previewing

_BEGINNING: dict[str, Any] = {
    "charges": [
        {"name": "Base fee", "measure": "fixed"},
        {"name": "exchange.mailboxes", "measure": "metered"},
    ],
    "periods": {"1": {}, "12": {}},
}


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
    editor = forms.Editor(
        ask.data, document=_BEGINNING, initial={"effective_from": ask.today(), "name": "", "code": ""}
    )
    warnings: tuple[comparing.Comparison, ...] = ()
    if ask.is_post and not editor.is_asked_for_rows and editor.is_valid():
        given, made = editor.plan.cleaned_data, editor.document()
        wanted = _wanted(editor, made, given["name"], ask.own.currency)
        warnings = _warnings(ask, wanted, ask.own.currency) if wanted is not None else ()
        try:
            if wanted is not None and (not warnings or ask.request.POST.get("accepted") == "yes"):
                plan_id = catalog_operations.publish_plan(
                    ask.viewer,
                    seller_id=ask.own.id,
                    code=given["code"].strip().lower(),
                    name=given["name"].strip(),
                    terms=made,
                    effective_from=given["effective_from"],
                    now=ask.now,
                )
                return ask.done(
                    "The plan is there. Switch a platform plan on for it to offer Exchange.",
                    "plans-one",
                    plan_id=plan_id,
                )
        except catalog_operations.PlanExists as error:
            editor.plan.refuse(error, "code")
        except Refusal as error:
            editor.plan.refuse(error)
    return _editor(ask, editor, title="Add a plan", back=reverse("plans"), warnings=warnings)


@page
def edit(ask: Ask, plan_id: int) -> HttpResponse:
    """Another version of a plan: what it means is shown first, and only the version that was looked at is published."""
    plan = _plan(ask, plan_id)
    newest = catalog.versions(ask.viewer, plan_id, today=ask.today())[0]
    first = max(ask.today(), newest.effective_from)
    editor = forms.Editor(
        ask.data, document=newest.document, initial=forms.initial(plan.name, plan.code, first)
    )
    for fixed in ("name", "code"):
        editor.plan.fields[fixed].disabled = True
    meaning, warnings, notice, seen = None, (), "", ""
    if ask.is_post and not editor.is_asked_for_rows and editor.is_valid():
        made, from_day = editor.document(), editor.plan.cleaned_data["effective_from"]
        wanted, seen = _wanted(editor, made, plan.name, plan.currency), editor.digest()
        is_pressed = ask.request.POST.get("confirm") == "yes"
        is_accepted = ask.request.POST.get("accepted") == "yes"
        act = {"plan_id": plan_id, "terms": made, "effective_from": from_day, "now": ask.now}
        try:
            if wanted is not None:
                warnings = _warnings(ask, wanted, plan.currency, plan_id)
                if is_pressed and ask.request.POST.get("seen") == seen and (is_accepted or not warnings):
                    catalog_operations.change_terms(ask.viewer, **act)
                    return ask.done("The new version is published.", "plans-one", plan_id=plan_id)
                meaning = previewing.preview_terms(ask.viewer, **act)
                notice = _notice(is_pressed, ask.request.POST.get("seen") == seen)
        except Refusal as error:
            editor.plan.refuse(error, "effective_from")
    return _editor(
        ask,
        editor,
        title=f"Change {plan.name}",
        back=reverse("plans-one", kwargs={"plan_id": plan_id}),
        plan=plan,
        newest=newest,
        warnings=warnings,
        meaning=meaning,
        notice=notice,
        seen=seen,
    )


def _plan(ask: Ask, plan_id: int) -> PlanView:
    """A plan of the seller's own; those of others do not exist here."""
    own = ask.require_seller()
    found = catalog.plan(ask.viewer, plan_id, today=ask.today())
    if found.seller_id != own.id:
        raise Http404
    return found


def _wanted(editor: forms.Editor, made: dict[str, Any], name: str, currency: str) -> terms.Terms | None:
    """The terms a document says; None, with the words above the page, where it says none."""
    try:
        return terms.from_json(made, id=0, plan=name, currency=currency)
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        editor.plan.refuse(f"{error}. Nothing was saved.")
        return None


def _notice(is_pressed: bool, is_same: bool) -> str:
    if not is_pressed:
        return ""
    if not is_same:
        return "Something was changed since you looked. This is what it means now."
    return (
        "Say below that you want to bill it by the period all the same, or change it. Nothing was published."
    )


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


def _editor(
    ask: Ask, editor: forms.Editor, *, title: str, back: str, plan=None, warnings=(), meaning=None, **context
) -> HttpResponse:
    is_refused = editor.has_errors or (warnings and meaning is None)
    return ask.page(
        "plans/edit.html",
        editor=editor,
        title=title,
        back=back,
        plan=plan,
        warnings=warnings,
        meaning=meaning,
        status=422 if is_refused else 200,
        **context,
    )
