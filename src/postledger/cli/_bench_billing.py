"""The billing benchmark: an estate made by plain SQL in a database of its own, one close over it, and the same rows by COPY.

The estate is what the operations would have left behind: 5 % of the accounts pay yearly, 10 % are customers of resellers,
sellers tax, every account has a month of readings, and 3 % changed a quantity in the month. It is written by SQL because a
million sign-ups through the operations would take longer than anything measured here.
"""

import datetime as dt
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import click
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.backends.utils import CursorWrapper

from postledger.accounts import operations as accounts
from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.catalog import operations as catalog
from postledger.workflows import billing_run, subscribe

DATABASE = "postledger_bench"
OPENED = dt.date(2026, 3, 1)
CLOSES = dt.date(2026, 4, 1)
_START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
_NOW = dt.datetime(2026, 4, 1, 3, tzinfo=dt.UTC)
_RESELLERS = 20
LANES = 2  # as `postledger billing run` does
_WRITTEN = ("ledger_entry", "ledger_posting", "billing_invoiceline", "billing_invoice")


def measure(
    *, subscriptions: int, charges: int, workers: int, batch: int | None, say: Callable[[str], None]
) -> dict[str, Any]:
    """The figures of one close over a fresh estate; the database is dropped afterwards."""
    own = connection.settings_dict["NAME"]
    _recreate_database()
    try:
        say(f"Building an estate of {subscriptions:,} accounts …")
        started = time.monotonic()
        _build(subscriptions, charges)
        built_s = time.monotonic() - started
        say(f"Closing {CLOSES} with {workers} worker{'s' if workers > 1 else ''} …")
        run_s, counted = _run(workers, batch or billing_run.BATCH)
        rows = _count()
        say("Copying the same rows …")
        copy_s = _copy_again()
    finally:
        _drop_database(own)
    invoices, lines = rows["billing_invoice"], rows["billing_invoiceline"]
    return {
        "subscriptions": subscriptions,
        "charges": charges,
        "workers": workers,
        "batch": batch or billing_run.BATCH,
        "invoices": invoices,
        "lines": lines,
        "run_s": round(run_s, 2),
        "invoices_per_s": round(invoices / run_s, 1),
        "lines_per_s": round(lines / run_s, 1),
        "us_per_invoice": round(run_s / invoices * 1e6, 1),
        "copy_s": round(copy_s, 2),
        "copy_ratio": round(run_s / copy_s, 2),
        "queries_per_1000": round(counted["queries"] / invoices * 1000, 2),
        "peak_mib": counted["peak_mib"],
        "estate_s": round(built_s, 1),
        "rows": rows,
    }


# --- the estate -----------------------------------------------------------------------------------------------------


def _terms(charges: int, *, aggregate: str, wholesale: bool = False) -> dict[str, Any]:
    """Terms with so many charges: a fixed one, a reserved one, and metered ones of Exchange."""
    price = Decimal("0.6") if wholesale else Decimal(1)
    meters = [
        {"name": "exchange.mailboxes", "usage": 8 * price, "free": 2},
        {
            "name": "exchange.disk",
            "usage": Decimal("1.50") * price,
            "free": 5,
            "step": Decimal("0.01"),
            "unit": "GB",
        },
        {"name": "exchange.activesync", "usage": 2 * price},
        {"name": "exchange.lists", "usage": Decimal("0.25") * price},
    ]
    meters += [
        {"name": f"exchange.extra{number}", "usage": Decimal("0.10") * price} for number in range(charges - 6)
    ]
    for meter in meters:
        meter |= {"measure": "metered", "cadence": "month", "aggregate": "last"}
    meters[1]["aggregate"] = aggregate
    return {
        "periods": {1: {}, 12: {"recurring": 10}},
        "charges": [
            {"name": "account", "measure": "fixed", "recurring": 10 * price},
            {
                "name": "spam_filter",
                "measure": "reserved",
                "cadence": "month",
                "recurring": Decimal("0.90") * price,
            },
            *meters[: charges - 2],
        ],
    }


