"""Routes of what is on a platform and not as it is here: accounts to adopt, differences and their worth, changes to come."""

import datetime as dt
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Schema
from pydantic import Field

from postledger import clock
from postledger.api import forms, routes
from postledger.api.exchange import Resource
from postledger.core import money
from postledger.provisioning import adoption, differences, releases
from postledger.provisioning.types import DifferenceView
from postledger.workflows import (
    act_on_difference,
    adopt,
    adopt_by_rule,
    create_customers_from_platform,
    order_walk,
    preview_changes,
    refuse_change,
)

router = routes.area("Adoption, drift and changes")
HERE = "/connections/{connection_id}"
Code = Literal[
    "unlinked",
    "unlinked_organization",
    "unsubscribed",
    "missing",
    "unbilled",
    "billed_ghost",
    "wrong_plan",
    "wrong_status",
    "quota_above",
    "tree_above",
]
Score = Annotated[int, Field(ge=1, le=100)]


class Sum(Schema):
    """An amount of money as a decimal text, with its currency."""

    amount: str
    currency: str


class Why(forms.Body):
    """Why; it is kept with who said so."""

    because: forms.Name


# --- adoption -------------------------------------------------------------------------------------------------------


class Walk(Schema):
    """How far the latest walk over the platform came; `finished_at` is null while it is under way or was interrupted."""

    seen: int
    total: int
    started_at: dt.datetime
    finished_at: dt.datetime | None


class Counts(Schema):
    """Proposals by state. `open` are to decide: `matched` may belong to a customer, `unmatched` to nobody here, `further` are
    other subscriptions of a login whose Exchange lies elsewhere."""

    open: int
    matched: int
    unmatched: int
    further: int
    linked: int
    rejected: int


class Adoption(Schema):
    """How adopting what is on a platform stands; `walk` is null before the first."""

    walk: Walk | None
    counts: Counts


class Organization(Schema):
    """An Exchange organization in an account on the platform."""

    code: str
    name: str


class Proposal(Schema):
    """An account on the platform that is nobody's here, or was linked, and the customer it may belong to.

    `score` is 1 to 100 and above 60 only with a proof (`is_proved`); `reasons` say why. `is_unique`: nobody else fits as well.
    """

    id: int
    connection_id: int
    name: str
    email: str
    company: str
    person: str
    plan: str
    status: str
    organizations: list[Organization]
    domains: list[str]
    mailboxes: int
    account_id: int | None
    score: int
    reasons: list[str]
    is_proved: bool
    is_unique: bool
    is_further: bool
    state: str
    decided_by: str
    decided_at: dt.datetime | None


class Link(forms.Body):
    """The customer it belongs to; the proposed one when left out."""

    account_id: forms.Id | None = None


class NewCustomer(forms.Body):
    """The plan the customer is subscribed to from today, and his billing period; no plan when left out."""

    plan_id: forms.Id | None = None
    months: forms.Months = 1


class NewCustomers(NewCustomer):
    """As for one; `most`: how many at most. Ask again for the rest."""

    most: Annotated[int, Field(ge=1, le=500)] = 100


class Rule(forms.Body):
    """Accounts with a proof and at least this score, where one account fits one customer; `is_preview` only counts them."""

    least: Score
    is_preview: bool = False


class Refused(Schema):
    """An account that was left as it is, and why."""

    name: str
    message: str


class Decided(Schema):
    """How many were linked or created (or would be), and which were not."""

    done: int
    refused: list[Refused]
    counts: Counts


class Proposals(Schema):
    """Which proposals: `is_matched` with a customer or without one; `find`: part of the user name, e-mail or company."""

    state: Literal["open", "linked", "rejected"] = "open"
    is_matched: bool | None = None
    least: Annotated[int, Field(ge=0, le=100)] = 0
    find: forms.Text = ""
    limit: forms.Limit = 100
    offset: forms.Offset = 0


