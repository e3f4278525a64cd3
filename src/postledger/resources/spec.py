"""From a wish and a finding to a changeset, and the brakes that stop one.

Invariant: a changeset is computed without any platform, so what is previewed is what is applied. Things are added
before others are removed, a resume comes first and a suspension last.
"""

import dataclasses
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from postledger.core import diff
from postledger.core.errors import NeedsOperator, Refusal
from postledger.resources import dns, exchange

Action = Literal["create", "set", "add", "remove", "delete"]
Spec = exchange.Spec | dns.RecordSet

KINDS: Mapping[str, type[Any]] = {
    exchange.ACCOUNT: exchange.Account,
    exchange.ORGANIZATION: exchange.Organization,
    exchange.DOMAIN: exchange.OrganizationDomain,
    exchange.MAILBOX: exchange.Mailbox,
    exchange.CONTACT: exchange.Contact,
    exchange.DISTRIBUTION_LIST: exchange.DistributionList,
    exchange.PUBLIC_FOLDER: exchange.PublicFolder,
    dns.RECORDS: dns.RecordSet,
}
"""Resource kind → the class of its specs."""

_IDENTITY: Mapping[str, str] = {
    exchange.ACCOUNT: "username",
    exchange.ORGANIZATION: "code",
    exchange.DOMAIN: "name",
    exchange.MAILBOX: "address",
    exchange.CONTACT: "address",
    exchange.DISTRIBUTION_LIST: "address",
    exchange.PUBLIC_FOLDER: "path",
}

_TOGETHER: Mapping[str, tuple[str, ...]] = {
    exchange.ACCOUNT: (
        *("first_name", "last_name", "email", "company", "phone"),
        *("street", "city", "region", "postcode", "country"),
    ),
    exchange.ORGANIZATION: (
        *("issue_warning_mib", "prohibit_send_mib", "prohibit_send_receive_mib", "keep_deleted_days"),
    ),
    exchange.MAILBOX: ("display_name",),
    exchange.CONTACT: ("address", "display_name", "is_hidden"),
    exchange.DISTRIBUTION_LIST: ("display_name", "manager", "members", "is_hidden"),
}
"""Fields of a kind that platforms write in one go."""

_MAY_BE_RENAMED = frozenset({exchange.CONTACT})
"""Kinds whose identity can be changed on the platform."""

_TOLD_BY_NAME = 5
MASS_FLOOR = 5
MASS_SHARE = 0.1


class IdentityMismatch(Refusal):
    """The wish and the finding are two different things."""

    reason = "identity_mismatch"


