"""Proposed bookings become entries, invoices and lines: the same few COPY statements for one or for thousands. Private.

Invariant: an invoice is the sum of its lines, and its entry is the invoice, so balances add up to the cent (M11).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson
from django.db import connection

from postledger.accounts import queries as accounts
from postledger.billing import _facts
from postledger.core import facts, posting, tax
from postledger.core.facts import Booking, Line
from postledger.ledger import operations as ledger
from postledger.ledger.types import NewEntry


@dataclass(slots=True)
class Draft:
    """An invoice as proposed, tax included: what one event or one close books for one buyer."""

    seller_id: int
    buyer_id: int
    currency: str
    booking: Booking
    invoice_id: int | None = None
    number: int | None = None
    number_prefix: str = ""

    @property
    def lines(self) -> list[Line]:
        return self.booking.lines

    @property
    def tax(self) -> int:
        return sum(line.amount for line in self.lines if line.kind == "tax")

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)


def drafts(subs: Sequence[tuple[facts.Subscription, Booking]]) -> list[Draft]:
    """The invoices these bookings make, retail and wholesale, each ended by its tax line; without lines, none."""
    made: list[Draft] = []
    owners = _owners(
        {sub.wholesale.subscription_id for sub, _ in subs if sub.wholesale and sub.wholesale_lines}
    )
    for sub, booking in subs:
        if booking.lines:
            made.append(Draft(sub.seller_id, sub.buyer_id, sub.currency, booking))
        if sub.wholesale is not None and sub.wholesale_lines:
            seller_id, buyer_id = owners[sub.wholesale.subscription_id]
            owed = Booking(
                sub.wholesale.subscription_id,
                booking.on,
                sub.wholesale_lines,
                booking.closes,
                for_subscription_id=sub.id,
            )
            made.append(Draft(seller_id, buyer_id, sub.wholesale.currency, owed))
            sub.wholesale_lines = []
    add_tax(made)
    return made


def add_tax(made: Sequence[Draft]) -> None:
    """End each invoice with its tax line (M3)."""
    rates = _facts.taxes({(draft.seller_id, draft.buyer_id) for draft in made})
    for draft in made:
        line = tax.line(draft.lines, rates[draft.seller_id, draft.buyer_id])
        if line is not None:
            draft.lines.append(line)


def write_lines(made: Sequence[Draft], *, posted_on: dt.date, now: dt.datetime) -> list[int]:
    """Book the entries and lines of the drafts; the entries' ids are for `write_invoices`."""
    if not made:
        return []
    entries = ledger.post(
        [
            NewEntry(
                draft.seller_id,
                draft.buyer_id,
                draft.currency,
                "invoice",
                draft.booking.on,
                *posting.invoice(total=draft.total, tax=draft.tax),
            )
            for draft in made
        ],
        posted_on=posted_on,
        now=now,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('billing_invoice', 'id')) FROM generate_series(1, %s)",
            [len(made)],
        )
        for draft, row in zip(made, cursor.fetchall(), strict=True):
            draft.invoice_id = row[0]
        _copy_lines(cursor, made)
    return entries


def write_invoices(made: Sequence[Draft], entries: Sequence[int], *, posted_on: dt.date) -> None:
    """Number and book the invoices themselves: last in the transaction, because it holds the sellers' counters to its end."""
    if not made:
        return
    with connection.cursor() as cursor:
        _take_numbers(cursor, made)
        _copy_invoices(cursor, made, entries, posted_on)


def _copy_lines(cursor, made: Sequence[Draft]) -> None:
    with cursor.copy(
        'COPY billing_invoiceline (invoice_id, seller_id, subscription_id, position, kind, item, start, "end", '
        "full_start, full_end, quantity, unit_price, amount, is_taxed, why) FROM STDIN (FORMAT BINARY)"
    ) as copy:
        copy.set_types(
            "int8 int8 int8 int2 varchar varchar date date date date numeric numeric int8 bool bytea".split()
        )
        write_row = copy.write_row
        for draft in made:
            about = draft.booking.for_subscription_id or draft.booking.subscription_id
            for position, line in enumerate(draft.booking.lines):
                full = line.full
                write_row(
                    (
                        draft.invoice_id,
                        draft.seller_id,
                        about,
                        position,
                        line.kind,
                        line.item,
                        line.start,
                        line.end,
                        full and full.start,
                        full and full.end,
                        _decimal(line.quantity),
                        _decimal(line.unit_price),
                        line.amount,
                        line.is_taxed,
                        _jsonb(line.why),
                    )
                )