@router.get(HERE + "/adoption", response=Adoption)
def adopting(request: HttpRequest, connection_id: forms.Id):
    """How adopting what is on a platform stands."""
    return _adoption(request, connection_id)


@routes.books(router, HERE + "/adoption/walk", response={202: Adoption})
def walk(request: HttpRequest, connection_id: forms.Id):
    """Have a worker go over the platform and propose whose each account is; an interrupted walk goes on where it was."""
    order_walk.order_walk(request.auth, connection_id=connection_id, to="adopt", now=clock.now())
    return _adoption(request, connection_id)


@router.get(HERE + "/proposals", response=forms.Page[Proposal])
def proposals(request: HttpRequest, connection_id: forms.Id, wanted: Query[Proposals]):
    """The accounts found on a platform, surest first."""
    rows = adoption.proposals_of(
        request.auth,
        connection_id,
        state=wanted.state,
        is_matched=wanted.is_matched,
        least=wanted.least,
        search=wanted.find,
        after=wanted.offset,
        most=wanted.limit + 1,
    )
    more = len(rows) > wanted.limit
    return {
        "items": list(rows[: wanted.limit]),
        "next_offset": wanted.offset + wanted.limit if more else None,
    }


@router.get("/proposals/{proposal_id}", response=Proposal)
def proposal(request: HttpRequest, proposal_id: forms.Id):
    """One account found on a platform."""
    return adoption.proposal(request.auth, proposal_id)


@routes.books(router, "/proposals/{proposal_id}/link", response=Proposal)
def link(request: HttpRequest, proposal_id: forms.Id, payload: Link):
    """Link an account to its customer. Nothing is changed on the platform."""
    return adopt.adopt(request.auth, proposal_id=proposal_id, account_id=payload.account_id, now=clock.now())


@routes.books(router, "/proposals/{proposal_id}/reject", response=Proposal)
def reject(request: HttpRequest, proposal_id: forms.Id):
    """The account is not the proposed customer's; it is proposed no more and can still be linked."""
    return adoption.reject(request.auth, proposal_id=proposal_id, now=clock.now())


@routes.books(router, "/proposals/{proposal_id}/customer", response=Decided)
def create(request: HttpRequest, proposal_id: forms.Id, payload: NewCustomer):
    """Create a customer from an account and link it. Nothing is changed on the platform."""
    found = adoption.proposal(request.auth, proposal_id)
    done = create_customers_from_platform.create_customers_from_platform(
        request.auth,
        connection_id=found.connection_id,
        plan_id=payload.plan_id,
        months=payload.months,
        proposal_ids=[proposal_id],
        now=clock.now(),
    )
    return _decided(request, found.connection_id, done.customers, done.refused)


@routes.books(router, HERE + "/proposals/link", response=Decided, is_whole=False)
def link_by_rule(request: HttpRequest, connection_id: forms.Id, payload: Rule):
    """Link every account whose customer is beyond doubt."""
    done = adopt_by_rule.adopt_by_rule(
        request.auth,
        connection_id=connection_id,
        least=payload.least,
        is_preview=payload.is_preview,
        now=clock.now(),
    )
    return _decided(request, connection_id, done.linked, done.refused)


@routes.books(router, HERE + "/proposals/customers", response=Decided, is_whole=False)
def create_all(request: HttpRequest, connection_id: forms.Id, payload: NewCustomers):
    """Create customers from accounts for which no customer speaks, each whole or not at all, and link them."""
    done = create_customers_from_platform.create_customers_from_platform(
        request.auth,
        connection_id=connection_id,
        plan_id=payload.plan_id,
        months=payload.months,
        most=payload.most,
        now=clock.now(),
    )
    return _decided(request, connection_id, done.customers, done.refused)


def _adoption(request: HttpRequest, connection_id: int) -> dict[str, Any]:
    return {
        "walk": adoption.walk_of(request.auth, connection_id),
        "counts": adoption.counts(request.auth, connection_id),
    }


