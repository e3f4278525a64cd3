"""Values in the text forms of PostgreSQL that are quicker to write ourselves than to have adapted one by one."""

import datetime as dt
import re
from collections.abc import Iterable
from decimal import Decimal

_QUOTED = re.compile(r"[^A-Za-z0-9_.,:+-]")  # what a bare element cannot hold


def array(values: Iterable[int | bool | dt.date | Decimal | str | None]) -> str:
    """An array literal of numbers, days, truths or codes, for a `%s::type[]` parameter; texts that need quoting are refused.

    A run passes arrays of thousands; the driver would look at each element.
    """
    parts = ["NULL" if value is None else str(value) for value in values]
    text = ",".join(parts)
    if "" in parts or text.count(",") != max(len(parts) - 1, 0) or _QUOTED.search(text):
        raise ValueError("only numbers, days, truths and codes can stand in such an array")
    return "{" + text + "}"
