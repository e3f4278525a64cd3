"""Values in the text forms of PostgreSQL that are quicker to write ourselves than to have adapted one by one."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal


def array(values: Iterable[int | bool | dt.date | Decimal | None]) -> str:
    """An array literal of numbers, days or truths, for a `%s::type[]` parameter; texts, which need quoting, are refused.

    A run passes arrays of thousands; the driver would look at each element.
    """
    parts = ["NULL" if value is None else str(value) for value in values]
    text = ",".join(parts)
    if any(mark in text for mark in "\"'{}\\"):
        raise ValueError("only numbers, days and truths can stand in such an array")
    return "{" + text + "}"
