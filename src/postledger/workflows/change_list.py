"""A customer changes a distribution list: its name, manager, who may write to it, or whether the address book shows it."""

import dataclasses
import datetime as dt

from postledger.accounts.types import Viewer
from postledger.provisioning import operations
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange, spec
from postledger.workflows import _recipients


def change_list(
    viewer: Viewer,
    *,
    resource_id: int,
    now: dt.datetime,
    display_name: str | None = None,
    manager: str | None = None,
    is_open: bool | None = None,
    is_hidden: bool | None = None,
) -> ResourceView:
    """The list with another wish; what is None stays. Its members are changed with `change_list_members`.

    Raises:
        NotVisible, NotAllowed: not this viewer's list.
        WrongKind, NoManager, StillInUse, InvalidAddress: the message says what.
    """
    found = _recipients.held(viewer, resource_id=resource_id, kind=exchange.DISTRIBUTION_LIST)
    given = {"display_name": display_name, "manager": manager, "is_open": is_open, "is_hidden": is_hidden}
    before: exchange.DistributionList = spec.load(kind=found.kind, data=found.desired)
    wish = dataclasses.replace(before, **{name: value for name, value in given.items() if value is not None})
    wish = exchange.validated_list(spec=wish)
    if wish.manager is not None and wish.manager != before.manager:
        _recipients.require_manager(viewer, account_id=found.account_id, manager=wish.manager)
    return operations.change_wish(resource_id=found.id, desired=wish, now=now, actor=viewer.actor)