def _build(subscriptions: int, charges: int) -> None:
    call_command("migrate", verbosity=0, interactive=False)
    viewer = Viewer.system()
    provider = accounts.create_provider(code="bench", name="Bench Hosting", currency="USD", now=_START)
    billing.set_seller_settings(viewer, seller_id=provider.id, taxes=[("VAT", "19")])

    def publish(seller_id: int, code: str, **terms: Any) -> int:
        return catalog.publish_plan(
            viewer,
            seller_id=seller_id,
            code=code,
            name=code,
            terms=_terms(charges, **terms),
            effective_from=OPENED - dt.timedelta(days=400),
            now=_START,
        )

    wholesale = publish(provider.id, "wholesale", aggregate="last", wholesale=True)
    sellers = [
        (
            provider.id,
            publish(provider.id, "standard", aggregate="last"),
            publish(provider.id, "average", aggregate="average"),
        )
    ]
    for number in range(_RESELLERS):
        reseller = accounts.create_reseller(
            viewer, seller_id=provider.id, code=f"reseller-{number}", name=f"Reseller {number}", now=_START
        )
        billing.set_seller_settings(viewer, seller_id=reseller.id, taxes=[("VAT", "19")])
        plan_id = publish(reseller.id, "retail", aggregate="last")
        sellers.append((reseller.id, plan_id, plan_id))
        subscribe.subscribe(viewer, buyer_id=reseller.id, plan_id=wholesale, months=1, now=_START)
    with transaction.atomic(), connection.cursor() as cursor:
        _build_accounts(cursor, subscriptions, sellers)
        _build_readings(cursor, charges)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _build_accounts(cursor: Any, count: int, sellers: list[tuple[int, int, int]]) -> None:
    cursor.execute(
        "CREATE TEMP TABLE seller (n int, id bigint, standard bigint, average bigint) ON COMMIT DROP"
    )
    cursor.executemany(
        "INSERT INTO seller VALUES (%s, %s, %s, %s)",
        [(number, *seller) for number, seller in enumerate(sellers)],
    )
    # of ten accounts nine are the provider's and one a reseller's; of twenty one is yearly, of twenty one by the average
    cursor.execute(
        """
        CREATE TEMP TABLE estate ON COMMIT DROP AS
        SELECT g, s.id AS seller, CASE WHEN g %% 20 = 7 THEN s.average ELSE s.standard END AS plan,
               g %% 20 = 7 AS is_average, CASE WHEN g %% 20 = 3 THEN 12 ELSE 1 END AS months
        FROM generate_series(1, %s) AS g
        JOIN seller s ON s.n = CASE WHEN g %% 10 = 5 THEN 1 + (g / 10) %% %s ELSE 0 END
        """,
        [count, len(sellers) - 1],
    )
    cursor.execute(
        """
        INSERT INTO accounts_account (seller_id, kind, code, name, email, email_confirmed_at, address, country, currency,
                                      time_zone, is_tax_exempt, created_at)
        SELECT seller, 'customer', 'c' || g, 'Customer ' || g, '', NULL, g || ' Main Street' || chr(10) || 'Springfield',
               'US', 'USD', 'UTC', g %% 50 = 0, %s FROM estate ORDER BY g
        """,
        [_START],
    )
    cursor.execute(
        """
        INSERT INTO subscriptions_subscription (seller_id, buyer_id, plan_id, currency, status, months, anchor, "offset",
            month_index, next_close, is_parked, is_period_over, activated_on, suspended_from, suspended_reason,
            exchange_since, promotions, packages, recorded, created_at)
        SELECT e.seller, a.id, e.plan, 'USD', 'active', e.months, %(opened)s, 0, 0, %(closes)s, false, false, %(opened)s,
               '', '', %(opened)s, '[]', '{}', '[]', %(start)s
        FROM estate e JOIN accounts_account a ON a.seller_id = e.seller AND a.code = 'c' || e.g ORDER BY e.g
        """,
        {"opened": OPENED, "closes": CLOSES, "start": _START},
    )
    cursor.execute(
        """
        INSERT INTO subscriptions_item (subscription_id, seller_id, charge, quantity, is_on, pool_units)
        SELECT id, seller_id, 'spam_filter', 1 + id % 9, true, 0 FROM subscriptions_subscription
        WHERE buyer_id IN (SELECT id FROM accounts_account WHERE kind = 'customer')
        """
    )
    cursor.execute(
        """
        INSERT INTO subscriptions_change (subscription_id, seller_id, "on", kind, data, actor, at)
        SELECT id, seller_id, %s, 'set', jsonb_build_object('spam_filter', (1 + id %% 9)::text), 'system', %s
        FROM subscriptions_subscription WHERE id %% 33 = 0
        """,
        [OPENED + dt.timedelta(days=14), _START],
    )


