"""Money in, cards charged, and the steps taken with debtors."""

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from postledger.accounts import queries as accounts
from postledger.accounts.types import AccountView, Viewer
from postledger.billing import queries as billing
from postledger.core import literals, money, posting
from postledger.core.errors import Refusal
from postledger.events import operations as events
from postledger.ledger import operations as ledger
from postledger.ledger import queries as ledger_queries
from postledger.ledger.types import NewEntry
from postledger.payments import queries
from postledger.payments.models import Allocation, CollectionPolicy, Debtor, Payment, PaymentTerms
from postledger.payments.types import DueStep


class OverCreditLimit(Refusal):
    """The debt would be more than the credit limit (M5)."""

    reason = "credit_limit"


class CardDeclined(Refusal):
    """The card was declined; purchases wait until it is valid (M6)."""

    reason = "card_declined"


class BadPayment(Refusal):
    """A payment that cannot be entered."""

    reason = "bad_payment"


def set_terms(
    viewer: Viewer,
    *,
    buyer_id: int,
    method: str | None = None,
    credit_limit: int | None = None,
    clear_credit_limit: bool = False,
    ceiling: int | None = None,
    ceiling_approved_until: dt.date | None = None,
    clear_ceiling_approval: bool = False,
) -> None:
    """Change how a buyer pays and how much he may owe; what is not given stays.

    Raises:
        BadPayment: no such way to pay, or an amount below zero.
    """
    account = accounts.require_selling_to(viewer, buyer_id)
    if method is not None and method not in ("check", "card"):
        raise BadPayment(f"A buyer pays by check or by card, not by {method!r}.")
    if (credit_limit or 0) < 0 or (ceiling or 0) < 0:
        raise BadPayment("A credit limit or a ceiling is an amount of zero or more. Nothing was changed.")
    row = _terms(account)
    if method is not None:
        row.method = method
    if credit_limit is not None or clear_credit_limit:
        row.credit_limit = credit_limit
    if ceiling is not None:
        row.ceiling = ceiling or None
    if ceiling_approved_until is not None or clear_ceiling_approval:
        row.ceiling_approved_until = ceiling_approved_until
    row.save()


def set_policy(
    viewer: Viewer,
    *,
    seller_id: int,
    mode: str | None = None,
    dunning: Sequence[tuple[str, int]] | None = None,
) -> None:
    """Change when a seller charges cards and his steps with debtors; a step left out is off, 0 days is the same day (M7)."""
    accounts.require_seller(viewer, seller_id)
    changed: dict = {}
    if mode is not None:
        if mode not in ("anniversary", "credit_limit"):
            raise BadPayment(f"Cards are charged by anniversary or by credit limit, not by {mode!r}.")
        changed["mode"] = mode
    if dunning is not None:
        for step, days in dunning:
            if step not in queries.STEPS or days < 0:
                raise BadPayment(f"{step!r} after {days} days is no step with debtors.")
        steps = [step for step, _ in dunning]
        if steps != [step for step in queries.STEPS if step in steps]:
            raise BadPayment(f"Steps with debtors come once each, in this order: {', '.join(queries.STEPS)}.")
        changed["dunning"] = [[step, days] for step, days in dunning]
    with transaction.atomic():
        _, before = queries.policy_of(seller_id)
        CollectionPolicy.objects.update_or_create(seller_id=seller_id, defaults=changed)
        if dunning is not None and tuple(dunning) != before:
            _recount(seller_id, before, dunning)


