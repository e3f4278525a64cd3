"""The billing run: every close that is due, in batches, by as many workers as one likes."""

import datetime as dt
from collections.abc import Callable, Collection

from django.db import transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.billing import queries as billing_queries
from postledger.billing.types import BatchResult
from postledger.catalog.queries import PlanBook
from postledger.payments import operations as payments
from postledger.payments import queries as payment_queries
from postledger.subscriptions import queries as subscriptions

BATCH = 2500


def billing_run(
    viewer: Viewer,
    *,
    now: dt.datetime,
    as_of: dt.date | None = None,
    seller_ids: Collection[int] | None = None,
    dry_run: bool = False,
    batch: int = BATCH,
    progress: Callable[[BatchResult], None] | None = None,
) -> BatchResult:
    """What the run booked: each close due by `as_of`, on its due date, oldest first (C4).

    Every batch is one transaction, so a run can be killed at any moment and started again, and several may run at once:
    each takes what no other holds. An account that cannot be billed is parked; the others are billed.

    Args:
        as_of: the day up to which closes are due; each seller's own today when None.
        seller_ids: only what these sellers sell; all the viewer may see when None.
        dry_run: book nothing; the result is what would be booked at each account's next close.
        progress: called after every batch with the sums so far.
    """
    groups = _due_sellers(viewer, seller_ids, now, as_of)
    total = BatchResult(totals={})
    if not groups:
        return total
    run_id = (
        None
        if dry_run
        else billing.start_run(seller_id=viewer.account_id, as_of=as_of, started_by=viewer.actor, now=now)
    )
    book = PlanBook()
    for day, today, due_sellers in groups:
        after = None
        while True:
            with transaction.atomic():
                due = subscriptions.claim_due(
                    seller_ids=due_sellers, as_of=day, most=batch, after=after, lock=not dry_run
                )
                if not due:
                    break
                result = billing.close_batch(
                    [id for _, id in due], book=book, posted_on=today, now=now, dry_run=dry_run
                )
                if not dry_run:
                    _after_closes(result, today, now)
            total.add(result)
            if run_id is not None:
                billing.note_run(run_id, total)
            after = due[-1] if dry_run else None
            if progress is not None:
                progress(total)
            if not dry_run:  # at each close, also where a late job posts several (M5, C4)
                for buyer_id in payment_queries.cards_to_charge(seller_ids=due_sellers):
                    payments.charge_card(buyer_id=buyer_id, day=today, now=now)
    if run_id is not None:
        billing.note_run(run_id, total, finished_at=now)
    return total


def count_due(
    viewer: Viewer,
    *,
    now: dt.datetime,
    as_of: dt.date | None = None,
    seller_ids: Collection[int] | None = None,
) -> int:
    """How many accounts the run would close."""
    return sum(
        subscriptions.count_due(seller_ids=due_sellers, as_of=day)
        for day, _, due_sellers in _due_sellers(viewer, seller_ids, now, as_of)
    )


def _due_sellers(
    viewer: Viewer, seller_ids: Collection[int] | None, now: dt.datetime, as_of: dt.date | None
) -> list[tuple[dt.date, dt.date, list[int]]]:
    """The sellers with something due, by the day up to which it is due and their own today."""
    latest = as_of or (now + dt.timedelta(days=1)).date()
    ids = subscriptions.sellers_due(latest=latest)
    if seller_ids is not None:
        for id in seller_ids:
            accounts.require_seller(viewer, id)
        ids = [id for id in ids if id in seller_ids]
    elif not viewer.is_system:
        accounts.require_seller(viewer, viewer.account_id)
        visible = {viewer.account_id}
        if viewer.kind == "provider":
            visible |= {account.id for account in accounts.sold_to(viewer, viewer.account_id)}
        ids = [id for id in ids if id in visible]
    groups: dict[dt.date, list[int]] = {}
    for id, zone in accounts.time_zones(ids).items():
        groups.setdefault(now.astimezone(zone).date(), []).append(id)
    return [(as_of or today, today, sorted(due)) for today, due in sorted(groups.items())]


def _after_closes(result: BatchResult, today: dt.date, now: dt.datetime) -> None:
    """In the transaction of the closes: whose card is to be charged, and who is told that nothing was charged."""
    closed = result.closed or []
    payments.note_closes([buyer_id for _, buyer_id, _, _ in closed])
    silent = [(buyer_id, day) for _, buyer_id, day, charged in closed if not charged]
    if silent:
        buyers = accounts.accounts_by_id(Viewer.system(), [buyer_id for buyer_id, _ in silent])
        telling = billing_queries.sends_no_charge_notice({account.seller_id for account in buyers.values()})
        for buyer_id, day in silent:
            if buyers[buyer_id].seller_id in telling:
                payments.notify(buyers[buyer_id], kind="no_charge", day=day, now=now)
