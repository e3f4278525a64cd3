"""Billing as a seller runs it: what is due, the run, what it could not bill, who owes, what is earned."""

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from postledger.accounts import queries as accounts
from postledger.billing import operations as billing_operations
from postledger.billing import queries as billing
from postledger.ledger import queries as ledger
from postledger.subscriptions import queries as subscriptions
from postledger.web.door import Ask, action, reading
from postledger.workflows import billing_run, count_due

_MOST_PREVIEWED = 20_000  # accounts: beyond, a page would be waited for too long


@reading
def overview(ask: Ask) -> HttpResponse:
    """What is due, for the seller himself; for the provider, if he likes, of all his resellers too."""
    own, is_all = ask.require_seller(), _is_all(ask)
    sellers = None if is_all else [own.id]
    due = _due(ask, sellers)
    is_preview = "preview" in ask.request.GET and ask.viewer.may_write
    parked = billing.parked(ask.viewer, seller_id=None if is_all else own.id) if ask.viewer.may_write else ()
    return ask.page(
        "billing/overview.html",
        due=due,
        is_all=is_all,
        can_choose=own.kind == "provider" and ask.viewer.may_write,
        is_too_much=is_preview and (due or 0) > _MOST_PREVIEWED,
        foreseen=billing_run.billing_run(ask.viewer, now=ask.now, seller_ids=sellers, dry_run=True)
        if is_preview and (due or 0) <= _MOST_PREVIEWED
        else None,
        parked=parked,
        sellers={account.id: account.name for account in accounts.sold_to(ask.viewer, own.id)}
        if is_all
        else {},
        **_runs(ask, due),
    )


@action
def start(ask: Ask) -> HttpResponse:
    own, is_all = accounts.require_seller(ask.viewer, ask.own.id), _is_all(ask)
    latest = max((run.id for run in billing.runs(ask.viewer, most=1)), default=0)
    try:
        app.configure_task("billing_run", queueing_lock=f"billing_run-{'all' if is_all else own.id}").defer(
            user_id=ask.viewer.user_id, seller_id=None if is_all else own.id
        )
    except AlreadyEnqueued:
        return ask.failed("A billing run is waiting to begin already.", "billing")
    response = ask.done("The billing run begins.", "billing")
    response["Location"] = f"{reverse('billing')}?after={latest}{'&all=1' if is_all else ''}"
    return response


@reading
def progress(ask: Ask) -> HttpResponse:
    """The runs while one is awaited; once it is done the whole page is shown again."""
    own, is_all = ask.require_seller(), _is_all(ask)
    context = {"is_all": is_all, **_runs(ask, _due(ask, None if is_all else [own.id]))}
    if not ask.request.htmx:
        return ask.page("billing/progress.html", **context)
    response = ask.page("billing/_runs.html", **context)
    runs, waits_after = context["runs"], context["waits_after"]
    if runs and runs[0].finished_at and runs[0].id > (waits_after or 0):
        response["HX-Redirect"] = f"{reverse('billing')}?after={waits_after or 0}{'&all=1' if is_all else ''}"
    return response


@action
def release(ask: Ask, subscription_id: int) -> HttpResponse:
    ask.require_seller()
    held = subscriptions.subscription(ask.viewer, subscription_id)
    billing_operations.release_parked(ask.viewer, subscription_id=held.id, now=ask.now)
    response = ask.done("The next billing run takes this account again.", "billing")
    if _is_all(ask):
        response["Location"] = f"{reverse('billing')}?all=1"
    return response


@reading
def debtors(ask: Ask) -> HttpResponse:
    own = ask.require_seller()
    buyers = {buyer.id: buyer for buyer in accounts.sold_to(ask.viewer, own.id)}
    balances = ledger.balances_of(ask.viewer, buyers)
    rows = sorted(
        ((buyers[buyer_id], -balance) for buyer_id, balance in balances.items() if balance < 0),
        key=lambda row: -row[1],
    )
    sums: dict[str, int] = {}
    for buyer, debt in rows:
        sums[buyer.currency] = sums.get(buyer.currency, 0) + debt
    return ask.page("billing/debtors.html", rows=rows, sums=sorted(sums.items()))


@reading
def margins(ask: Ask) -> HttpResponse:
    own = ask.require_seller()
    today = ask.today()
    first = _day(ask.request.GET.get("from")) or (today.replace(day=1) - dt.timedelta(days=1)).replace(day=1)
    last = _day(ask.request.GET.get("to")) or today
    rows = billing.margins(ask.viewer, reseller_id=own.id, first=first, last=last)
    sums: dict[str, dict[str, int]] = {}
    for row in rows:
        total = sums.setdefault(row["currency"], {"retail": 0, "wholesale": 0, "margin": 0})
        for name in total:
            total[name] += row[name]
    losses = [row for row in rows if row["margin"] < 0]
    rows = sorted(rows, key=lambda row: (row["margin"] >= 0, row["customer_id"] is None))
    most = max((abs(row["margin"]) for row in rows), default=0)
    return ask.page(
        "billing/margins.html",
        rows=rows,
        sums=sums.items(),
        first=first,
        last=last,
        losses=losses,
        most=most,
    )


def _is_all(ask: Ask) -> bool:
    """Whether the provider looks at everything that is sold, by him and by his resellers."""
    return ask.own.kind == "provider" and "all" in {**ask.request.GET, **ask.request.POST}


def _due(ask: Ask, sellers: list[int] | None) -> int | None:
    return count_due.count_due(ask.viewer, now=ask.now, seller_ids=sellers) if ask.viewer.may_write else None


def _runs(ask: Ask, due: int | None) -> dict[str, Any]:
    """The latest runs; of one that is awaited or at work, how many accounts it has done of how many."""
    runs, waits_after = billing.runs(ask.viewer), _waits_after(ask)
    done = runs[0].closes + runs[0].parked if runs else 0
    return {
        "runs": runs,
        "waits_after": waits_after,
        "people": ask.people(),
        "done": done,
        "of": done + (due or 0),
    }


def _waits_after(ask: Ask) -> int | None:
    """The newest run before the one that was ordered; None when none is awaited."""
    given = ask.request.GET.get("after", "")
    return int(given) if given.isdigit() else None


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text or "")
    except ValueError:
        return None
