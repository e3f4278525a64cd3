"""Suspend or resume a customer's Exchange, as his subscription says."""

import dataclasses
import datetime as dt

from postledger.accounts.types import Viewer
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange, spec

_STOPPED_BY_SUSPENSION = "subscription_suspended"


def set_exchange_status(
    *, account_id: int, is_active: bool, now: dt.datetime, actor: str = "system"
) -> ResourceView | None:
    """The platform account, ordered to be active or suspended; None when the customer has no Exchange.

    A suspension switches his logins off and deletes nothing. What it stopped goes on when he is resumed. The same again
    changes nothing.
    """
    found = queries.account_resource(Viewer.system(), account_id)
    if found is None or not found.is_wanted:
        return None
    wish = dataclasses.replace(
        spec.load(kind=exchange.ACCOUNT, data=found.desired), status="active" if is_active else "suspended"
    )
    ordered = operations.change_wish(resource_id=found.id, desired=wish, now=now, actor=actor)
    if is_active:
        for entry in queries.tree(root_id=found.id):
            if entry.reason == _STOPPED_BY_SUSPENSION:
                operations.look_again(Viewer.system(), resource_id=entry.id, now=now)
    return ordered
