# SPDX-License-Identifier: Apache-2.0
"""E-mail addresses of anything that has them."""

from __future__ import annotations

from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.rules import rights
from postledger_sandbox.services.exchange.shared import operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, Fault


@operations.act_as(
    "GetMailboxEmailAddresses", "GetDistributionListEmailAddresses", "GetPublicFolderEmailAddresses"
)
def get_email_addresses(call: Call, item_id: int, account_id: int) -> list[Row]:
    account = rules.account(call, item_id, account_id)
    primary = (account.get("PrimaryEmailAddress") or "").lower()
    return [
        {
            "EmailAddress": address,
            "IsPrimary": address.lower() == primary,
            "IsUserPrincipalName": address.lower() == (account.get("UserPrincipalName") or "").lower(),
        }
        for address in account.get("Addresses", ())
    ]


@operations.act_as("AddMailboxEmailAddress", "AddDistributionListEmailAddress", "AddPublicFolderEmailAddress")
def add_email_address(call: Call, item_id: int, account_id: int, email_address: str | None) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    if not email_address:
        raise Fault("Value cannot be null. Parameter name: emailAddress")
    if rules.email_exists(call.world, email_address):
        return -2602
    call.store.accounts.change(account, Addresses=[*account.get("Addresses", ()), email_address])
    return 0


@operations.act_as(
    "SetMailboxPrimaryEmailAddress",
    "SetDistributionListPrimaryEmailAddress",
    "SetPublicFolderPrimaryEmailAddress",
)
def set_primary_email_address(call: Call, item_id: int, account_id: int, email_address: str | None) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    changes: Row = {"PrimaryEmailAddress": email_address}
    known = [address.lower() for address in account.get("Addresses", ())]
    if email_address and email_address.lower() not in known:
        changes["Addresses"] = [*account.get("Addresses", ()), email_address]
    call.store.accounts.change(account, **changes)
    return 0


@operations.act_as(
    "DeleteMailboxEmailAddresses",
    "DeleteDistributionListEmailAddresses",
    "DeletePublicFolderEmailAddresses",
)
def delete_email_addresses(
    call: Call, item_id: int, account_id: int, email_addresses: list[str | None] | None
) -> int:
    rights.demand_account(call, active=True)
    account = rules.account(call, item_id, account_id)
    unwanted = {(address or "").lower() for address in email_addresses or ()}
    unwanted.discard((account.get("PrimaryEmailAddress") or "").lower())
    kept = [address for address in account.get("Addresses", ()) if address.lower() not in unwanted]
    call.store.accounts.change(account, Addresses=kept)
    return 0
