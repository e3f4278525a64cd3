"""A customer deletes a mailbox, with all mail in it."""

import datetime as dt

from django.db import transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange
from postledger.workflows import _recipients


class NotConfirmed(Refusal):
    """A deletion that cannot be undone needs the address typed in again."""

    reason = "not_confirmed"


def delete_mailbox(viewer: Viewer, *, resource_id: int, confirmation: str, now: dt.datetime) -> ResourceView:
    """The mailbox, on its way out; it leaves the lists it is in.

    Args:
        confirmation: its address, typed in by the one who deletes it.
    Raises:
        NotVisible, NotAllowed: not this viewer's mailbox.
        NotConfirmed: something else was typed in.
        StillInUse: it manages a distribution list.
    """
    found = queries.resource(viewer, resource_id)
    accounts.require_acting(viewer, found.account_id)
    if found.kind != exchange.MAILBOX or confirmation.strip().lower() != found.key:
        raise NotConfirmed(f"To delete {found.key} with all its mail, type its address.")
    _recipients.require_manages_nothing(found)
    with transaction.atomic():
        _recipients.leave_lists(found, now=now, actor=viewer.actor)
        return operations.withdraw(
            resource_id=found.id, reason="mailbox deleted", now=now, actor=viewer.actor
        )
