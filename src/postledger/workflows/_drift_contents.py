"""Contacts, lists and folders that were made or removed on a platform behind our back: found by name, and put right."""

import datetime as dt
from collections.abc import Callable, Iterable

from postledger.accounts.types import Viewer
from postledger.connectors import contract
from postledger.provisioning import differences, operations, queries
from postledger.provisioning.types import DifferenceView, NewDifference, ResourceView
from postledger.resources import exchange, meters
from postledger.workflows import _contents, _limits, _platform

METERS = frozenset(_limits.METERS[kind] for kind in differences.NAMED_ONE_BY_ONE)
"""Meters of what is compared by name here."""

UNLINKED, MISSING = "unlinked_contents", "missing_contents"
_NAMED = 5


def lines(
    *,
    entry: ResourceView,
    held: dict[str, dict[str, bool]],
    found: Iterable[tuple[str, str]],
    price: Callable[[str, int], int | None],
    currency: str,
    knows_all: bool,
) -> list[NewDifference]:
    """What of an account's contacts, lists and folders is on the platform only, and what is here only.

    Args:
        held: kind → name of what we want → whether it was seen there.
        found: kind and name of what is there.
        price: what so many units of a meter cost a month; None where the plan has no price.
        knows_all: every organization of the account is held here; else what is in the others is left to that.
    """
    there: dict[str, set[str]] = {}
    for kind, name in found:
        there.setdefault(kind, set()).add(name)
    made = []
    for kind in sorted(there.keys() | held.keys()):
        ours, theirs, meter = held.get(kind, {}), there.get(kind, set()), _limits.METERS[kind]
        title = meters.METERS[meter].title
        unlinked = sorted(theirs - ours.keys()) if knows_all else []
        missing = sorted(name for name, was_seen in ours.items() if was_seen and name not in theirs)
        for code, names, words, action in (
            (
                UNLINKED,
                unlinked,
                "on the platform and not kept here: {}. Link them to have them in the panel.",
                "adopt",
            ),
            (
                MISSING,
                missing,
                "kept here and no longer on the platform: {}. Correct the platform to have them made anew, or remove them.",
                "correct",
            ),
        ):
            if not names:
                continue
            without = len(theirs) - len(names) if code == UNLINKED else len(theirs)
            before, after = price(meter, without), price(meter, without + len(names))
            amount = None if before is None or after is None else after - before
            made.append(
                NewDifference(
                    code=code,
                    kind=exchange.ACCOUNT,
                    name=entry.key,
                    words=f"{title} {words.format(_listed(names))}",
                    meter=meter,
                    there=str(len(theirs)),
                    here=str(len(ours)),
                    worth=amount,
                    currency=currency if amount is not None else "",
                    action=action,
                    account_id=entry.account_id,
                    resource_id=entry.id,
                )
            )
    return made


def link(viewer: Viewer, *, account: ResourceView, now: dt.datetime) -> str:
    """What was done, in words: everything in the account's organizations is held here.

    Raises:
        contract.TemporaryFailure, contract.PermanentFailure, NeedsOperator: the platform could not be asked.
    """
    inside = _inside(viewer, account, now)
    count = sum(
        _contents.hold(organization=organization, found=inside, now=now, actor=viewer.actor)
        for organization in queries.resources_of(viewer, account.account_id, kind=exchange.ORGANIZATION)
        if organization.is_wanted and organization.parent_id == account.id
    )
    return f"{count} things in {account.key} are being linked."


def remake(viewer: Viewer, *, account: ResourceView, found: DifferenceView, now: dt.datetime) -> None:
    """Nothing; what is missing on the platform now is made there anew.

    Raises:
        contract.TemporaryFailure, contract.PermanentFailure, NeedsOperator: the platform could not be asked.
    """
    there = {(thing.kind, thing.name) for thing in _inside(viewer, account, now)}
    kind = next(kind for kind, meter in _limits.METERS.items() if meter == found.meter)
    for thing in queries.resources_of(viewer, account.account_id, kind=kind):
        if thing.is_wanted and thing.observed is not None and (kind, thing.key) not in there:
            operations.look_again(viewer, resource_id=thing.id, now=now, confirm=True)


def _inside(viewer: Viewer, account: ResourceView, now: dt.datetime) -> tuple[contract.Candidate, ...]:
    cause = _platform.Cause(actor=viewer.actor, purpose="act_on_difference", now=now, resource_id=account.id)
    target = contract.Target(kind=account.kind, name=account.key, ref=account.reference)
    with _platform.platform(connection_id=account.connection_id, cause=cause) as session:
        inside: tuple[contract.Candidate, ...] = session.inside(target=target)
    return inside


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
