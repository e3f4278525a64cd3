# SPDX-License-Identifier: Apache-2.0
"""What was called, by whom, with what result. Passwords are masked before they are kept."""

from __future__ import annotations

import collections
import itertools
import threading
from collections.abc import Mapping
from typing import Any

KEPT = 20000


def masked(value: Any, name: str = "") -> Any:
    """A value without passwords."""
    if "password" in name.lower() and value is not None:
        return "***"
    if isinstance(value, Mapping):
        return {key: masked(item, key) for key, item in value.items()}
    return value


def summary(result: Any) -> Any:
    """A result in a word: numbers and truth as they are, lists by their length."""
    if result is None or isinstance(result, (bool, int)):
        return result
    if isinstance(result, list):
        return {"rows": len(result)}
    tables = getattr(result, "tables", None)
    if tables is not None:
        return {"tables": [len(table) for table in tables]}
    if isinstance(result, Mapping):
        keys = ("Result", "IsSuccess", "ErrorCodes", "RecordsCount", "Value")
        return {key: result[key] for key in keys if key in result and not isinstance(result[key], Mapping)}
    return type(result).__name__


class CallLog:
    def __init__(self) -> None:
        self._calls: collections.deque[dict[str, Any]] = collections.deque(maxlen=KEPT)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, **call: Any) -> None:
        call["arguments"] = masked(call["arguments"])
        with self._lock:
            self._calls.append({"number": next(self._numbers), **call})

    def listed(self, *, operation: str = "", since: int = 0, limit: int = KEPT) -> list[dict[str, Any]]:
        """The calls, oldest first."""
        with self._lock:
            calls = [
                call
                for call in self._calls
                if call["number"] > since and operation in ("", call["operation"])
            ]
        return calls[-limit:]

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()