class FixedField(Refusal):
    """The field can only be chosen when the thing is made."""

    reason = "fixed_field"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One step of a changeset.

    Args:
        action: `create` and `delete` concern the whole thing, `set` plain fields, `add` and `remove` a member of a
            set or mapping (an add-on, an alias, a list's members); a member's new quantity is a `set`, and so is
            whatever is written in one go.
        kind, name: which thing.
        fields: what differs; empty for `create` and `delete`.
        spec: the whole wish for `create` and changes, the whole finding for `delete`.
    """

    action: Action
    kind: str
    name: str
    fields: tuple[diff.Difference, ...] = ()
    spec: Any = None

    @property
    def takes_away(self) -> bool:
        """True when somebody could lose data or access by it."""
        suspends = any(d.field == "status" and d.after == "suspended" for d in self.fields)
        disables = any(d.field == "is_enabled" and d.after is False for d in self.fields)
        return self.action == "delete" or suspends or disables

    def words(self) -> str:
        """The step in words, for a preview and for the log."""
        thing = f"{self.kind.removeprefix('exchange_').replace('_', ' ')} {self.name}"
        if self.action in ("create", "delete"):
            return f"{self.action} {thing}"
        parts = []
        for d in self.fields:
            label = d.field.replace("_", " ")
            if d.member is None:
                parts.append(f"{label} {_shown(d.before)} → {_shown(d.after)}")
            elif not d.comes and not d.goes:
                parts.append(f"{label} {d.member} {_shown(d.before)} → {_shown(d.after)}")
        for verb in ("add", "remove"):
            found = [d for d in self.fields if (d.comes if verb == "add" else d.goes)]
            if len(found) > _TOLD_BY_NAME:
                parts.append(f"{verb} {len(found)} {found[0].field.replace('_', ' ')}")
            else:
                parts += [f"{verb} {d.field.replace('_', ' ')} {d.member}" for d in found]
        return f"change {thing}: " + ", ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Changeset:
    """All steps that make one thing as it is wished, in the order they have to be taken; empty when it is so."""

    kind: str
    name: str
    changes: tuple[Change, ...]

    @property
    def is_empty(self) -> bool:
        """True when nothing has to change."""
        return not self.changes

    @property
    def deletes(self) -> bool:
        """True when the thing itself goes."""
        return any(change.action == "delete" for change in self.changes)

    @property
    def takes_away(self) -> bool:
        """True when a step could cost somebody data or access."""
        return any(change.takes_away for change in self.changes)


def name_of(*, kind: str, spec: Any) -> str:
    """The identity of a spec, as text."""
    if kind == dns.RECORDS:
        return f"{spec.name} {spec.type}"
    return str(getattr(spec, _IDENTITY[kind]))


def changeset(*, kind: str, desired: Any, observed: Any) -> Changeset:
    """The steps from what is there to what is wished.

    Args:
        desired: a spec of `kind`, or `None` when the thing should not be.
        observed: a spec of `kind`, or `None` when it is not there.
    Raises:
        IdentityMismatch: the two name different things.
        FixedField: the wish changes what can only be chosen at the start.
    """
    if desired is None and observed is None:
        return Changeset(kind=kind, name="", changes=())
    if observed is None:
        name = name_of(kind=kind, spec=desired)
        return Changeset(
            kind=kind, name=name, changes=(Change(action="create", kind=kind, name=name, spec=desired),)
        )
    if desired is None:
        name = name_of(kind=kind, spec=observed)
        return Changeset(
            kind=kind, name=name, changes=(Change(action="delete", kind=kind, name=name, spec=observed),)
        )
    name = name_of(kind=kind, spec=desired)
    if kind not in _MAY_BE_RENAMED and name.casefold() != name_of(kind=kind, spec=observed).casefold():
        raise IdentityMismatch(
            f"“{name}” was compared with “{name_of(kind=kind, spec=observed)}”. Look again."
        )
    if (
        kind == exchange.MAILBOX
        and None not in (desired.kind, observed.kind)
        and desired.kind != observed.kind
    ):
        raise FixedField(
            f"The mailbox {name} was made as {observed.kind} and cannot become {desired.kind}. Make a new one instead."
        )
    found = [
        d
        for d in diff.differences(desired=desired, observed=observed)
        if d.field != "kind" and (d.field != _IDENTITY.get(kind) or kind in _MAY_BE_RENAMED)
    ]
    together = _TOGETHER.get(kind, ())
    grouped = tuple(d for d in found if d.field in together)
    changes = [_change(kind, name, desired, (d,)) for d in found if d.field not in together]
    if grouped:
        changes.append(_change(kind, name, desired, grouped))
    return Changeset(kind=kind, name=name, changes=tuple(sorted(changes, key=_turn)))


def _change(kind: str, name: str, desired: Any, found: tuple[diff.Difference, ...]) -> Change:
    action: Action = "set"
    if all(d.comes for d in found):
        action = "add"
    elif all(d.goes for d in found):
        action = "remove"
    return Change(action=action, kind=kind, name=name, fields=found, spec=desired)


def _turn(change: Change) -> int:
    """When a step's turn comes: resume, add, set, remove, suspend."""
    if any(d.field == "status" and d.after == "active" for d in change.fields):
        return 0
    if change.takes_away:
        return 4
    return {"create": 1, "add": 1, "set": 2, "remove": 3, "delete": 4}[change.action]


def brake_deletion(*, changeset: Changeset, is_cancelled: bool) -> None:
    """Nothing, or a stop: a deletion passes only with a cancelled subscription behind it.

    Raises:
        NeedsOperator: reason `unexpected_deletion`.
    """
    if changeset.deletes and not is_cancelled:
        raise NeedsOperator(
            f"“{changeset.name}” would be deleted on the platform, but no subscription was cancelled for it. "
            "Cancel the subscription, or confirm the deletion.",
            reason="unexpected_deletion",
        )


def brake_mass(*, changesets: Iterable[Changeset], total: int) -> None:
    """Nothing, or a stop: one round may take something away from a tenth of all accounts, or from five.

    Args:
        changesets: one for each account from which one round is about to take something away on one connection.
        total: how many accounts of ours that connection holds.
    Raises:
        NeedsOperator: reason `mass_change`.
    """
    count = sum(1 for entry in changesets if entry.takes_away)
    if count > max(MASS_FLOOR, int(total * MASS_SHARE)):
        raise NeedsOperator(
            f"{count} of {total} accounts on this connection would be suspended or have something deleted in one go, so "
            "none of it is done. Check that the platform and the subscriptions are right, then let them go on or refuse it.",
            reason="mass_change",
        )


def dump(*, spec: Any) -> dict[str, Any]:
    """The spec as values that can be stored as JSON; fields without an opinion are left out."""
    data: dict[str, Any] = {}
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        if value is None:
            continue
        if isinstance(value, frozenset):
            value = sorted(value)
        elif isinstance(value, Mapping):
            value = dict(sorted(value.items()))
        data[field.name] = value
    return data


def load(*, kind: str, data: Mapping[str, Any]) -> Any:
    """The spec of `kind` that `dump` wrote; fields this version does not know are ignored.

    Raises:
        KeyError: the kind is unknown.
    """
    cls = KINDS[kind]
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        if field.name not in data:
            continue
        value = data[field.name]
        values[field.name] = (
            frozenset(value) if "frozenset" in str(hints[field.name]) and value is not None else value
        )
    return cls(**values)


_VALIDATORS: Mapping[str, Any] = {
    exchange.ACCOUNT: exchange.validated_account,
    exchange.ORGANIZATION: exchange.validated_organization,
    exchange.DOMAIN: exchange.validated_domain,
    exchange.MAILBOX: exchange.validated_mailbox,
    exchange.CONTACT: exchange.validated_contact,
    exchange.DISTRIBUTION_LIST: exchange.validated_list,
    exchange.PUBLIC_FOLDER: exchange.validated_folder,
}


def validated(*, kind: str, spec: Any) -> Any:
    """The spec with its names in their proper form.

    Raises:
        Refusal: one of those of `resources.names` and `resources.exchange`.
    """
    validate = _VALIDATORS.get(kind)
    return validate(spec=spec) if validate is not None else spec


def _shown(value: Any) -> str:
    return "nothing" if value in (None, "") else str(value)
