# SPDX-License-Identifier: Apache-2.0
"""Filtered, sorted, paged lists as the original's stored procedures give them, quirks included."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Fault, World

FILTER_LIMIT = 50
Column = Callable[[World, Row], Any]
View = Mapping[str, Column]


def member(name: str) -> Column:
    """A column that is a member of the row."""
    return lambda world, row: row.get(name)


def view_row(view: View, world: World, row: Row) -> Row:
    return {name: column(world, row) for name, column in view.items()}


def column_of(view: View, text: str) -> Column:
    """The column a caller names.

    Raises:
        Fault: there is none of that name, as the database says it.
    """
    name = re.sub(r"[^\w. ]", "", text).strip().rpartition(".")[2]
    for known, column in view.items():
        if known.lower() == name.lower():
            return column
    raise Fault(f"Invalid column name '{name}'.")


def like(pattern: str, *, quotes_doubled: bool = False) -> Callable[[Any], bool]:
    """A test for a LIKE pattern: `%`, `_`, `[...]`; without regard to case; cut at 50 characters."""
    pattern = pattern[:FILTER_LIMIT]
    if quotes_doubled:
        pattern = pattern.replace("'", "''")
    out = []
    index = 0
    while index < len(pattern):
        char = pattern[index]
        end = pattern.find("]", index + 1)
        if char == "%":
            out.append(".*")
        elif char == "_":
            out.append(".")
        elif char == "[" and end > index + 1:
            inside = pattern[index + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            out.append(f"[{inside}]")
            index = end
        else:
            out.append(re.escape(char))
        index += 1
    try:
        compiled = re.compile("".join(out), re.IGNORECASE | re.DOTALL)
    except re.error:
        return lambda value: False
    return lambda value: value is not None and compiled.fullmatch(str(value)) is not None


def filtered(
    world: World,
    rows: Iterable[Row],
    view: View,
    *,
    column: str | None,
    value: str | None,
    quotes_doubled: bool = False,
    any_of: tuple[str, ...] = (),
) -> list[Row]:
    """The rows whose column is like the value; no value is no filter. `any_of` is searched when no column is named."""
    if not value:
        return list(rows)
    matches = like(value, quotes_doubled=quotes_doubled)
    if not column:
        columns = [view[name] for name in any_of]
        if not columns:
            return list(rows)
        return [row for row in rows if any(matches(test(world, row)) for test in columns)]
    test = column_of(view, column)
    return [row for row in rows if matches(test(world, row))]


def ordered(world: World, rows: list[Row], view: View, sort: str | None) -> list[Row]:
    """The rows in the order of a column, named with or without ASC or DESC."""
    words = (sort or "").split()
    if not words:
        return rows
    column = column_of(view, words[0])
    is_down = len(words) > 1 and words[-1].upper() == "DESC"

    def key(row: Row) -> tuple[int, Any]:
        value = column(world, row)
        return (0, "") if value is None else (1, value.lower() if isinstance(value, str) else value)

    try:
        return sorted(rows, key=key, reverse=is_down)
    except TypeError:
        return sorted(rows, key=lambda row: str(key(row)), reverse=is_down)


def window(rows: list[Row], start: int, most: int, *, inclusive: bool) -> list[Row]:
    """The rows of a page; with `inclusive` ends one more than asked for, as the original's user lists give."""
    start = max(0, start)
    return rows[start : start + most + (1 if inclusive else 0)]
