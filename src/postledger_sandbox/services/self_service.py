# SPDX-License-Identifier: Apache-2.0
"""What later organizations let their people do themselves: rules for passwords, resets by a token, groups, a logo.

Nothing is sent anywhere: letters and text messages succeed and are gone.
"""

from __future__ import annotations

import uuid

from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.rules import rights
from postledger_sandbox.services.organizations import operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, null_reference

TOKEN_S = 12 * 3600
RESET = 1


@operations.act
def get_organization_general_settings(call: Call, item_id: int) -> Row | None:
    return rules.known(call, item_id).get("GeneralSettings")


@operations.act
def update_organization_general_settings(call: Call, item_id: int, settings: Row | None) -> None:
    rights.demand_account(call, active=True)
    call.store.organizations.change(rules.known(call, item_id), GeneralSettings=settings)


@operations.act
def get_organization_password_settings(call: Call, item_id: int) -> Row | None:
    return rules.known(call, item_id).get("PasswordSettings")


@operations.act
def update_organization_password_settings(call: Call, item_id: int, settings: Row | None) -> None:
    rights.demand_account(call, active=True)
    call.store.organizations.change(rules.known(call, item_id), PasswordSettings=settings)


@operations.act
def get_web_dav_system_settings(call: Call) -> Row:
    return {"SettingsArray": []}


@operations.act
def check_phone_number_is_in_use(
    call: Call, item_id: int, phone_number: str | None, user_sam_account_name: str | None
) -> bool:
    return any(
        account.get("MobilePhone") == phone_number and account["SamAccountName"] != user_sam_account_name
        for account in rules.accounts_of(call.world, item_id)
        if phone_number
    )


@operations.act
def get_archive_file_binary_chunk(call: Call, item_id: int) -> None:
    rules.known(call, item_id)


# Tokens


def _token(call: Call, guid: str) -> Row | None:
    found = call.store.tokens.first("AccessTokenGuid", guid)
    return found if found is not None and found["ExpirationDate"] > call.now else None


@operations.act
def create_password_reset_access_token(call: Call, item_id: int, account_id: int) -> Row:
    rules.account(call, item_id, account_id)
    return call.store.tokens.add(
        {
            "AccessTokenGuid": str(uuid.uuid4()),
            "ExpirationDate": call.world.clock.stamp(call.world.clock.time() + TOKEN_S),
            "AccountId": account_id,
            "ItemId": item_id,
            "TokenType": RESET,
        }
    )


@operations.act
def get_passwordreset_access_token(call: Call, token: str) -> Row | None:
    return _token(call, token)


@operations.act
def set_access_token_response(call: Call, access_token: str, response: str | None) -> None:
    token = _token(call, access_token)
    if token is None:
        raise null_reference()
    call.store.tokens.change(token, SmsResponse=response)


@operations.act
def delete_passwordreset_access_token(call: Call, access_token: str) -> None:
    token = call.store.tokens.first("AccessTokenGuid", access_token)
    if token is not None:
        call.store.tokens.remove(token)


@operations.act_as("SendResetUserPasswordPincodeSms", "SendResetUserPasswordPincodeEmail")
def send_pincode(call: Call, token: str) -> Row:
    is_known = _token(call, token) is not None
    return {"IsSuccess": is_known, "ErrorCodes": [] if is_known else ["TOKEN_NOT_FOUND"]}


@operations.act_as("SendResetUserPasswordLinkSms", "SendUserPasswordRequestSms")
def send_message(call: Call, item_id: int, account_id: int) -> Row:
    rules.account(call, item_id, account_id)
    return {"IsSuccess": True, "ErrorCodes": []}


@operations.act_as("SendResetUserPasswordEmail", "SendUserPasswordRequestEmail")
def send_letter(call: Call, item_id: int, account_id: int) -> None:
    rules.account(call, item_id, account_id)


# Groups a user of the platform names for himself


@operations.act
def get_additional_groups(call: Call, user_id: int) -> list[Row]:
    rights.demand_user(call, user_id)
    return call.store.additional_groups.find("UserId", user_id)


@operations.act
def add_additional_group(call: Call, user_id: int, group_name: str | None) -> int:
    rights.demand_user(call, user_id)
    return call.store.additional_groups.add({"UserId": user_id, "GroupName": group_name})["GroupId"]


def _group(call: Call, group_id: int) -> Row | None:
    group = call.store.additional_groups.get(group_id)
    if group is not None:
        rights.demand_user(call, group["UserId"])
    return group


@operations.act
def update_additional_group(call: Call, group_id: int, group_name: str | None) -> None:
    group = _group(call, group_id)
    if group is not None:
        call.store.additional_groups.change(group, GroupName=group_name)


@operations.act
def delete_additional_group(call: Call, group_id: int) -> None:
    group = _group(call, group_id)
    if group is not None:
        call.store.additional_groups.remove(group)
