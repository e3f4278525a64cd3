"""What billing writes: closes in batches, changes one at a time, and what sellers enter by hand.

A proposal is figured from the facts without writing; booking writes exactly that proposal. A preview is a proposal that is
not booked, so the two cannot differ.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError, transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import _facts, _write, queries
from postledger.billing.models import (
    BillingRun,
    Credit,
    Parked,
    PendingUsage,
    RepeatingDebit,
    SellerSettings,
)
from postledger.billing.types import BatchResult, ProposalView
from postledger.catalog.queries import PlanBook
from postledger.core import closing, facts, fees, money, posting, rating, tax
from postledger.core.errors import Refusal
from postledger.core.facts import Booking, Line
from postledger.core.period import add_months
from postledger.core.quantity import Reading, Unrateable
from postledger.events import operations as events
from postledger.ledger import operations as ledger
from postledger.ledger.types import NewEntry
from postledger.subscriptions import operations as subscriptions
from postledger.subscriptions import queries as subscription_queries
from postledger.usage import operations as usage_operations
from postledger.usage import queries as usage

# The database itself failed: the run ends, and is started again.
_OUTSIDE = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)

Event = Callable[[facts.Subscription], Sequence[Line]]
_LATEST = dt.timedelta(days=62)  # how old a reading may be that stands for the present


class NegativeCredit(Refusal):
    """A credit must be positive; what the buyer is to pay is a debit (M4)."""

    reason = "negative_credit"


class BadAmount(Refusal):
    """An amount that cannot be entered."""

    reason = "bad_amount"


class CannotBill(Refusal):
    """The account is parked; the message is the reason an operator reads."""

    reason = "parked"


@dataclass(slots=True)
class Proposal:
    """What an event would book, and the facts as they would be after it."""

    sub: facts.Subscription
    on: dt.date
    drafts: list[_write.Draft]
    recorded: list[Line] = field(default_factory=list)  # on trial: kept, not booked (M9)
    pending_before: frozenset[int] = frozenset()

    @property
    def buyer_total(self) -> int:
        """What the buyer would owe because of it, tax included."""
        return sum(draft.total for draft in self.drafts if draft.buyer_id == self.sub.buyer_id)

    @property
    def view(self) -> ProposalView:
        lines = [line for draft in self.drafts if draft.buyer_id == self.sub.buyer_id for line in draft.lines]
        lines += self.recorded
        return ProposalView(
            on=self.on,
            currency=self.sub.currency,
            lines=queries.proposed(lines, self.sub.currency),
            invoice_ids=tuple(
                draft.invoice_id
                for draft in self.drafts
                if draft.invoice_id is not None and draft.buyer_id == self.sub.buyer_id
            ),
        )


def propose(
    subscription_id: int,
    event: Event,
    *,
    day: dt.date,
    lock: bool = False,
    prepaid_since: dt.date | None = None,
) -> Proposal:
    """What `event` books for a subscription on `day`.

    Args:
        event: a function of `core.changes`, given the facts; it returns the lines.
        lock: hold the subscription until the transaction ends, because the proposal is to be booked.
        prepaid_since: the event has to know what was prepaid for days from then on.
    Raises:
        Refusal: from the event; nothing is changed.
    """
    sub = _facts.load([subscription_id], PlanBook(), lock=lock, day=day, prepaid_since=prepaid_since)[
        subscription_id
    ]
    before = frozenset(pending.id for pending in sub.pending if pending.id is not None)
    try:
        lines = list(event(sub))
    except Unrateable as error:
        raise CannotBill(str(error)) from error
    if sub.status == "trial":
        return Proposal(sub, day, [], recorded=lines, pending_before=before)
    return Proposal(sub, day, _write.drafts([(sub, Booking(sub.id, day, lines))]), pending_before=before)


def book(proposal: Proposal, *, posted_on: dt.date, now: dt.datetime, **columns: Any) -> ProposalView:
    """The proposal, booked: invoices, entries and the subscription as it now stands, in the caller's transaction."""
    sub = proposal.sub
    entries = _write.write_lines(proposal.drafts, posted_on=posted_on, now=now)
    _save_pending({sub.id: sub}, proposal.pending_before)
    subscriptions.save(sub, **columns)
    _write.write_invoices(proposal.drafts, entries, posted_on=posted_on)
    return proposal.view


