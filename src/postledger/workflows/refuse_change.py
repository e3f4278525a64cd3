"""Take back a change that was stopped before it was made on a platform."""

import dataclasses
import datetime as dt
from typing import Any

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.connectors import contract
from postledger.core.errors import Refusal
from postledger.events import operations as events
from postledger.provisioning import operations, queries, releases
from postledger.provisioning.differences import NoReason
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange, spec
from postledger.subscriptions import queries as subscriptions
from postledger.workflows import _platform

_IN_FORCE = frozenset({"active", "trial", "waiting"})


class FollowsSubscription(Refusal):
    """The change would come back at once, for the platform follows the subscription."""

    reason = "follows_subscription"


class NotStopped(Refusal):
    """It is not stopped, or goes with something that is."""

    reason = "not_stopped"


def refuse_change(viewer: Viewer, *, resource_id: int, because: str, now: dt.datetime) -> ResourceView:
    """The stopped thing, wished as it stands on the platform, for this reason; nothing is changed there.

    A deletion is taken back, with all that was to go with it. What was changed on the platform is taken over. What has
    vanished there, or was never made, is given up here.

    Raises:
        NotVisible, NotAllowed: not his to decide; only its seller may.
        NoReason, NotStopped, FollowsSubscription: the message says what.
        contract.TemporaryFailure, contract.PermanentFailure, NeedsOperator: the platform could not be asked how it is.
    """
    found = queries.resource(viewer, resource_id)
    accounts.require_selling_to(viewer, found.account_id)
    if not because.strip():
        raise NoReason(f"Say why {queries.title(found)} is to stay as it is.")
    if found.gone_at is not None or found.condition not in releases.STOPPED:
        raise NotStopped(f"{queries.title(found)} is not stopped. Look at the list again.")
    parent = None if found.parent_id is None else queries.one(found.parent_id)
    if not found.is_wanted and parent is not None and not parent.is_wanted:
        raise NotStopped(f"{queries.title(found)} goes with {queries.title(parent)}. Refuse that.")
    _require_free(found)
    seen = _there(viewer, found, parent, now)
    if not found.is_wanted:
        for entry in _with_all_inside(found):
            operations.change_back(resource_id=entry.id, now=now, actor=viewer.actor)
    elif seen is None:
        if found.creating_since is not None:
            raise NotStopped(
                f"{queries.title(found)} may have been made in part. Have it tried again, or remove it."
            )
        operations.withdraw(resource_id=found.id, reason="refused", now=now, actor=viewer.actor)
    else:
        wish = spec.load(kind=found.kind, data=found.desired)
        _require_same_status(found, seen)
        operations.change_wish(
            resource_id=found.id, desired=_as_seen(wish, seen), now=now, actor=viewer.actor
        )
        operations.look_again(viewer, resource_id=found.id, now=now)
    events.note(
        seller_id=found.seller_id,
        account_id=found.account_id,
        kind=f"{found.kind}.change_refused",
        subject=found.key,
        data={"because": because.strip()[:500], "stopped": found.words[:500]},
        at=now,
        actor=viewer.actor,
    )
    return queries.resource(viewer, resource_id)


def _require_free(found: ResourceView) -> None:
    """Nothing, when no cancelled subscription asks for the deletion.

    Raises:
        FollowsSubscription: one does.
    """
    if found.kind not in (exchange.ACCOUNT, exchange.ORGANIZATION) or found.subscription_id is None:
        return
    status = subscriptions.statuses([found.subscription_id]).get(found.subscription_id, "deleted")
    if not found.is_wanted and found.removal_reason and status == "closed":
        raise FollowsSubscription(
            f"The subscription behind {queries.title(found)} is cancelled, and the platform follows it. "
            "Subscribe the customer anew first."
        )


def _require_same_status(found: ResourceView, seen: Any) -> None:
    """Nothing, when the status on the platform is the one the subscription asks for.

    Raises:
        FollowsSubscription: it is not, and what is refused would be ordered anew at once.
    """
    if found.kind != exchange.ACCOUNT or found.subscription_id is None or not found.desired.get("status"):
        return
    status = subscriptions.statuses([found.subscription_id]).get(found.subscription_id, "deleted")
    wanted = "active" if status in _IN_FORCE else "suspended"
    if seen.status != wanted:
        raise FollowsSubscription(
            f"{queries.title(found)} is {seen.status} on the platform, and its subscription wants it {wanted}. "
            "Suspend or resume the subscription instead, or let the change go on."
        )


def _there(viewer: Viewer, found: ResourceView, parent: ResourceView | None, now: dt.datetime) -> Any:
    """The thing as the platform has it now; None when it is not there, or not ours."""
    if not found.reference or (found.parent_id is not None and (parent is None or not parent.reference)):
        return None
    cause = _platform.Cause(actor=viewer.actor, purpose="refuse_change", now=now, resource_id=found.id)
    with _platform.platform(connection_id=found.connection_id, cause=cause) as session:
        seen = session.observe(
            target=contract.Target(
                kind=found.kind,
                name=found.key,
                ref=found.reference,
                parent=parent.reference if parent is not None else None,
            )
        )
    return seen.spec if seen.is_ours else None


def _as_seen(wish: Any, seen: Any) -> Any:
    """The wish with what the platform has wherever the wish has an opinion; ceilings follow what is sold."""
    kept = {
        field.name: getattr(seen, field.name)
        for field in dataclasses.fields(wish)
        if getattr(wish, field.name) is not None and field.name != "quotas"
    }
    name = spec.name_of(kind=_kind_of(wish), spec=wish)
    made = dataclasses.replace(wish, **kept)
    return made if spec.name_of(kind=_kind_of(made), spec=made) == name else wish


def _kind_of(wish: Any) -> str:
    return next(kind for kind, cls in spec.KINDS.items() if isinstance(wish, cls))


def _with_all_inside(top: ResourceView) -> list[ResourceView]:
    """A thing and all below it, containing things first."""
    everything = queries.tree(root_id=top.root_id)
    inside = {top.id}
    for entry in everything:
        if entry.parent_id in inside:
            inside.add(entry.id)
    return [entry for entry in everything if entry.id in inside]