def _decided(
    request: HttpRequest, connection_id: int, done: int, refused: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    return {
        "done": done,
        "refused": [{"name": name, "message": words} for name, words in refused],
        "counts": adoption.counts(request.auth, connection_id),
    }


# --- drift ----------------------------------------------------------------------------------------------------------


class Difference(Schema):
    """Something that is otherwise on the platform than here or on the last invoice.

    `there`, `here`, `billed`: the three beside each other, in words. `worth`: what it is worth a month, null where no price is
    known. `action`: what is proposed – `adopt`, `bill`, `credit`, `correct` – or empty when a person has to find out first.
    """

    id: int
    connection_id: int
    code: str
    kind: str
    name: str
    meter: str
    words: str
    there: str
    here: str
    billed: str
    worth: Sum | None
    action: str
    account_id: int | None
    resource_id: int | None
    first_seen_at: dt.datetime
    settled_at: dt.datetime | None
    ignored_at: dt.datetime | None
    ignored_by: str
    ignored_because: str


class Share(Schema):
    """How many differences of a code there are, and what they are worth a month, by currency; ignored ones are left out."""

    code: str
    count: int
    worth: list[Sum]


class Drift(Schema):
    """What the last walk over the platform found to be otherwise, dearest first, and when that was. `worth`, `count` and
    `by_code` are over all of it, also beyond this page, without what is ignored."""

    at: dt.datetime | None
    count: int
    worth: list[Sum]
    by_code: list[Share]
    lines: list[Difference]
    next_offset: int | None


class Acted(Schema):
    """What was done, in words, and the difference as it stands; the next walk says whether it helped."""

    message: str
    difference: Difference


class Differences(Schema):
    """Which differences: of one code, with the ignored ones."""

    code: Code | None = None
    with_ignored: bool = False
    limit: forms.Limit = 500
    offset: forms.Offset = 0


@router.get(HERE + "/drift", response=Drift)
def drift(request: HttpRequest, connection_id: forms.Id, wanted: Query[Differences]):
    """What the last walk over the platform found to be otherwise than here."""
    summary = differences.summary(request.auth, connection_id)
    rows = differences.differences_of(
        request.auth,
        connection_id,
        code=wanted.code or "",
        with_ignored=wanted.with_ignored,
        after=wanted.offset,
        most=wanted.limit + 1,
    )
    page = forms.page(list(rows), limit=wanted.limit, offset=0)
    return {
        "at": summary.at,
        "count": summary.count,
        "worth": _sums(summary.worth),
        "by_code": [
            {"code": part.code, "count": part.count, "worth": _sums(part.worth)} for part in summary.by_code
        ],
        "lines": [_difference(row) for row in page["items"]],
        "next_offset": wanted.offset + wanted.limit if page["next_offset"] is not None else None,
    }


@routes.books(router, HERE + "/drift/walk", response={202: forms.Done})
def compare(request: HttpRequest, connection_id: forms.Id):
    """Have a worker go over the platform now, as he does every night."""
    order_walk.order_walk(request.auth, connection_id=connection_id, to="compare", now=clock.now())
    return forms.Done()


@router.get("/differences/{difference_id}", response=Difference)
def difference(request: HttpRequest, difference_id: forms.Id):
    """One difference."""
    return _difference(differences.difference(request.auth, difference_id))


@routes.books(router, "/differences/{difference_id}/act", response=Acted, is_whole=False)
def act(request: HttpRequest, difference_id: forms.Id):
    """Do what is proposed: link it, bill it, credit one month, or order the platform to be put right."""
    message = act_on_difference.act_on_difference(request.auth, difference_id=difference_id, now=clock.now())
    found = differences.difference(request.auth, difference_id)
    return {"message": message, "difference": _difference(found)}


@routes.books(router, "/differences/{difference_id}/ignore", response=Difference)
def ignore(request: HttpRequest, difference_id: forms.Id, payload: Why):
    """The difference counts as right, for this reason; it is told no more as long as it is there."""
    return _difference(
        differences.ignore(
            request.auth, difference_id=difference_id, because=payload.because, now=clock.now()
        )
    )


@routes.books(router, "/differences/{difference_id}/heed", response=Difference)
def heed(request: HttpRequest, difference_id: forms.Id):
    """The difference is ignored no more."""
    return _difference(differences.heed(request.auth, difference_id=difference_id, now=clock.now()))


def _difference(row: DifferenceView) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in Difference.model_fields if name != "worth"}
    worth = None if row.worth is None else _sum(row.currency, row.worth)
    return {**plain, "worth": worth}


