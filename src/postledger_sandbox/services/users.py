# SPDX-License-Identifier: Apache-2.0
"""esUsers: accounts of people, in a tree of owners."""

from __future__ import annotations

from typing import Any

from postledger_sandbox.rules import background, cascades, letters, paging, rights
from postledger_sandbox.services.registry import Operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault, Refused, World, null_reference
from postledger_sandbox.wire.writing import DataSet

operations = Operations("esUsers")

BAD_LETTERS = '\\/:*?<>|"'
# What the database keeps of each member; more is an error there, not a cut.
WIDTHS = {
    "Username": 50,
    "Password": 200,
    "FirstName": 50,
    "LastName": 50,
    "Email": 255,
    "SecondaryEmail": 255,
    "Address": 200,
    "City": 50,
    "State": 50,
    "Country": 50,
    "Zip": 20,
    "PrimaryPhone": 30,
    "SecondaryPhone": 30,
    "Fax": 30,
    "InstantMessenger": 100,
    "CompanyName": 100,
}
EDITABLE = (
    "RoleId StatusId IsPeer IsDemo Comments FirstName LastName Email SecondaryEmail Address City State Country Zip"
    " PrimaryPhone SecondaryPhone Fax InstantMessenger HtmlMail CompanyName EcommerceEnabled LoginStatusId"
    " SubscriberNumber MfaMode AdditionalParams"
).split()
TEXTS = [name for name in WIDTHS if name != "Password"]
PACKAGE_STATUS = {1: 1, 2: 2, 3: 3, 4: 4}


def info(user: Row) -> Row:
    """A user as UserInfo."""
    return {
        **user,
        "Role": user["RoleId"],
        "Status": user["StatusId"],
        "LoginStatus": user.get("LoginStatusId", 0),
        "Vlans": user.get("Vlans") or [],
    }


def full_name(world: World, user: Row) -> str:
    return f"{user.get('FirstName') or ''} {user.get('LastName') or ''}"


def _owner(name: str) -> paging.Column:
    def column(world: World, user: Row) -> Any:
        owner = world.store.users.get(user.get("OwnerId") or 0)
        return owner.get(name) if owner else None

    return column


def _owner_full_name(world: World, user: Row) -> str | None:
    owner = world.store.users.get(user.get("OwnerId") or 0)
    return full_name(world, owner) if owner else None


VIEW: paging.View = {
    "UserID": paging.member("UserId"),
    "RoleID": paging.member("RoleId"),
    "StatusID": paging.member("StatusId"),
    "SubscriberNumber": paging.member("SubscriberNumber"),
    "LoginStatusId": lambda world, user: user.get("LoginStatusId", 0),
    "FailedLogins": lambda world, user: user.get("FailedLogins", 0),
    "OwnerID": paging.member("OwnerId"),
    "Created": paging.member("Created"),
    "Changed": paging.member("Changed"),
    "IsDemo": lambda world, user: bool(user.get("IsDemo")),
    "Comments": paging.member("Comments"),
    "IsPeer": lambda world, user: bool(user.get("IsPeer")),
    "Username": paging.member("Username"),
    "FirstName": paging.member("FirstName"),
    "LastName": paging.member("LastName"),
    "Email": paging.member("Email"),
    "FullName": full_name,
    "FullName1": full_name,
    "OwnerUsername": _owner("Username"),
    "OwnerFirstName": _owner("FirstName"),
    "OwnerLastName": _owner("LastName"),
    "OwnerRoleID": _owner("RoleId"),
    "OwnerFullName": _owner_full_name,
    "OwnerEmail": _owner("Email"),
    "PackagesNumber": lambda world, user: world.store.packages.count("UserId", user["UserId"]),
    "CompanyName": paging.member("CompanyName"),
    "EcommerceEnabled": lambda world, user: bool(user.get("EcommerceEnabled")),
}


def demand_widths(values: Row) -> None:
    for name, width in WIDTHS.items():
        if len(values.get(name) or "") > width:
            raise Fault("String or binary data would be truncated. The statement has been terminated.")


