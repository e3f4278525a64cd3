# SPDX-License-Identifier: Apache-2.0
"""What a later mailbox does by itself: it answers while its owner is away, books its room, and shows a picture."""

from __future__ import annotations

import base64
import binascii

from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.rules import rights
from postledger_sandbox.services.exchange.shared import ids, infos, operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault, null_reference

RESOURCE = {"AutomateProcessing": 2, "BookingWindowInDays": 180, "MaximumDurationInMinutes": 1440}


@operations.act
def get_mailbox_auto_reply_settings(call: Call, item_id: int, account_id: int) -> Row:
    account = rules.account(call, item_id, account_id)
    return {"InternalMessage": "", "ExternalMessage": "", **(account.get("AutoReply") or {})}


@operations.act
def set_mailbox_auto_reply_settings(call: Call, item_id: int, account_id: int, settings: Row | None) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    if settings is None:
        raise null_reference()
    call.store.accounts.change(account, AutoReply=settings)
    return 0


@operations.act
def get_resource_mailbox_settings(call: Call, item_id: int, account_id: int) -> Row:
    account = rules.account(call, item_id, account_id)
    kept = account.get("Resource") or {**RESOURCE, "AllBookInPolicy": True, "AllowRecurringMeetings": True}
    names = {"DisplayName": account["DisplayName"], "AccountName": account["AccountName"]}
    return {**kept, **names, "ResourceDelegates": infos(call, kept.get("Delegates"))}


@operations.act
def set_resource_mailbox_settings(
    call: Call, item_id: int, account_id: int, resource_settings: Row | None
) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    if resource_settings is None:
        raise null_reference()
    delegates = resource_settings.pop("ResourceDelegates") or []
    names = [delegate["AccountName"] for delegate in delegates if delegate]
    kept = {**resource_settings, "Delegates": ids(call, item_id, names)}
    call.store.accounts.change(account, Resource=kept)
    return 0


@operations.act
def set_picture(call: Call, item_id: int, account_id: int, picture: str | None) -> Row:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    try:
        base64.b64decode(picture or "", validate=True)
    except binascii.Error as error:
        raise Fault("The input is not a valid Base-64 string.") from error
    call.store.accounts.change(account, Picture=picture)
    return {"IsSuccess": True, "ErrorCodes": []}


@operations.act
def get_picture(call: Call, item_id: int, account_id: int) -> Row:
    picture = rules.account(call, item_id, account_id).get("Picture")
    value = base64.b64decode(picture) if picture else None
    return {"IsSuccess": True, "ErrorCodes": [], "Value": value}
