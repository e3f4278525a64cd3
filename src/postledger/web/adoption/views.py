"""What was on a platform before us, what is otherwise there, and what is about to be changed: decided by its seller."""

from django.http import Http404, HttpResponse

from postledger.accounts import queries as accounts
from postledger.catalog import queries as catalog
from postledger.connectors import registry
from postledger.provisioning import adoption, differences, queries, releases
from postledger.provisioning.types import ConnectionView
from postledger.resources import exchange
from postledger.web.door import Ask, action, reading
from postledger.workflows import (
    act_on_difference,
    adopt,
    adopt_by_rule,
    create_customers_from_platform,
    order_walk,
    preview_changes,
    refuse_change,
)

_PER_PAGE = 50


@reading
def overview(ask: Ask) -> HttpResponse:
    """All platforms of the seller: how much waits to be decided, differs, or was stopped."""
    own = ask.require_seller()
    rows = []
    for held in queries.connections_of(ask.viewer, own.id):
        if exchange.ACCOUNT in registry.get(held.connector).kinds:
            found_there = differences.summary(ask.viewer, held.id)
            stopped = [
                found
                for found in releases.pending(ask.viewer, held.id, now=ask.now)
                if found.condition in releases.STOPPED
            ]
            rows.append(
                {
                    "connection": held,
                    "counts": adoption.counts(ask.viewer, held.id),
                    "drift": found_there,
                    "stopped": len(stopped),
                }
            )
    return ask.page("adoption/overview.html", rows=rows)


@reading
def proposals(ask: Ask, connection_id: int) -> HttpResponse:
    held = _connection(ask, connection_id)
    given = ask.request.GET
    state = given.get("state", "open")
    if state not in ("open", "linked", "rejected"):
        raise Http404
    page = _page(given.get("page", ""))
    found = adoption.proposals_of(
        ask.viewer,
        connection_id,
        state=state,
        search=given.get("find", "")[:100],
        after=page * _PER_PAGE,
        most=_PER_PAGE + 1,
    )
    names = accounts.accounts_by_id(ask.viewer, {row.account_id for row in found if row.account_id})
    walk = adoption.walk_of(ask.viewer, connection_id)
    return ask.page(
        "adoption/proposals.html",
        connection=held,
        rows=[(row, names.get(row.account_id)) for row in found[:_PER_PAGE]],
        counts=adoption.counts(ask.viewer, connection_id),
        walk=walk,
        is_walking=walk is not None and walk.finished_at is None,
        is_polled="HX-Request" in ask.request.headers,
        state=state,
        find=given.get("find", ""),
        page=page,
        next=page + 1 if len(found) > _PER_PAGE else None,
        customers=[
            customer
            for customer in accounts.sold_to(ask.viewer, held.seller_id)
            if customer.kind == "customer"
        ]
        if state != "linked"
        else (),
        plans=catalog.plans(ask.viewer, today=ask.today(), seller_id=held.seller_id),
    )


@action
def walk(ask: Ask, connection_id: int) -> HttpResponse:
    _connection(ask, connection_id)
    order_walk.order_walk(ask.viewer, connection_id=connection_id, to="adopt", now=ask.now)
    return ask.done(
        "A worker goes over the platform. Look at this page again in a while.",
        "adoption-proposals",
        connection_id=connection_id,
    )


@action
def rule(ask: Ask, connection_id: int) -> HttpResponse:
    _acting(ask, connection_id)
    least = ask.request.POST.get("least", "")
    if not least.isdigit() or not 1 <= int(least) <= 100:
        return ask.failed("Choose a score from 1 to 100.", "adoption-proposals", connection_id=connection_id)
    done = adopt_by_rule.adopt_by_rule(ask.viewer, connection_id=connection_id, least=int(least), now=ask.now)
    refused = f" {len(done.refused)} were refused: {done.refused[0][1]}" if done.refused else ""
    return ask.done(
        f"{done.linked} accounts were linked.{refused}", "adoption-proposals", connection_id=connection_id
    )


@action
def link(ask: Ask, proposal_id: int) -> HttpResponse:
    ask.require_seller()
    chosen = ask.request.POST.get("account", "")
    done = adopt.adopt(
        ask.viewer, proposal_id=proposal_id, account_id=int(chosen) if chosen.isdigit() else None, now=ask.now
    )
    return ask.done(f"{done.name} is linked.", "adoption-proposals", connection_id=done.connection_id)


@action
def reject(ask: Ask, proposal_id: int) -> HttpResponse:
    ask.require_seller()
    done = adoption.reject(ask.viewer, proposal_id=proposal_id, now=ask.now)
    return ask.done(
        f"{done.name} is not proposed any more.", "adoption-proposals", connection_id=done.connection_id
    )


@action
def create(ask: Ask, proposal_id: int) -> HttpResponse:
    ask.require_seller()
    found = adoption.proposal(ask.viewer, proposal_id)
    plan = ask.request.POST.get("plan", "")
    done = create_customers_from_platform.create_customers_from_platform(
        ask.viewer,
        connection_id=found.connection_id,
        plan_id=int(plan) if plan.isdigit() else None,
        proposal_ids=[proposal_id],
        now=ask.now,
    )
    if done.refused:
        return ask.failed(done.refused[0][1], "adoption-proposals", connection_id=found.connection_id)
    return ask.done(
        f"A customer was created from {found.name}.", "adoption-proposals", connection_id=found.connection_id
    )


