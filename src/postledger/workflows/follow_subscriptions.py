"""What a customer holds on a platform follows his subscription: active, suspended, or gone.

Driven by how things stand and not by what happened: whoever suspends, resumes or cancels need not know of platforms, and
a job that was lost is made up for by the next one.
"""

import datetime as dt
import logging

from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.provisioning import operations, queries
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import attach_subscriptions, remove_exchange, set_exchange_status

log = logging.getLogger(__name__)

_IN_FORCE = frozenset({"active", "trial", "waiting"})


def follow_subscriptions(*, now: dt.datetime) -> int:
    """How many customers' things were ordered to be otherwise.

    In force or suspended: so is the platform account. Cancelled by its holder: everything is removed, after a closing
    reading. Deleted for debt: it stays suspended until a person confirms (M7).
    """
    attach_subscriptions.attach_subscriptions(now=now)
    held = queries.platform_accounts()
    open_now = subscriptions.of_buyers({found.account_id for found in held})
    ids = {*open_now.values(), *(found.subscription_id for found in held)}
    statuses = subscriptions.statuses(ids)
    changed = 0
    for found in held:
        current = open_now.get(found.account_id, found.subscription_id)
        status = statuses.get(current, "deleted")
        wanted = "active" if status in _IN_FORCE else "suspended"
        try:
            if current != found.subscription_id:
                operations.attach_subscription(resource_id=found.resource_id, subscription_id=current)
            if status == "closed":
                remove_exchange.remove_exchange(
                    Viewer.system(),
                    account_id=found.account_id,
                    reason="subscription cancelled",
                    is_confirmed=True,
                    now=now,
                )
            elif found.status != wanted:
                set_exchange_status.set_exchange_status(
                    account_id=found.account_id, is_active=wanted == "active", now=now
                )
            else:
                continue
        except Refusal as refusal:
            log.warning("account %s does not follow its subscription: %s", found.account_id, refusal)
            continue
        changed += 1
    return changed
