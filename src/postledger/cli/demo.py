"""Play the whole story: from an empty database to invoices, against a sandbox platform.

A provider and a reseller sell Exchange to three customers; it is set up on the platform by background jobs, usage is read
at the close and billed. It runs in a database of its own, so it can be repeated.
"""

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from procrastinate.contrib.django import app
from psycopg import sql
from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.table import Table

from postledger import clock
from postledger.accounts import queries as accounts
from postledger.accounts.types import AccountView
from postledger.billing import as_json
from postledger.billing import queries as billing
from postledger.billing.types import InvoiceView
from postledger.cli import _processes
from postledger.cli._story import PASSWORD, SYSTEM, Story
from postledger.core import money
from postledger.core.errors import Refusal
from postledger.documents import invoice as printed
from postledger.provisioning import queries
from postledger.usage import queries as usage
from postledger.workflows import collect_usage, daily_jobs, reconcile
from postledger_sandbox.server import Process, RemoteControl

BEGINS = dt.datetime(2027, 1, 15, 10, tzinfo=dt.UTC)
CLOSES = dt.datetime(2027, 2, 15, 0, 10, tzinfo=dt.UTC)
_JOB_S = 120


class JobFailed(Refusal):
    """A background job of the demo did not do its work."""

    reason = "job_failed"


@click.command()
@click.option(
    "--json", "as_json_text", is_flag=True, help="Print what was made as JSON; the steps go to stderr."
)
@click.option(
    "--dialect",
    type=click.Choice(["W", "S"]),
    default="W",
    show_default=True,
    help="WebsitePanel or SolidCP.",
)
@click.option(
    "--fill", metavar="ADDRESSES", hidden=True, help="Fill this database, with a running sandbox's addresses."
)
def command(as_json_text: bool, dialect: str, fill: str | None) -> None:
    """Play the whole story: from an empty database to invoices, against a sandbox platform."""
    if fill is not None:
        _fill(json.loads(fill))
        return
    told = _Teller(to_stderr=as_json_text)
    _own_database()
    told("An empty database of its own, migrated")
    logs = settings.HOME / "log"
    with (
        Process("--dialect", dialect, "--port", "0", "--delay", "0.2") as sandbox,
        _processes.together(logs=logs) as processes,
    ):
        told(f"A sandbox platform listens at {sandbox.url}")
        processes.start("demo-worker", sys.executable, "-m", "postledger.cli.main", "worker", "--no-timers")
        played = _play(sandbox, told, processes)
    if as_json_text:
        click.echo(json.dumps(played, indent=2, ensure_ascii=False))
    else:
        _show(played)


def _play(sandbox: Process, told: Callable[[str], None], processes: _processes.Processes) -> dict[str, Any]:
    """The story from its beginning to a year later; what it made, as JSON-able values."""
    story = Story(addresses=sandbox.addresses, control=sandbox.control, now=BEGINS, tell=told)
    jobs = _Jobs(processes)
    story.open_shop()
    story.take_customers()
    story.order_exchange()
    jobs.run("reconcile", now=story.now)
    for found in story.customers.values():
        told(f"{found.name}: {queries.progress(SYSTEM, found.id).words}{_where(found)}")
    story.now += dt.timedelta(days=3)
    story.order_mailboxes()
    jobs.run("reconcile", now=story.now)
    for found in story.customers.values():
        told(f"{found.name}: {_dns_words(found)}")
    story.now += dt.timedelta(days=20)
    story.grow()
    story.now = CLOSES
    told(f"{story.now:%-d %B %Y}: the month closes; the platform is read")
    for connection in story.connections.values():
        jobs.run("collect_usage_of", connection_id=connection.id, now=story.now, refresh_wait_s=1.0)
    jobs.run("daily_jobs", now=story.now)
    for found in story.customers.values():
        for invoice in _invoices(found):
            told(f"{found.name}: invoice {invoice.number} of {invoice.on} over {_amount(invoice)}")
    before = _counted(story)
    for connection in story.connections.values():
        jobs.run("collect_usage_of", connection_id=connection.id, now=story.now)
    jobs.run("reconcile", now=story.now)
    jobs.run("daily_jobs", now=story.now)
    after = _counted(story)
    told(f"The same jobs once more: {'nothing changes' if before == after else f'{before} became {after}'}")
    first = {code: len(_invoices(found)) for code, found in story.customers.items()}
    year = _year(story, jobs, told)
    return {
        "started_at": BEGINS.isoformat(),
        "closed_at": CLOSES.isoformat(),
        "dialect": sandbox.addresses["dialect"],
        "again": {"before": before, "after": after, "is_unchanged": before == after},
        "customers": [_customer(found, first[code]) for code, found in story.customers.items()],
        "reseller": _reseller(story),
        "yearly_customer": year,
    }


