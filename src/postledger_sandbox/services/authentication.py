# SPDX-License-Identifier: Apache-2.0
"""esAuthentication: log-in by user name and password, for the portal."""

from __future__ import annotations

from postledger_sandbox.rules import letters
from postledger_sandbox.services import users
from postledger_sandbox.services.registry import Operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call
from postledger_sandbox.wire import soap

operations = Operations("esAuthentication")

SECOND_FACTOR, ONE_TIME = 101, 100
PIN = "123456"


def check(call: Call, username: str | None, password: str | None) -> int:
    """What AuthenticateUser answers; a suspended user is let in."""
    user = call.store.users.first("Username", username or "")
    if user is None:
        return -109
    if not call.is_w and user.get("LoginStatusId") in (1, 2):
        return -114 if user["LoginStatusId"] == 1 else -115
    if not soap.password_matches(call.world.contract.dialect, user, password or ""):
        if not call.is_w:
            call.store.users.change(user, FailedLogins=user.get("FailedLogins", 0) + 1)
        return -110
    if user["StatusId"] == 4:
        return -103
    if user["StatusId"] == 3:
        return -105
    if not call.is_w and user.get("OneTimePassword"):
        return ONE_TIME
    if not call.is_w and user.get("MfaMode"):
        return SECOND_FACTOR
    return 0


@operations.act
def authenticate_user(call: Call, username: str | None, password: str | None) -> int:
    return check(call, username, password)


@operations.act
def get_user_by_username_password(call: Call, username: str | None, password: str | None) -> Row | None:
    user = call.store.users.first("Username", username or "")
    if user is None or not soap.password_matches(call.world.contract.dialect, user, password or ""):
        return None
    return users.info(user)


@operations.act
def change_user_password_by_username(
    call: Call, username: str | None, old_password: str | None, new_password: str | None
) -> int:
    user = call.store.users.first("Username", username or "")
    if user is None or user["Password"] != old_password:
        return -101
    call.store.users.change(user, Password=new_password or "", Changed=call.now, OneTimePassword=False)
    return 0


@operations.act
def send_password_reminder(call: Call, username: str | None) -> int:
    user = call.store.users.first("Username", username or "")
    if user is None:
        return 0
    return 0 if letters.letter(call.world, user, "PasswordReminderLetter") else -202


@operations.act
def get_system_setup_mode(call: Call) -> bool:
    return False


@operations.act
def setup_control_panel_accounts(call: Call) -> int:
    return 0


@operations.act
def validate_pin(call: Call, username: str | None, pin: str | None) -> bool:
    user = call.store.users.first("Username", username or "")
    return user is not None and pin == PIN


@operations.act
def send_pin(call: Call, username: str | None) -> int:
    return 0 if call.store.users.first("Username", username or "") else -101