def _take_numbers(cursor, made: Sequence[Draft]) -> None:
    """Gapless numbers per seller: taken in the transaction that uses them, sellers in one order so that none waits on another."""
    by_seller: dict[int, list[Draft]] = {}
    for draft in made:
        by_seller.setdefault(draft.seller_id, []).append(draft)
    sellers = sorted(by_seller)
    cursor.execute(
        "INSERT INTO billing_sellersettings (seller_id, taxes, sends_no_charge_notice, number_prefix, next_number) "
        "SELECT s, '[]', false, '', 1 + n FROM unnest(%s::bigint[], %s::bigint[]) AS t(s, n) ORDER BY s "
        "ON CONFLICT (seller_id) DO UPDATE SET next_number = billing_sellersettings.next_number "
        "+ excluded.next_number - 1 RETURNING seller_id, next_number, number_prefix",
        [sellers, [len(by_seller[seller_id]) for seller_id in sellers]],
    )
    for seller_id, following, prefix in cursor.fetchall():
        first = following - len(by_seller[seller_id])
        for offset, draft in enumerate(by_seller[seller_id]):
            draft.number = first + offset
            draft.number_prefix = prefix


def _copy_invoices(cursor, made: Sequence[Draft], entries: Sequence[int], posted_on: dt.date) -> None:
    parties = accounts.parties({draft.buyer_id for draft in made} | {draft.seller_id for draft in made})
    with cursor.copy(
        "COPY billing_invoice (id, seller_id, buyer_id, subscription_id, for_subscription_id, entry_id, number, kind, "
        '"on", posted_on, closes_on, currency, subtotal, tax, total, is_silent, parties) FROM STDIN (FORMAT BINARY)'
    ) as copy:
        copy.set_types(
            "int8 int8 int8 int8 int8 int8 int8 varchar date date date varchar int8 int8 int8 bool bytea".split()
        )
        for draft, entry_id in zip(made, entries, strict=True):
            booking, total, taxed = draft.booking, draft.total, draft.tax
            copy.write_row(
                (
                    draft.invoice_id,
                    draft.seller_id,
                    draft.buyer_id,
                    booking.subscription_id,
                    booking.for_subscription_id,
                    entry_id,
                    draft.number,
                    "credit_note" if total < 0 else "invoice",
                    booking.on,
                    posted_on,
                    booking.on if booking.closes else None,
                    draft.currency,
                    total - taxed,
                    taxed,
                    total,
                    not any(line.amount for line in booking.lines),  # not sent (R10)
                    _jsonb(
                        {
                            "seller": parties[draft.seller_id],
                            "buyer": parties[draft.buyer_id],
                            "number_prefix": draft.number_prefix,
                        }
                    ),
                )
            )


def _owners(subscription_ids: set[int]) -> dict[int, tuple[int, int]]:
    if not subscription_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, seller_id, buyer_id FROM subscriptions_subscription WHERE id = ANY(%s)",
            [sorted(subscription_ids)],
        )
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


def _jsonb(document: dict[str, Any]) -> bytes:
    """A document in the wire form of jsonb: its version, then the text."""
    return b"\x01" + orjson.dumps(document)


_known: dict[Fraction, Decimal] = {}


def _decimal(value: Fraction | None) -> Decimal | None:
    """The printed form of an exact number; the exact one is in the line's `why`."""
    if value is None:
        return None
    if value.denominator == 1:
        return Decimal(value.numerator)
    found = _known.get(value)
    if found is None:
        if len(_known) > 100_000:
            _known.clear()
        found = _known[value] = round(Decimal(value.numerator) / Decimal(value.denominator), 10)
    return found
