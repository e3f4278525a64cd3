"""What is asked before a contact, a list or a folder is wished for, and what goes along with one."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.connectors import registry
from postledger.core.errors import Refusal
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange, spec
from postledger.workflows import _ceiling, _domains, _limits

_MEMBERS = frozenset({exchange.MAILBOX, exchange.CONTACT, exchange.DISTRIBUTION_LIST})


class NotSupported(Refusal):
    """The platform has no such things."""

    reason = "not_supported"


class NoSuchMember(Refusal):
    """The address is nothing a list could reach."""

    reason = "no_such_member"


class NoManager(Refusal):
    """A list needs a mailbox that manages it."""

    reason = "no_manager"


class WrongKind(Refusal):
    """It is something else than what was to be changed."""

    reason = "wrong_kind"


def order(viewer: Viewer, *, account_id: int, kind: str, desired: Any, now: dt.datetime) -> ResourceView:
    """The new thing in the customer's organization, ordered once all was asked that is the same for every kind.

    The same order again is the same thing; another one under its name is refused.

    Raises:
        NotVisible, NotAllowed: not this viewer's account.
        NoExchange, NotSupported, NameTaken, PlanLimit, TreeLimit, BeyondCeiling: the message says what.
    """
    accounts.require_acting(viewer, account_id)
    organization = _domains.organization(viewer, account_id)
    require_kind(organization=organization, kind=kind)
    key = spec.name_of(kind=kind, spec=desired)
    for found in queries.resources_of(viewer, account_id, kind=kind):
        if found.key == key and found.is_wanted:
            if found.desired == spec.dump(spec=desired):
                return found
            raise operations.NameTaken(
                f"{queries.title(found)} exists already. Change it, or choose another name."
            )
    _domains.require_room(viewer, organization=organization, kind=kind, key=key, now=now)
    _ceiling.require_below(viewer, buyer_id=account_id, more={_limits.METERS[kind]: 1}, now=now)
    return operations.declare(
        account_id=account_id,
        connection_id=organization.connection_id,
        parent_id=organization.id,
        kind=kind,
        desired=desired,
        now=now,
        actor=viewer.actor,
    )


def held(viewer: Viewer, *, resource_id: int, kind: str) -> ResourceView:
    """The thing of that kind, which the viewer may change.

    Raises:
        NotVisible, NotAllowed: not his. WrongKind: it is something else.
    """
    found = queries.resource(viewer, resource_id)
    accounts.require_acting(viewer, found.account_id)
    if found.kind != kind:
        raise WrongKind(f"{queries.title(found)} cannot be changed in this way.")
    return found


def require_kind(*, organization: ResourceView, kind: str) -> None:
    """Nothing, when the organization's platform has things of that kind.

    Raises:
        NotSupported: it has none, or the plan there allows none.
    """
    found = queries.connection(Viewer.system(), organization.connection_id)
    if kind not in registry.get(found.connector).kinds:
        title = queries.title_of(kind).lower()
        raise NotSupported(f"Your mail platform knows no {title}. Ask your provider what it has instead.")


def require_free(viewer: Viewer, *, account_id: int, address: str, but_not: int | None = None) -> None:
    """Nothing, when no mailbox, list or folder of the customer has the address, also not as a further one.

    Args:
        but_not: the thing that is to have it.
    Raises:
        NameTaken: one has it; the message says which.
    """
    for found in queries.resources_of(viewer, account_id):
        if found.id != but_not and found.is_wanted and address in own_addresses(found):
            raise operations.NameTaken(
                f"{address} is the address of “{queries.title(found)}” already. Choose another one."
            )


def own_addresses(found: ResourceView) -> set[str]:
    """The addresses in the customer's domains at which a thing takes mail; a contact has none there."""
    shown = found.shown
    if found.kind == exchange.MAILBOX:
        return {found.key, *shown.get("aliases", ())}
    if found.kind == exchange.DISTRIBUTION_LIST:
        return {found.key}
    if found.kind == exchange.PUBLIC_FOLDER:
        return {shown["address"]} if shown.get("address") else set()
    return set()


def require_members(viewer: Viewer, *, account_id: int, members: Iterable[str], to: str) -> None:
    """Nothing, when each address is a mailbox, a contact or another list of the customer.

    Raises:
        NoSuchMember: one is not; the message says which.
    """
    there = {
        found.key
        for found in queries.resources_of(viewer, account_id)
        if found.kind in _MEMBERS and found.is_wanted
    }
    missing = sorted(set(members) - there)
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise NoSuchMember(
            f"{missing[0]}{more} cannot be in {to}: there is no such mailbox, contact or list. Add an outside address as "
            "a contact first."
        )


def require_manager(viewer: Viewer, *, account_id: int, manager: str) -> None:
    """Nothing, when the address is a mailbox of the customer.

    Raises:
        NoManager: it is none.
    """
    boxes = queries.resources_of(viewer, account_id, kind=exchange.MAILBOX)
    if not any(box.key == manager and box.is_wanted for box in boxes):
        raise NoManager(f"{manager} is none of your mailboxes. Choose one to manage the list.")


def leave_lists(found: ResourceView, *, now: dt.datetime, actor: str) -> None:
    """Nothing; a thing that goes is no member of any list any more."""
    for other in queries.lists_with(parent_id=found.parent_id or 0, address=found.key):
        if found.key in other.shown.get("members", ()):
            operations.change_members(
                resource_id=other.id, add=frozenset(), remove=frozenset({found.key}), now=now, actor=actor
            )


def require_manages_nothing(found: ResourceView) -> None:
    """Nothing, when the mailbox manages no list.

    Raises:
        StillInUse: it does; the message says which.
    """
    for other in queries.lists_with(parent_id=found.parent_id or 0, address=found.key):
        if other.shown.get("manager") == found.key:
            raise operations.StillInUse(
                f"{found.key} manages the list {other.key}. Give the list another manager first, then delete the mailbox."
            )
