"""What is about to be changed on a connection, what was stopped, and letting a stopped thing go on.

Invariant: a stopped thing goes on only when its seller says so, and what he said stays in the events.
"""

import datetime as dt

from django.db import transaction
from django.db.models import Q

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.events import operations as events
from postledger.provisioning import operations, queries
from postledger.provisioning.differences import NoReason
from postledger.provisioning.models import Resource
from postledger.provisioning.types import ResourceView

STOPPED = ("needs_operator", "refused", "drifted")
DECIDABLE = frozenset(
    {
        *(queries.MASS_CHANGE, "unexpected_deletion", "holds_more"),
        *("vanished", "changed_there", "confirm_adoption"),
    }
)
"""Reasons of stops that end when the seller says that it is right so. All others end when their cause is put right."""


class OthersStopped(Refusal):
    """There are more or fewer stopped changes than whoever lets them go on has seen."""

    reason = "others_stopped"


class NotDecidable(Refusal):
    """Saying that it is right so would not help."""

    reason = "not_decidable"


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
        NotDecidable: it is stopped by something that has to be put right first.
    """
    found = queries.resource(viewer, resource_id)
    accounts.require_selling_to(viewer, found.account_id)
    if not because.strip():
        raise NoReason(f"Say why {queries.title(found)} may go on.")
    if found.reason and found.condition in STOPPED and found.reason not in DECIDABLE:
        raise NotDecidable(
            f"{queries.title(found)} would be stopped again: {found.words} When that is put right, have it tried again."
        )
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


def held_back(viewer: Viewer, connection_id: int) -> tuple[ResourceView, ...]:
    """What the brake on mass changes has stopped on a connection and nobody has decided about yet.

    Raises:
        NotVisible: the connection is none of his.
    """
    queries.connection(viewer, connection_id)
    rows = Resource.objects.filter(
        connection_id=connection_id, gone_at=None, condition="needs_operator", reason=queries.MASS_CHANGE
    )
    return tuple(queries.resource_view(row) for row in rows.order_by("pk"))


def release_all(
    viewer: Viewer, *, connection_id: int, count: int, because: str, now: dt.datetime
) -> tuple[ResourceView, ...]:
    """Everything the brake on mass changes has stopped on a connection, let pass it, for this reason.

    Args:
        count: how many they are: whoever lets so much happen has counted it.
    Raises:
        NotVisible, NotAllowed: not his to release; only the connection's seller may.
        NoReason: say why. OthersStopped: their number is another one.
    """
    accounts.require_seller(viewer, queries.connection(viewer, connection_id).seller_id)
    if not because.strip():
        raise NoReason("Say why all of it may go on.")
    with transaction.atomic():
        found = held_back(viewer, connection_id)
        if len(found) != count:
            raise OthersStopped(
                f"The brake holds {len(found)} changes and not {count}. Nothing was let go on. Look at them again."
            )
        return tuple(release(viewer, resource_id=entry.id, because=because, now=now) for entry in found)
