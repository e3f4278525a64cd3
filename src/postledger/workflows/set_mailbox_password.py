"""Give a mailbox a password its owner chose; it goes to the platform and is kept nowhere here."""

import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.connectors import contract
from postledger.core.errors import Refusal
from postledger.events import operations as events
from postledger.provisioning import queries
from postledger.resources import exchange
from postledger.workflows import _platform


class NotSetUp(Refusal):
    """The mailbox is not there yet."""

    reason = "not_set_up"


def set_mailbox_password(viewer: Viewer, *, resource_id: int, password: str, now: dt.datetime) -> None:
    """The mailbox has this password on the platform.

    Raises:
        NotVisible, NotAllowed: not this viewer's mailbox.
        NotSetUp: it is still being made, or is being removed.
        Refusal: the platform does not take the password.
        contract.TemporaryFailure, contract.PermanentFailure, NeedsOperator: the platform did not do it.
    """
    found = queries.resource(viewer, resource_id)
    accounts.require_acting(viewer, found.account_id)
    if found.kind != exchange.MAILBOX or not found.reference or not found.is_wanted:
        raise NotSetUp(f"{queries.title(found)} is not set up, so it cannot be given a password yet.")
    parent = queries.resource(viewer, found.parent_id or 0)
    cause = _platform.Cause(actor=viewer.actor, purpose="set_mailbox_password", now=now, resource_id=found.id)
    target = contract.Target(kind=found.kind, name=found.key, ref=found.reference, parent=parent.reference)
    try:
        with _platform.platform(connection_id=found.connection_id, cause=cause) as session:
            session.set_password(target=target, password=contract.Secret(password))
    except contract.Failure as error:
        _platform.note_failure(connection_id=found.connection_id, error=error, now=now)
        raise
    events.note(
        seller_id=found.seller_id,
        account_id=found.account_id,
        kind="exchange_mailbox.password_set",
        subject=found.key,
        at=now,
        actor=viewer.actor,
    )