def _build_readings(cursor: Any, charges: int) -> None:
    """The closing reading of every meter; for plans that bill the average, one of every day of the month."""
    meters = [charge["name"] for charge in _terms(charges, aggregate="last")["charges"][2:]]
    cursor.execute(
        """
        INSERT INTO usage_reading (subscription_id, seller_id, day, meter, taken_at, value, source)
        SELECT s.id, s.seller_id, %(closes)s, m, %(closes)s::timestamp AT TIME ZONE 'UTC' + interval '1 hour',
               CASE m WHEN 'exchange.disk' THEN 5 + (s.id %% 700) / 100.0 ELSE 3 + s.id %% 40 END, 'wsp'
        FROM subscriptions_subscription s CROSS JOIN unnest(%(meters)s::text[]) AS m
        JOIN accounts_account a ON a.id = s.buyer_id AND a.kind = 'customer'
        """,
        {"closes": CLOSES, "meters": meters},
    )
    cursor.execute(
        """
        INSERT INTO usage_reading (subscription_id, seller_id, day, meter, taken_at, value, source)
        SELECT s.id, s.seller_id, d::date, 'exchange.disk', d + interval '1 hour', 5 + (s.id %% 700) / 100.0, 'wsp'
        FROM subscriptions_subscription s JOIN catalog_plan p ON p.id = s.plan_id AND p.code = 'average'
        CROSS JOIN generate_series(%(opened)s::timestamptz, %(closes)s::timestamptz - interval '1 day', '1 day') AS d
        """,
        {"opened": OPENED, "closes": CLOSES},
    )


# --- the run --------------------------------------------------------------------------------------------------------


def _run(workers: int, batch: int) -> tuple[float, dict[str, Any]]:
    """Seconds of one close over everything, and what it took; in processes of its own, so that memory is its own."""
    connections.close_all()
    context = multiprocessing.get_context("fork")
    results: Any = context.SimpleQueue()
    started = time.monotonic()
    processes = [context.Process(target=_work, args=(batch, results)) for _ in range(workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    seconds = time.monotonic() - started
    if any(process.exitcode for process in processes):
        raise click.ClickException("A worker of the benchmark failed; what it said stands above.")
    told = [results.get() for _ in processes]
    return seconds, {
        "queries": sum(one["queries"] for one in told),
        "peak_mib": max(one["peak_mib"] for one in told),
    }


def _work(batch: int, results: Any) -> None:
    counted = {"queries": 0}
    execute = CursorWrapper._execute_with_wrappers  # what every thread's queries pass through

    def count(cursor: CursorWrapper, *arguments: Any, **named: Any) -> Any:
        counted["queries"] += 1
        return execute(cursor, *arguments, **named)

    def count_copies(result: Any) -> None:
        counted["queries"] += len(_WRITTEN)  # one COPY a table and batch

    with mock.patch.object(CursorWrapper, "_execute_with_wrappers", count):
        billing_run.billing_run(Viewer.system(), now=_NOW, batch=batch, lanes=LANES, progress=count_copies)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    results.put({**counted, "peak_mib": peak})
    connections.close_all()


def _count() -> dict[str, int]:
    rows = {}
    with connection.cursor() as cursor:
        for table in _WRITTEN:
            where = " WHERE posted_on = %s" if table in ("ledger_entry", "billing_invoice") else ""
            cursor.execute(f"SELECT count(*) FROM {table}{where}", [CLOSES] if where else None)
            rows[table] = cursor.fetchone()[0]
    return rows


def _copy_again() -> float:
    """Seconds PostgreSQL takes to COPY the rows of these tables back into them, emptied: same columns, indexes, checks."""
    with tempfile.TemporaryDirectory() as folder, connection.cursor() as cursor:
        for table in _WRITTEN:
            with (
                open(Path(folder, table), "wb") as file,
                cursor.copy(f"COPY {table} TO STDOUT (FORMAT BINARY)") as out,
            ):
                file.writelines(out)
        for does in ("DISABLE", "ENABLE"):  # they refuse to be emptied
            for table in (*_WRITTEN, "billing_credit", "payments_payment"):
                cursor.execute(f"ALTER TABLE {table} {does} TRIGGER USER")
            if does == "DISABLE":
                cursor.execute(f"TRUNCATE {', '.join(_WRITTEN)} CASCADE")
        cursor.execute("CHECKPOINT")
        started = time.monotonic()
        with transaction.atomic():
            for table in _WRITTEN:
                with (
                    open(Path(folder, table), "rb") as file,
                    cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as into,
                ):
                    while block := file.read(1 << 20):
                        into.write(block)
        return time.monotonic() - started


# --- the database ---------------------------------------------------------------------------------------------------


def _recreate_database() -> None:
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    connections.close_all()
    connection.settings_dict["NAME"] = DATABASE


def _drop_database(own: str) -> None:
    connections.close_all()
    connection.settings_dict["NAME"] = own
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
