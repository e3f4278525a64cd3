# SPDX-License-Identifier: Apache-2.0
"""What the modules of esExchangeServer share: its operations, and accounts as it shows them."""

from __future__ import annotations

from postledger_sandbox.services import organizations
from postledger_sandbox.services.registry import Operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, World

operations = Operations("esExchangeServer")


def info(world: World, account: Row) -> Row:
    """An account as ExchangeAccount."""
    plan = world.store.mailbox_plans.get(account.get("MailboxPlanId") or 0)
    archive = world.store.mailbox_plans.get(account.get("ArchivingMailboxPlanId") or 0)
    return {
        **account,
        "MailboxPlan": plan["MailboxPlan"] if plan else None,
        "ArchivingMailboxPlan": archive["MailboxPlan"] if archive else None,
        "Disabled": bool(account.get("Disabled") or account.get("SwitchedOff")),
        "MailEnabledPublicFolder": bool(account.get("MailEnabled")),
    }


def infos(call: Call, ids: list[int] | None) -> list[Row]:
    rows = [call.store.accounts.get(account_id) for account_id in ids or ()]
    return [info(call.world, row) for row in rows if row is not None]


def one(call: Call, account_id: int | None) -> Row | None:
    row = call.store.accounts.get(account_id or 0)
    return info(call.world, row) if row else None


def ids(call: Call, item_id: int, names: list[str | None] | None) -> list[int]:
    """The ids of accounts named by their directory names; unknown names are skipped."""
    found = [organizations.manager_id(call, item_id, name) for name in names or ()]
    return [account_id for account_id in found if account_id]
