"""A customer gives a public folder a mail address, another one, or none."""

import dataclasses
import datetime as dt

from postledger.accounts.types import Viewer
from postledger.provisioning import operations
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange, spec
from postledger.workflows import _domains, _recipients


def change_folder(viewer: Viewer, *, resource_id: int, address: str, now: dt.datetime) -> ResourceView:
    """The folder with another wish; no platform can rename one.

    Args:
        address: where it takes mail; empty for a folder without mail.
    Raises:
        NotVisible, NotAllowed: not this viewer's folder.
        WrongKind, WrongDomain, NameTaken, StillInUse, InvalidAddress: the message says what.
    """
    found = _recipients.held(viewer, resource_id=resource_id, kind=exchange.PUBLIC_FOLDER)
    wish: exchange.PublicFolder = spec.load(kind=found.kind, data=found.desired)
    wish = exchange.validated_folder(spec=dataclasses.replace(wish, address=address.strip()))
    if wish.address:
        _domains.require_domain_of(viewer, account_id=found.account_id, address=wish.address)
        _recipients.require_free(viewer, account_id=found.account_id, address=wish.address, but_not=found.id)
    return operations.change_wish(resource_id=found.id, desired=wish, now=now, actor=viewer.actor)
