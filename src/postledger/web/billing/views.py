"""Billing as a seller runs it: what is due, the run, what it could not bill, who owes, what is earned."""

import datetime as dt

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


@reading
def overview(ask: Ask) -> HttpResponse:
    own = ask.require_seller()
    is_preview = "preview" in ask.request.GET and ask.viewer.may_write
    return ask.page(
        "billing/overview.html",
        due=count_due.count_due(ask.viewer, now=ask.now, seller_ids=[own.id])
        if ask.viewer.may_write
        else None,
        foreseen=billing_run.billing_run(ask.viewer, now=ask.now, seller_ids=[own.id], dry_run=True)
        if is_preview
        else None,
        parked=billing.parked(ask.viewer, seller_id=own.id) if ask.viewer.may_write else (),
        runs=billing.runs(ask.viewer),
        waits_after=_waits_after(ask),
        people=ask.people(),
    )


@action
def start(ask: Ask) -> HttpResponse:
    own = accounts.require_seller(ask.viewer, ask.own.id)
    latest = max((run.id for run in billing.runs(ask.viewer, most=1)), default=0)
    try:
        app.configure_task("billing_run", queueing_lock=f"billing_run-{own.id}").defer(
            user_id=ask.viewer.user_id, seller_id=own.id
        )
    except AlreadyEnqueued:
        return ask.failed("A billing run is waiting to begin already.", "billing")
    response = ask.done("The billing run begins.", "billing")
    response["Location"] = f"{reverse('billing')}?after={latest}"
    return response


@reading
def progress(ask: Ask) -> HttpResponse:
    """The runs while one is awaited; once it is done the whole page is shown again."""
    ask.require_seller()
    runs, waits_after = billing.runs(ask.viewer), _waits_after(ask)
    context = {"runs": runs, "waits_after": waits_after, "people": ask.people()}
    if not ask.request.htmx:
        return ask.page("billing/progress.html", **context)
    response = ask.page("billing/_runs.html", **context)
    if runs and runs[0].finished_at and runs[0].id > (waits_after or 0):
        response["HX-Redirect"] = f"{reverse('billing')}?after={waits_after or 0}"
    return response


@action
def release(ask: Ask, subscription_id: int) -> HttpResponse:
    ask.require_seller()
    held = subscriptions.subscription(ask.viewer, subscription_id)
    billing_operations.release_parked(ask.viewer, subscription_id=held.id, now=ask.now)
    return ask.done("The next billing run takes this account again.", "billing")


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
    return ask.page("billing/margins.html", rows=rows, sums=sums.items(), first=first, last=last)


def _waits_after(ask: Ask) -> int | None:
    """The newest run before the one that was ordered; None when none is awaited."""
    given = ask.request.GET.get("after", "")
    return int(given) if given.isdigit() else None


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text or "")
    except ValueError:
        return None
