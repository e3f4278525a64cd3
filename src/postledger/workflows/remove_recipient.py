"""A customer removes a contact or a distribution list; nobody's mail is in them."""

import datetime as dt

from django.db import transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange
from postledger.workflows import _recipients


def remove_recipient(
    viewer: Viewer, *, resource_id: int, now: dt.datetime, kind: str | None = None
) -> ResourceView:
    """The contact or list, on its way out; it leaves the lists it is in.

    Args:
        kind: the one that is meant, where the caller knows it.
    Raises:
        NotVisible, NotAllowed: not this viewer's.
        WrongKind: it is neither, or not the one that was meant.
    """
    found = queries.resource(viewer, resource_id)
    accounts.require_acting(viewer, found.account_id)
    is_one = found.kind in (exchange.CONTACT, exchange.DISTRIBUTION_LIST)
    if not is_one or kind not in (None, found.kind):
        raise _recipients.WrongKind(f"{queries.title(found)} cannot be removed in this way.")
    with transaction.atomic():
        _recipients.leave_lists(found, now=now, actor=viewer.actor)
        reason = f"{queries.title_of(found.kind).lower()} removed"
        return operations.withdraw(resource_id=found.id, reason=reason, now=now, actor=viewer.actor)
