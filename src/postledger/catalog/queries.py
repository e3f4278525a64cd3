"""Reads of plans and their terms."""

import bisect
import datetime as dt
from collections.abc import Callable, Iterable

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.catalog.models import Plan, PlanVersion
from postledger.catalog.types import PlanView, VersionView
from postledger.core import terms as core_terms
from postledger.core.errors import Refusal
from postledger.core.terms import Terms


class NoSuchPlan(Refusal):
    """There is no such plan, or not for this viewer."""

    reason = "no_such_plan"


class PlanBook:
    """The versions of some plans, parsed once; versions never change, so a book only ever grows."""

    def __init__(self) -> None:
        self._terms: dict[int, Terms] = {}
        self._versions: dict[int, list[tuple[dt.date, int, int]]] = {}

    def load(self, plan_ids: Iterable[int]) -> None:
        """Know all present versions of these plans: one query, and a parse of what is new."""
        wanted = set(plan_ids)
        rows = PlanVersion.objects.filter(plan_id__in=wanted)
        for row in rows.exclude(pk__in=self._terms).select_related("plan"):
            self._terms[row.pk] = _terms(row)
            bisect.insort(
                self._versions.setdefault(row.plan_id, []), (row.effective_from, row.number, row.pk)
            )

    def terms(self, version_id: int) -> Terms:
        return self._terms[version_id]

    def terms_at(self, plan_id: int, kept_version_id: int | None = None) -> Callable[[dt.date], Terms]:
        """A function from a day to the terms in force on it (U7): always the kept version, where one is kept (F6)."""
        if kept_version_id is not None:
            kept = self._terms[kept_version_id]
            return lambda day: kept
        versions = self._versions[plan_id]
        if len(versions) == 1:
            only = self._terms[versions[0][2]]
            return lambda day: only

        def at(day: dt.date) -> Terms:
            later = bisect.bisect_right(versions, (day, 10**9, 0))
            return self._terms[versions[max(later - 1, 0)][2]]

        return at


def book_of(plan_ids: Iterable[int]) -> PlanBook:
    """A book of these plans."""
    book = PlanBook()
    book.load(plan_ids)
    return book


def plan(viewer: Viewer, plan_id: int, *, today: dt.date) -> PlanView:
    """A plan the viewer may see: his own, or one his seller offers him.

    Raises:
        NoSuchPlan: none such for this viewer.
    """
    for found in plans(viewer, today=today, only_offered=False):
        if found.id == plan_id:
            return found
    raise NoSuchPlan(f"There is no plan {plan_id} here.")


def plans(
    viewer: Viewer, *, today: dt.date, seller_id: int | None = None, only_offered: bool = True
) -> tuple[PlanView, ...]:
    """The plans of a seller, or all the viewer may see: his own as a seller, and those of the seller he buys from."""
    rows = Plan.objects.order_by("seller_id", "name")
    if not viewer.is_system:
        own = accounts.account(viewer, viewer.account_id)
        visible = {own.id, own.seller_id} if own.is_seller else {own.seller_id}
        if viewer.kind == "provider":
            visible |= {account.id for account in accounts.sold_to(viewer, own.id)}
        rows = rows.filter(seller_id__in=[account_id for account_id in visible if account_id])
    if seller_id is not None:
        rows = rows.filter(seller_id=seller_id)
    if only_offered:
        rows = rows.filter(is_offered=True)
    found = list(rows)
    book = book_of(row.pk for row in found)
    in_force = {row.pk: book.terms_at(row.pk)(today) for row in found}
    versions = PlanVersion.objects.only("number", "effective_from").in_bulk(
        [terms.id for terms in in_force.values()]
    )
    views = []
    for row in found:
        terms = in_force[row.pk]
        version = versions[terms.id]
        views.append(
            PlanView(
                row.pk,
                row.seller_id,
                row.code,
                row.name,
                row.currency,
                row.is_offered,
                version.number,
                version.effective_from,
                terms,
            )
        )
    return tuple(views)


def plan_by_code(seller_id: int, code: str) -> int:
    """The id of a seller's plan.

    Raises:
        NoSuchPlan: the seller has none of this code.
    """
    row = Plan.objects.filter(seller_id=seller_id, code__iexact=code).only("id").first()
    if row is None:
        raise NoSuchPlan(f"There is no plan {code!r}.")
    return row.pk


def plans_metered_in_advance(*, seller_ids: Iterable[int]) -> list[int]:
    """Plans of which a version has a metered charge in advance (U9)."""
    return list(
        PlanVersion.objects.filter(
            seller_id__in=list(seller_ids),
            terms__charges__contains=[{"measure": "metered", "timing": "advance"}],
        )
        .values_list("plan_id", flat=True)
        .distinct()
    )


def names(plan_ids: Iterable[int]) -> dict[int, str]:
    """Plan names by id."""
    return dict(Plan.objects.filter(pk__in=set(plan_ids)).values_list("pk", "name"))


def seller_of(plan_id: int) -> int:
    """The seller whose plan this is.

    Raises:
        NoSuchPlan: there is none of this number.
    """
    found = Plan.objects.filter(pk=plan_id).values_list("seller_id", flat=True).first()
    if found is None:
        raise NoSuchPlan(f"There is no plan {plan_id} here.")
    return found


def require_offered(viewer: Viewer, plan_id: int, *, seller_id: int) -> None:
    """Nothing, when the viewer may put a buyer of this seller on the plan: buyers only on plans that are offered.

    Raises:
        NoSuchPlan: another seller's plan, one that does not exist, or one withdrawn.
    """
    row = Plan.objects.filter(pk=plan_id, seller_id=seller_id).only("is_offered").first()
    may_use_withdrawn = viewer.is_system or viewer.account_id == seller_id or viewer.kind == "provider"
    if row is None or not (row.is_offered or may_use_withdrawn):
        raise NoSuchPlan(f"There is no plan {plan_id} here.")


def versions(viewer: Viewer, plan_id: int, *, today: dt.date) -> tuple[VersionView, ...]:
    """All versions of a plan the viewer may see, newest first."""
    plan(viewer, plan_id, today=today)
    return tuple(
        VersionView(row.pk, row.number, row.effective_from, row.created_at, row.terms, _terms(row))
        for row in PlanVersion.objects.filter(plan_id=plan_id).select_related("plan").order_by("-number")
    )


def _terms(row: PlanVersion) -> Terms:
    return core_terms.from_json(
        row.terms,
        id=row.pk,
        plan=row.plan.name,
        currency=row.plan.currency,
        effective_from=row.effective_from,
        number=row.number,
    )
