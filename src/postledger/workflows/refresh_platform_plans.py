"""Read the plans a platform offers, so that a seller can switch them on for plans of his."""

import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.connectors import contract
from postledger.provisioning import operations, queries
from postledger.provisioning.types import PlatformPlanView
from postledger.workflows import _platform


def refresh_platform_plans(
    viewer: Viewer, *, connection_id: int, now: dt.datetime
) -> tuple[PlatformPlanView, ...]:
    """The plans of a connection as the platform lists them now; those no longer there are marked gone.

    Raises:
        NotVisible, NotAllowed: not this viewer's connection.
        contract.TemporaryFailure, contract.PermanentFailure: the platform could not be asked.
    """
    found = queries.connection(viewer, connection_id)
    accounts.require_seller(viewer, found.seller_id)
    cause = _platform.Cause(actor=viewer.actor, purpose="refresh_platform_plans", now=now)
    try:
        with _platform.platform(connection_id=connection_id, cause=cause) as session:
            plans = session.list_plans()
    except contract.Failure as error:
        _platform.note_failure(connection_id=connection_id, error=error, now=now)
        raise
    operations.record_platform_plans(
        connection_id=connection_id,
        plans=[
            {
                "reference": plan.id,
                "name": plan.name,
                "scope": plan.scope,
                "is_available": plan.is_available,
                "description": plan.description,
                "limits": {limit.meter: limit.amount for limit in plan.limits},
            }
            for plan in plans
        ],
        now=now,
    )
    return queries.platform_plans(viewer, connection_id)
