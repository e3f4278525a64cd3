"""How a month's usage stands against the ceiling a seller agreed with a customer, before he orders more."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.workflows import _ceiling, expect_usage


def ceiling_ahead(
    viewer: Viewer, *, buyer_id: int, expected: expect_usage.Expectation | None, now: dt.datetime
) -> _ceiling.Ceiling | None:
    """What a month would come to with what is expected; None where no ceiling is set or nothing is open.

    Raises:
        NotVisible: no such account for him.
    """
    return (
        None if expected is None else _ceiling.measured(viewer, buyer_id=buyer_id, expected=expected, now=now)
    )