def visible(call: Call, user: Row | None) -> Row | None:
    return info(user) if user is not None and rights.sees_user(call, user) else None


def known(call: Call, user_id: int) -> Row:
    """The user, who exists.

    Raises:
        Fault: a null reference, for an id that does not exist.
    """
    user = call.store.users.get(user_id)
    if user is None:
        raise null_reference()
    return user


# Reading


@operations.act
def user_exists(call: Call, username: str | None) -> bool:
    return call.store.users.first("Username", username or "") is not None


@operations.act
def get_user_by_id(call: Call, user_id: int) -> Row | None:
    return visible(call, call.store.users.get(user_id))


@operations.act
def get_user_by_username(call: Call, username: str | None) -> Row | None:
    return visible(call, call.store.users.first("Username", username or ""))


def _below(call: Call, owner_id: int, is_recursive: bool) -> list[Row]:
    owner = call.store.users.get(owner_id)
    if owner is None:
        return []
    if is_recursive:
        return cascades.descendants(call.world, owner, with_peers=False)
    return [user for user in call.store.users.find("OwnerId", owner_id) if not user.get("IsPeer")]


@operations.act
def get_users(call: Call, owner_id: int, recursive: bool) -> list[Row]:
    rights.demand_user(call, owner_id)
    return [info(user) for user in _below(call, owner_id, recursive)]


@operations.act
def get_raw_users(call: Call, owner_id: int, recursive: bool) -> DataSet:
    rights.demand_user(call, owner_id)
    rows = [paging.view_row(VIEW, call.world, user) for user in _below(call, owner_id, recursive)]
    return DataSet("esUsers.GetRawUsers", [rows])


def _paged(
    call: Call,
    users: list[Row],
    filter_column: str | None,
    filter_value: str | None,
    status_id: int,
    role_id: int,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
) -> DataSet:
    world = call.world
    users = [
        user
        for user in users
        if (not status_id or user["StatusId"] == status_id) and (not role_id or user["RoleId"] == role_id)
    ]
    found = paging.filtered(
        world,
        users,
        VIEW,
        column=filter_column,
        value=filter_value,
        quotes_doubled=True,
        any_of=() if call.is_w else ("Username", "FullName", "Email"),
    )
    found = paging.ordered(world, found, VIEW, sort_column)
    page = paging.window(found, start_row, maximum_rows, inclusive=True)
    rows = [paging.view_row(VIEW, world, user) for user in page]
    return DataSet(f"esUsers.{call.operation}", [[{"Column1": len(found)}], rows])


@operations.act_as("GetUsersPaged", "GetUsersPagedRecursive")
def get_users_paged(
    call: Call,
    user_id: int,
    filter_column: str | None,
    filter_value: str | None,
    status_id: int,
    role_id: int,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
) -> DataSet:
    is_recursive = call.operation.endswith("Recursive")
    owner = call.store.users.get(user_id)
    users = _below(call, user_id, is_recursive) if rights.has_user(call, owner) else []
    return _paged(
        call, users, filter_column, filter_value, status_id, role_id, sort_column, start_row, maximum_rows
    )


@operations.act
def get_users_summary(call: Call, user_id: int) -> DataSet:
    rights.demand_user(call, user_id)
    users = _below(call, user_id, False)
    tables: list[list[Row]] = [[{"UsersNumber": len(users)}]]
    for column, name in (("StatusID", "StatusId"), ("RoleID", "RoleId")):
        numbers = sorted({user[name] for user in users})
        tables.append([{column: n, "UsersNumber": sum(u[name] == n for u in users)} for n in numbers])
    return DataSet("esUsers.GetUsersSummary", tables)