def estimate(subscription_id: int, *, as_of: dt.date | None = None) -> ProposalView | None:
    """The next invoice as it would be with what is on file now; None while nothing is open.

    Metered charges that were not read on the day of the close are estimated from the latest reading.

    Args:
        as_of: readings up to this day are known; the close lies after it.
    """
    sub = _facts.load([subscription_id], PlanBook())[subscription_id]
    if sub.next_close is None:
        return None
    if as_of is not None and as_of < sub.next_close:
        sub.readings = _carried_to(sub, as_of, [sub.next_close])
    return _closes_ahead(sub, 1)[0]


def estimate_with(
    subscription_id: int, *, units: Mapping[str, Fraction], day: dt.date, event: Event | None = None
) -> tuple[ProposalView, ...]:
    """The closes until the open billing period ends, that one included, if Exchange held these units from `day` on; none
    while nothing is open.

    Args:
        units: meter → units, in the charge's own unit; meters left out are taken from the latest reading.
        event: what is changed first, as a function of `core.changes`; from then on every month counts whole.
    """
    sub = _facts.load([subscription_id], PlanBook())[subscription_id]
    if sub.next_close is None:
        return ()
    if event is not None:
        event(sub)
        for item in sub.items.values():
            item.usage_from = None
    sub.exchange_since = sub.exchange_since or day
    ends = _ends(sub)
    known = _carried_to(sub, day, ends) if day < ends[0] else {}
    since = max(sub.exchange_since, sub.month.start)
    days = [since + dt.timedelta(days=n) for n in range((ends[-1] - since).days + 1)]
    expected = {
        meter: [Reading(on, value, on.isoformat(), "expected") for on in days]
        for meter, value in units.items()
    }
    sub.readings = {**known, **expected}
    return _closes_ahead(sub, len(ends))


def foresee(ids: Sequence[int], *, day: dt.date) -> dict[int, tuple[ProposalView, ...]]:
    """The closes of each subscription until its open billing period ends, with the latest readings of today; those with
    nothing open, with a close due, or that cannot be billed are left out."""
    found: dict[int, tuple[ProposalView, ...]] = {}
    for sub in _facts.load(ids, PlanBook()).values():
        if sub.next_close is None or sub.next_close <= day:
            continue
        ends = _ends(sub)
        sub.readings = _carried_to(sub, day, ends)
        try:
            found[sub.id] = _closes_ahead(sub, len(ends))
        except CannotBill:
            continue
    return found


def latest_units(subscription_id: int, *, day: dt.date) -> dict[str, Fraction]:
    """What each meter of a subscription showed when it was last read, up to a day."""
    read = usage.between([(subscription_id, day - _LATEST, day)]).get(subscription_id, {})
    return {meter: series[-1].value for meter, series in read.items()}


def close_batch(
    ids: Sequence[int], *, book: PlanBook, posted_on: dt.date, now: dt.datetime, dry_run: bool = False
) -> BatchResult:
    """Close the next due month of each of these subscriptions: facts, rating and writing for all of them together.

    The caller holds their rows and commits. A subscription that cannot be billed is parked with the reason; the others go
    on, also where what is stored of one makes loading or writing all of them fail.
    """
    try:
        with transaction.atomic():
            return _close_together(ids, book, posted_on, now, dry_run)
    except _OUTSIDE:
        raise
    except Exception as error:  # noqa: BLE001 - one account never stops the run; its words are kept
        bad = _culprits(ids, error, lambda part: _close_together(part, book, posted_on, now, dry_run))
    result = _close_together([id for id in ids if id not in bad], book, posted_on, now, dry_run)
    result.parked += len(bad)
    if not dry_run:
        for subscription_id, reason in bad.items():
            _park_alone(subscription_id, reason, now)
    return result


def _culprits(
    ids: Sequence[int], error: Exception, attempt: Callable[[Sequence[int]], Any]
) -> dict[int, str]:
    """Of subscriptions with which `attempt` failed, those with which it fails alone, with the words.

    Each part is tried and undone, so that no lock is kept longer than in a batch where all is well.
    """
    if len(ids) == 1:
        return {ids[0]: _words(error)}
    bad: dict[int, str] = {}
    middle = len(ids) // 2
    for half in (ids[:middle], ids[middle:]):
        try:
            with transaction.atomic():
                attempt(half)
                transaction.set_rollback(True)
        except _OUTSIDE:
            raise
        except Exception as failed:  # noqa: BLE001 - as above
            bad |= _culprits(half, failed, attempt)
    return bad


