"""The billing run: every close that is due, in batches, by as many workers as one likes."""

import contextlib
import datetime as dt
import gc
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

from django.db import connection, transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.billing import queries as billing_queries
from postledger.billing.types import BatchResult
from postledger.catalog.queries import PlanBook
from postledger.core.errors import Refusal
from postledger.payments import operations as payments
from postledger.payments import queries as payment_queries
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import _due

BATCH = 2500


class BeforeItsDay(Refusal):
    """A close would be booked before the day on which it is due."""

    reason = "before_its_day"


def billing_run(
    viewer: Viewer,
    *,
    now: dt.datetime,
    as_of: dt.date | None = None,
    seller_ids: Collection[int] | None = None,
    dry_run: bool = False,
    batch: int = BATCH,
    lanes: int = 1,
    progress: Callable[[BatchResult], None] | None = None,
) -> BatchResult:
    """What the run booked: each close due by `as_of`, on its due date, oldest first (C4).

    Every batch is one transaction, so a run can be killed at any moment and started again, and several may run at once:
    each takes what no other holds. An account that cannot be billed is parked; the others are billed.

    Args:
        as_of: the day up to which closes are due; each seller's own today when None.
        seller_ids: only what these sellers sell; all the viewer may see when None.
        dry_run: book nothing; the result is what the run would book.
        lanes: threads that take batches at the same time, each with a connection of its own; more than one only outside
            a transaction.
        progress: called after every batch with the sums so far.
    Raises:
        BeforeItsDay: a seller asks for a day that has not come; only the operator's command line may.
    """
    groups = _due.sellers(viewer, seller_ids, now, as_of)
    if not (dry_run or viewer.is_system) and any(day > today for day, today, _ in groups):
        raise BeforeItsDay(
            f"Nothing can be closed before its day, and {as_of} has not come. Preview it instead."
        )
    total = BatchResult(totals={})
    if not groups:
        return total
    run_id = (
        None
        if dry_run
        else billing.start_run(seller_id=viewer.account_id, as_of=as_of, started_by=viewer.actor, now=now)
    )
    told = threading.Lock()

    def note(result: BatchResult) -> None:
        with told:
            total.add(result)
            if run_id is not None:
                billing.note_run(run_id, total)
            if progress is not None:
                progress(total)

    is_late = dry_run and any(subscriptions.is_late(seller_ids=ids, as_of=day) for day, _, ids in groups)
    with _without_collector(), _rolled_back() if is_late else contextlib.nullcontext():
        for day, today, due_sellers in groups:
            if dry_run and not is_late:
                _close(day, today, due_sellers, now, batch, note, dry_run=True)
                continue
            closes_on = None
            while closes_on := subscriptions.next_due(seller_ids=due_sellers, as_of=day, after=closes_on):
                if lanes == 1 or dry_run:
                    _close(closes_on, today, due_sellers, now, batch, note, charges_cards=not dry_run)
                    continue
                _in_lanes(lanes, closes_on, today, due_sellers, now, batch, note)
    if run_id is not None:
        billing.note_run(run_id, total, finished_at=now)
    return total


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """No search for reference cycles meanwhile: a batch makes hundreds of thousands of values and no cycle, and the search
    took two fifths of the processor time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextlib.contextmanager
def _rolled_back() -> Iterator[None]:
    """A dry run where accounts have several closes due: each follows from the one before, so they are booked and undone.

    Meanwhile whoever buys from these sellers waits for their invoice numbers.
    """
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _in_lanes(
    lanes: int,
    day: dt.date,
    today: dt.date,
    seller_ids: list[int],
    now: dt.datetime,
    batch: int,
    note: Callable[[BatchResult], None],
) -> None:
    """Threads with a database connection each: while one waits for the database, another rates.

    When one fails, or the run is to end, each of them ends after the batch it is at.
    """
    is_over = threading.Event()

    def lane() -> None:
        try:
            _close(day, today, seller_ids, now, batch, note, is_over=is_over.is_set)
        finally:
            connection.close()

    with ThreadPoolExecutor(lanes) as pool:
        try:
            for done in as_completed([pool.submit(lane) for _ in range(lanes)]):
                done.result()
        finally:
            is_over.set()


def _close(
    day: dt.date,
    today: dt.date,
    seller_ids: list[int],
    now: dt.datetime,
    batch: int,
    note: Callable[[BatchResult], None],
    *,
    dry_run: bool = False,
    charges_cards: bool = True,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Close what is due by `day`, batch after batch, until nothing is left that nobody else holds.

    Each batch looks behind the one before, past the index entries of what is closed already; a last look from the start
    finds what another run held and gave back.
    """
    book, after = PlanBook(), None
    while not is_over():
        with transaction.atomic():
            due = subscriptions.claim_due(
                seller_ids=seller_ids, as_of=day, most=batch, after=after, lock=not dry_run
            )
            if not due and (dry_run or after is None):
                return
            if not due:
                after = None
                continue
            result = billing.close_batch(
                [id for _, id in due], book=book, posted_on=today, now=now, dry_run=dry_run
            )
            if not dry_run:
                _after_closes(result, today, now)
        note(result)
        after = due[-1]
        if charges_cards and not dry_run:  # at each close, also where a late job posts several (M5, C4)
            for buyer_id in payment_queries.cards_to_charge(seller_ids=seller_ids):
                payments.charge_card(buyer_id=buyer_id, day=today, now=now)


def _after_closes(result: BatchResult, today: dt.date, now: dt.datetime) -> None:
    """In the transaction of the closes: whose card is to be charged, and who is told that nothing was charged (R10)."""
    closed = result.closed or []
    payments.note_closes([buyer_id for _, buyer_id, _, _ in closed])
    silent = [(buyer_id, day) for _, buyer_id, day, charged in closed if not charged]
    if silent:
        buyers = accounts.accounts_by_id(Viewer.system(), [buyer_id for buyer_id, _ in silent])
        telling = billing_queries.sends_no_charge_notice({account.seller_id for account in buyers.values()})
        for buyer_id, day in silent:
            if buyers[buyer_id].seller_id in telling:
                payments.notify(buyers[buyer_id], kind="no_charge", day=day, now=now)