@operations.act
def get_user_domains_paged(
    call: Call,
    user_id: int,
    filter_column: str | None,
    filter_value: str | None,
    sort_column: str | None,
    start_row: int,
    maximum_rows: int,
) -> DataSet:
    owner = call.store.users.get(user_id)
    users = _below(call, user_id, True) if rights.has_user(call, owner) else []
    rows = [
        {**user, "DomainName": domain["DomainName"]}
        for user in users
        for package in call.store.packages.find("UserId", user["UserId"])
        for domain in call.store.domains.find("PackageId", package["PackageId"])
    ]
    view = {**VIEW, "DomainName": paging.member("DomainName")}
    found = paging.filtered(
        call.world, rows, view, column=filter_column, value=filter_value, quotes_doubled=True
    )
    found = paging.ordered(call.world, found, view, sort_column)
    page = paging.window(found, start_row, maximum_rows, inclusive=True)
    return DataSet(
        "esUsers.GetUserDomainsPaged",
        [[{"Column1": len(found)}], [paging.view_row(view, call.world, row) for row in page]],
    )


def _peers(call: Call, user_id: int) -> list[Row]:
    rights.demand_user(call, user_id)
    return [user for user in call.store.users.find("OwnerId", user_id) if user.get("IsPeer")]


@operations.act
def get_user_peers(call: Call, user_id: int) -> list[Row]:
    return [info(user) for user in _peers(call, user_id)]


@operations.act
def get_raw_user_peers(call: Call, user_id: int) -> DataSet:
    rows = [paging.view_row(VIEW, call.world, user) for user in _peers(call, user_id)]
    return DataSet("esUsers.GetRawUserPeers", [rows])


@operations.act
def get_user_parents(call: Call, user_id: int) -> list[Row]:
    user = call.store.users.get(user_id)
    if user is None:
        return []
    rights.demand_user(call, user_id)
    chain = []
    for owner in rights.owners(call.world, user):
        chain.append(info(owner))
        if owner["UserId"] == rights.acting_id(call.caller):
            break
    return chain[::-1]


# Writing


def add(call: Call, values: Row, password: str | None) -> int:
    """The id of a new user, or a negative code."""
    username = (values.get("Username") or "").strip()
    if not username or any(letter in username for letter in BAD_LETTERS):
        return -111
    rights.demand_account(call)
    if call.store.users.first("Username", username) is not None:
        return -100
    owner = call.store.users.get(values.get("OwnerId") or 0)
    if owner is None or not rights.has_user(call, owner):
        return -2
    demand_widths({**values, "Username": username, "Password": password})
    role_id = _allowed_role(call, values.get("RoleId", 0))
    user = {
        "OwnerId": owner["UserId"],
        "Username": username,
        "Password": password or "",
        "Created": call.now,
        "Changed": call.now,
        "FailedLogins": 0,
    }
    user |= {name: values.get(name) for name in EDITABLE if values.get(name) is not None}
    user |= {"RoleId": role_id, "StatusId": values.get("StatusId", 0)}
    if role_id == rights.USER:
        user["EcommerceEnabled"] = False
    return call.store.users.add(user)["UserId"]


def _allowed_role(call: Call, role_id: int) -> int:
    """The role as the caller may give it: only administrators make administrators."""
    if role_id == rights.ADMINISTRATOR and not call.caller.is_administrator:
        return rights.USER
    return role_id


@operations.act
def add_user(call: Call, user: Row | None, send_letter: bool, password: str | None = None) -> int:
    if user is None:
        raise null_reference()
    return add(call, user, user.get("Password") if call.is_w else password)


def _members(others: Row) -> Row:
    """Parameters of a "literal" operation under the names of UserInfo."""
    return {name[0].upper() + name[1:]: value for name, value in others.items()}


@operations.act
def add_user_literal(call: Call, password: str | None, send_letter: bool, **others: Any) -> int:
    return add(call, _members(others), password)


def update(call: Call, user_id: int, values: Row) -> int:
    user = call.store.users.get(user_id)
    if user is None or not rights.sees_user(call, user):
        raise null_reference()
    rights.demand_account(call)
    if not rights.may_edit(call, user):
        return 0
    role_id = _allowed_role(call, values.get("RoleId", 0))
    children = [u for u in call.store.users.find("OwnerId", user_id) if not u.get("IsPeer")]
    if role_id == rights.USER and user["RoleId"] == rights.RESELLER and children:
        return -102
    demand_widths(values)
    changes = {name: values[name] for name in EDITABLE if name in values}
    changes |= {"RoleId": role_id, "Changed": call.now}
    if values.get("LoginStatusId", 1) == 0:
        changes["FailedLogins"] = 0
    call.store.users.change(user, **changes)
    return 0