def pay(
    viewer: Viewer,
    *,
    buyer_id: int,
    amount: int,
    method: str,
    day: dt.date,
    key: str,
    now: dt.datetime,
) -> int:
    """The id of a payment received; the same key is the same payment, entered once.

    Raises:
        BadPayment: not above zero, or the key stands for another payment.
    """
    account = accounts.require_selling_to(viewer, buyer_id)
    if amount <= 0:
        raise BadPayment("A payment is an amount above zero.")
    currency = accounts.currency_of(account.seller_id)
    known = Payment.objects.filter(seller_id=account.seller_id, key=key).first()
    if known is not None:
        if (known.buyer_id, known.amount, known.method) != (buyer_id, amount, method):
            raise BadPayment(f"The key {key!r} stands for another payment, of {known.on}. Choose a new key.")
        return known.pk
    try:
        with transaction.atomic():
            receivable, legs = posting.payment(amount)
            entry_id = ledger.post(
                [NewEntry(account.seller_id, buyer_id, currency, "payment", day, receivable, legs, method)],
                posted_on=day,
                now=now,
            )[0]
            row = Payment.objects.create(
                seller_id=account.seller_id,
                buyer_id=buyer_id,
                entry_id=entry_id,
                amount=amount,
                currency=currency,
                method=method,
                on=day,
                key=key,
            )
            _allocate(row)
            _forgive(account)
    except IntegrityError:
        return Payment.objects.get(seller_id=account.seller_id, key=key).pk
    return row.pk


def require_covered(*, buyer_id: int, amount: int, limit: int | None = None) -> None:
    """Refuse a purchase that may not be made on credit (M5, M6).

    Args:
        amount: what the buyer would owe because of it, tax included; nothing is refused if that is not above zero.
        limit: in place of the buyer's own, a trial's.
    Raises:
        OverCreditLimit: the debt would be more than the limit and no card can be charged.
        CardDeclined: the card is declined.
    """
    if amount <= 0:
        return
    row = PaymentTerms.objects.filter(pk=buyer_id).first()
    is_card = row is not None and row.method == "card"
    if is_card and row.is_card_declined:
        raise CardDeclined("The card was declined. Enter a valid card, then try again.")
    allowed = limit if limit is not None else (row.credit_limit if row else None)
    if allowed is None:
        return
    debt = amount - (0 if limit is not None else ledger_queries.balances([buyer_id]).get(buyer_id, 0))
    if debt <= allowed:
        return
    if limit is None and is_card:
        if row.is_card_declining:
            raise CardDeclined("The card was declined. Enter a valid card, then try again.")
        return
    account = accounts.require_account(Viewer.system(), buyer_id)
    currency = accounts.currency_of(account.seller_id)
    raise OverCreditLimit(
        f"This would bring the debt to {money.text(debt, currency)} {currency}, more than the credit limit of "
        f"{money.text(allowed, currency)}. Nothing was changed. Make a payment first."
    )


