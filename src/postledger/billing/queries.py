"""Reads of invoices, statements, and what waits or is parked."""

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing.models import (
    BillingRun,
    Invoice,
    InvoiceLine,
    Parked,
    PendingUsage,
    RepeatingDebit,
    SellerSettings,
)
from postledger.billing.types import (
    Explanation,
    InvoiceView,
    LineView,
    ParkedView,
    PendingView,
    RunView,
    SellerSettingsView,
    StatementLine,
)
from postledger.core import words
from postledger.core.facts import Line


def invoices(
    viewer: Viewer, *, buyer_id: int | None = None, seller_id: int | None = None, most: int = 200
) -> tuple[InvoiceView, ...]:
    """Invoices the viewer may see, newest first, without their lines: of a buyer, or issued by a seller."""
    rows = Invoice.objects.order_by("-on", "-pk")
    if buyer_id is not None:
        accounts.require_account(viewer, buyer_id)
        rows = rows.filter(buyer_id=buyer_id)
    elif seller_id is not None:
        accounts.require_seller(viewer, seller_id)
        rows = rows.filter(seller_id=seller_id)
    else:
        rows = rows.filter(buyer_id__in=[account.id for account in accounts.accounts_visible(viewer)])
    return tuple(_invoice(row, ()) for row in rows[:most])


def invoice(viewer: Viewer, invoice_id: int) -> InvoiceView:
    """An invoice with its lines.

    Raises:
        NotVisible: neither the buyer nor one of his sellers asks.
    """
    row = Invoice.objects.filter(pk=invoice_id).first()
    if row is None:
        raise accounts.NotVisible("There is no such invoice here.")
    accounts.require_account(viewer, row.buyer_id)
    lines = InvoiceLine.objects.filter(invoice_id=invoice_id).order_by("position")
    return _invoice(row, tuple(_line(line, row.currency) for line in lines))


def not_mailed(*, since: dt.date, most: int = 500) -> list[int]:
    """Invoices posted from a day on, to buyers with an address, for which no mail was written yet, oldest first; for workers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.id FROM billing_invoice i JOIN accounts_account a ON a.id = i.buyer_id AND a.email <> '' WHERE i.posted_on >= %s AND NOT i.is_silent AND NOT EXISTS "
            "(SELECT 1 FROM events_outboxmail m WHERE m.seller_id = i.seller_id AND m.key = 'invoice-' || i.id) "
            "ORDER BY i.id LIMIT %s",
            [since, most],
        )
        return [row[0] for row in cursor.fetchall()]


def line(viewer: Viewer, line_id: int) -> tuple[LineView, InvoiceView]:
    """A line with the invoice it is on.

    Raises:
        NotVisible: no such line for this viewer.
    """
    row = InvoiceLine.objects.filter(pk=line_id).select_related("invoice").first()
    if row is None:
        raise accounts.NotVisible(f"There is no invoice line {line_id} here.")
    on = invoice(viewer, row.invoice_id)
    return _line(row, row.invoice.currency), on


def explain(viewer: Viewer, line_id: int) -> Explanation:
    """Why a booked line is as it is: rule, price version, units, readings, share of the period, rounding.

    Raises:
        NotVisible: no such line for this viewer.
    """
    found, on = line(viewer, line_id)
    return Explanation(found, on, tuple(words.reasons(found.kind, found.why, found.currency)))


def statement(viewer: Viewer, buyer_id: int) -> tuple[StatementLine, ...]:
    """All lines of a buyer's account with the running balance: ordered by the day each fell due, then as booked.

    `amount` is what the buyer owes because of the line; `balance` is the previous one less that (M11).
    """
    accounts.require_account(viewer, buyer_id)
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, [buyer_id, buyer_id, buyer_id])
        rows = cursor.fetchall()
    balance, told = 0, []
    for row in rows:
        (on, posted_on, kind, item, start, end, quantity, unit_price, amount) = row[2:11]
        currency, invoice_id, number, line_id, why = row[11:16]
        balance -= amount
        if kind == "opening":
            continue
        told.append(
            StatementLine(
                on=on,
                posted_on=posted_on,
                kind=kind,
                item=item,
                start=start,
                end=end,
                quantity=quantity,
                unit_price=unit_price,
                amount=amount,
                balance=balance,
                currency=currency,
                invoice_id=invoice_id,
                invoice=None if number is None else f"{row[16]}{number}",
                line_id=line_id,
                why=_json(why),
            )
        )
    return tuple(told)


# Order within a day: entries in the order they were posted, the lines of one in their order on the invoice.
_STATEMENT = """
SELECT e.id, l.position, e."on", e.posted_on, l.kind, l.item, l.start, l."end", l.quantity, l.unit_price, l.amount,
       i.currency, i.id, i.number, l.id, l.why,
       COALESCE(i.parties->>'number_prefix', '')