def _year(story: Story, jobs: "_Jobs", told: Callable[[str], None]) -> dict[str, Any]:
    """Eleven further months: the customer who pays by the year gets a bill for usage each month, and one base fee."""
    for month in range(1, 12):
        year, number = divmod(CLOSES.month - 1 + month, 12)
        story.now = CLOSES.replace(year=CLOSES.year + year, month=number + 1)
        for connection in story.connections.values():
            jobs.run("collect_usage_of", connection_id=connection.id, now=story.now)
        jobs.run("daily_jobs", now=story.now)
    globex = story.customers["globex"]
    rows = [
        {
            "invoice": invoice.number,
            "on": invoice.on.isoformat(),
            "base_fee": _sum(invoice, lambda item: not item.startswith("exchange.")),
            "usage": _sum(invoice, lambda item: item.startswith("exchange.")),
        }
        for invoice in _invoices(globex)
    ]
    told(f"A year passes: {globex.name} has {len(rows)} invoices, usage monthly, the base fee yearly")
    return {"code": globex.code, "invoices": rows}


# --- what was made --------------------------------------------------------------------------------------------------


def _customer(found: AccountView, invoices: int) -> dict[str, Any]:
    seller = accounts.seller_of(SYSTEM, found.id)
    account = queries.account_resource(SYSTEM, found.id)
    organization = queries.organization_of(SYSTEM, found.id)
    (zone,) = queries.zones_of(SYSTEM, found.id)
    held = queries.resources_of(SYSTEM, found.id)
    statement = billing.statement(SYSTEM, found.id)
    assert account is not None and organization is not None, "the story has set them up"
    first = _invoices(found)[:invoices]
    return {
        "code": found.code,
        "name": found.name,
        "seller": seller.code,
        "currency": found.currency,
        "progress": queries.progress(SYSTEM, found.id).words,
        "platform": {
            "username": account.key,
            "is_linked": account.is_linked,
            "user_id": account.reference.get("user"),
            "package_id": account.reference.get("space"),
            "organization": organization.key,
            "organization_id": organization.reference.get("item"),
        },
        "holds": [{"kind": entry.kind, "key": entry.key, "condition": entry.condition} for entry in held],
        "dns": {
            "zone": zone.name,
            "shown": [_record(record) for record in zone.records if not record.is_hidden],
            "hidden": [_record(record) for record in zone.records if record.is_hidden],
        },
        "readings": [
            {
                "meter": reading.meter,
                "value": as_json.plain(reading.value),
                "at": reading.taken_at.isoformat(),
            }
            for reading in _readings(found)
        ],
        "invoices": [_invoice(invoice) for invoice in first],
        "balance_after_first_close": money.text(_balance(statement, first), found.currency),
    }


def _reseller(story: Story) -> dict[str, Any]:
    """What the reseller pays the provider for the first month of his customers."""
    invoices = [invoice for invoice in _invoices(story.north) if invoice.on <= CLOSES.date()]
    return {"code": story.north.code, "invoices": [_invoice(invoice) for invoice in invoices]}


def _invoice(invoice: InvoiceView) -> dict[str, Any]:
    return {
        "number": invoice.number,
        "on": invoice.on.isoformat(),
        "currency": invoice.currency,
        "lines": [
            {**as_json.line(line), "because": list(billing.explain(SYSTEM, line.id or 0).sentences)}
            for line in invoice.lines
        ],
        "total": money.text(invoice.total, invoice.currency),
        "pdf": str(_printed(invoice)),
    }


