# SPDX-License-Identifier: Apache-2.0
"""esBlackBerry: mailboxes that also live on a BlackBerry server."""

from __future__ import annotations

from typing import Any

from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.rules import rights
from postledger_sandbox.services import organizations
from postledger_sandbox.services.registry import Operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call

operations = Operations("esBlackBerry")


def success(**values: Any) -> Row:
    """A ResultObject that says it worked."""
    return {"IsSuccess": True, "ErrorCodes": [], **values}


def failure(*codes: str) -> Row:
    """A ResultObject that says why not; codes are names, not numbers."""
    return {"IsSuccess": False, "ErrorCodes": list(codes)}


def account_of(call: Call, item_id: int, account_id: int) -> Row | None:
    """The account, if the caller may touch it."""
    account = call.store.accounts.get(account_id)
    if rules.find(call, item_id) is None or account is None or account["ItemId"] != item_id:
        return None
    return account


def page_of(rows: list[Row], sort_column: str | None, sort_direction: str | None) -> list[Row]:
    """Rows in the order of a member, by display name when none is named."""
    member = sort_column or "DisplayName"
    is_down = (sort_direction or "").lower().startswith("desc")
    return sorted(rows, key=lambda row: str(row.get(member) or "").lower(), reverse=is_down)


def matching(rows: list[Row], name: str | None, email: str | None) -> list[Row]:
    """Accounts whose display name and address begin with what is asked."""
    wanted = ((name or "").strip("%").lower(), (email or "").strip("%").lower())
    return [
        row
        for row in rows
        if wanted[0] in (row["DisplayName"] or "").lower()
        and wanted[1] in (row["PrimaryEmailAddress"] or "").lower()
    ]


@operations.act
def create_black_berry_user(call: Call, item_id: int, account_id: int) -> Row:
    rights.demand_account(call, active=True)
    account = account_of(call, item_id, account_id)
    if account is None:
        return failure("USER_DOES_NOT_EXIST", "CANNOT_ADD_BLACKBERRY_USER")
    if account.get("IsBlackBerryUser"):
        return failure("USER_IS_ALREADY_BLACKBERRY_USER")
    organization = rules.known(call, item_id)
    if rules.is_used_up(call, organization, rules.organization_counts(call.world), "CreatedBlackBerryUsers"):
        return failure("USER_QUOTA_HAS_BEEN_REACHED")
    call.store.accounts.change(account, IsBlackBerryUser=True)
    return success()


@operations.act
def delete_black_berry_user(call: Call, item_id: int, account_id: int) -> Row:
    rights.demand_account(call, active=True)
    account = account_of(call, item_id, account_id)
    if account is None:
        return failure("CANNOT_GET_ACCOUNT")
    call.store.accounts.change(account, IsBlackBerryUser=False)
    return success()


def _users(call: Call, item_id: int, name: str | None, email: str | None) -> list[Row]:
    rows = [a for a in rules.accounts_of(call.world, item_id) if a.get("IsBlackBerryUser")]
    return matching(rows, name, email)


@operations.act
def get_black_berry_users_paged(
    call: Call,
    item_id: int,
    sort_column: str | None,
    sort_direction: str | None,
    name: str | None,
    email: str | None,
    start_row: int,
    maximum_rows: int,
) -> Row:
    if rules.find(call, item_id) is None:
        return failure("CANNOT_GET_ORGANIZATION_BY_ITEM_ID")
    rows = page_of(_users(call, item_id, name, email), sort_column, sort_direction)
    page = [organizations.user_info(row) for row in rows[start_row : start_row + maximum_rows]]
    return success(Value={"RecordsCount": len(rows), "PageUsers": page})


@operations.act
def get_black_berry_user_count(call: Call, item_id: int, name: str | None, email: str | None) -> Row:
    if rules.find(call, item_id) is None:
        return failure("CANNOT_GET_ORGANIZATION_BY_ITEM_ID")
    return success(Value=len(_users(call, item_id, name, email)))


@operations.act
def get_black_berry_user_stats(call: Call, item_id: int, account_id: int) -> Row:
    if account_of(call, item_id, account_id) is None:
        return failure("CANNOT_GET_ACCOUNT")
    return success(Value=[{"Name": "Device PIN", "Value": ""}])


@operations.act_as(
    "DeleteDataFromBlackBerryDevice", "SetEmailActivationPassword", "SetActivationPasswordWithExpirationTime"
)
def do_to_device(call: Call, item_id: int, account_id: int) -> Row:
    return success() if account_of(call, item_id, account_id) else failure("CANNOT_GET_ACCOUNT")
