"""A customer adds a distribution list."""

import dataclasses
import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.provisioning import queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange
from postledger.workflows import _domains, _recipients


def add_list(
    viewer: Viewer, *, account_id: int, wanted: exchange.DistributionList, now: dt.datetime
) -> ResourceView:
    """The list, ordered. Without a manager the customer's first mailbox manages it.

    Raises:
        NotVisible, NotAllowed: not this viewer's account.
        NoExchange, NotSupported, NameTaken, WrongDomain, NoManager, NoSuchMember, PlanLimit, BeyondCeiling,
        InvalidAddress, InvalidResource: the message says what.
    """
    accounts.require_acting(viewer, account_id)
    wanted = exchange.validated_list(spec=wanted)
    wanted = dataclasses.replace(
        wanted,
        manager=wanted.manager or _first_mailbox(viewer, account_id),
        members=wanted.members or frozenset(),
    )
    _domains.organization(viewer, account_id)
    _domains.require_domain_of(viewer, account_id=account_id, address=wanted.address)
    _require_address(viewer, account_id, wanted.address)
    _recipients.require_manager(viewer, account_id=account_id, manager=wanted.manager or "")
    _recipients.require_members(
        viewer, account_id=account_id, members=wanted.members or (), to=wanted.address
    )
    return _recipients.order(
        viewer, account_id=account_id, kind=exchange.DISTRIBUTION_LIST, desired=wanted, now=now
    )


def _require_address(viewer: Viewer, account_id: int, address: str) -> None:
    """As `require_free`; that the list is there already is asked when it is ordered."""
    lists = queries.resources_of(viewer, account_id, kind=exchange.DISTRIBUTION_LIST)
    same = next((found.id for found in lists if found.key == address), None)
    _recipients.require_free(viewer, account_id=account_id, address=address, but_not=same)


def _first_mailbox(viewer: Viewer, account_id: int) -> str:
    boxes = [box for box in queries.resources_of(viewer, account_id, kind=exchange.MAILBOX) if box.is_wanted]
    if not boxes:
        raise _recipients.NoManager("A list needs a mailbox that manages it. Add a mailbox first.")
    return boxes[0].key