FROM billing_invoice i JOIN billing_invoiceline l ON l.invoice_id = i.id JOIN ledger_entry e ON e.id = i.entry_id
WHERE i.buyer_id = %s
UNION ALL
SELECT e.id, 0, e."on", e.posted_on, 'credit', c.text, NULL, NULL, NULL, NULL, -c.amount, c.currency, NULL, NULL, NULL,
       json_build_object('rule', 'M4', 'reason', c.reason)::jsonb, NULL
FROM billing_credit c JOIN ledger_entry e ON e.id = c.entry_id WHERE c.buyer_id = %s
UNION ALL
SELECT e.id, 0, e."on", e.posted_on, e.kind, e.text, NULL, NULL, NULL, NULL, p.amount, a.currency, NULL, NULL, NULL,
       '{}'::jsonb, NULL
FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id
JOIN ledger_ledgeraccount a ON a.id = p.ledger_account_id AND a.kind = 'receivable'
WHERE e.buyer_id = %s AND e.kind IN ('payment', 'opening')
ORDER BY 3, 1, 2
"""


def pending(viewer: Viewer, *, buyer_id: int) -> tuple[PendingView, ...]:
    """Usage of a buyer that waits for a reading, oldest first (U4)."""
    accounts.require_account(viewer, buyer_id)
    return tuple(
        PendingView(row.subscription_id, row.item, row.start, row.end, row.closes_on)
        for row in PendingUsage.objects.filter(subscription__buyer_id=buyer_id).order_by("closes_on", "pk")
    )


def is_usage_pending(*, seller_ids: Sequence[int]) -> bool:
    """Whether any usage that these sellers sold waits for a reading (U4)."""
    return PendingUsage.objects.filter(seller_id__in=list(seller_ids)).exists()


def parked(viewer: Viewer, *, seller_id: int | None = None) -> tuple[ParkedView, ...]:
    """Subscriptions that could not be billed: of one seller, or of all the viewer may run the billing for."""
    rows = Parked.objects.select_related("subscription").order_by("-at")
    if seller_id is not None:
        accounts.require_seller(viewer, seller_id)
        rows = rows.filter(seller_id=seller_id)
    elif not viewer.is_system:
        below = accounts.sold_to(viewer, viewer.account_id) if viewer.kind == "provider" else ()
        rows = rows.filter(seller_id__in=[viewer.account_id, *(account.id for account in below)])
    found = list(rows[:1000])
    names = accounts.parties({row.subscription.buyer_id for row in found})
    return tuple(
        ParkedView(
            row.pk,
            row.seller_id,
            row.subscription.buyer_id,
            names[row.subscription.buyer_id]["name"],
            row.closes_on,
            row.reason,
            row.at,
        )
        for row in found
    )


def subscriptions_with_arrived_readings(*, today: dt.date, seller_ids: Sequence[int]) -> list[int]:
    """Subscriptions whose pending usage a reading has come for, or has waited a month for one (U4)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT p.subscription_id FROM billing_pendingusage p "
            "JOIN subscriptions_subscription s ON s.id = p.subscription_id "
            "WHERE NOT s.is_parked AND p.seller_id = ANY(%s) AND (EXISTS (SELECT 1 FROM usage_reading r JOIN subscriptions_subscription rs "
            "ON rs.id = r.subscription_id WHERE (r.subscription_id = s.id OR rs.seller_id = s.buyer_id) "
            "AND r.meter = p.item AND r.day >= p.closes_on AND r.day <= %s) "
            "OR (s.status = 'closed' AND p.closes_on <= %s)) ORDER BY 1",
            [list(seller_ids), today, today - dt.timedelta(days=28)],
        )
        return [row[0] for row in cursor.fetchall()]


def closes_billed(subscription_id: int, *, since: dt.date) -> set[dt.date]:
    """The closes of a subscription from a day on that are on an invoice."""
    return set(
        Invoice.objects.filter(
            subscription_id=subscription_id, closes_on__gte=since, for_subscription_id=None
        ).values_list("closes_on", flat=True)
    )


def booked_between(subscription_id: int, *, first: dt.date, last: dt.date) -> tuple[LineView, ...]:
    """The lines of a subscription that fell due from a day to a day, both included."""
    rows = (
        InvoiceLine.objects.filter(
            subscription_id=subscription_id, invoice__on__gte=first, invoice__on__lte=last
        )
        .select_related("invoice")
        .order_by("pk")
    )
    return tuple(_line(row, row.invoice.currency) for row in rows)


def taxes_of(viewer: Viewer, seller_id: int) -> list[tuple[str, str]]:
    """A seller's taxes in the order listed: names and percentages."""
    return list(settings_of(viewer, seller_id).taxes)


def settings_of(viewer: Viewer, seller_id: int) -> SellerSettingsView:
    """How a seller bills: without taxes and a prefix, unless something else is set.

    Raises:
        NotVisible, NotAllowed: not his to act for as its seller.
    """
    accounts.require_seller(viewer, seller_id)
    row = SellerSettings.objects.filter(pk=seller_id).first() or SellerSettings(seller_id=seller_id)
    return SellerSettingsView(
        seller_id=seller_id,
        taxes=tuple((name, rate) for name, rate in row.taxes),
        sends_no_charge_notice=row.sends_no_charge_notice,
        number_prefix=row.number_prefix,
        next_number=row.next_number,
    )


