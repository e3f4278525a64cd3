"""Desired minus observed, for any two frozen dataclasses of one type.

Invariant: `None` on either side is *no statement* and never a difference: a wish without an opinion changes nothing,
and what a platform cannot tell is not put right again and again. Sets and mappings are compared member by member, so
that a change names what comes and what goes instead of replacing the whole.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KIND_KEY = "diff"
"""Key in a dataclass field's metadata: `ignore` leaves the field out, `nocase` compares text without regard to case."""


@dataclass(frozen=True)
class Difference:
    """One field, or one member of a set or mapping, that is not as it should be.

    Args:
        field: the field's name.
        member: the key of a mapping or the member of a set; `None` for a plain value.
        before: what was found; `None` when the member is missing.
        after: what is wanted; `None` when the member has to go.
    """

    field: str
    member: str | None
    before: Any
    after: Any

    @property
    def comes(self) -> bool:
        """True for a member that has to be added."""
        return self.member is not None and self.before is None

    @property
    def goes(self) -> bool:
        """True for a member that has to be removed."""
        return self.member is not None and self.after is None


def differences(*, desired: Any, observed: Any) -> tuple[Difference, ...]:
    """What separates two values of one dataclass, in the order of its fields.

    Args:
        desired: a dataclass instance; fields that are `None` have no opinion.
        observed: an instance of the same class; fields that are `None` could not be told.
    Returns:
        Empty when nothing has to change.
    Raises:
        TypeError: the two are not of one class.
    """
    if type(desired) is not type(observed):
        raise TypeError(f"cannot compare {type(desired).__name__} with {type(observed).__name__}")
    found: list[Difference] = []
    for field in dataclasses.fields(desired):
        how = field.metadata.get(KIND_KEY)
        if how == "ignore":
            continue
        wanted, present = getattr(desired, field.name), getattr(observed, field.name)
        if wanted is None or present is None:
            continue
        if isinstance(wanted, frozenset) and isinstance(present, frozenset):
            found.extend(_members(field.name, {m: m for m in wanted}, {m: m for m in present}))
        elif isinstance(wanted, Mapping) and isinstance(present, Mapping):
            found.extend(_members(field.name, wanted, present))
        elif how == "nocase":
            if str(wanted).casefold() != str(present).casefold():
                found.append(Difference(field.name, None, present, wanted))
        elif wanted != present:
            found.append(Difference(field.name, None, present, wanted))
    return tuple(found)


def _members(name: str, wanted: Mapping[Any, Any], present: Mapping[Any, Any]) -> list[Difference]:
    """Additions first, then changes, then removals: what is needed is there before what is not needed goes."""
    added = [Difference(name, str(k), None, wanted[k]) for k in sorted(wanted.keys() - present.keys())]
    changed = [
        Difference(name, str(k), present[k], wanted[k])
        for k in sorted(wanted.keys() & present.keys())
        if wanted[k] != present[k]
    ]
    removed = [Difference(name, str(k), present[k], None) for k in sorted(present.keys() - wanted.keys())]
    return added + changed + removed
