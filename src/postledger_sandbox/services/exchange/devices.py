# SPDX-License-Identifier: Apache-2.0
"""ActiveSync: the policy of an organization, and the devices that met its mailboxes."""

from __future__ import annotations

from typing import Any

from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.rules import rights
from postledger_sandbox.services.exchange.shared import operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call

POLICY = {
    "RefreshInterval": 24,
    "AllowNonProvisionableDevices": True,
    "AttachmentsEnabled": True,
    "MaxAttachmentSizeKB": -1,
    "AllowSimplePassword": True,
    "MaxPasswordFailedAttempts": 8,
    "MinPasswordLength": 4,
    "InactivityLockMin": 15,
    "PasswordExpirationDays": -1,
    "PasswordHistory": 0,
}


@operations.act
def get_active_sync_policy(call: Call, item_id: int) -> Row:
    return {**POLICY, **(rules.known(call, item_id).get("ActiveSyncPolicy") or {})}


@operations.act
def set_active_sync_policy(call: Call, item_id: int, **others: Any) -> int:
    rights.demand_account(call, active=True)
    organization = rules.known(call, item_id)
    names = {name.lower(): name for name, _ in call.world.contract.members("ExchangeActiveSyncPolicy")}
    # The parameter really is called refreshInteval.
    names["refreshinteval"] = "RefreshInterval"
    policy = {names[name.lower()]: value for name, value in others.items()}
    call.store.organizations.change(organization, ActiveSyncPolicy=policy)
    return 0


@operations.act
def get_mobile_devices(call: Call, item_id: int, account_id: int) -> list[Row]:
    rules.account(call, item_id, account_id)
    return call.store.devices.find("AccountId", account_id)


def _device(call: Call, item_id: int, device_id: str | None) -> Row | None:
    rules.known(call, item_id)
    device = call.store.devices.first("Id", device_id or "")
    if device is None or call.store.accounts.rows[device["AccountId"]]["ItemId"] != item_id:
        return None
    return device


@operations.act
def get_mobile_device(call: Call, item_id: int, device_id: str | None) -> Row | None:
    return _device(call, item_id, device_id)


@operations.act
def wipe_data_from_device(call: Call, item_id: int, device_id: str | None) -> None:
    device = _device(call, item_id, device_id)
    if device is not None:
        call.store.devices.change(device, Status=1, DeviceWipeRequestTime=call.now)


@operations.act
def cancel_remote_wipe_request(call: Call, item_id: int, device_id: str | None) -> None:
    device = _device(call, item_id, device_id)
    if device is not None:
        call.store.devices.change(device, Status=0)


@operations.act
def remove_device(call: Call, item_id: int, device_id: str | None) -> None:
    device = _device(call, item_id, device_id)
    if device is not None:
        call.store.devices.remove(device)
