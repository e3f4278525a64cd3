"""A customer changes a mailbox: its name, size, further addresses, features, or whether it can be signed on to."""

import dataclasses
import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange, spec
from postledger.workflows import _ceiling, _domains, _holdings, _recipients


class NoMailbox(Refusal):
    """It is no mailbox, or its kind cannot be changed."""

    reason = "no_mailbox"


def change_mailbox(
    viewer: Viewer,
    *,
    resource_id: int,
    now: dt.datetime,
    display_name: str | None = None,
    quota_mib: int | None = None,
    plan: str | None = None,
    aliases: frozenset[str] | None = None,
    is_enabled: bool | None = None,
    features: frozenset[str] | None = None,
) -> ResourceView:
    """The mailbox with another wish; what is None stays.

    Raises:
        NotVisible, NotAllowed: not this viewer's mailbox.
        NoMailbox, BeyondCeiling, WrongDomain, NameTaken, InvalidResource, InvalidAddress, StillInUse: the message
        says what.
    """
    found = queries.resource(viewer, resource_id)
    accounts.require_acting(viewer, found.account_id)
    if found.kind != exchange.MAILBOX:
        raise NoMailbox(f"{queries.title(found)} is no mailbox.")
    given = {
        "display_name": display_name,
        "quota_mib": quota_mib,
        "plan": plan,
        "aliases": aliases,
        "is_enabled": is_enabled,
        "features": features,
    }
    before = spec.load(kind=found.kind, data=found.desired)
    wish = dataclasses.replace(before, **{name: value for name, value in given.items() if value is not None})
    wish = exchange.validated_mailbox(spec=wish)
    for alias in sorted((wish.aliases or frozenset()) - (before.aliases or frozenset())):
        _domains.require_domain_of(viewer, account_id=found.account_id, address=alias)
        _recipients.require_free(viewer, account_id=found.account_id, address=alias, but_not=found.id)
    now_is = spec.load(kind=found.kind, data={**(found.observed or {}), **found.desired})
    becomes = dataclasses.replace(
        now_is,
        plan=now_is.plan if plan is None else plan,
        quota_mib=now_is.quota_mib if plan is None and quota_mib is None else quota_mib,
        features=now_is.features if features is None else features,
    )
    more = _holdings.difference(queries.resources_of(viewer, found.account_id), before=now_is, after=becomes)
    _ceiling.require_below(viewer, buyer_id=found.account_id, more=more, now=now)
    return operations.change_wish(resource_id=found.id, desired=wish, now=now, actor=viewer.actor)
