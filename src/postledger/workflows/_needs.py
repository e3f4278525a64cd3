"""What in the same organization has to be there before a thing can be made as it is wished.

Invariant: nobody waits for ever for what is refused: a list is made with the members that are there, and the others are
added when they come.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from postledger.provisioning.types import ResourceView
from postledger.resources import exchange


@dataclass(frozen=True)
class Needs:
    """What a thing waits for: `first` before anything of it is done, `later` for the rest of its members."""

    first: tuple[ResourceView, ...] = ()
    later: tuple[ResourceView, ...] = ()


def of(*, entry: ResourceView, wish: Any, tree: Iterable[ResourceView]) -> Needs:
    """What a list or folder waits for; nothing for any other thing.

    A list waits for its manager, and for a contact that is being given another address: by its old one the platform would
    take it out, by its new one it does not know it. A folder waits for the one it lies in.
    """
    if entry.kind == exchange.PUBLIC_FOLDER:
        above = entry.key.rpartition("\\")[0]
        return Needs(
            first=tuple(
                other for other in _beside(entry, tree) if other.key == above and not _is_there(other)
            )
        )
    if entry.kind != exchange.DISTRIBUTION_LIST:
        return Needs()
    members: Collection[str] = wish.members or ()
    beside = [other for other in _beside(entry, tree) if other.key in members or other.key == wish.manager]
    first = [
        other
        for other in beside
        if _is_renamed(other) or (other.key == wish.manager and not _is_there(other))
    ]
    later = [other for other in beside if not _is_there(other)]
    return Needs(first=tuple(first), later=tuple(later))


def waiting_for(*, entry: ResourceView, tree: Iterable[ResourceView]) -> list[ResourceView]:
    """Lists and folders that may go on once this thing is there."""
    found = []
    for other in _beside(entry, tree):
        if other.condition != "waiting" or other.due_at is not None:
            continue
        is_named = entry.key == other.desired.get("manager") or entry.key in other.desired.get("members", ())
        if is_named or other.key.startswith(entry.key + "\\"):
            found.append(other)
    return found


def _beside(entry: ResourceView, tree: Iterable[ResourceView]) -> list[ResourceView]:
    return [
        other
        for other in tree
        if other.parent_id == entry.parent_id and other.id != entry.id and other.is_wanted
    ]


def _is_there(other: ResourceView) -> bool:
    return bool(other.reference)


def _is_renamed(other: ResourceView) -> bool:
    """True for a contact that the platform still knows by another address."""
    seen = other.observed or {}
    return other.kind == exchange.CONTACT and seen.get("address", other.key) != other.key
