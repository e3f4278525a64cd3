"""What Exchange holds, by meter, as far as it follows from what is ordered; and what one mailbox more or another one changes."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from postledger.provisioning.types import ResourceView
from postledger.resources import exchange

GRANTED = "exchange.disk_allocated"
_COUNTED: Mapping[str, str] = {
    exchange.ORGANIZATION: "exchange.organizations",
    exchange.DOMAIN: "exchange.domains",
    exchange.CONTACT: "exchange.contacts",
    exchange.DISTRIBUTION_LIST: "exchange.lists",
    exchange.PUBLIC_FOLDER: "exchange.folders",
}
_BOXES: Mapping[str, str] = {
    "user": "exchange.mailboxes",
    "shared": "exchange.shared_mailboxes",
    "room": "exchange.resource_mailboxes",
    "equipment": "exchange.resource_mailboxes",
}
_FEATURES = {name: f"exchange.{name}" for name in ("activesync", "blackberry", "ocs", "lync", "sfb")}
_NONE = Fraction(0)


def nothing() -> dict[str, Fraction]:
    """What an account holds that has no Exchange yet."""
    return dict.fromkeys((*_COUNTED.values(), *_BOXES.values(), "exchange.disk", GRANTED), _NONE)


def ordered(things: Iterable[ResourceView], *, read: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Meter → units that are wanted; storage in GB.

    Sizes and features that a platform's own plans decide are taken as they were found; where one was not found yet, the
    latest reading stands if it is more. What nobody orders is left out.

    Args:
        read: what each meter showed last.
    """
    wanted = [found for found in things if found.is_wanted]
    held = dict.fromkeys((*_COUNTED.values(), *_BOXES.values()), _NONE)
    boxes = [found for found in wanted if found.kind == exchange.MAILBOX]
    for found in wanted:
        if found.kind in _COUNTED:
            held[_COUNTED[found.kind]] += 1
    for box in boxes:
        held[_BOXES.get(_told(box, "kind") or "user", "exchange.mailboxes")] += 1
    sizes = [_size(_told(box, "quota_mib")) for box in boxes]
    _sum_up(held, GRANTED, sizes, read)
    for name, meter in _FEATURES.items():
        found_on = [_told(box, "features") for box in boxes]
        _sum_up(held, meter, [None if on is None else Fraction(name in on) for on in found_on], read)
    return held


def difference(
    things: Sequence[ResourceView], *, before: exchange.Mailbox | None, after: exchange.Mailbox
) -> dict[str, Fraction | None]:
    """Meter → how much more a mailbox brings; None where its size follows a plan of the platform nobody has told us of,
    or has no limit at all.

    Args:
        things: what the account holds; the sizes of its other mailboxes tell what the platform's plans grant.
        before: None for a mailbox that is new.
    """
    boxes = [found for found in things if found.kind == exchange.MAILBOX and found.is_wanted]
    more: dict[str, Fraction | None] = {}
    if before is None:
        kind = after.kind or "user"
        more[_BOXES[kind]] = Fraction(1)
        if kind == "user":
            more["exchange.users"] = Fraction(1)
    grown = _granted(after, boxes)
    if before is None:
        more[GRANTED] = grown
    elif (before.quota_mib, before.plan) != (after.quota_mib, after.plan):
        had = _granted(before, boxes)
        more[GRANTED] = None if grown is None else grown - (had or _NONE)
    for name, meter in _FEATURES.items():
        if after.features is not None:
            had_it = before is not None and name in (before.features or ())
            more[meter] = Fraction(int(name in after.features) - int(had_it))
    return {meter: units for meter, units in more.items() if units is None or units}


def sum_of(*parts: Mapping[str, Fraction | None]) -> dict[str, Fraction | None]:
    """Several differences together; what nobody can say in one of them cannot be said of the sum."""
    total: dict[str, Fraction | None] = {}
    for part in parts:
        for meter, units in part.items():
            had = total.get(meter, _NONE)
            total[meter] = None if had is None or units is None else had + units
    return total


def _granted(box: exchange.Mailbox, others: Sequence[ResourceView]) -> Fraction | None:
    """GB that a mailbox is granted: its own size, that of its mailbox plan, or the largest of the others."""
    if box.quota_mib is not None:
        return _size(box.quota_mib)
    own = [found for found in others if found.key == box.address.lower()]
    alike = [found for found in others if box.plan is not None and _told(found, "plan") == box.plan]
    if box.plan is not None and not alike:
        return None
    sizes = [_size(_told(found, "quota_mib")) for found in (alike or own or others)]
    return max((size for size in sizes if size is not None), default=_NONE)


def _sum_up(
    held: dict[str, Fraction], meter: str, parts: Sequence[Fraction | None], read: Mapping[str, Fraction]
) -> None:
    known = [part for part in parts if part is not None]
    total = sum(known, _NONE)
    if known and len(known) == len(parts):
        held[meter] = total
    elif known:
        held[meter] = max(total, read.get(meter, _NONE))


def _told(box: ResourceView, name: str) -> Any:
    """A property as it is wished, else as it was found."""
    wished = box.desired.get(name)
    return wished if wished is not None else (box.observed or {}).get(name)


def _size(mib: int | None) -> Fraction | None:
    return None if mib is None or mib == exchange.UNLIMITED else Fraction(mib, 1024)