def _close_together(
    ids: Sequence[int], book: PlanBook, posted_on: dt.date, now: dt.datetime, dry_run: bool
) -> BatchResult:
    """The batch closed; one that cannot be rated is parked, anything else that fails is for the caller."""
    subs = _facts.load(ids, book)
    before = {
        sub.id: frozenset(pending.id for pending in sub.pending if pending.id is not None)
        for sub in subs.values()
        if sub.pending
    }
    held = {sub.id: _held(sub) for sub in subs.values() if sub.items}
    refused = usage.refused(list(subs))
    closed: list[tuple[facts.Subscription, Booking]] = []
    failed: dict[int, tuple[int, int, dt.date, str]] = {}
    for subscription_id in ids:
        sub = subs[subscription_id]
        closes_on = sub.next_close
        assert closes_on is not None
        pool = dict(sub.wholesale.pool.used) if sub.wholesale else None
        try:
            if subscription_id in refused:
                raise Unrateable(refused[subscription_id])
            closed.append((sub, closing.close(sub)))
        except Exception as error:  # noqa: BLE001 - one account never stops the run; its words are kept
            if pool is not None:
                sub.wholesale.pool.used = pool
            failed[sub.id] = (sub.seller_id, sub.buyer_id, closes_on, _words(error))
    made = _write.drafts(closed)
    result = _result(closed, made, len(failed))
    if dry_run:
        return result
    entries = _write.write_lines(made, posted_on=posted_on, now=now)
    good = {sub.id: sub for sub, _ in closed}
    _save_pending(good, frozenset().union(*(before.get(id, frozenset()) for id in good)))
    subscriptions.save_closes(list(good.values()))
    subscriptions.save_items([sub for sub in good.values() if sub.items and held.get(sub.id) != _held(sub)])
    _note_unbilled(good.values(), now)
    _park(failed, now)
    _write.write_invoices(made, entries, posted_on=posted_on)
    return result


def correct_advance(subscription_ids: Sequence[int], *, day: dt.date, now: dt.datetime) -> int:
    """The number of subscriptions for which the day's readings led to a prorated charge or refund (U9)."""
    return _book_each(subscription_ids, lambda sub: _corrections(sub, day), day=day, now=now)


def bill_arrived_usage(subscription_ids: Sequence[int], *, day: dt.date, now: dt.datetime) -> int:
    """The number of subscriptions whose pending usage was billed, because its reading has arrived (U4)."""
    return _book_each(subscription_ids, lambda sub: _arrived(sub, day), day=day, now=now)


def release_parked(viewer: Viewer, *, subscription_id: int, now: dt.datetime) -> None:
    """Let the next billing run take a parked subscription again: somebody has looked at the answers that parked it."""
    buyer_id = subscription_queries.subscription(viewer, subscription_id).buyer_id
    seller_id = accounts.require_selling_to(viewer, buyer_id).seller_id
    with transaction.atomic():
        Parked.objects.filter(pk=subscription_id).delete()
        usage_operations.clear_refused(subscription_id=subscription_id, now=now)
        subscriptions.release(ids=[subscription_id])
        events.note(
            seller_id=seller_id,
            account_id=buyer_id,
            kind="billing.released",
            subject="billing of this account goes on",
            at=now,
            actor=viewer.actor,
        )


def credit(
    viewer: Viewer,
    *,
    buyer_id: int,
    amount: int,
    reason: str,
    text: str,
    day: dt.date,
    now: dt.datetime,
) -> int:
    """The id of the ledger entry of a credit entered by the seller (M4).

    Raises:
        NegativeCredit: what the buyer is to pay is a debit.
    """
    account = accounts.require_selling_to(viewer, buyer_id)
    if amount <= 0:
        raise NegativeCredit("A credit is an amount above zero. To charge the buyer, enter a debit instead.")
    with transaction.atomic():
        receivable, legs = posting.credit(amount)
        entry_id = ledger.post(
            [
                NewEntry(
                    account.seller_id,
                    buyer_id,
                    _currency(account),
                    "credit",
                    day,
                    receivable,
                    legs,
                    text[:200],
                )
            ],
            posted_on=day,
            now=now,
        )[0]
        Credit.objects.create(
            seller_id=account.seller_id,
            buyer_id=buyer_id,
            entry_id=entry_id,
            amount=amount,
            currency=_currency(account),
            on=day,
            reason=reason[:200],
            text=text[:200],
        )
    return entry_id


