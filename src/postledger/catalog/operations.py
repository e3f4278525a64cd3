"""Writes of plans: a new plan, and new versions of its terms."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.catalog import queries
from postledger.catalog.models import Plan, PlanVersion
from postledger.core import terms as core_terms
from postledger.core.errors import Refusal
from postledger.events import operations as events


class BadTerms(Refusal):
    """The terms of a plan cannot be what was entered."""

    reason = "bad_terms"


class PlanExists(Refusal):
    """The seller has a plan of this code already."""

    reason = "plan_exists"


def publish_plan(
    viewer: Viewer,
    *,
    seller_id: int,
    code: str,
    name: str,
    terms: Mapping[str, Any],
    effective_from: dt.date,
    now: dt.datetime,
) -> int:
    """The id of a new plan with its first version.

    Args:
        terms: the stored form of `core.terms`: charges (a list, in the invoice's order), periods, packages, …
    Raises:
        BadTerms, PlanExists: nothing was written.
    """
    seller = accounts.require_seller(viewer, seller_id)
    try:
        with transaction.atomic():
            row = Plan.objects.create(
                seller_id=seller_id, code=code, name=name, currency=seller.currency, created_at=now
            )
            _add_version(row, terms, effective_from, now)
            events.note(
                seller_id=seller_id,
                account_id=None,
                kind="plan.published",
                subject=name,
                at=now,
                actor=viewer.actor,
            )
    except IntegrityError as error:
        raise PlanExists(f"There is a plan {code!r} already; choose another code.") from error
    return row.pk


def change_terms(
    viewer: Viewer,
    *,
    plan_id: int,
    terms: Mapping[str, Any],
    effective_from: dt.date,
    now: dt.datetime,
) -> int:
    """The id of a new version of a plan, in force from a day on; the versions before stay as they are (F6, U7)."""
    accounts.require_seller(viewer, queries.seller_of(plan_id))
    with transaction.atomic():
        row = Plan.objects.select_for_update().get(pk=plan_id)
        version_id = _add_version(row, terms, effective_from, now)
        events.note(
            seller_id=row.seller_id,
            account_id=None,
            kind="plan.changed",
            subject=row.name,
            at=now,
            actor=viewer.actor,
            data={"version": version_id, "effective_from": effective_from.isoformat()},
        )
    return version_id


def offer(viewer: Viewer, *, plan_id: int, is_offered: bool, now: dt.datetime) -> None:
    """The plan is offered to new buyers, or no longer."""
    accounts.require_seller(viewer, queries.seller_of(plan_id))
    with transaction.atomic():
        row = Plan.objects.select_for_update().get(pk=plan_id)
        row.is_offered = is_offered
        row.save(update_fields=["is_offered"])
        events.note(
            seller_id=row.seller_id,
            account_id=None,
            kind="plan.offered" if is_offered else "plan.withdrawn",
            subject=row.name,
            at=now,
            actor=viewer.actor,
        )


def _add_version(plan: Plan, document: Mapping[str, Any], effective_from: dt.date, now: dt.datetime) -> int:
    try:
        parsed = core_terms.from_json(document, id=0, plan=plan.name, currency=plan.currency)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        raise BadTerms(f"Plan {plan.name}: {error}. Nothing was saved.") from error
    if not parsed.charges:
        raise BadTerms(f"Plan {plan.name} has no charges. Add at least one.")
    if not parsed.periods:
        raise BadTerms(f"Plan {plan.name} has no billing period. Add at least one.")
    latest = PlanVersion.objects.filter(plan=plan).order_by("-number").first()
    if latest is not None and latest.effective_from > effective_from:
        raise BadTerms(
            f"Plan {plan.name} already has terms from {latest.effective_from} on; a newer version cannot start before."
        )
    return PlanVersion.objects.create(
        plan=plan,
        seller_id=plan.seller_id,
        number=latest.number + 1 if latest else 1,
        effective_from=effective_from,
        terms=core_terms.to_json(parsed),
        created_at=now,
    ).pk
