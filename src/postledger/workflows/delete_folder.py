"""A customer deletes a public folder, with everything in it."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange
from postledger.workflows import _recipients


class NotConfirmed(Refusal):
    """A deletion that cannot be undone needs the folder's name typed in again."""

    reason = "not_confirmed"


def delete_folder(viewer: Viewer, *, resource_id: int, confirmation: str, now: dt.datetime) -> ResourceView:
    """The folder, on its way out.

    Args:
        confirmation: its path, or the last part of it, typed in by the one who deletes it.
    Raises:
        NotVisible, NotAllowed: not this viewer's folder.
        WrongKind, NotConfirmed, StillInUse: it holds further folders; the message says what.
    """
    found = _recipients.held(viewer, resource_id=resource_id, kind=exchange.PUBLIC_FOLDER)
    name = found.key.rpartition("\\")[2]
    typed = confirmation.strip().strip("\\").casefold()
    if typed not in (found.key.strip("\\").casefold(), name.casefold()):
        raise NotConfirmed(f"To delete {found.key} with everything in it, type {name}.")
    inside = [
        other.key
        for other in queries.resources_of(viewer, found.account_id, kind=exchange.PUBLIC_FOLDER)
        if other.is_wanted and other.key.casefold().startswith(found.key.casefold() + "\\")
    ]
    if inside:
        raise operations.StillInUse(f"{found.key} holds the folder {inside[0]}. Delete that one first.")
    return operations.withdraw(resource_id=found.id, reason="folder deleted", now=now, actor=viewer.actor)
