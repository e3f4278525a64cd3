# SPDX-License-Identifier: Apache-2.0
"""Rows in memory with indexes, kept on disk in SQLite when a file is given.

A row is a dictionary in the words of the wire. Rows are changed only through their table, so that indexes stay right and
`Store.commit` knows what to write. What was committed survives the death of the process at any moment.
"""

from __future__ import annotations

import functools
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def key_of(value: Any) -> Any:
    """A value as an index knows it: names are compared without regard to case."""
    return value.lower() if isinstance(value, str) else value


class Table:
    """Rows by id. An index is the name of a member; a list in that member is indexed by each of its items."""

    def __init__(self, store: Store, name: str, key: str, indexes: Iterable[str] = ()) -> None:
        self.name = name
        self.key = key
        self.rows: dict[int, Row] = {}
        self.next_id = 1
        self._store = store
        self._indexes: dict[str, dict[Any, dict[int, None]]] = {index: {} for index in indexes}

    def add(self, row: Row) -> Row:
        """The row, now in the table under a new id (or the id it brings along)."""
        row_id = row.setdefault(self.key, self.next_id)
        self.next_id = max(self.next_id, row_id + 1)
        self.rows[row_id] = row
        self._index(row_id, row)
        self._store.touch(self, row_id)
        return row

    def change(self, row: Row, **changes: Any) -> Row:
        row_id = row[self.key]
        is_indexed = any(name in self._indexes for name in changes)
        if is_indexed:
            self._unindex(row_id, row)
        row.update(changes)
        if is_indexed:
            self._index(row_id, row)
        self._store.touch(self, row_id)
        return row

    def remove(self, row: Row) -> None:
        row_id = row[self.key]
        self._unindex(row_id, row)
        del self.rows[row_id]
        self._store.touch(self, row_id)

    def get(self, row_id: int) -> Row | None:
        return self.rows.get(row_id)

    def find(self, index: str, value: Any) -> list[Row]:
        """The rows with this value, oldest first."""
        ids = self._indexes[index].get(key_of(value))
        return [self.rows[row_id] for row_id in ids] if ids else []

    def first(self, index: str, value: Any) -> Row | None:
        ids = self._indexes[index].get(key_of(value))
        return self.rows[next(iter(ids))] if ids else None

    def count(self, index: str, value: Any) -> int:
        return len(self._indexes[index].get(key_of(value), ()))

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)

    def load(self, row_id: int, row: Row) -> None:
        self.rows[row_id] = row
        self.next_id = max(self.next_id, row_id + 1)
        self._index(row_id, row)

    def _index(self, row_id: int, row: Row) -> None:
        for name, index in self._indexes.items():
            value = row.get(name)
            for item in value if isinstance(value, list) else (value,):
                if item is not None:
                    index.setdefault(key_of(item), {})[row_id] = None

    def _unindex(self, row_id: int, row: Row) -> None:
        for name, index in self._indexes.items():
            value = row.get(name)
            for item in value if isinstance(value, list) else (value,):
                ids = index.get(key_of(item))
                if ids is None:
                    continue
                ids.pop(row_id, None)
                if not ids:
                    del index[key_of(item)]


class WrongState(Exception):
    """The state file belongs to something else; the text says to what."""


