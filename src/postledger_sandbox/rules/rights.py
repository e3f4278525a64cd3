# SPDX-License-Identifier: Apache-2.0
"""Who may do what: the chain of owners, and the demands that writing operations make on the caller's own account."""

from __future__ import annotations

from collections.abc import Iterator

from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Caller, Fault, Refused, World

ADMINISTRATOR, RESELLER, USER = 1, 2, 3
ACTIVE, SUSPENDED, CANCELLED, PENDING = 1, 2, 3, 4
_STATUS_CODES = {PENDING: -103, SUSPENDED: -104, CANCELLED: -105}
_PACKAGE_CODES = {SUSPENDED: -303, CANCELLED: -304}


def acting_id(caller: Caller) -> int:
    """The user whose rights the caller has: an extra login ("peer") acts for the account it belongs to."""
    user = caller.user
    if user is None:
        return -1
    return user["OwnerId"] if user.get("IsPeer") else user["UserId"]


def owners(world: World, user: Row) -> Iterator[Row]:
    """The user and everybody above him."""
    current: Row | None = user
    while current is not None:
        yield current
        owner_id = current.get("OwnerId")
        current = world.store.users.get(owner_id) if owner_id else None


def has_user(call: Call, user: Row | None) -> bool:
    """Whether the caller has rights on the user: himself, or somebody below."""
    if user is None:
        return False
    acting = acting_id(call.caller)
    return acting == -1 or any(owner["UserId"] == acting for owner in owners(call.world, user))


def sees_user(call: Call, user: Row | None) -> bool:
    """Whether the caller may see the user: has rights on him, or is owned by him."""
    if user is None:
        return False
    if has_user(call, user):
        return True
    own = call.caller.user
    return own is not None and own.get("OwnerId") == user["UserId"]


def may_edit(call: Call, user: Row | None) -> bool:
    """Whether the caller may change the user; a peer may not change his owner or the other peers."""
    if user is None or not has_user(call, user):
        return False
    own = call.caller.user
    if own is None or not own.get("IsPeer") or user["UserId"] == own["UserId"]:
        return True
    is_owner = user["UserId"] == own["OwnerId"]
    return not is_owner and not (user.get("IsPeer") and user["OwnerId"] == own["OwnerId"])


def has_package(call: Call, package_id: int) -> bool:
    """Whether the caller has rights on a package; one that does not exist counts as allowed."""
    if package_id in (0, 1):
        return call.caller.is_administrator
    package = call.store.packages.get(package_id)
    return package is None or has_user(call, call.store.users.get(package["UserId"]))


def demand_user(call: Call, user_id: int) -> None:
    """Raises: Fault: the caller has no rights on the user."""
    user = call.store.users.get(user_id)
    if user is not None and not has_user(call, user):
        raise Fault("You are not allowed to access this account")


def demand_package(call: Call, package_id: int) -> None:
    """Raises: Fault: the caller has no rights on the package."""
    if not has_package(call, package_id):
        raise Fault("You are not allowed to access this package")


def demand_account(call: Call, *, active: bool = False, role: int = USER) -> None:
    """The caller's own account is no demo, and active or of a role where that is asked.

    Raises:
        Refused: with the code of the first demand that is not met.
    """
    user = call.caller.user
    if user is None:
        return
    if user.get("IsDemo"):
        raise Refused(-106)
    if active and user["StatusId"] != ACTIVE:
        raise Refused(_STATUS_CODES.get(user["StatusId"], -103))
    own_role = call.store.users.get(acting_id(call.caller))
    role_id = own_role["RoleId"] if own_role else user["RoleId"]
    if role == ADMINISTRATOR and role_id != ADMINISTRATOR:
        raise Refused(-107)
    if role == RESELLER and role_id not in (ADMINISTRATOR, RESELLER):
        raise Refused(-108 if call.is_w else -112)


def demand_active_package(call: Call, package_id: int) -> Row:
    """The package, which exists and is neither suspended nor cancelled.

    Raises:
        Refused: -300, -303 or -304.
    """
    package = call.store.packages.get(package_id)
    if package is None:
        raise Refused(-300)
    code = _PACKAGE_CODES.get(package["StatusId"])
    if code:
        raise Refused(code)
    return package