def _printed(invoice: InvoiceView) -> Path:
    directory = settings.HOME / "demo"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"invoice-{invoice.parties['seller']['name'].split()[0].lower()}-{invoice.number}.pdf"
    path.write_bytes(printed.pdf(invoice))
    return path


def _record(record) -> dict[str, Any]:
    return {"name": record.name, "type": record.type, "values": list(record.data), "owner": record.owner}


def _invoices(found: AccountView) -> list[InvoiceView]:
    """A buyer's invoices with their lines, oldest first."""
    listed = reversed(billing.invoices(SYSTEM, buyer_id=found.id))
    return [billing.invoice(SYSTEM, entry.id) for entry in listed]


def _readings(found: AccountView):
    held = queries.account_resource(SYSTEM, found.id)
    assert held is not None and held.subscription_id is not None, "the story has subscribed him"
    return [
        reading
        for reading in usage.readings_of(
            SYSTEM, held.subscription_id, first=CLOSES.date(), last=CLOSES.date()
        )
        if reading.value
    ]


def _balance(statement, invoices: list[InvoiceView]) -> int:
    last = invoices[-1].id if invoices else None
    return next((row.balance for row in reversed(statement) if row.invoice_id == last), 0)


def _sum(invoice: InvoiceView, of: Callable[[str], bool]) -> str:
    return money.text(sum(line.amount for line in invoice.lines if of(line.item)), invoice.currency)


def _amount(invoice: InvoiceView) -> str:
    return f"{money.text(invoice.total, invoice.currency)} {invoice.currency}"


def _counted(story: Story) -> dict[str, int]:
    """How many calls that change something, things, readings and invoice lines there are."""
    customers = story.customers.values()
    return {
        "changing_calls": sum(
            len(queries.calls_of(SYSTEM, connection.id, most=10_000))
            for connection in story.connections.values()
        ),
        "things": sum(len(queries.resources_of(SYSTEM, found.id)) for found in customers),
        "readings": sum(len(_readings(found)) for found in customers),
        "invoice_lines": sum(len(invoice.lines) for found in customers for invoice in _invoices(found)),
    }


def _where(found: AccountView) -> str:
    account = queries.account_resource(SYSTEM, found.id)
    organization = queries.organization_of(SYSTEM, found.id)
    if account is None or organization is None:
        return ""
    how = "linked" if account.is_linked else "made"
    return (
        f" Platform account {account.key} {how} (user {account.reference.get('user')}, package "
        f"{account.reference.get('space')}), organization {organization.key} ({organization.reference.get('item')})"
    )


def _dns_words(found: AccountView) -> str:
    (zone,) = queries.zones_of(SYSTEM, found.id)
    ours = [record.type for record in zone.records if record.owner == "exchange" and not record.is_hidden]
    ours += ["SPF (merged)" for mark in zone.marks if mark["spf"]]
    hidden = [f"{record.type} {' '.join(record.data)}" for record in zone.records if record.is_hidden]
    return f"{zone.name} shows {', '.join(ours)} for Exchange; hidden: {', '.join(hidden) or 'nothing'}"


