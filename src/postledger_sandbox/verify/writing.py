# SPDX-License-Identifier: Apache-2.0
"""The only check that changes anything: a user made, found, changed, deleted, and gone."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

from postledger_sandbox.verify.findings import AGREES, DIFFERS, Finding
from postledger_sandbox.verify.server import Server

GONE_WITHIN_S = 300
PAUSE_S = 0.5


def life_of_a_user(server: Server) -> Iterator[Finding]:
    """A user below the account we sign in with."""
    name = "verify-" + secrets.token_hex(4)
    values = {
        "ownerId": server.user_id,
        "roleId": 3,
        "statusId": 1,
        "isPeer": False,
        "isDemo": False,
        "username": name,
        "password": secrets.token_urlsafe(9) + "1a",
        "email": f"{name}@example.com",
        "htmlMail": False,
        "ecommerceEnabled": False,
        "sendLetter": False,
    }

    def answer(operation: str, **parameters: object) -> str:
        result = server.result("esUsers", operation, **parameters)
        return (result.text or "") if result is not None else ""

    user_id = int(answer("AddUserLiteral", **values) or 0)
    yield Finding(AGREES if user_id > 0 else DIFFERS, "a user is made", str(user_id))
    if user_id <= 0:
        return
    code = answer("AddUserLiteral", **values)
    yield Finding(AGREES if code == "-100" else DIFFERS, "the same name again", code)
    answer("ChangeUserStatus", userId=user_id, status="Suspended")
    status = server.number("esUsers", "GetUserById", "StatusId", userId=user_id)
    yield Finding(AGREES if status == 2 else DIFFERS, "he is suspended", str(status))
    code = answer("DeleteUser", userId=user_id)
    yield Finding(AGREES if code == "0" else DIFFERS, "he is deleted", code)
    started = time.monotonic()
    while server.result("esUsers", "GetUserById", userId=user_id) is not None:
        if time.monotonic() - started > GONE_WITHIN_S:
            yield Finding(DIFFERS, "he is gone", f"not after {GONE_WITHIN_S} s")
            return
        time.sleep(PAUSE_S)
    yield Finding(AGREES, "he is gone", f"after {time.monotonic() - started:.1f} s")
