# SPDX-License-Identifier: Apache-2.0
"""What later organizations keep and append: retention tags, disclaimers, journal rules."""

from __future__ import annotations

from typing import Any

from postledger_sandbox.rules import organizations as rules
from postledger_sandbox.rules import rights
from postledger_sandbox.services.exchange.shared import operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, null_reference


def _success(**values: Any) -> Row:
    return {"IsSuccess": True, "ErrorCodes": [], **values}


def _writing(call: Call, item_id: int, value: Row | None) -> Row:
    """What is to be written for an organization the caller may change."""
    rights.demand_account(call, active=True)
    rules.known(call, item_id)
    if value is None:
        raise null_reference()
    return value


# Retention tags, of an organization and of its mailbox plans


@operations.act
def get_exchange_retention_policy_tags(call: Call, item_id: int) -> list[Row]:
    rules.known(call, item_id)
    return call.store.retention_tags.find("ItemID", item_id)


def _tag(call: Call, item_id: int, tag_id: int) -> Row | None:
    rules.known(call, item_id)
    tag = call.store.retention_tags.get(tag_id)
    return tag if tag is not None and tag["ItemID"] == item_id else None


@operations.act
def get_exchange_retention_policy_tag(call: Call, item_id: int, tag_id: int) -> Row | None:
    return _tag(call, item_id, tag_id)


@operations.act
def add_exchange_retention_policy_tag(call: Call, item_id: int, tag: Row | None) -> Row:
    values = {name: value for name, value in _writing(call, item_id, tag).items() if name != "TagID"}
    return _success(Value=call.store.retention_tags.add({**values, "ItemID": item_id})["TagID"])


@operations.act
def update_exchange_retention_policy_tag(call: Call, item_id: int, tag: Row | None) -> Row:
    values = _writing(call, item_id, tag)
    stored = _tag(call, item_id, values["TagID"])
    if stored is None:
        raise null_reference()
    call.store.retention_tags.change(stored, **{**values, "ItemID": item_id})
    return _success()


@operations.act
def delete_exchange_retention_policy_tag(call: Call, item_id: int, tag_id: int) -> Row:
    rights.demand_account(call, active=True)
    stored = _tag(call, item_id, tag_id)
    if stored is not None:
        for link in call.store.plan_tags.find("TagID", tag_id):
            call.store.plan_tags.remove(link)
        call.store.retention_tags.remove(stored)
    return _success()


@operations.act
def get_exchange_mailbox_plan_retention_policy_tags(call: Call, policy_id: int) -> list[Row]:
    plan = call.store.mailbox_plans.get(policy_id) or {}
    links = call.store.plan_tags.find("MailboxPlanId", policy_id)
    tags = call.store.retention_tags.rows
    return [
        {**link, "MailboxPlan": plan.get("MailboxPlan"), "TagName": tags[link["TagID"]]["TagName"]}
        for link in links
    ]


@operations.act
def add_exchange_mailbox_plan_retention_policy_tag(call: Call, item_id: int, plan_tag: Row | None) -> Row:
    values = _writing(call, item_id, plan_tag)
    plan = call.store.mailbox_plans.get(values["MailboxPlanId"])
    if plan is None or _tag(call, item_id, values["TagID"]) is None:
        raise null_reference()
    link = {"TagID": values["TagID"], "MailboxPlanId": values["MailboxPlanId"]}
    return _success(Value=call.store.plan_tags.add(link)["PlanTagID"])


@operations.act
def delete_exchange_mailbox_plan_retention_policy_tag(
    call: Call, item_id: int, policy_id: int, plan_tag_id: int
) -> Row:
    rights.demand_account(call, active=True)
    rules.known(call, item_id)
    link = call.store.plan_tags.get(plan_tag_id)
    if link is not None and link["MailboxPlanId"] == policy_id:
        call.store.plan_tags.remove(link)
    return _success()


# Disclaimers


@operations.act
def get_exchange_disclaimers(call: Call, item_id: int) -> list[Row]:
    rules.known(call, item_id)
    return call.store.disclaimers.find("ItemId", item_id)


@operations.act
def get_exchange_disclaimer(call: Call, item_id: int, exchange_disclaimer_id: int) -> Row | None:
    rules.known(call, item_id)
    found = call.store.disclaimers.get(exchange_disclaimer_id)
    return found if found is not None and found["ItemId"] == item_id else None


@operations.act
def add_exchange_disclaimer(call: Call, item_id: int, disclaimer: Row | None) -> int:
    values = _writing(call, item_id, disclaimer)
    kept = {name: values[name] for name in ("DisclaimerName", "DisclaimerText")}
    return call.store.disclaimers.add({**kept, "ItemId": item_id})["ExchangeDisclaimerId"]


@operations.act
def update_exchange_disclaimer(call: Call, item_id: int, disclaimer: Row | None) -> int:
    values = _writing(call, item_id, disclaimer)
    stored = get_exchange_disclaimer(call, item_id, values["ExchangeDisclaimerId"])
    if stored is None:
        raise null_reference()
    kept = {name: values[name] for name in ("DisclaimerName", "DisclaimerText")}
    call.store.disclaimers.change(stored, **kept)
    return 0


@operations.act
def delete_exchange_disclaimer(call: Call, item_id: int, exchange_disclaimer_id: int) -> int:
    rights.demand_account(call, active=True)
    stored = get_exchange_disclaimer(call, item_id, exchange_disclaimer_id)
    if stored is not None:
        call.store.disclaimers.remove(stored)
    return 0


@operations.act
def get_exchange_account_disclaimer_id(call: Call, item_id: int, account_id: int) -> int:
    return rules.account(call, item_id, account_id).get("DisclaimerId") or 0


@operations.act
def set_exchange_account_disclaimer_id(
    call: Call, item_id: int, account_id: int, exchange_disclaimer_id: int
) -> int:
    rights.demand_account(call, active=True)
    call.store.accounts.change(rules.account(call, item_id, account_id), DisclaimerId=exchange_disclaimer_id)
    return 0


# Journal rules, one for each address that journals


@operations.act
def create_journal_rule(
    call: Call,
    item_id: int,
    journal_email: str | None,
    scope: str | None,
    recipient_email: str | None,
    enabled: bool,
) -> str:
    rights.demand_account(call, active=True)
    organization = rules.known(call, item_id)
    rule = {
        "Name": journal_email,
        "JournalEmailAddress": journal_email,
        "Scope": scope,
        "Recipient": recipient_email,
        "Enabled": enabled,
    }
    _keep_rule(call, organization, rule)
    return journal_email or ""


def _keep_rule(call: Call, organization: Row, rule: Row) -> None:
    rules_kept = {**(organization.get("JournalRules") or {}), rule["JournalEmailAddress"] or "": rule}
    call.store.organizations.change(organization, JournalRules=rules_kept)


@operations.act
def get_journal_rule(call: Call, item_id: int, journal_email: str | None) -> Row | None:
    return (rules.known(call, item_id).get("JournalRules") or {}).get(journal_email or "")


@operations.act
def set_journal_rule(call: Call, item_id: int, rule: Row | None) -> int:
    _keep_rule(call, rules.known(call, item_id), _writing(call, item_id, rule))
    return 0


@operations.act
def set_default_public_folder_mailbox(call: Call, item_id: int) -> str:
    rights.demand_account(call, active=True)
    return f"PublicFolders_{rules.known(call, item_id)['OrganizationId']}"