def _sums(worth: tuple[tuple[str, int], ...]) -> list[dict[str, str]]:
    return [_sum(currency, amount) for currency, amount in worth]


def _sum(currency: str, amount: int) -> dict[str, str]:
    return {"amount": money.text(amount, currency), "currency": currency}


# --- changes --------------------------------------------------------------------------------------------------------


class Change(Schema):
    """A hosted thing that is about to be changed on the platform.

    `steps` are taken in this order. `stop` says why nothing of it is done, with `reason` as its stable code; empty when a worker
    does it within seconds. `is_decidable`: letting it go on (`release`) ends the stop; else its cause has to be put right.
    """

    resource_id: int
    account_id: int
    kind: str
    key: str
    title: str
    condition: str
    steps: list[str]
    stop: str
    reason: str
    needs_release: bool
    is_decidable: bool


class Changes(Schema):
    """All that is due or stopped on a connection. `held_back`: how many the brake on mass changes has stopped."""

    held_back: int
    changes: list[Change]


class Released(Schema):
    """How many changes go on."""

    released: int


class Force(Why):
    """`count`: how many changes the brake on mass changes holds; whoever lets so much happen has counted it."""

    count: Annotated[int, Field(ge=1, le=1_000_000)]


@router.get(HERE + "/changes", response=Changes)
def changes(request: HttpRequest, connection_id: forms.Id, is_live: bool = False):
    """What workers are about to do on the platform and what stops it, planned by the code that does it. With `is_live` compared
    with the platform now, else with what was seen there last."""
    planned = preview_changes.preview_changes(
        request.auth, connection_id=connection_id, is_live=is_live, now=clock.now()
    )
    return {
        "held_back": len(releases.held_back(request.auth, connection_id)),
        "changes": [
            {
                "resource_id": entry.resource.id,
                "account_id": entry.resource.account_id,
                "kind": entry.resource.kind,
                "key": entry.resource.key,
                "title": entry.title,
                "condition": entry.resource.condition,
                "steps": list(entry.steps),
                "stop": entry.stop,
                "reason": entry.reason,
                "needs_release": entry.needs_release,
                "is_decidable": entry.needs_release and entry.reason in releases.DECIDABLE,
            }
            for entry in planned
        ],
    }


@routes.books(router, HERE + "/changes/release", response=Released)
def release_all(request: HttpRequest, connection_id: forms.Id, payload: Force):
    """Let all go on that the brake on mass changes has stopped on the connection."""
    done = releases.release_all(
        request.auth,
        connection_id=connection_id,
        count=payload.count,
        because=payload.because,
        now=clock.now(),
    )
    return {"released": len(done)}


@routes.books(router, "/resources/{resource_id}/release", response=Resource)
def release(request: HttpRequest, resource_id: forms.Id, payload: Why):
    """Let a stopped change go on; a worker applies it."""
    return releases.release(request.auth, resource_id=resource_id, because=payload.because, now=clock.now())


@routes.books(router, "/resources/{resource_id}/refuse", response=Resource, is_whole=False)
def refuse(request: HttpRequest, resource_id: forms.Id, payload: Why):
    """Take a stopped change back: it stays as it is on the platform, and our records follow."""
    return refuse_change.refuse_change(
        request.auth, resource_id=resource_id, because=payload.because, now=clock.now()
    )
