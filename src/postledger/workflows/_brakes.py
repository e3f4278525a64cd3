"""The brake on mass changes, as the worker and the preview both ask it."""

import datetime as dt
from dataclasses import dataclass

from postledger.core.errors import NeedsOperator, Refusal
from postledger.provisioning import queries
from postledger.resources import spec


@dataclass(frozen=True)
class Brake:
    """Roots of the trees from which nothing may be taken away now, and why; empty while the brake is off."""

    roots: frozenset[int] = frozenset()
    words: str = ""

    def require_passed(self, root_id: int) -> None:
        """Nothing, when the brake does not hold this tree.

        Raises:
            NeedsOperator: reason `mass_change`: it does.
        """
        if root_id in self.roots:
            raise NeedsOperator(self.words, reason=queries.MASS_CHANGE)


def mass_brake(*, connection_id: int, now: dt.datetime) -> Brake:
    """The brake on a connection: on when something would be taken away from too many trees in one go."""
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
    except NeedsOperator as stop:
        return Brake(frozenset(taking), str(stop))
    return Brake()