class Store:
    """All tables of one installation, and the file they are kept in."""

    def __init__(self) -> None:
        self._dirty: dict[tuple[Table, int], None] = {}
        self._file: sqlite3.Connection | None = None
        table = functools.partial(Table, self)
        self.users = table("users", "UserId", ("Username", "OwnerId"))
        self.plans = table("plans", "PlanId", ("UserId",))
        self.packages = table("packages", "PackageId", ("UserId", "ParentPackageId", "PlanId"))
        self.addons = table("addons", "PackageAddonId", ("PackageId", "PlanId"))
        self.domains = table("domains", "DomainId", ("DomainName", "PackageId"))
        self.templates = table("templates", "RecordId", ("ServiceId", "ServerId", "PackageId"))
        self.organizations = table("organizations", "Id", ("OrganizationId", "PackageId"))
        self.organization_domains = table(
            "organization_domains", "OrganizationDomainId", ("ItemId", "DomainId")
        )
        self.accounts = table("accounts", "AccountId", ("ItemId", "Addresses", "AccountName"))
        self.mailbox_plans = table("mailbox_plans", "MailboxPlanId", ("ItemId", "UserId"))
        self.retention_tags = table("retention_tags", "TagID", ("ItemID",))
        self.plan_tags = table("plan_tags", "PlanTagID", ("TagID", "MailboxPlanId"))
        self.disclaimers = table("disclaimers", "ExchangeDisclaimerId", ("ItemId",))
        self.lync_plans = table("lync_plans", "PlanId", ("ItemId",))
        self.sfb_plans = table("sfb_plans", "PlanId", ("ItemId",))
        self.devices = table("devices", "DeviceKey", ("AccountId", "Id"))
        self.settings = table("settings", "SettingId", ("Key",))
        self.servers = table("servers", "ServerId", ())
        self.services = table("services", "ServiceId", ("ServerId", "GroupId"))
        self.usage = table("usage", "UsageId", ("PackageId",))
        self.tasks = table("tasks", "Id", ())
        self.schedules = table("schedules", "ScheduleId", ("PackageId",))
        self.comments = table("comments", "CommentId", ("ItemId",))
        self.audit = table("audit", "AuditId", ())
        self.levels = table("levels", "LevelId", ())
        self.tokens = table("tokens", "Id", ("AccessTokenGuid",))
        self.additional_groups = table("additional_groups", "GroupId", ("UserId",))
        self.facts = table("facts", "FactId", ("Name",))
        self.tables = {value.name: value for value in vars(self).values() if isinstance(value, Table)}

    def touch(self, table: Table, row_id: int) -> None:
        if self._file is not None:
            self._dirty[(table, row_id)] = None

    def open(self, path: Path) -> bool:
        """Whether the file held rows; from here on every commit is written to it."""
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=OFF")
        try:
            self._file.execute(
                "CREATE TABLE IF NOT EXISTS row (name TEXT, id INTEGER, body TEXT, PRIMARY KEY (name, id))"
                " WITHOUT ROWID"
            )
            self._file.execute("CREATE TABLE IF NOT EXISTS sequence (name TEXT PRIMARY KEY, next_id INTEGER)")
        except sqlite3.DatabaseError as error:
            raise WrongState(f"{path} is not a sandbox state file") from error
        found = False
        for name, row_id, body in self._file.execute("SELECT name, id, body FROM row ORDER BY name, id"):
            self.tables[name].load(row_id, json.loads(body))
            found = True
        for name, next_id in self._file.execute("SELECT name, next_id FROM sequence"):
            self.tables[name].next_id = max(self.tables[name].next_id, next_id)
        return found

    def commit(self) -> None:
        """Write what was changed since the last commit, all of it or nothing."""
        if self._file is None or not self._dirty:
            return
        dirty, self._dirty = self._dirty, {}
        self._file.execute("BEGIN")
        for table, row_id in dirty:
            row = table.rows.get(row_id)
            if row is None:
                self._file.execute("DELETE FROM row WHERE name = ? AND id = ?", (table.name, row_id))
            else:
                self._file.execute(
                    "INSERT OR REPLACE INTO row VALUES (?, ?, ?)", (table.name, row_id, json.dumps(row))
                )
        for table in {table for table, _ in dirty}:
            self._file.execute("INSERT OR REPLACE INTO sequence VALUES (?, ?)", (table.name, table.next_id))
        self._file.execute("COMMIT")

    def close(self) -> None:
        if self._file is not None:
            self.commit()
            self._file.close()
            self._file = None
