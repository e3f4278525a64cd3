"""What happened to an account, for those who may see it."""

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.events import queries as events
from postledger.events.types import EventView


def account_history(viewer: Viewer, *, account_id: int, most: int = 50) -> tuple[EventView, ...]:
    """The latest events of an account, newest first.

    Raises:
        NotVisible: no such account for him.
    """
    accounts.require_account(viewer, account_id)
    return events.events_of(account_id=account_id, most=most)
