"""Reads of payments, payment terms and debtors."""

import datetime as dt
from collections.abc import Iterable

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.ledger import queries as ledger
from postledger.payments.models import CollectionPolicy, Debtor, Payment, PaymentTerms
from postledger.payments.types import DebtorView, PaymentTermsView, PaymentView, PolicyView

DEFAULT_DUNNING: tuple[tuple[str, int], ...] = ()
STEPS = ("notice", "pre_suspension", "suspension", "deletion")


def terms_of(viewer: Viewer, buyer_id: int) -> PaymentTermsView:
    """How a buyer pays: by check and without a limit, unless something else is set."""
    accounts.require_account(viewer, buyer_id)
    row = PaymentTerms.objects.filter(pk=buyer_id).first()
    if row is None:
        return PaymentTermsView(buyer_id, "check", None, False, None, None)
    return PaymentTermsView(
        row.pk,
        row.method,
        row.credit_limit,
        row.is_card_declined,
        row.ceiling,
        row.ceiling_approved_until,
    )


def policy_of(seller_id: int) -> tuple[str, tuple[tuple[str, int], ...]]:
    """When a seller charges cards, and his steps with debtors as (step, days after the one before)."""
    row = CollectionPolicy.objects.filter(pk=seller_id).first()
    if row is None:
        return "anniversary", DEFAULT_DUNNING
    return row.mode, tuple((step, int(days)) for step, days in row.dunning)


def collection_of(viewer: Viewer, seller_id: int) -> PolicyView:
    """The same as `policy_of`, for a viewer.

    Raises:
        NotVisible, NotAllowed: not his to act for as its seller.
    """
    accounts.require_seller(viewer, seller_id)
    return PolicyView(seller_id, *policy_of(seller_id))


def payments(viewer: Viewer, *, buyer_id: int) -> tuple[PaymentView, ...]:
    """The payments of a buyer, newest first."""
    accounts.require_account(viewer, buyer_id)
    return tuple(
        PaymentView(row.pk, row.buyer_id, row.amount, row.currency, row.method, row.on, row.key)
        for row in Payment.objects.filter(buyer_id=buyer_id).order_by("-on", "-pk")
    )


def debtors(viewer: Viewer, *, seller_id: int) -> tuple[DebtorView, ...]:
    """The debtors of a seller with their next step, the longest first."""
    accounts.require_seller(viewer, seller_id)
    rows = list(Debtor.objects.filter(seller_id=seller_id).order_by("since", "pk"))
    names = accounts.parties({row.pk for row in rows})
    owed = ledger.balances([row.pk for row in rows])
    steps = [step for step, _ in policy_of(seller_id)[1]]
    return tuple(
        DebtorView(
            row.pk,
            names[row.pk]["name"],
            -owed.get(row.pk, 0),
            row.since,
            steps[row.steps_done - 1] if 0 < row.steps_done <= len(steps) else "",
            steps[row.steps_done] if row.steps_done < len(steps) else "",
            row.next_step_on,
        )
        for row in rows
    )


def cards_to_charge(*, seller_ids: Iterable[int], or_at_limit: bool = False) -> list[int]:
    """Buyers whose card is to be charged because a close was booked, or because the debt is at least the limit (M5)."""
    cards = PaymentTerms.objects.filter(seller_id__in=list(seller_ids), method="card")
    due = list(cards.filter(is_close_due=True).values_list("pk", flat=True))
    if not or_at_limit:
        return due
    limited = cards.filter(is_close_due=False, is_card_declined=False, credit_limit__isnull=False)
    limits = dict(limited.values_list("pk", "credit_limit"))
    owed = ledger.balances(limits) if limits else {}
    return due + [id for id, limit in limits.items() if -owed.get(id, 0) >= max(limit, 1)]


def to_watch(*, seller_ids: Iterable[int]) -> list[tuple[int, int, dt.date | None]]:
    """Buyers with a ceiling on their monthly usage: the buyer, the ceiling, the month he was last warned in."""
    return list(
        PaymentTerms.objects.filter(seller_id__in=list(seller_ids), ceiling__isnull=False)
        .order_by("pk")
        .values_list("pk", "ceiling", "ceiling_warned_for")
    )


def warned(viewer: Viewer, *, seller_id: int) -> dict[int, dt.date]:
    """The buyers of a seller who were warned that a month's usage comes near their ceiling, with that month's first day."""
    accounts.require_account(viewer, seller_id)
    rows = PaymentTerms.objects.filter(seller_id=seller_id, ceiling__isnull=False)
    return dict(rows.exclude(ceiling_warned_for=None).values_list("pk", "ceiling_warned_for"))


def sellers_with_debtor_steps() -> list[int]:
    """Sellers who do something about debts."""
    return list(CollectionPolicy.objects.exclude(dunning=[]).values_list("pk", flat=True))
