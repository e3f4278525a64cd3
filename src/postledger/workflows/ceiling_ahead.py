"""How a month's usage stands against the ceiling a seller agreed with a customer, before he orders more."""

import datetime as dt
from collections.abc import Mapping

from postledger.accounts.types import Viewer
from postledger.workflows import _ceiling


def ceiling_ahead(
    viewer: Viewer, *, buyer_id: int, more: Mapping[str, int], now: dt.datetime, is_new: bool = False
) -> _ceiling.Ceiling | None:
    """What a month would come to with a difference in what Exchange holds; None where no ceiling is set or nothing is open.

    Args:
        more: meter → how many more (or fewer) than are ordered now.
        is_new: nothing is ordered yet and no disk space used.
    Raises:
        NotVisible: no such account for him.
    """
    return _ceiling.ahead(viewer, buyer_id=buyer_id, more=more, now=now, is_new=is_new)
