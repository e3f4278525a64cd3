"""Lists in pages, as the platform gives them out.

Invariant: the platform's window may be one row too long and its filter is cut and full of wildcards, so rows are told
apart by their id, and whoever searches compares again.
"""

from collections.abc import Callable, Iterator

from postledger.connectors.wsp import client as c
from postledger.connectors.wsp import soap

FILTER_LENGTH = 50
PAGE_ROWS = 100
MAILBOX_TYPES = {"user": 1, "room": 5, "equipment": 6, "shared": 10}
CONTACT, LIST, FOLDER, LOGIN = 2, 3, 4, 7


def pattern(value: str) -> str:
    """A filter that lets through everything equal to the value, and more.

    The platform doubles quotes, may put a `%` around it, and cuts the result; an ending `%` has to survive that.
    """
    return value.partition("'")[0][: FILTER_LENGTH - 2] + "%"


def walked(
    fetch: Callable[[int, int], tuple[int, list[soap.Record]]], *, id_name: str, rows: int = PAGE_ROWS
) -> Iterator[soap.Record]:
    """Every row of a paged list once.

    Args:
        fetch: start row and number of rows → total and rows.
    """
    seen: set[int] = set()
    start = 0
    while True:
        total, page = fetch(start, rows)
        for row in page:
            identity = row.int(id_name)
            if identity not in seen:
                seen.add(identity)
                yield row
        start += rows
        if start >= total or not page:
            return


def accounts(
    *, client: c.Client, item_id: int, types: tuple[int, ...], what: str, address: str = ""
) -> Iterator[soap.Record]:
    """The mailboxes, contacts, lists or folders of an organization; with an address only those that have it."""

    def fetch(start: int, rows: int) -> tuple[int, list[soap.Record]]:
        page = client.record(
            c.EXCHANGE,
            "GetAccountsPaged",
            what=what,
            itemId=item_id,
            accountTypes=",".join(str(number) for number in types),
            filterColumn="PrimaryEmailAddress" if address else "",
            filterValue=pattern(address) if address else "",
            sortColumn="AccountID",
            startRow=start,
            maximumRows=rows,
        )
        return (0, []) if page is None else (page.int("RecordsCount"), page.records("PageItems"))

    for row in walked(fetch, id_name="AccountId"):
        if not address or row.text("PrimaryEmailAddress").strip().casefold() == address.casefold():
            yield row


def users(*, client: c.Client, owner_id: int, column: str, value: str, what: str) -> Iterator[soap.Record]:
    """All users below an owner whose column equals the value, case aside."""

    def fetch(start: int, rows: int) -> tuple[int, list[soap.Record]]:
        return user_page(
            client=client,
            owner_id=owner_id,
            column=column,
            value=pattern(value),
            start=start,
            rows=rows,
            what=what,
        )

    for row in walked(fetch, id_name="UserID"):
        if row.text(column).strip().casefold() == value.strip().casefold():
            yield row


def user_page(
    *, client: c.Client, owner_id: int, column: str, value: str, start: int, rows: int, what: str
) -> tuple[int, list[soap.Record]]:
    """Total and one window of the users below an owner, by id."""
    found = client.tables(
        c.USERS,
        "GetUsersPagedRecursive",
        what=what,
        userId=owner_id,
        filterColumn=column,
        filterValue=value,
        statusId=0,
        roleId=0,
        sortColumn="UserID",
        startRow=start,
        maximumRows=rows,
    )
    total = found[0][0].int("Column1") if found and found[0] else 0
    return total, (found[1] if len(found) > 1 else [])