def note_closes(buyer_ids: Iterable[int]) -> None:
    """Remember, in the transaction of the closes, whose card is to be charged for them (M5)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE payments_paymentterms SET is_close_due = true WHERE buyer_id = ANY(%s::bigint[]) AND method = 'card'",
            [literals.array(buyer_ids)],
        )


def charge_card(*, buyer_id: int, day: dt.date, now: dt.datetime) -> bool:
    """Whether the card was charged: at a close whatever the limit, between closes once the debt is at least the limit (M5).

    The balance pays first; a declined card leaves the debt and is tried again only when it is valid (M6).
    """
    account = accounts.require_account(Viewer.system(), buyer_id)
    with transaction.atomic():
        row = PaymentTerms.objects.select_for_update().filter(pk=buyer_id).first()
        if row is None or row.method != "card":
            return False
        mode, _ = queries.policy_of(account.seller_id)
        debt = -ledger_queries.balances([buyer_id]).get(buyer_id, 0)
        is_at_limit = row.credit_limit is not None and debt >= row.credit_limit
        is_due = is_at_limit or (mode == "anniversary" and row.is_close_due)
        if row.is_close_due:
            row.is_close_due = False
            row.save(update_fields=["is_close_due"])
        if debt <= 0 or not is_due or row.is_card_declined:
            return False
        if row.is_card_declining:
            _decline(account, row, day, now)
            return False
        entry_count = Payment.objects.filter(buyer_id=buyer_id, method="card").count()
        pay(
            Viewer.system(),
            buyer_id=buyer_id,
            amount=debt,
            method="card",
            day=day,
            key=f"card-{buyer_id}-{entry_count + 1}",
            now=now,
        )
    return True


def note_declined(*, buyer_id: int, day: dt.date, now: dt.datetime) -> None:
    """Remember that a card was declined at a purchase, and tell the buyer once."""
    account = accounts.require_account(Viewer.system(), buyer_id)
    with transaction.atomic():
        row = PaymentTerms.objects.select_for_update().get(pk=buyer_id)
        if not row.is_card_declined:
            _decline(account, row, day, now)


def set_test_card(*, buyer_id: int, is_declining: bool, day: dt.date, now: dt.datetime) -> None:
    """What the test card will do from now on; one that becomes valid is tried again where it was declined (M6)."""
    account = accounts.require_account(Viewer.system(), buyer_id)
    row = _terms(account)
    was_declined = row.is_card_declined
    row.is_card_declining = is_declining
    if not is_declining:
        row.is_card_declined = False
        row.is_close_due = row.is_close_due or was_declined
    row.save()
    if was_declined and not is_declining:
        charge_card(buyer_id=buyer_id, day=day, now=now)


def due_steps(*, seller_id: int, today: dt.date) -> list[DueStep]:
    """The debtors' steps to take today, in order; debts that ended reset their steps (M7).

    Debt is what goes beyond the credit limit; without a limit, all of it.
    """
    _, dunning = queries.policy_of(seller_id)
    if not dunning:
        return []
    owed = ledger_queries.debtors([seller_id])
    limits = dict(
        PaymentTerms.objects.filter(pk__in=owed, credit_limit__isnull=False).values_list("pk", "credit_limit")
    )
    over = {buyer_id for buyer_id, debt in owed.items() if debt > limits.get(buyer_id, 0)}
    with transaction.atomic():
        Debtor.objects.filter(seller_id=seller_id).exclude(pk__in=over).delete()
        known = set(Debtor.objects.filter(seller_id=seller_id).values_list("pk", flat=True))
        first = today + dt.timedelta(days=dunning[0][1])
        Debtor.objects.bulk_create(
            Debtor(
                buyer_id=buyer_id,
                seller_id=seller_id,
                since=today,
                last_step_on=today,
                next_step_on=first,
            )
            for buyer_id in sorted(over - known)
        )
        rows = list(
            Debtor.objects.filter(seller_id=seller_id, next_step_on__lte=today).order_by("since", "pk")
        )
    return [
        DueStep(row.pk, seller_id, dunning[row.steps_done][0], today)
        for row in rows
        if row.steps_done < len(dunning)
    ]


def step_taken(step: DueStep, *, now: dt.datetime) -> None:
    """Count a step as taken, note and mail it; the next one counts its days from this one (M7)."""
    _, dunning = queries.policy_of(step.seller_id)
    account = accounts.require_account(Viewer.system(), step.buyer_id)
    row = Debtor.objects.select_for_update().get(pk=step.buyer_id)
    row.steps_done += 1
    row.last_step_on = step.on
    row.next_step_on = (
        step.on + dt.timedelta(days=dunning[row.steps_done][1]) if row.steps_done < len(dunning) else None
    )
    row.save(update_fields=["steps_done", "last_step_on", "next_step_on"])
    notify(account, kind=step.step, day=step.on, now=now)


def ceiling_warned(*, buyer_id: int, month: dt.date) -> None:
    """Remember that a buyer was warned of his ceiling in this billing month."""
    PaymentTerms.objects.filter(pk=buyer_id).update(ceiling_warned_for=month)


def notify(account: AccountView, *, kind: str, day: dt.date, now: dt.datetime) -> None:
    """Note that a buyer was told something, and put the mail in the outbox where he has an address."""
    subject, body = _LETTERS[kind]
    events.note(
        seller_id=account.seller_id,
        account_id=account.id,
        kind=f"notice.{kind}",
        subject=subject,
        at=now,
        actor="system",
        data={"on": day.isoformat()},
    )
    if account.email:
        events.enqueue_mail(
            seller_id=account.seller_id,
            account_id=account.id,
            key=f"{kind}-{account.id}-{day.isoformat()}",
            to=account.email,
            subject=subject,
            body=f"Dear {account.name},\n\n{body}\n",
            now=now,
        )


_LETTERS = {
    "notice": ("Your payment is overdue", "Your account has an open amount. Please pay it."),
    "pre_suspension": (
        "Your account will be suspended",
        "Your account still has an open amount. If it is not paid, your services will be suspended.",
    ),
    "suspension": (
        "Your account is suspended",
        "Your services are suspended because of an open amount. Pay it and ask for them to be resumed.",
    ),
    "deletion": (
        "Your account is deleted",
        "Your account is deleted because of an open amount that was not paid.",
    ),
    "card_declined": (
        "Your card was declined",
        "Your card could not be charged. Please enter a valid card; until then nothing can be bought.",
    ),
    "ceiling": (
        "Your usage is near its ceiling",
        "This month's usage comes near the ceiling agreed for your account. Your provider can approve more.",
    ),
    "no_charge": ("No charges this time", "Your billing period closed without any charges."),
    "waiting": ("Your order is being reviewed", "We have your order and will activate it after a review."),
    "activated": ("Your account is active", "Your order was reviewed and your account is now active."),
}


def _terms(account: AccountView) -> PaymentTerms:
    row, _ = PaymentTerms.objects.get_or_create(
        buyer_id=account.id, defaults={"seller_id": account.seller_id}
    )
    return row


def _recount(seller_id: int, before: Sequence[tuple[str, int]], after: Sequence[tuple[str, int]]) -> None:
    """Count by other steps how far debtors have come: no step is taken twice, and the days go on from the last one taken."""
    rows = list(Debtor.objects.select_for_update().filter(seller_id=seller_id))
    for row in rows:
        last = -1
        if row.steps_done and before:
            last = queries.STEPS.index(before[min(row.steps_done, len(before)) - 1][0])
        row.steps_done = sum(queries.STEPS.index(step) <= last for step, _ in after)
        row.next_step_on = (
            row.last_step_on + dt.timedelta(days=after[row.steps_done][1])
            if row.steps_done < len(after)
            else None
        )
    Debtor.objects.bulk_update(rows, ["steps_done", "next_step_on"])


def _decline(account: AccountView, row: PaymentTerms, day: dt.date, now: dt.datetime) -> None:
    row.is_card_declined = True
    row.save(update_fields=["is_card_declined"])
    notify(account, kind="card_declined", day=day, now=now)


def _allocate(payment: Payment) -> None:
    """Pay the oldest invoices first; what is left over stays as credit on the balance."""
    paid = dict(
        Allocation.objects.filter(invoice__buyer_id=payment.buyer_id)
        .values_list("invoice_id")
        .annotate(Sum("amount"))
    )
    left, rows = payment.amount, []
    for invoice in reversed(billing.invoices(Viewer.system(), buyer_id=payment.buyer_id)):
        part = min(left, invoice.total - paid.get(invoice.id, 0))
        if part > 0:
            rows.append(
                Allocation(
                    payment=payment,
                    seller_id=payment.seller_id,
                    invoice_id=invoice.id,
                    amount=part,
                )
            )
            left -= part
    Allocation.objects.bulk_create(rows)


def _forgive(account: AccountView) -> None:
    """A payment that ends the debt resets the steps (M7)."""
    debt = -ledger_queries.balances([account.id]).get(account.id, 0)
    limit = PaymentTerms.objects.filter(pk=account.id).values_list("credit_limit", flat=True).first()
    if debt <= (limit or 0):
        Debtor.objects.filter(pk=account.id).delete()