def sends_no_charge_notice(seller_ids: Iterable[int]) -> set[int]:
    """The sellers who tell a buyer when a close charged nothing."""
    return set(
        SellerSettings.objects.filter(pk__in=set(seller_ids), sends_no_charge_notice=True).values_list(
            "pk", flat=True
        )
    )


def repeating_debits(viewer: Viewer, buyer_id: int) -> tuple[dict[str, Any], ...]:
    """The repeating debits of a buyer."""
    accounts.require_account(viewer, buyer_id)
    return tuple(
        RepeatingDebit.objects.filter(subscription__buyer_id=buyer_id, until=None).values(
            "id", "amount", "is_taxed", "every", "text", "since"
        )
    )


def runs(viewer: Viewer, *, most: int = 30) -> tuple[RunView, ...]:
    """The latest billing runs that the viewer started or that billed his buyers."""
    rows = BillingRun.objects.order_by("-pk")
    if not viewer.is_system and viewer.kind != "provider":
        rows = rows.filter(seller_id=viewer.account_id)
    return tuple(_run(row) for row in rows[:most])


def margins(viewer: Viewer, *, reseller_id: int, first: dt.date, last: dt.date) -> tuple[dict[str, Any], ...]:
    """Per customer and charge: what a reseller charged and what he was charged, in the two currencies (M10).

    Usage is sold per customer and bought for all together, so its wholesale stands under no customer.
    """
    accounts.require_account(viewer, reseller_id)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT customer, item, currency, sum(retail), sum(wholesale) FROM (
                SELECT i.buyer_id AS customer, l.item, i.currency, l.amount AS retail, 0 AS wholesale
                FROM billing_invoice i JOIN billing_invoiceline l ON l.invoice_id = i.id
                WHERE i.seller_id = %s AND i."on" BETWEEN %s AND %s AND l.kind <> 'tax'
                UNION ALL
                SELECT c.buyer_id, l.item, i.currency, 0, l.amount
                FROM billing_invoice i JOIN billing_invoiceline l ON l.invoice_id = i.id
                LEFT JOIN subscriptions_subscription c ON c.id = i.for_subscription_id
                WHERE i.buyer_id = %s AND i."on" BETWEEN %s AND %s AND l.kind <> 'tax'
            ) AS sold GROUP BY 1, 2, 3 ORDER BY 1 NULLS LAST, 2, 3
            """,
            [reseller_id, first, last, reseller_id, first, last],
        )
        rows = cursor.fetchall()
    names = accounts.parties({row[0] for row in rows if row[0]})
    return tuple(
        {
            "customer_id": customer,
            "customer": names[customer]["name"] if customer else "",
            "item": item,
            "currency": currency,
            "retail": int(retail),
            "wholesale": int(wholesale),
            "margin": int(retail - wholesale),
        }
        for customer, item, currency, retail, wholesale in rows
    )


def proposed(lines: Sequence[Line], currency: str) -> tuple[LineView, ...]:
    """Lines as proposed, in the form of booked ones."""
    return tuple(
        LineView(
            id=None,
            kind=line.kind,
            item=line.item,
            start=line.start,
            end=line.end,
            quantity=_number(line.quantity),
            unit_price=_number(line.unit_price),
            amount=line.amount,
            currency=currency,
            why=line.why,
        )
        for line in lines
    )


def _number(value: Fraction | None) -> Decimal | None:
    return None if value is None else round(Decimal(value.numerator) / Decimal(value.denominator), 6)


def _invoice(row: Invoice, lines: tuple[LineView, ...]) -> InvoiceView:
    return InvoiceView(
        id=row.pk,
        number=f"{row.parties.get('number_prefix', '')}{row.number}",
        kind=row.kind,
        seller_id=row.seller_id,
        buyer_id=row.buyer_id,
        subscription_id=row.subscription_id,
        for_subscription_id=row.for_subscription_id,
        on=row.on,
        posted_on=row.posted_on,
        closes_on=row.closes_on,
        currency=row.currency,
        subtotal=row.subtotal,
        tax=row.tax,
        total=row.total,
        is_silent=row.is_silent,
        parties=row.parties,
        lines=lines,
    )


def _line(row: InvoiceLine, currency: str) -> LineView:
    return LineView(
        row.pk,
        row.kind,
        row.item,
        row.start,
        row.end,
        row.quantity,
        row.unit_price,
        row.amount,
        currency,
        row.why,
    )


def _run(row: BillingRun) -> RunView:
    return RunView(
        row.pk,
        row.seller_id,
        row.as_of,
        row.started_at,
        row.finished_at,
        row.closes,
        row.lines,
        row.parked,
        row.totals,
        row.started_by,
    )


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
