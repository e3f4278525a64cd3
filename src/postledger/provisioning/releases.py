"""What is about to be changed on a connection, what was stopped, and letting a stopped thing go on.

Invariant: a stopped thing goes on only when its seller says so, and what he said stays in the events.
"""

import datetime as dt

from django.db import transaction
from django.db.models import Q

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.events import operations as events
from postledger.provisioning import operations, queries
from postledger.provisioning.differences import NoReason
from postledger.provisioning.models import Resource
from postledger.provisioning.types import ResourceView

STOPPED = ("needs_operator", "refused", "drifted")


def pending(
    viewer: Viewer, connection_id: int, *, now: dt.datetime, most: int = 500
) -> tuple[ResourceView, ...]:
    """The things of a connection that are due or were stopped, in the order of their trees.

    Raises:
        NotVisible: the connection is none of his.
    """
    queries.connection(viewer, connection_id)
    rows = Resource.objects.filter(
        Q(due_at__lte=now) | Q(condition__in=STOPPED), connection_id=connection_id, gone_at=None
    )
    found = [queries.resource_view(row) for row in rows.order_by("pk")[:most]]
    return tuple(sorted(found, key=lambda entry: (entry.root_id, queries.DEPTH.get(entry.kind, 3), entry.id)))


def parents_of(found: tuple[ResourceView, ...]) -> dict[int, ResourceView]:
    """What contains these things, by number; for the preview."""
    wanted = {entry.parent_id for entry in found if entry.parent_id is not None}
    return {row.pk: queries.resource_view(row) for row in Resource.objects.filter(pk__in=wanted)}


def release(viewer: Viewer, *, resource_id: int, because: str, now: dt.datetime) -> ResourceView:
    """The stopped thing, due at once and let pass the brakes, for this reason.

    Raises:
        NotVisible, NotAllowed: not his to release; only its seller may. NoReason: say why.
    """
    found = queries.resource(viewer, resource_id)
    accounts.require_selling_to(viewer, found.account_id)
    if not because.strip():
        raise NoReason(f"Say why {queries.title(found)} may go on.")
    with transaction.atomic():
        events.note(
            seller_id=found.seller_id,
            account_id=found.account_id,
            kind=f"{found.kind}.released",
            subject=found.key,
            data={"because": because.strip()[:500], "stopped": found.words[:500]},
            at=now,
            actor=viewer.actor,
        )
        return operations.look_again(viewer, resource_id=resource_id, now=now, confirm=True)