def opening_balance(viewer: Viewer, *, buyer_id: int, balance: int, day: dt.date, now: dt.datetime) -> None:
    """Where a buyer's balance starts when he comes from another system; positive is what the seller holds for him."""
    account = accounts.require_selling_to(viewer, buyer_id)
    if balance:
        receivable, legs = posting.opening(balance)
        ledger.post(
            [NewEntry(account.seller_id, buyer_id, _currency(account), "opening", day, receivable, legs)],
            posted_on=day,
            now=now,
        )


def debit_event(*, amount: int, text: str, is_taxed: bool) -> Event:
    """A one-time debit as an event to propose or book (M4).

    Raises:
        BadAmount: not above zero.
    """
    _require_debit(amount)
    return lambda sub: [rating.debit(amount=amount, text=text, is_taxed=is_taxed)]


def debit_without_plan(
    viewer: Viewer, *, buyer_id: int, amount: int, text: str, is_taxed: bool, day: dt.date, now: dt.datetime
) -> ProposalView:
    """A one-time debit for a buyer who has no subscription yet, booked (M4).

    Raises:
        BadAmount: not above zero.
    """
    account = accounts.require_selling_to(viewer, buyer_id)
    _require_debit(amount)
    line = rating.debit(amount=amount, text=text, is_taxed=is_taxed)
    draft = _write.Draft(account.seller_id, buyer_id, _currency(account), Booking(None, day, [line]))
    _write.add_tax([draft])
    with transaction.atomic():
        entries = _write.write_lines([draft], posted_on=day, now=now)
        _write.write_invoices([draft], entries, posted_on=day)
    invoice_ids = () if draft.invoice_id is None else (draft.invoice_id,)
    return ProposalView(day, draft.currency, queries.proposed(draft.lines, draft.currency), invoice_ids)


def repeat_debit(
    *, subscription_id: int, amount: int, text: str, is_taxed: bool, every: str, day: dt.date
) -> int:
    """The id of a debit that falls due at each close of a month or a period, the first at the first close (M4)."""
    _require_debit(amount)
    if every not in ("month", "period"):
        raise BadAmount(f"A debit repeats every month or every period, not every {every!r}.")
    return RepeatingDebit.objects.create(
        subscription_id=subscription_id,
        seller_id=subscription_queries.buyer_of(subscription_id)[0],
        amount=amount,
        is_taxed=is_taxed,
        every=every,
        text=text[:200],
        since=day,
    ).pk


def end_repeating_debit(viewer: Viewer, *, debit_id: int, day: dt.date) -> None:
    """The debit falls due no more."""
    row = RepeatingDebit.objects.filter(pk=debit_id).first()
    if row is None:
        raise accounts.NotVisible("There is no such debit here.")
    accounts.require_seller(viewer, row.seller_id)
    row.until = day
    row.save(update_fields=["until"])


def set_seller_settings(
    viewer: Viewer,
    *,
    seller_id: int,
    taxes: Sequence[tuple[str, str]] | None = None,
    sends_no_charge_notice: bool | None = None,
    number_prefix: str | None = None,
) -> None:
    """Change how a seller bills; what is not given stays.

    Args:
        taxes: names with percentages as texts, in the order in which odd cents are given out (M3).
    """
    accounts.require_seller(viewer, seller_id)
    changed: dict[str, Any] = {}
    if taxes is not None:
        if len({name for name, _ in taxes}) < len(taxes):
            raise BadAmount("Two taxes have the same name. Give each one its own.")
        for name, rate in taxes:
            if not 0 <= Fraction(rate) <= 100:
                raise BadAmount(f"Tax {name}: {rate} % is not a percentage between 0 and 100.")
        changed["taxes"] = [[name, rate] for name, rate in taxes]
    if sends_no_charge_notice is not None:
        changed["sends_no_charge_notice"] = sends_no_charge_notice
    if number_prefix is not None:
        changed["number_prefix"] = number_prefix
    SellerSettings.objects.update_or_create(seller_id=seller_id, defaults=changed)