@operations.act
def update_user(call: Call, user: Row | None) -> int:
    if user is None:
        raise null_reference()
    return update(call, user["UserId"], user)


@operations.act_as("UpdateUserTask", "UpdateUserTaskAsynchronously")
def update_user_task(call: Call, user: Row | None) -> int:
    return update_user(call, user)


@operations.act
def update_user_literal(call: Call, user_id: int, **others: Any) -> int:
    return update(call, user_id, _members(others))


@operations.act
def change_user_password(call: Call, user_id: int, password: str | None) -> int:
    user = known(call, user_id)
    rights.demand_account(call)
    if rights.may_edit(call, user):
        demand_widths({"Password": password})
        call.store.users.change(user, Password=password or "", Changed=call.now)
    return 0


@operations.act
def change_user_status(call: Call, user_id: int, status: int) -> int:
    rights.demand_account(call)
    user = known(call, user_id)
    if not rights.may_edit(call, user):
        return 0
    changed = [user, *cascades.descendants(call.world, user, with_peers=True)]
    package_ids = []
    for each in changed:
        call.store.users.change(each, StatusId=status, Changed=call.now)
        for package in call.store.packages.find("UserId", each["UserId"]):
            package_ids.append(package["PackageId"])
            call.store.packages.change(
                package, StatusId=PACKAGE_STATUS.get(status, status), StatusIDchangeDate=call.now
            )
    schedule_status(call, package_ids, status == rights.ACTIVE)
    return 0


def schedule_status(call: Call, package_ids: list[int], enabled: bool) -> None:
    """Switch what lies in the packages off or on, later."""
    for package_id in package_ids:
        background.schedule(
            call.world,
            user_id=call.caller.user_id,
            source="SPACE",
            name="CHANGE_ITEMS_STATUS",
            does="change_items_status",
            item_id=package_id,
            package_id=package_id,
            package_ids=[package_id],
            enabled=enabled,
        )


@operations.act
def delete_user(call: Call, user_id: int) -> int:
    user = known(call, user_id)
    rights.demand_account(call)
    if any(not child.get("IsPeer") for child in call.store.users.find("OwnerId", user_id)):
        raise Refused(-102)
    if rights.may_edit(call, user):
        background.schedule(
            call.world,
            user_id=call.caller.user_id,
            source="SPACE",
            name="DELETE_ITEMS",
            does="delete_user",
            item_id=user_id,
            item_name=user["Username"],
            deleted_id=user_id,
        )
    return 0


# Settings


@operations.act
def get_user_settings(call: Call, user_id: int, settings_name: str | None) -> Row:
    rights.demand_user(call, user_id)
    user = call.store.users.get(user_id)
    if user is None:
        return {"UserId": user_id, "SettingsName": settings_name, "SettingsArray": []}
    return letters.user_settings(call.world, user, settings_name or "")


@operations.act
def update_user_settings(call: Call, settings: Row | None) -> int:
    if settings is None:
        raise null_reference()
    rights.demand_account(call)
    user = call.store.users.get(settings["UserId"])
    if rights.may_edit(call, user):
        values = [item for item in settings["SettingsArray"] or [] if item]
        letters.write_settings(call.world, "user", settings["UserId"], settings["SettingsName"] or "", values)
    return 0


@operations.act
def add_user_vlan(call: Call, user_id: int, v_lan: Row | None) -> None:
    user = known(call, user_id)
    rights.demand_user(call, user_id)
    call.store.users.change(user, Vlans=[*(user.get("Vlans") or []), v_lan])


@operations.act
def delete_user_vlan(call: Call, user_id: int, v_lan_id: int) -> None:
    user = known(call, user_id)
    rights.demand_user(call, user_id)
    kept = [vlan for vlan in user.get("Vlans") or [] if vlan["VLanID"] != v_lan_id]
    call.store.users.change(user, Vlans=kept)
