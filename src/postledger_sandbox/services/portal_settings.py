# SPDX-License-Identifier: Apache-2.0
"""What the portal of the later generations asks about a login: its second factor, and how pages look to it."""

from __future__ import annotations

from postledger_sandbox.rules import rights
from postledger_sandbox.services import authentication, housekeeping, users
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, null_reference
from postledger_sandbox.wire.writing import DataSet

THEME = {"ThemeID": 1, "DisplayName": "Plain", "LTRName": "Plain", "RTLName": "Plain", "Enabled": 1}
BY_LETTER, BY_CODE = 1, 2


# The second factor


def _editable(call: Call, username: str | None) -> Row:
    user = call.store.users.first("Username", username or "")
    if user is None or not rights.may_edit(call, user):
        raise null_reference()
    return user


@users.operations.act
def can_user_change_mfa(call: Call, change_user_id: int) -> bool:
    return rights.may_edit(call, call.store.users.get(change_user_id))


@users.operations.act
def update_user_mfa(call: Call, username: str | None, activate: bool) -> bool:
    call.store.users.change(_editable(call, username), MfaMode=BY_LETTER if activate else 0)
    return True


@users.operations.act
def get_user_mfa_qr_code_data(call: Call, username: str | None) -> list[str]:
    user = _editable(call, username)
    return [f"otpauth://totp/{user['Username']}?secret=SANDBOX", "SANDBOX"]


@users.operations.act
def activate_user_mfa_qr_code(call: Call, username: str | None, pin: str | None) -> bool:
    user = _editable(call, username)
    if pin != authentication.PIN:
        return False
    call.store.users.change(user, MfaMode=BY_CODE)
    return True


# Themes


def _themes(call: Call) -> DataSet:
    return DataSet(f"{call.service}.{call.operation}", [[THEME]])


authentication.operations.act_as("GetLoginThemes")(_themes)
housekeeping.system.act_as("GetThemes")(_themes)


@housekeeping.system.act_as("GetThemeSettings", "GetThemeSetting")
def get_theme_settings(call: Call) -> DataSet:
    return DataSet(f"esSystem.{call.operation}", [[]])


@users.operations.act
def get_user_theme_settings(call: Call, user_id: int) -> DataSet:
    rights.demand_user(call, user_id)
    kept = users.known(call, user_id).get("Theme") or {}
    rows = [{"UserID": user_id, "PropertyName": name, "PropertyValue": value} for name, value in kept.items()]
    return DataSet("esUsers.GetUserThemeSettings", [rows])


@users.operations.act
def update_user_theme_setting(
    call: Call, user_id: int, property_name: str | None, property_value: str | None
) -> None:
    rights.demand_user(call, user_id)
    user = users.known(call, user_id)
    call.store.users.change(user, Theme={**(user.get("Theme") or {}), property_name or "": property_value})


@users.operations.act
def delete_user_theme_setting(call: Call, user_id: int, property_name: str | None) -> None:
    rights.demand_user(call, user_id)
    user = users.known(call, user_id)
    kept = {name: value for name, value in (user.get("Theme") or {}).items() if name != property_name}
    call.store.users.change(user, Theme=kept)
