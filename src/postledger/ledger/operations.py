"""Writes of the books: balanced entries, many at a time."""

import datetime as dt
from collections.abc import Sequence

from django.db import connection

from postledger.core import literals
from postledger.ledger.types import NewEntry


def post(entries: Sequence[NewEntry], *, posted_on: dt.date, now: dt.datetime) -> list[int]:
    """The ids of new entries with their postings, in the order given; the database refuses one that does not balance."""
    if not entries:
        return []
    accounts = _accounts(entries)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('ledger_entry', 'id')) FROM generate_series(1, %s)",
            [len(entries)],
        )
        ids = [row[0] for row in cursor.fetchall()]
        with cursor.copy(
            'COPY ledger_entry (id, seller_id, buyer_id, kind, "on", posted_on, posted_at, text) '
            "FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types(["int8", "int8", "int8", "varchar", "date", "date", "timestamptz", "varchar"])
            for entry_id, entry in zip(ids, entries, strict=True):
                copy.write_row(
                    (
                        entry_id,
                        entry.seller_id,
                        entry.buyer_id,
                        entry.kind,
                        entry.on,
                        posted_on,
                        now,
                        entry.text,
                    )
                )
        with cursor.copy(
            "COPY ledger_posting (entry_id, seller_id, ledger_account_id, amount) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types(["int8", "int8", "int8", "int8"])
            for entry_id, entry in zip(ids, entries, strict=True):
                seller_id, currency = entry.seller_id, entry.currency
                copy.write_row(
                    (
                        entry_id,
                        seller_id,
                        accounts[seller_id, "receivable", currency, entry.buyer_id],
                        entry.receivable,
                    )
                )
                for kind, amount in entry.legs:
                    copy.write_row((entry_id, seller_id, accounts[seller_id, kind, currency, None], amount))
    return ids


def _accounts(entries: Sequence[NewEntry]) -> dict[tuple[int, str, str, int | None], int]:
    """The ledger accounts these entries need, made where they are missing."""
    wanted: set[tuple[int, str, str, int | None]] = set()
    for entry in entries:
        wanted.add((entry.seller_id, "receivable", entry.currency, entry.buyer_id))
        for kind, _ in entry.legs:
            wanted.add((entry.seller_id, kind, entry.currency, None))
    rows = sorted(wanted, key=lambda row: (row[0], row[1], row[2], row[3] or 0))
    columns = [
        literals.array(row[0] for row in rows),
        literals.array(row[1] for row in rows),
        literals.array(row[2] for row in rows),
        literals.array(row[3] for row in rows),
    ]
    given = (
        "unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[]) AS n(seller_id, kind, currency, buyer_id)"
    )
    find = (
        f"SELECT a.seller_id, a.kind, a.currency, a.buyer_id, a.id FROM {given} JOIN ledger_ledgeraccount a "
        "ON a.seller_id = n.seller_id AND a.kind = n.kind AND a.currency = n.currency "
        "AND {match}"
    )
    found: dict[tuple[int, str, str, int | None], int] = {}
    with connection.cursor() as cursor:
        for attempt in range(2):
            for match in ("a.buyer_id = n.buyer_id", "a.buyer_id IS NULL AND n.buyer_id IS NULL"):
                cursor.execute(find.format(match=match), columns)
                found.update({row[:4]: row[4] for row in cursor.fetchall()})
            if len(found) == len(rows) or attempt:
                break
            cursor.execute(
                f"INSERT INTO ledger_ledgeraccount (seller_id, kind, currency, buyer_id) SELECT * FROM {given} "
                "ON CONFLICT DO NOTHING",
                columns,
            )
    return found
