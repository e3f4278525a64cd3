"""Routes of plans and their versions."""

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import Schema

from postledger import clock
from postledger.api import forms, routes
from postledger.catalog import operations, queries
from postledger.catalog.types import PlanView
from postledger.core import money
from postledger.core import terms as core_terms
from postledger.workflows import preview_terms

router = routes.area("Plans")


class Plan(Schema):
    """A plan with the terms in force today; numbers in `terms` are texts."""

    id: int
    seller_id: int
    code: str
    name: str
    currency: str
    is_offered: bool
    version: int
    effective_from: dt.date
    terms: dict[str, Any]


class Version(Schema):
    """One version of a plan's terms. Versions are never changed."""

    id: int
    number: int
    effective_from: dt.date
    created_at: dt.datetime
    terms: dict[str, Any]


class NewTerms(forms.Body):
    """Terms from a day on. Write prices and quantities as texts."""

    terms: dict[str, Any]
    effective_from: forms.Day


class NewPlan(NewTerms):
    """`seller_id` is your own account when left out."""

    seller_id: forms.Id | None = None
    code: forms.Code
    name: forms.Name


class Offered(forms.Body):
    """Whether new buyers are offered the plan."""

    is_offered: bool


class Made(Schema):
    """The number of what was made."""

    id: int


class Difference(Schema):
    """One thing a version changes, in words: of a charge or package (`item`), or of the plan; and from when it counts."""

    item: str
    what: str
    before: str
    after: str
    when: str


class Reached(Schema):
    """A subscriber whose bills change: all closes until his period ends, the opening that follows included, taxes too."""

    buyer_id: int
    buyer: str
    on: dt.date
    before: str
    after: str


class Meaning(Schema):
    """What a version would change, and for whom. `keeping` subscribers keep an older version whatever is published.

    Bills were figured for `looked_at` of the others; `reached` are those whose bills change, the largest change first.
    """

    differences: list[Difference]
    subscribers: int
    keeping: int
    looked_at: int
    currency: str
    reached: list[Reached]


@router.get("/plans", response=forms.Page[Plan])
def plans(
    request: HttpRequest,
    seller_id: forms.Id | None = None,
    is_offered: bool = True,
    limit: forms.Limit = 100,
    offset: forms.Offset = 0,
):
    """The plans you sell, and those you can buy. `is_offered=false` also lists plans no longer offered."""
    rows = queries.plans(request.auth, today=clock.now().date(), seller_id=seller_id, only_offered=is_offered)
    return forms.page([_plan(row) for row in rows], limit=limit, offset=offset)


@routes.books(router, "/plans", response={201: Made})
def publish_plan(request: HttpRequest, payload: NewPlan):
    """Publish a plan with its first version."""
    plan_id = operations.publish_plan(
        request.auth,
        seller_id=payload.seller_id or request.auth.account_id,
        code=payload.code,
        name=payload.name,
        terms=payload.terms,
        effective_from=payload.effective_from,
        now=clock.now(),
    )
    return {"id": plan_id}


@router.get("/plans/{plan_id}", response=Plan)
def plan(request: HttpRequest, plan_id: forms.Id):
    """One plan."""
    return _plan(queries.plan(request.auth, plan_id, today=clock.now().date()))


@router.patch("/plans/{plan_id}", response=forms.Done)
def offer(request: HttpRequest, plan_id: forms.Id, payload: Offered):
    """Offer a plan to new buyers, or no longer; those who have it keep it."""
    operations.offer(request.auth, plan_id=plan_id, is_offered=payload.is_offered, now=clock.now())
    return forms.Done()


@router.get("/plans/{plan_id}/versions", response=list[Version])
def versions(request: HttpRequest, plan_id: forms.Id):
    """All versions of a plan, newest first."""
    return [
        {
            "id": row.id,
            "number": row.number,
            "effective_from": row.effective_from,
            "created_at": row.created_at,
            "terms": row.document,
        }
        for row in queries.versions(request.auth, plan_id, today=clock.now().date())
    ]


@routes.books(router, "/plans/{plan_id}/versions", response={201: Made})
def change_terms(request: HttpRequest, plan_id: forms.Id, payload: NewTerms):
    """Give a plan new terms from a day on. What is billed for days before keeps the old ones."""
    version_id = operations.change_terms(
        request.auth,
        plan_id=plan_id,
        terms=payload.terms,
        effective_from=payload.effective_from,
        now=clock.now(),
    )
    return {"id": version_id}


@router.post("/plans/{plan_id}/versions/preview", response=Meaning)
def preview(request: HttpRequest, plan_id: forms.Id, payload: NewTerms):
    """What new terms would mean for the plan and its subscribers. Nothing is published."""
    told = preview_terms.preview_terms(
        request.auth,
        plan_id=plan_id,
        terms=payload.terms,
        effective_from=payload.effective_from,
        now=clock.now(),
    )
    return {
        "differences": told.differences,
        "subscribers": told.subscribers,
        "keeping": told.keeping,
        "looked_at": told.looked_at,
        "currency": told.currency,
        "reached": [
            {
                "buyer_id": one.buyer_id,
                "buyer": one.buyer,
                "on": one.on,
                "before": money.text(one.before, told.currency),
                "after": money.text(one.after, told.currency),
            }
            for one in told.reached
        ],
    }


def _plan(row: PlanView) -> dict[str, Any]:
    return {
        "id": row.id,
        "seller_id": row.seller_id,
        "code": row.code,
        "name": row.name,
        "currency": row.currency,
        "is_offered": row.is_offered,
        "version": row.version,
        "effective_from": row.effective_from,
        "terms": core_terms.to_json(row.terms),
    }