def _show(played: dict[str, Any]) -> None:
    console = Console(width=110)
    for customer in played["customers"]:
        for invoice in customer["invoices"]:
            table = Table(
                title=f"{customer['name']}: invoice {invoice['number']} of {invoice['on']}",
                title_justify="left",
            )
            for heading, side in (
                ("Line", "left"),
                ("From", "left"),
                ("To", "left"),
                ("How", "left"),
                ("Amount", "right"),
            ):
                table.add_column(heading, justify=side)
            for line in invoice["lines"]:
                table.add_row(
                    f"{line['item']} ({line['kind']})",
                    line["from"] or "",
                    line["to"] or "",
                    line["explanation"],
                    line["amount"],
                )
            table.add_row("Total", "", "", "", f"{invoice['total']} {invoice['currency']}", style="bold")
            console.print(table)
            for line in invoice["lines"]:
                console.print(
                    f"  {line['item']}: {' '.join(line['because'])}", soft_wrap=True, highlight=False
                )
            console.print(f"  PDF: {invoice['pdf']}\n", soft_wrap=True, highlight=False)
        words = (
            f"{customer['name']}: balance {customer['balance_after_first_close']} {customer['currency']}\n"
        )
        console.print(words, highlight=False)
    table = Table(title="Globex pays the base fee by the year and usage by the month", title_justify="left")
    for heading, side in (("Invoice", "left"), ("On", "left"), ("Base fee", "right"), ("Usage", "right")):
        table.add_column(heading, justify=side)
    for row in played["yearly_customer"]["invoices"]:
        table.add_row(row["invoice"], row["on"], row["base_fee"], row["usage"])
    console.print(table)


# --- how it is played -----------------------------------------------------------------------------------------------


class _Teller:
    """Says each step with the seconds since the beginning."""

    def __init__(self, *, to_stderr: bool) -> None:
        self._to_stderr = to_stderr
        self._began = time.monotonic()

    def __call__(self, words: str) -> None:
        click.echo(f"{time.monotonic() - self._began:5.1f} s  {words}", err=self._to_stderr)


class _Jobs:
    """Orders jobs and waits for a worker in another process to do them."""

    def __init__(self, processes: _processes.Processes) -> None:
        self._processes = processes

    def run(self, task: str, *, now: dt.datetime, **arguments: Any) -> None:
        """The job, done.

        Raises:
            JobFailed: it failed, or took too long; the worker's log says why.
        """
        job = app.configure_task(name=task).defer(now=now.isoformat(), **arguments)
        deadline = time.monotonic() + _JOB_S
        while True:
            status = app.job_manager.get_job_status(job).value
            if status == "succeeded":
                return
            self._processes.check()
            if status not in ("todo", "doing") or time.monotonic() > deadline:
                log = self._processes.log_of("demo-worker")
                raise JobFailed(f"The job {task} is {status}. The worker's log is {log}.")
            time.sleep(0.05)


def _own_database() -> None:
    """This process, and those it starts, work on an empty database of the demo's own, migrated."""
    connections.close_all()
    name = f"{settings.DATABASES['default']['NAME']}_demo"
    url = make_conninfo(settings.DATABASE_URL, dbname=name)
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    os.environ["POSTLEDGER_DATABASE_URL"] = url
    settings.DATABASES["default"]["NAME"] = name
    connections["default"].settings_dict["NAME"] = name
    call_command("migrate", interactive=False, verbosity=0)


def _fill(addresses: dict[str, str]) -> None:
    """Demo data in the database of this installation, unless it has a provider; the last two months are behind it."""
    if accounts.provider() is not None:
        click.echo("There is data already; it is kept.")
        return
    today = clock.now()
    begins = (today - dt.timedelta(days=64)).replace(hour=10, minute=0, second=0, microsecond=0)
    story = Story(
        addresses=addresses, control=RemoteControl(addresses["control_url"]), now=begins, tell=click.echo
    )
    story.open_shop()
    story.take_customers()
    story.order_exchange()
    _settle(story.now)
    story.order_mailboxes()
    _settle(story.now)
    story.grow()
    is_first = True
    while story.now + dt.timedelta(days=1) < today:
        story.now += dt.timedelta(days=1)
        midnight = story.now.replace(hour=0, minute=10)
        for connection in story.connections.values():
            collect_usage.collect_usage(
                connection_id=connection.id, now=midnight, refresh_wait_s=1.0 if is_first else None
            )
        is_first = False
        daily_jobs.daily_jobs(now=midnight)
    click.echo("\nSign in with one of these addresses and the password " + PASSWORD)
    for login in story.logins:
        click.echo(f"  {login.email:24} {login.account}")


def _settle(now: dt.datetime) -> None:
    while reconcile.reconcile(now=now).trees:
        pass
