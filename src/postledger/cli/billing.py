"""Run the billing, and look after accounts that could not be billed."""

import copy
import datetime as dt
import multiprocessing
import queue
import sys
import time
from collections.abc import Callable, Iterable

import click
import psycopg
from django.db import OperationalError, connections
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from postledger import clock
from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.billing import queries
from postledger.billing.types import BatchResult
from postledger.core import money
from postledger.workflows import billing_run, count_due

_LANES = 2  # threads of one process: one rates while the other waits for the database


@click.group()
def command() -> None:
    """Close what is due and see what is parked."""


@command.command()
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Close what is due up to this day. Default: each seller's own today.",
)
@click.option("--dry-run", is_flag=True, help="Book nothing; tell what would be booked.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that share the run.",
)
def run(as_of: dt.datetime | None, dry_run: bool, workers: int) -> None:
    """Close every account that is due.

    The run can be stopped at any moment and started again, and several may run at once: what is closed stays closed and
    nothing is billed twice. Accounts that cannot be billed are parked with the reason; the others are billed.
    """
    day = as_of.date() if as_of else None
    now, started = clock.now(), time.monotonic()
    due = count_due.count_due(Viewer.system(), now=now, as_of=day)
    console = Console(stderr=True)
    if not due:
        console.print("Nothing is due.")
        return
    with Progress(
        TextColumn("[bold]billing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("accounts"),
        TextColumn("{task.fields[lines]:,} lines"),
        TextColumn("{task.fields[money]}"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
        console=console,
    ) as bar:
        task = bar.add_task("billing", total=due, lines=0, money="", rate=0.0)

        def show(result: BatchResult) -> None:
            done = result.closes + result.parked
            bar.update(
                task,
                completed=done,
                lines=result.lines,
                money=_money(result),
                rate=done / max(time.monotonic() - started, 0.001),
            )

        try:
            if workers == 1 or dry_run:
                total = billing_run.billing_run(
                    Viewer.system(), now=now, as_of=day, dry_run=dry_run, lanes=_LANES, progress=show
                )
            else:
                total = _shared(workers, now, day, show)
        except KeyboardInterrupt:
            raise click.ClickException(
                "The run was stopped. What is closed stays closed; run it again for the rest."
            ) from None
    seconds = time.monotonic() - started
    verb = "would be closed" if dry_run else "closed"
    click.echo(
        f"{total.closes:,} accounts {verb}, {total.invoices:,} invoices, {total.lines:,} lines, "
        f"{_money(total) or 'no money'}, {seconds:.1f} s."
    )
    if total.parked:
        click.echo(f"{total.parked:,} accounts could not be billed. See: postledger billing parked")


@command.command()
def parked() -> None:
    """List the accounts that could not be billed, with the reasons."""
    found = queries.parked(Viewer.system())
    if not found:
        click.echo("No account is parked.")
    for row in found:
        click.echo(f"{row.subscription_id}  {row.buyer}, close of {row.closes_on}: {row.reason}")


@command.command()
@click.argument("subscriptions", type=int, nargs=-1, required=True)
def release(subscriptions: tuple[int, ...]) -> None:
    """Let the next run take parked SUBSCRIPTIONS again, by their numbers from `parked`."""
    for subscription_id in subscriptions:
        billing.release_parked(Viewer.system(), subscription_id=subscription_id, now=clock.now())
        click.echo(f"{subscription_id} is released.")


def _shared(
    workers: int, now: dt.datetime, day: dt.date | None, show: Callable[[BatchResult], None]
) -> BatchResult:
    """The sums of several processes that take batches from the same database."""
    connections.close_all()
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue = context.Queue()
    started = [
        context.Process(target=_work, args=(number, now, day, results), daemon=True)
        for number in range(workers)
    ]
    for process in started:
        process.start()
    sums: dict[int, BatchResult] = {}
    while any(process.is_alive() for process in started) or not results.empty():
        try:
            number, sums[number] = results.get(timeout=0.5)
            show(_sum(sums.values()))
        except queue.Empty:
            continue
    for process in started:
        process.join()
    ended_early = sum(process.exitcode != 0 for process in started)
    if ended_early:
        raise click.ClickException(
            f"{ended_early} of {workers} processes ended early. What is closed stays closed; run it again for the rest."
        )
    return _sum(sums.values())


def _work(number: int, now: dt.datetime, day: dt.date | None, results: multiprocessing.Queue) -> None:
    try:
        billing_run.billing_run(
            Viewer.system(),
            now=now,
            as_of=day,
            lanes=_LANES,
            progress=lambda sums: results.put((number, copy.copy(sums))),
        )
    except KeyboardInterrupt:
        sys.exit(1)  # whoever stopped the run is told by the process that started this one
    except (OperationalError, psycopg.OperationalError) as error:
        click.echo(f"The database does not answer: {str(error).strip()}", err=True)
        sys.exit(1)
    finally:
        connections.close_all()


def _sum(results: Iterable[BatchResult]) -> BatchResult:
    total = BatchResult(totals={})
    for result in results:
        total.add(result)
    return total


def _money(result: BatchResult) -> str:
    return ", ".join(
        f"{money.text(amount, currency)} {currency}"
        for currency, amount in sorted((result.totals or {}).items())
    )
