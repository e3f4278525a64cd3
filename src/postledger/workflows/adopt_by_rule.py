"""Link every account on a platform whose customer is beyond doubt."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.provisioning import adoption, queries
from postledger.workflows import adopt


@dataclass(frozen=True)
class Linked:
    """How many accounts a rule linked, and why the others were not: user name → words."""

    linked: int
    refused: tuple[tuple[str, str], ...]


def adopt_by_rule(
    viewer: Viewer,
    *,
    connection_id: int,
    least: int,
    now: dt.datetime,
    is_preview: bool = False,
    tell: Callable[[int], None] = lambda linked: None,
) -> Linked:
    """What the rule linked, or would link: proved, scored at least so, and one account for one customer.

    Args:
        least: the score, 1 to 100.
        tell: told how many were linked so far.
    Raises:
        NotVisible, NotAllowed: the connection is none of the viewer's to change.
    """
    accounts.require_seller(viewer, queries.connection(viewer, connection_id).seller_id)
    if is_preview:
        return Linked(len(adoption.sure(connection_id=connection_id, least=least, most=1_000_000)), ())
    linked = 0
    refused: dict[int, tuple[str, str]] = {}
    while True:
        batch = [
            found
            for found in adoption.sure(connection_id=connection_id, least=least, most=500 + len(refused))
            if found.id not in refused
        ]
        if not batch:
            return Linked(linked, tuple(refused.values()))
        for found in batch:
            try:
                adopt.adopt(viewer, proposal_id=found.id, now=now)
            except Refusal as refusal:
                refused[found.id] = (found.name, str(refusal))
                continue
            linked += 1
            tell(linked)
