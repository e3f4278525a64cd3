"""Have a worker go over a platform: for proposals of adoption, or for differences."""

import contextlib
import datetime as dt
from typing import Literal

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.connectors import registry
from postledger.core.errors import Refusal
from postledger.provisioning import queries
from postledger.provisioning.types import ConnectionView
from postledger.resources import exchange


class NoPlatform(Refusal):
    """The connection leads to nothing that can be gone over."""

    reason = "no_platform_there"


def order_walk(
    viewer: Viewer, *, connection_id: int, to: Literal["adopt", "compare"], now: dt.datetime
) -> ConnectionView:
    """The connection, about to be gone over by a worker; ordered twice before he begins, it is gone over once.

    Args:
        to: `adopt` proposes whose each account there is, and goes on with a walk that was interrupted; `compare` finds
            what is otherwise there.
    Raises:
        NotVisible, NotAllowed: the connection is none of the viewer's to change.
        NoPlatform: it hosts no Exchange, or is switched off.
    """
    held = queries.connection(viewer, connection_id)
    accounts.require_seller(viewer, held.seller_id)
    if exchange.ACCOUNT not in registry.get(held.connector).kinds or not held.is_enabled:
        raise NoPlatform(f"{held.name} is switched off or hosts no Exchange, so there is nothing to go over.")
    if to == "adopt":
        name, given = "propose_adoptions", {"user_id": viewer.user_id}
    else:
        name, given = "find_drift_on", {"now": now.isoformat()}
    with contextlib.suppress(AlreadyEnqueued), transaction.atomic():
        app.configure_task(name, queueing_lock=f"{name}-{held.id}").defer(connection_id=held.id, **given)
    return held
