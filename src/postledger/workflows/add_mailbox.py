"""A customer adds a mailbox."""

import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange
from postledger.workflows import _ceiling, _domains, _holdings, _recipients


def add_mailbox(
    viewer: Viewer, *, account_id: int, mailbox: exchange.Mailbox, now: dt.datetime
) -> ResourceView:
    """The mailbox, ordered. It is made with a random password; give it one with `set_mailbox_password`.

    Raises:
        NotVisible, NotAllowed: not this viewer's account.
        NoExchange, PlanLimit, BeyondCeiling, WrongDomain, NameTaken, InvalidResource, InvalidAddress: the message says what.
    """
    accounts.require_acting(viewer, account_id)
    mailbox = exchange.validated_mailbox(spec=mailbox)
    organization = _domains.organization(viewer, account_id)
    _domains.require_room(
        viewer, organization=organization, kind=exchange.MAILBOX, key=mailbox.address, now=now
    )
    more = _holdings.difference(queries.resources_of(viewer, account_id), before=None, after=mailbox)
    _ceiling.require_below(viewer, buyer_id=account_id, more=more, now=now)
    same = queries.find(connection_id=organization.connection_id, kind=exchange.MAILBOX, key=mailbox.address)
    for address in (mailbox.address, *sorted(mailbox.aliases or ())):
        _domains.require_domain_of(viewer, account_id=account_id, address=address)
        _recipients.require_free(
            viewer, account_id=account_id, address=address, but_not=same.id if same is not None else None
        )
    return operations.declare(
        account_id=account_id,
        connection_id=organization.connection_id,
        parent_id=organization.id,
        kind=exchange.MAILBOX,
        desired=mailbox,
        now=now,
        actor=viewer.actor,
    )
