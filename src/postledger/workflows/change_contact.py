"""A customer changes a contact: its name, its address, or whether the address book shows it."""

import dataclasses
import datetime as dt

from django.db import transaction

from postledger.accounts.types import Viewer
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange, spec
from postledger.workflows import _recipients


def change_contact(
    viewer: Viewer,
    *,
    resource_id: int,
    now: dt.datetime,
    display_name: str | None = None,
    address: str | None = None,
    is_hidden: bool | None = None,
) -> ResourceView:
    """The contact with another wish; what is None stays. With another address it stays in its lists.

    Raises:
        NotVisible, NotAllowed: not this viewer's contact.
        WrongKind, NameTaken, InvalidAddress, StillInUse: the message says what.
    """
    found = _recipients.held(viewer, resource_id=resource_id, kind=exchange.CONTACT)
    given = {"display_name": display_name, "address": address, "is_hidden": is_hidden}
    wish: exchange.Contact = spec.load(kind=found.kind, data=found.desired)
    wish = dataclasses.replace(wish, **{name: value for name, value in given.items() if value is not None})
    wish = exchange.validated_contact(spec=wish)
    if wish.address == found.key:
        return operations.change_wish(resource_id=found.id, desired=wish, now=now, actor=viewer.actor)
    _recipients.require_free(viewer, account_id=found.account_id, address=wish.address)
    with transaction.atomic():
        changed = operations.rename(resource_id=found.id, desired=wish, now=now, actor=viewer.actor)
        for other in queries.lists_with(parent_id=found.parent_id or 0, address=found.key):
            if found.key in other.shown.get("members", ()):
                operations.change_members(
                    resource_id=other.id,
                    add=frozenset({wish.address}),
                    remove=frozenset({found.key}),
                    now=now,
                    actor=viewer.actor,
                )
    return changed
