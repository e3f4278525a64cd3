"""Sign a customer on to his Exchange account on the platform's portal with one click."""

import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.connectors import contract
from postledger.core.errors import Refusal
from postledger.events import operations as events
from postledger.provisioning import queries
from postledger.workflows import _platform


class NothingToSignOnTo(Refusal):
    """The customer has no Exchange account that is set up."""

    reason = "nothing_to_sign_on_to"


def sign_on(viewer: Viewer, *, account_id: int, now: dt.datetime, why: str = "") -> contract.SignOn:
    """The form the browser has to post at once: a fresh random password is in it, good for this sign-on.

    It is neither stored nor logged here; that somebody signed on, for whom and why, is. Hand it out once, in a page that
    is not kept.

    Args:
        why: reason given by a seller who signs on for his customer; required of him.
    Raises:
        NotVisible, NotAllowed: not this viewer's account.
        NothingToSignOnTo: no Exchange account is set up, or a seller gave no reason.
        contract.TemporaryFailure, contract.PermanentFailure, NeedsOperator: the platform did not do it.
    """
    accounts.require_acting(viewer, account_id)
    if viewer.account_id != account_id and not why.strip():
        raise NothingToSignOnTo("Say why you sign on as this customer: it is written into his log.")
    found = queries.account_resource(viewer, account_id)
    if found is None or not found.reference or not found.is_wanted:
        raise NothingToSignOnTo(
            "There is no Exchange account yet. Add Exchange first, or wait until it is set up."
        )
    events.note(
        seller_id=found.seller_id,
        account_id=account_id,
        kind="exchange.sign_on",
        subject=found.key,
        at=now,
        actor=viewer.actor,
        data={"why": why.strip()[:200]} if why.strip() else {},
    )
    cause = _platform.Cause(actor=viewer.actor, purpose="sign_on", now=now, resource_id=found.id)
    target = contract.Target(kind=found.kind, name=found.key, ref=found.reference)
    try:
        with _platform.platform(connection_id=found.connection_id, cause=cause) as session:
            return session.prepare_sign_on(target=target)
    except contract.Failure as error:
        _platform.note_failure(connection_id=found.connection_id, error=error, now=now)
        raise
