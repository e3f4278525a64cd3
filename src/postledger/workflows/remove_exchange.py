"""End a customer's Exchange: everything he holds on the platform is deleted, after a closing reading."""

import datetime as dt

from django.db import transaction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.provisioning import operations, queries, zones
from postledger.provisioning.types import Progress
from postledger.workflows import set_exchange_status


class NotConfirmed(Refusal):
    """A deletion that cannot be undone needs to be confirmed."""

    reason = "not_confirmed"


def remove_exchange(
    viewer: Viewer, *, account_id: int, reason: str, now: dt.datetime, is_confirmed: bool
) -> Progress:
    """How the customer's Exchange stands right after its end was ordered.

    Unconfirmed (a job that deletes a debtor's account) it is only suspended, and stays so until somebody confirms (M7).

    Args:
        reason: what stands behind it, "subscription cancelled".
        is_confirmed: a person said that everything is to be deleted.
    Raises:
        NotVisible, NotAllowed: not this viewer's account.
        NotConfirmed: no reason was given.
    """
    accounts.require_acting(viewer, account_id)
    if not reason.strip():
        raise NotConfirmed("Say why Exchange is removed.")
    found = queries.account_resource(viewer, account_id)
    if found is None:
        return queries.progress(viewer, account_id)
    if not is_confirmed:
        set_exchange_status.set_exchange_status(
            account_id=account_id, is_active=False, now=now, actor=viewer.actor
        )
        return queries.progress(viewer, account_id)
    with transaction.atomic():
        operations.withdraw(resource_id=found.id, reason=reason.strip(), now=now, actor=viewer.actor)
        for zone in queries.zones_of(viewer, account_id):
            zones.plan_mail(zone_id=zone.id, now=now)
    return queries.progress(viewer, account_id)
