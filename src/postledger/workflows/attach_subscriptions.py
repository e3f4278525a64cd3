"""Accounts that were adopted before their customer had a plan belong to his subscription as soon as he has one."""

import datetime as dt

from django.db import transaction

from postledger.accounts.types import Viewer
from postledger.provisioning import adoption, operations
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import begin_exchange


def attach_subscriptions(*, now: dt.datetime) -> int:
    """How many accounts on platforms were attached to a subscription; from then on their usage is read and billed."""
    waiting = adoption.without_subscription()
    open_now = subscriptions.of_buyers({found.account_id for found in waiting})
    attached = 0
    for found in waiting:
        subscription_id = open_now.get(found.account_id)
        if subscription_id is None:
            continue
        with transaction.atomic():
            operations.attach_subscription(resource_id=found.resource_id, subscription_id=subscription_id)
            if found.has_organization:
                begin_exchange.begin_exchange(Viewer.system(), buyer_id=found.account_id, now=now)
        attached += 1
    return attached