def start_run(*, seller_id: int | None, as_of: dt.date | None, started_by: str, now: dt.datetime) -> int:
    """The id of a billing run that has begun."""
    return BillingRun.objects.create(
        seller_id=seller_id, as_of=as_of, started_at=now, started_by=started_by
    ).pk


def note_run(run_id: int, result: BatchResult, *, finished_at: dt.datetime | None = None) -> None:
    """Keep how far a billing run has come."""
    BillingRun.objects.filter(pk=run_id).update(
        closes=result.closes,
        lines=result.lines,
        parked=result.parked,
        totals=result.totals or {},
        finished_at=finished_at,
    )


def with_tax(net: int, *, seller_id: int, buyer_id: int) -> int:
    """A net amount with the taxes that the seller adds to what he invoices to the buyer, in minor units (M3)."""
    rates = _facts.taxes({(seller_id, buyer_id)})[seller_id, buyer_id]
    return net + money.round_half_away(net * tax.summed(rates) / 100)


def minor(amount: Fraction, currency: str) -> int:
    """An exact amount of a plan's terms in whole minor units."""
    return money.to_minor(amount, currency)


def recorded_lines(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The stored form of lines recorded on trial."""
    return [
        {
            "kind": line.kind,
            "item": line.item,
            "amount": line.amount,
            "quantity": None if line.quantity is None else str(line.quantity),
            "unit_price": None if line.unit_price is None else str(line.unit_price),
            "why": line.why,
        }
        for line in lines
    ]


def lines_recorded(rows: Sequence[Mapping[str, Any]]) -> list[Line]:
    """The lines recorded on trial, as they are to be booked at its end."""
    return [
        Line(
            kind=row["kind"],
            item=row["item"],
            amount=row["amount"],
            why=row["why"],
            quantity=None if row["quantity"] is None else Fraction(row["quantity"]),
            unit_price=None if row["unit_price"] is None else Fraction(row["unit_price"]),
        )
        for row in rows
    ]


def _book_each(ids: Sequence[int], event: Event, *, day: dt.date, now: dt.datetime) -> int:
    """The number of subscriptions for which the event booked something; one that cannot be billed is parked."""
    booked = 0
    for subscription_id in ids:
        try:
            with transaction.atomic():
                proposal = propose(subscription_id, event, day=day, lock=True)
                book(proposal, posted_on=day, now=now)
        except _OUTSIDE:
            raise
        except Exception as error:  # noqa: BLE001 - one account never stops the jobs; its words are kept
            _park_alone(subscription_id, _words(error), now, day)
            continue
        booked += bool(proposal.drafts)
    return booked


def _corrections(sub: facts.Subscription, day: dt.date) -> list[Line]:
    if sub.status != "active":
        return []
    terms = sub.terms_at(day)
    lines: list[Line] = []
    for charge in terms.charges.values():
        if charge.measure == "metered" and charge.timing == "advance" and fees.is_on(sub, charge):
            lines += fees.correct(sub, terms, charge, day=day)
    return sorted(lines, key=lambda line: line.kind != "refund")


def _arrived(sub: facts.Subscription, day: dt.date) -> list[Line]:
    lines = closing.arrived_usage(sub, today=day)
    if sub.status == "closed":
        waited = [p for p in sub.pending if p.closes_on <= day - dt.timedelta(days=28)]
        lines += closing.overdue_usage(sub, on=day) if waited else ()
    return lines


def _carried_to(
    sub: facts.Subscription, as_of: dt.date, closes: Sequence[dt.date]
) -> dict[str, list[Reading]]:
    """Readings up to `as_of`, with the latest of each meter standing for the closes that have not come."""
    if sub.pool is not None:  # a reseller's own: his customers' readings are summed up already (U11)
        read = {
            meter: known
            for meter, series in sub.readings.items()
            if (known := [reading for reading in series if reading.day <= as_of])
        }
    else:
        read = usage.between([(sub.id, _facts.first_day(sub, as_of) - _LATEST, as_of)]).get(sub.id, {})
    return {
        meter: [
            *series,
            *(Reading(on, series[-1].value, series[-1].taken_at, series[-1].source) for on in closes),
        ]
        for meter, series in read.items()
    }


def _ends(sub: facts.Subscription) -> list[dt.date]:
    """The days on which the months of the open period close, its end the last of them."""
    first = sub.offset + sub.month_index + 1
    return [add_months(sub.anchor, months) for months in range(first, sub.offset + sub.months + 1)]


def _closes_ahead(sub: facts.Subscription, count: int) -> tuple[ProposalView, ...]:
    """What the next closes would book, taxes included; nothing is."""
    try:
        bookings = [closing.close(sub) for _ in range(count)]
    except Unrateable as error:
        raise CannotBill(str(error)) from error
    _write.drafts([(sub, booking) for booking in bookings])
    return tuple(
        ProposalView(booking.on, sub.currency, queries.proposed(booking.lines, sub.currency))
        for booking in bookings
    )


def _result(
    closed: Sequence[tuple[facts.Subscription, Booking]], made: Sequence[_write.Draft], parked: int
) -> BatchResult:
    totals: dict[str, int] = {}
    for draft in made:
        totals[draft.currency] = totals.get(draft.currency, 0) + draft.total
    return BatchResult(
        closes=len(closed),
        lines=sum(len(draft.lines) for draft in made),
        invoices=len(made),
        parked=parked,
        totals=totals,
        closed=[
            (sub.id, sub.buyer_id, booking.on, any(line.amount for line in booking.lines))
            for sub, booking in closed
        ],
    )


def _save_pending(subs: Mapping[int, facts.Subscription], before: frozenset[int]) -> None:
    kept = {pending.id for sub in subs.values() for pending in sub.pending}
    gone = before - kept
    if gone:
        PendingUsage.objects.filter(pk__in=gone).delete()
    PendingUsage.objects.bulk_create(
        PendingUsage(
            subscription_id=sub.id,
            seller_id=sub.seller_id,
            item=pending.item,
            start=pending.period.start,
            end=pending.period.end,
            closes_on=pending.closes_on,
            plan_version_id=pending.terms.id,
            months=pending.months,
            price=str(pending.price),
            threshold=str(pending.threshold),
        )
        for sub in subs.values()
        for pending in sub.pending
        if pending.id is None
    )


def _held(sub: facts.Subscription) -> list[tuple[Any, ...]]:
    return [
        (charge, item.quantity, item.is_on, item.usage_from, item.pool_units)
        for charge, item in sub.items.items()
    ]


def _note_unbilled(subs: Any, now: dt.datetime) -> None:
    """Usage while suspended is reported to the seller (U10)."""
    for sub in subs:
        if sub.unbilled_usage:
            events.note(
                seller_id=sub.seller_id,
                account_id=sub.buyer_id,
                kind="usage.not_billed",
                subject="usage while suspended, not billed",
                at=now,
                actor="system",
                data={"usage": sub.unbilled_usage},
            )


def _park_alone(subscription_id: int, reason: str, now: dt.datetime, day: dt.date | None = None) -> None:
    view = subscription_queries.subscription(Viewer.system(), subscription_id)
    on = day or view.next_close
    assert on is not None
    with transaction.atomic():
        _park({subscription_id: (view.seller_id, view.buyer_id, on, reason)}, now)


def _park(failed: Mapping[int, tuple[int, int, dt.date, str]], now: dt.datetime) -> None:
    """Leave these subscriptions out of runs: seller, buyer, the close that could not be billed, and why."""
    for subscription_id, (seller_id, buyer_id, closes_on, reason) in failed.items():
        Parked.objects.update_or_create(
            subscription_id=subscription_id,
            defaults={"seller_id": seller_id, "closes_on": closes_on, "reason": reason, "at": now},
        )
        events.note(
            seller_id=seller_id,
            account_id=buyer_id,
            kind="billing.parked",
            subject="this account could not be billed",
            at=now,
            actor="system",
            data={"closes_on": closes_on.isoformat(), "reason": reason},
        )
    subscriptions.park(ids=failed)


def _words(error: Exception) -> str:
    if isinstance(error, Unrateable | Refusal):
        return str(error)
    what = str(error).partition("\n")[0]
    return (
        f"The account could not be rated ({type(error).__name__}: {what}). "
        "Check its plan, quantities and readings, then release it."
    )


def _require_debit(amount: int) -> None:
    if amount <= 0:
        raise BadAmount("A debit is an amount above zero. To give the buyer money, enter a credit instead.")


def _currency(account: Any) -> str:
    """What a buyer owes is in his seller's currency."""
    return accounts.currency_of(account.seller_id)
