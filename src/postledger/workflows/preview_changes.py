"""What the next round of work would change on a platform, in words, and what stops it."""

import contextlib
import datetime as dt
from dataclasses import dataclass
from typing import Any

from postledger.accounts.types import Viewer
from postledger.connectors import contract
from postledger.core.errors import NeedsOperator, Refusal
from postledger.provisioning import queries, releases
from postledger.provisioning.types import ResourceView
from postledger.resources import spec
from postledger.workflows import _brakes, _platform


@dataclass(frozen=True)
class Planned:
    """One thing that is due or stopped.

    Attributes:
        steps: what would be done, in words, in this order; empty when nothing has to change.
        stop: why nothing of it is done before somebody decides, or as long as it waits; empty when it is done.
        reason: the stable code of the stop, such as `mass_change` or `unexpected_deletion`.
        needs_release: an operator has to let it go on.
    """

    resource: ResourceView
    title: str
    steps: tuple[str, ...]
    stop: str
    reason: str
    needs_release: bool


def preview_changes(
    viewer: Viewer, *, connection_id: int, now: dt.datetime, is_live: bool = True
) -> tuple[Planned, ...]:
    """Everything due or stopped on a connection with its changeset, compared and braked by the code that acts on it.

    Nothing is changed, there or here.

    Args:
        is_live: look at the platform now; else what was seen there last is compared.
    Raises:
        NotVisible: the connection is none of the viewer's.
        contract.TemporaryFailure, contract.PermanentFailure: the platform could not be asked.
    """
    found = releases.pending(viewer, connection_id, now=now)
    parents = releases.parents_of(found)
    brake = _brakes.mass_brake(connection_id=connection_id, now=now)
    cause = _platform.Cause(actor=viewer.actor, purpose="preview_changes", now=now)
    with contextlib.ExitStack() as stack:
        session: Any = None
        if is_live and found:
            session = stack.enter_context(_platform.platform(connection_id=connection_id, cause=cause))
        return tuple(_planned(entry, parents, session, brake) for entry in found)


def _planned(
    entry: ResourceView, parents: dict[int, ResourceView], session: Any, brake: _brakes.Brake
) -> Planned:
    wish = spec.load(kind=entry.kind, data=entry.desired) if entry.is_wanted else None
    stop, reason, planned = "", "", spec.Changeset(kind=entry.kind, name=entry.key, changes=())
    parent = parents.get(entry.parent_id or 0)
    has_waited = entry.parent_id is not None and (parent is None or not parent.reference)
    try:
        if has_waited and parent is not None and entry.is_wanted:
            stop, reason = f"Waits for {queries.title(parent)}.", "waits_for_parent"
            seen = None
        else:
            seen = None if has_waited else _seen(entry, parent, session)
        planned = spec.changeset(kind=entry.kind, desired=wish, observed=seen)
        if not stop:
            stop, reason = _stop(entry, planned, seen, brake)
    except (Refusal, NeedsOperator, contract.PermanentFailure) as error:
        stop, reason = str(error), error.reason
    if entry.condition in releases.STOPPED and not stop:
        stop, reason = entry.words, entry.reason
    return Planned(
        resource=entry,
        title=queries.title(entry),
        steps=tuple(change.words() for change in planned.changes),
        stop=stop,
        reason=reason,
        needs_release=bool(stop) and not has_waited,
    )


def _stop(entry: ResourceView, planned: spec.Changeset, seen: Any, brake: _brakes.Brake) -> tuple[str, str]:
    """Why the worker would not apply the changeset, in words and as a code; both empty when he would."""
    if not entry.is_wanted:
        spec.brake_deletion(changeset=planned, is_cancelled=bool(entry.removal_reason) or entry.is_confirmed)
    if planned.takes_away and not entry.is_confirmed:
        brake.require_passed(entry.root_id)
    was_there = bool(entry.reference) and entry.observed is not None and not entry.may_adopt
    if entry.is_wanted and was_there and seen is None:
        return "It is no longer on the platform and was not removed here.", "vanished"
    is_nightly = entry.is_wanted and entry.generation == entry.observed_generation
    if is_nightly and not planned.is_empty and not entry.may_adopt:
        return "It was changed on the platform.", "changed_there"
    return "", ""


def _seen(entry: ResourceView, parent: ResourceView | None, session: Any) -> Any:
    if session is None:
        return None if entry.observed is None else spec.load(kind=entry.kind, data=entry.observed)
    found = session.observe(
        target=contract.Target(
            kind=entry.kind,
            name=entry.key,
            ref=entry.reference or None,
            parent=parent.reference if parent is not None else None,
        )
    )
    if found.exists and not found.is_ours:
        raise contract.ForeignObject(
            f"{queries.title(entry)} exists on the platform and belongs to somebody else."
        )
    return found.spec
