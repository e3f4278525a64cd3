# SPDX-License-Identifier: Apache-2.0
"""esOCS: users of Office Communications Server."""

from __future__ import annotations

import uuid

from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.rules import rights
from postledger_sandbox.services.blackberry import account_of, failure, matching, page_of, success
from postledger_sandbox.services.registry import Operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, null_reference

operations = Operations("esOCS")

SETTINGS = {
    "enabledForFederation": "EnabledForFederation",
    "enabledForPublicIMConnectivity": "EnabledForPublicIMConectivity",
    "archiveInternalCommunications": "ArchiveInternalCommunications",
    "archiveFederatedCommunications": "ArchiveFederatedCommunications",
    "enabledForEnhancedPresence": "EnabledForEnhancedPresence",
}


def _info(account: Row) -> Row:
    return {
        **(account.get("OcsSettings") or {}),
        "InstanceId": account["OcsInstanceId"],
        "PrimaryUri": f"sip:{account['PrimaryEmailAddress']}",
        "DisplayName": account["DisplayName"],
        "PrimaryEmailAddress": account["PrimaryEmailAddress"],
        "AccountID": account["AccountId"],
    }


@operations.act
def create_ocs_user(call: Call, item_id: int, account_id: int) -> Row:
    rights.demand_account(call, active=True)
    account = account_of(call, item_id, account_id)
    if account is None:
        return failure("CANNOT_GET_ACCOUNT")
    if account.get("OcsInstanceId"):
        return failure("USER_IS_ALREADY_OCS_USER")
    organization = rules.known(call, item_id)
    if rules.is_used_up(call, organization, rules.organization_counts(call.world), "CreatedOCSUsers"):
        return failure("USER_QUOTA_HAS_BEEN_REACHED")
    call.store.accounts.change(account, OcsInstanceId=uuid.uuid4().hex)
    call.store.organizations.change(organization, IsOCSOrganization=True)
    return success(Value=_info(account))


def _by_instance(call: Call, item_id: int, instance_id: str | None) -> Row | None:
    if rules.find(call, item_id) is None:
        return None
    for account in rules.accounts_of(call.world, item_id):
        if account.get("OcsInstanceId") and account["OcsInstanceId"] == instance_id:
            return account
    return None


@operations.act
def delete_ocs_user(call: Call, item_id: int, instance_id: str | None) -> Row:
    rights.demand_account(call, active=True)
    account = _by_instance(call, item_id, instance_id)
    if account is None:
        return failure("CANNOT_DELETE_OCS_USER")
    call.store.accounts.change(account, OcsInstanceId=None, OcsSettings=None)
    return success()


def _users(call: Call, item_id: int, name: str | None, email: str | None) -> list[Row]:
    rows = [a for a in rules.accounts_of(call.world, item_id) if a.get("OcsInstanceId")]
    return matching(rows, name, email)


@operations.act
def get_ocs_users_paged(
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
    page = [_info(row) for row in rows[start_row : start_row + maximum_rows]]
    return success(Value={"RecordsCount": len(rows), "PageUsers": page})


@operations.act
def get_ocs_user_count(call: Call, item_id: int, name: str | None, email: str | None) -> Row:
    if rules.find(call, item_id) is None:
        return failure("CANNOT_GET_ORGANIZATION_BY_ITEM_ID")
    return success(Value=len(_users(call, item_id, name, email)))


@operations.act
def get_user_general_settings(call: Call, item_id: int, instance_id: str | None) -> Row | None:
    account = _by_instance(call, item_id, instance_id)
    return _info(account) if account else None


@operations.act
def set_user_general_settings(call: Call, item_id: int, instance_id: str | None, **others: bool) -> None:
    account = _by_instance(call, item_id, instance_id)
    if account is None:
        raise null_reference()
    settings = {SETTINGS[name]: value for name, value in others.items()}
    call.store.accounts.change(account, OcsSettings=settings)