@reading
def drift(ask: Ask, connection_id: int) -> HttpResponse:
    held = _connection(ask, connection_id)
    given = ask.request.GET
    summary = differences.summary(ask.viewer, connection_id)
    code = given.get("code", "")
    page = _page(given.get("page", ""))
    found = differences.differences_of(
        ask.viewer,
        connection_id,
        code=code if code in {part.code for part in summary.by_code} else "",
        after=page * _PER_PAGE,
        most=_PER_PAGE + 1,
    )
    ignored = differences.ignored_of(ask.viewer, connection_id, most=_PER_PAGE)
    names = accounts.accounts_by_id(ask.viewer, {line.account_id for line in found if line.account_id})
    return ask.page(
        "adoption/drift.html",
        connection=held,
        rows=[(line, names.get(line.account_id), line.name.partition(" (")[0]) for line in found[:_PER_PAGE]],
        people=ask.people(),
        ignored=ignored,
        summary=summary,
        code=code,
        page=page,
        next=page + 1 if len(found) > _PER_PAGE else None,
    )


@action
def drift_walk(ask: Ask, connection_id: int) -> HttpResponse:
    _connection(ask, connection_id)
    order_walk.order_walk(ask.viewer, connection_id=connection_id, to="compare", now=ask.now)
    return ask.done(
        "A worker goes over the platform. Look at this page again in a while.",
        "adoption-drift",
        connection_id=connection_id,
    )


@action
def act(ask: Ask, difference_id: int) -> HttpResponse:
    ask.require_seller()
    found = differences.difference(ask.viewer, difference_id)
    words = act_on_difference.act_on_difference(ask.viewer, difference_id=difference_id, now=ask.now)
    return ask.done(words, "adoption-drift", connection_id=found.connection_id)


@action
def ignore(ask: Ask, difference_id: int) -> HttpResponse:
    ask.require_seller()
    done = differences.ignore(
        ask.viewer, difference_id=difference_id, because=ask.request.POST.get("because", ""), now=ask.now
    )
    return ask.done(f"{done.name} is told no more.", "adoption-drift", connection_id=done.connection_id)


@action
def heed(ask: Ask, difference_id: int) -> HttpResponse:
    ask.require_seller()
    done = differences.heed(ask.viewer, difference_id=difference_id, now=ask.now)
    return ask.done(f"{done.name} is told again.", "adoption-drift", connection_id=done.connection_id)


@reading
def changes(ask: Ask, connection_id: int) -> HttpResponse:
    held = _connection(ask, connection_id)
    planned = preview_changes.preview_changes(
        ask.viewer, connection_id=connection_id, now=ask.now, is_live="live" in ask.request.GET
    )
    names = accounts.accounts_by_id(ask.viewer, {entry.resource.account_id for entry in planned})
    return ask.page(
        "adoption/changes.html",
        connection=held,
        rows=[
            (entry, names.get(entry.resource.account_id), entry.reason in releases.DECIDABLE)
            for entry in planned
        ],
        stopped=sum(1 for entry in planned if entry.needs_release),
        held=len(releases.held_back(ask.viewer, connection_id)),
        is_live="live" in ask.request.GET,
    )


@action
def release_all(ask: Ask, connection_id: int) -> HttpResponse:
    _connection(ask, connection_id)
    count = ask.request.POST.get("count", "").strip()
    if not (count.isascii() and count.isdigit() and len(count) < 8):
        return ask.failed("Enter how many changes go on.", "adoption-changes", connection_id=connection_id)
    done = releases.release_all(
        ask.viewer,
        connection_id=connection_id,
        count=int(count),
        because=ask.request.POST.get("because", ""),
        now=ask.now,
    )
    return ask.done(f"{len(done)} changes go on.", "adoption-changes", connection_id=connection_id)


@action
def refuse(ask: Ask, resource_id: int) -> HttpResponse:
    ask.require_seller()
    done = refuse_change.refuse_change(
        ask.viewer, resource_id=resource_id, because=ask.request.POST.get("because", ""), now=ask.now
    )
    return ask.done(f"{done.key} stays as it is.", "adoption-changes", connection_id=done.connection_id)


@action
def release(ask: Ask, resource_id: int) -> HttpResponse:
    ask.require_seller()
    done = releases.release(
        ask.viewer, resource_id=resource_id, because=ask.request.POST.get("because", ""), now=ask.now
    )
    return ask.done(f"{done.key} goes on.", "adoption-changes", connection_id=done.connection_id)


def _connection(ask: Ask, connection_id: int) -> ConnectionView:
    ask.require_seller()
    found = queries.connection(ask.viewer, connection_id)
    if exchange.ACCOUNT not in registry.get(found.connector).kinds:
        raise Http404
    return found


def _acting(ask: Ask, connection_id: int) -> ConnectionView:
    found = _connection(ask, connection_id)
    accounts.require_seller(ask.viewer, found.seller_id)
    return found


def _page(text: str) -> int:
    """The number of a page as it stands in an address; the first where it is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
