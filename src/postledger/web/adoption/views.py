"""What was on a platform before us, what is otherwise there, and what is about to be changed: decided by its seller."""

import contextlib
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from postledger.accounts import queries as accounts
from postledger.catalog import queries as catalog
from postledger.connectors import registry
from postledger.provisioning import adoption, differences, queries, releases
from postledger.provisioning.types import ConnectionView, DifferenceView
from postledger.resources import exchange
from postledger.web.door import Ask, action, reading
from postledger.workflows import (
    act_on_difference,
    adopt,
    adopt_by_rule,
    create_customers_from_platform,
    preview_changes,
)

_PER_PAGE = 50


@reading
def overview(ask: Ask) -> HttpResponse:
    """All platforms of the seller: how much waits to be decided, differs, or was stopped."""
    own = ask.require_seller()
    rows = []
    for held in queries.connections_of(ask.viewer, own.id):
        if exchange.ACCOUNT in registry.get(held.connector).kinds:
            lines = differences.drift_of(ask.viewer, held.id)
            stopped = [
                found
                for found in releases.pending(ask.viewer, held.id, now=ask.now)
                if found.condition in releases.STOPPED
            ]
            rows.append(
                {
                    "connection": held,
                    "counts": adoption.counts(ask.viewer, held.id),
                    "drift": len(lines.lines),
                    "sums": _sums(lines.lines),
                    "at": lines.at,
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
    page = int(given["page"]) if given.get("page", "").isdigit() else 0
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
    held = _acting(ask, connection_id)
    _order("propose_adoptions", connection_id=held.id, user_id=ask.viewer.user_id)
    return ask.done("The platform is being gone over.", "adoption-proposals", connection_id=connection_id)


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
    everything = differences.differences_of(ask.viewer, connection_id, with_ignored=True)
    heeded = [line for line in everything if line.ignored_at is None]
    names = accounts.accounts_by_id(ask.viewer, {line.account_id for line in everything if line.account_id})
    return ask.page(
        "adoption/drift.html",
        connection=held,
        rows=[(line, names.get(line.account_id)) for line in heeded[:500]],
        people=ask.people(),
        ignored=[line for line in everything if line.ignored_at is not None],
        count=len(heeded),
        sums=_sums(heeded),
        at=differences.drift_of(ask.viewer, connection_id).at,
    )


@action
def drift_walk(ask: Ask, connection_id: int) -> HttpResponse:
    held = _acting(ask, connection_id)
    _order("find_drift_on", connection_id=held.id, now=ask.now.isoformat())
    return ask.done("The platform is being gone over.", "adoption-drift", connection_id=connection_id)


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
        rows=[(entry, names.get(entry.resource.account_id)) for entry in planned],
        stopped=sum(1 for entry in planned if entry.needs_release),
        is_live="live" in ask.request.GET,
    )


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


def _order(name: str, *, connection_id: int, **arguments: Any) -> None:
    """A job for a worker; one that waits already is enough."""
    with contextlib.suppress(AlreadyEnqueued), transaction.atomic():
        app.configure_task(name, queueing_lock=f"{name}-{connection_id}").defer(
            connection_id=connection_id, **arguments
        )


def _sums(lines: Iterable[DifferenceView]) -> list[tuple[str, int]]:
    sums: dict[str, int] = {}
    for line in lines:
        if line.worth:
            sums[line.currency] = sums.get(line.currency, 0) + line.worth
    return sorted(sums.items())
