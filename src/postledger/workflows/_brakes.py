"""The brake on mass changes, as the worker and the preview both ask it."""

import datetime as dt

from postledger.core.errors import NeedsOperator, Refusal
from postledger.provisioning import queries
from postledger.resources import spec

MASS = (
    "Too much would be suspended or deleted on this connection in one go. Check that the platform and the subscriptions "
    "are right, then confirm."
)


def braked_trees(*, connection_id: int, now: dt.datetime) -> frozenset[int]:
    """Roots of trees from which something would be taken away, when these are too many for one round."""
    taking: dict[int, spec.Changeset] = {}
    for found in queries.due_unconfirmed(connection_id=connection_id, now=now):
        wish = spec.load(kind=found.kind, data=found.desired) if found.is_wanted else None
        seen = spec.load(kind=found.kind, data=found.observed or {})
        try:
            planned = spec.changeset(kind=found.kind, desired=wish, observed=seen)
        except Refusal:
            continue  # it will say so itself when its turn comes
        if planned.takes_away:
            taking[found.root_id] = planned
    try:
        spec.brake_mass(changesets=taking.values(), total=queries.trees_on(connection_id=connection_id))
    except NeedsOperator:
        return frozenset(taking)
    return frozenset()
