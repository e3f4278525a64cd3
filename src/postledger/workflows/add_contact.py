"""A customer puts an outside address into his address book."""

import datetime as dt

from postledger.accounts.types import Viewer
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange
from postledger.workflows import _recipients


def add_contact(
    viewer: Viewer, *, account_id: int, contact: exchange.Contact, now: dt.datetime
) -> ResourceView:
    """The contact, ordered.

    Raises:
        NotVisible, NotAllowed: not this viewer's account.
        NoExchange, NotSupported, NameTaken, PlanLimit, BeyondCeiling, InvalidAddress: the message says what.
    """
    contact = exchange.validated_contact(spec=contact)
    _recipients.require_free(viewer, account_id=account_id, address=contact.address)
    return _recipients.order(viewer, account_id=account_id, kind=exchange.CONTACT, desired=contact, now=now)
