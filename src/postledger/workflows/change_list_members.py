"""A customer puts members into a distribution list and takes others out."""

import datetime as dt
from collections.abc import Iterable

from postledger.accounts.types import Viewer
from postledger.provisioning import operations
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange, names
from postledger.workflows import _recipients


def change_list_members(
    viewer: Viewer,
    *,
    resource_id: int,
    now: dt.datetime,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
) -> ResourceView:
    """The list with these members more and these fewer: all of it or nothing. What is so already changes nothing.

    Args:
        add, remove: mail addresses.
    Raises:
        NotVisible, NotAllowed: not this viewer's list.
        WrongKind, NoSuchMember, StillInUse, InvalidAddress, InvalidResource: the message says what.
    """
    found = _recipients.held(viewer, resource_id=resource_id, kind=exchange.DISTRIBUTION_LIST)
    coming = frozenset(names.address(text=text) for text in add)
    going = frozenset(names.address(text=text) for text in remove)
    _recipients.require_members(viewer, account_id=found.account_id, members=coming, to=found.key)
    return operations.change_members(
        resource_id=found.id, add=coming, remove=going - coming, now=now, actor=viewer.actor
    )
