"""DNS record sets: their canonical text, what mail needs, and how a hosted zone is changed and restored.

Invariant: record sets nobody of us made are never changed for good. A set that stood in the way is *hidden*: kept in
the mark of the one that took its place, and put back when that one is no longer wanted.
"""

import dataclasses
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from postledger.core.errors import Refusal
from postledger.resources import names

RECORDS = "dns_records"
DEFAULT_TTL_S = 3600
SPF_LOOKUP_LIMIT = 10

RecordType = Literal["A", "AAAA", "CNAME", "MX", "TXT", "SRV", "NS", "CAA", "PTR"]
RECORD_TYPES: tuple[str, ...] = ("A", "AAAA", "CNAME", "MX", "TXT", "SRV", "NS", "CAA", "PTR")

_LOOKUPS = re.compile(r"^[+~?-]?(include:|a$|a[:/]|mx$|mx[:/]|ptr$|ptr:|exists:)|^redirect=", re.IGNORECASE)
_WHOLE = "v=spf1 ~all"
_ALL = re.compile(r"^[+~?-]?all$", re.IGNORECASE)


class InvalidRecord(Refusal):
    """The text cannot be the content of a record of that type."""

    reason = "invalid_record"


class SpfTooManyLookups(Refusal):
    """The merged SPF record would need more DNS look-ups than receivers make."""

    reason = "spf_too_many_lookups"


class SpfAmbiguous(Refusal):
    """The zone holds more than one SPF record, which receivers treat as none."""

    reason = "spf_ambiguous"


@dataclass(frozen=True, kw_only=True)
class RecordSet:
    """All records of one name and type in a zone.

    Args:
        zone: name of the zone, no trailing dot.
        name: full owner name, no trailing dot.
        type: record type in capitals.
        values: contents in canonical presentation form, as `canonical` makes them; never empty.
        ttl_s: seconds.
    """

    zone: str
    name: str
    type: str
    values: frozenset[str]
    ttl_s: int | None = DEFAULT_TTL_S

    @property
    def key(self) -> tuple[str, str]:
        """Name and type: what tells one set of a zone from another."""
        return (self.name, self.type)


@dataclass(frozen=True, kw_only=True)
class RecordChange:
    """One record set before and after; `before` is the condition under which the change may be made.

    `None` in `before` means the set must not exist, `None` in `after` removes it.
    """

    before: RecordSet | None
    after: RecordSet | None

    @property
    def set(self) -> RecordSet:
        """Whichever side there is, for its name and type."""
        found = self.after or self.before
        assert found is not None, "a change has at least one side"
        return found


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Our note about a set we made: what we put there and what stood there before.

    Args:
        made: the set as we wrote it.
        hidden: the sets that stood in the way; put back when `made` goes.
        spf: mechanisms we merged into somebody's SPF record; then `made` is the merged set, and only these go again.
            Among them `v=spf1 ~all` when there was no such record before.
    """

    made: RecordSet
    hidden: tuple[RecordSet, ...] = ()
    spf: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ZonePlan:
    """What to change in a zone, and which marks are right afterwards.

    Args:
        changes: to be sent in one pass.
        marks: replace all marks held for the wishes that were planned.
        left: sets we made that somebody has changed since; they are left alone, with no mark any more.
    """

    changes: tuple[RecordChange, ...]
    marks: tuple[Mark, ...]
    left: tuple[RecordSet, ...] = ()


def record_set(
    *, zone: str, name: str, type: str, values: tuple[str, ...], ttl_s: int = DEFAULT_TTL_S
) -> RecordSet:
    """A record set in canonical form.

    Args:
        name: full owner name, or empty text or `@` for the zone itself.
        values: contents as people write them.
    Raises:
        names.InvalidDomain, InvalidRecord: with words.
    """
    zone = names.domain(text=zone)
    owner = zone if name.strip() in ("", "@") else names.record_name(text=name)
    kind = type.strip().upper()
    if kind not in RECORD_TYPES:
        raise InvalidRecord(
            f"Records of type “{type}” are not handled here. Use one of {', '.join(RECORD_TYPES)}."
        )
    if owner != zone and not owner.endswith("." + zone):
        raise InvalidRecord(f"“{owner}” is not in the zone {zone}. Use a name that ends in {zone}.")
    if not values:
        raise InvalidRecord(f"The {kind} records of {owner} have no content. Enter at least one value.")
    contents = frozenset(canonical(type=kind, text=value) for value in values)
    return RecordSet(zone=zone, name=owner, type=kind, values=contents, ttl_s=ttl_s)


def canonical(*, type: str, text: str) -> str:
    """The one way to write a record's content: names lower case with a trailing dot, texts quoted in 255-byte pieces.

    Raises:
        InvalidRecord: the text is no content of that type.
    Source:
        RFC 1035 §5.1.
    """
    value = text.strip()
    try:
        if type in ("A", "AAAA"):
            parsed = ipaddress.ip_address(value)
            if (parsed.version == 4) != (type == "A"):
                raise InvalidRecord(f"“{text}” is not an address for a record of type {type}.")
            return str(parsed)
        if type in ("CNAME", "NS", "PTR"):
            return _target(value)
        if type == "MX":
            preference, host = value.split()
            return f"{int(preference)} {_target(host)}"
        if type == "SRV":
            priority, weight, port, host = value.split()
            return f"{int(priority)} {int(weight)} {int(port)} {_target(host)}"
        if type == "TXT":
            return _quoted(txt(content=value))
        return " ".join(value.split())
    except ValueError:
        raise InvalidRecord(f"“{text}” cannot be the content of a record of type {type}.") from None


def txt(*, content: str) -> str:
    """The plain text of a TXT record, whether written plainly or as quoted pieces."""
    value = content.strip()
    if not value.startswith('"'):
        return value
    pieces = re.findall(r'"((?:[^"\\]|\\.)*)"', value)
    return re.sub(r"\\(.)", r"\1", "".join(pieces))


def _quoted(text: str) -> str:
    pieces = [text[start : start + 255] for start in range(0, len(text), 255)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)


def _target(text: str) -> str:
    if text == ".":
        return text
    return names.record_name(text=text) + "."


def mail_records(
    *,
    zone: str,
    domain: str,
    mail_hosts: tuple[tuple[int, str], ...],
    autodiscover: str | None = None,
    ttl_s: int = DEFAULT_TTL_S,
) -> tuple[RecordSet, ...]:
    """The record sets an Exchange domain needs, without SPF, which is merged and not replaced.

    Args:
        zone: the zone that holds `domain`.
        mail_hosts: preference and host name of each mail exchanger.
        autodiscover: host that answers for clients looking for their mailbox; a CNAME is made to it.
    Source:
        RFC 5321 §5; Autodiscover asks for `autodiscover.<domain>`.
    """
    sets = [
        record_set(
            zone=zone,
            name=domain,
            type="MX",
            values=tuple(f"{preference} {host}" for preference, host in mail_hosts),
            ttl_s=ttl_s,
        )
    ]
    if autodiscover:
        name = f"autodiscover.{domain}"
        sets.append(record_set(zone=zone, name=name, type="CNAME", values=(autodiscover,), ttl_s=ttl_s))
    return tuple(sets)


def spf_merged(
    *, present: str | None, mechanisms: tuple[str, ...], costs: Mapping[str, int] | None = None
) -> str:
    """The SPF text that allows what it allowed and our mechanisms too.

    Args:
        present: the SPF text found, or `None`; kept as it is apart from the addition.
        mechanisms: such as `include:spf.mail.example`; ones already there are not repeated.
        costs: mechanism → look-ups it causes itself, where known; without it a mechanism counts one.
    Raises:
        SpfTooManyLookups: receivers stop at ten.
    Source:
        RFC 7208 §4.6.4 and §5.
    """
    terms = (present or _WHOLE).split()
    held = {term.lower().lstrip("+") for term in terms}
    fresh = [term for term in mechanisms if term.lower().lstrip("+") not in held]
    end = next(
        (i for i, term in enumerate(terms) if _ALL.match(term) or term.lower().startswith("redirect=")),
        len(terms),
    )
    merged = terms[:end] + fresh + terms[end:]
    lookups = sum((costs or {}).get(term, 1) for term in merged if _LOOKUPS.match(term))
    if lookups > SPF_LOOKUP_LIMIT and fresh:
        raise SpfTooManyLookups(
            f"With our mail servers the SPF record would need {lookups} look-ups and receivers make {SPF_LOOKUP_LIMIT}. "
            "Remove a sender that is no longer used, then check again."
        )
    return " ".join(merged)


def spf_without(*, present: str, mechanisms: tuple[str, ...]) -> str:
    """The SPF text with our mechanisms taken out and everything else as it is."""
    gone = {term.lower() for term in mechanisms}
    return " ".join(term for term in present.split() if term.lower() not in gone)


def spf_of(*, texts: frozenset[str]) -> str | None:
    """The one SPF text among TXT contents, or `None`.

    Raises:
        SpfAmbiguous: there is more than one.
    """
    found = sorted(text for text in (txt(content=t) for t in texts) if text.lower().split(" ")[0] == "v=spf1")
    if len(found) > 1:
        raise SpfAmbiguous(
            "The domain has more than one SPF record, so receivers ignore both. Remove one of them."
        )
    return found[0] if found else None


def plan_zone(
    *,
    present: tuple[RecordSet, ...],
    wanted: tuple[RecordSet, ...],
    marks: tuple[Mark, ...],
    spf: Mapping[str, tuple[str, ...]] | None = None,
) -> ZonePlan:
    """What has to change in a zone so that it holds what is wanted, hiding what stands in the way and restoring it later.

    Args:
        present: every set found under the names of `wanted`, `marks` and `spf`, of all types.
        wanted: sets that should be there; a set of the same name and type that is not ours is hidden, and so is
            whatever a CNAME cannot stand beside.
        marks: our notes about what we made before.
        spf: name → mechanisms to merge into the SPF record of that name.
    Raises:
        SpfTooManyLookups, SpfAmbiguous: nothing is planned then.
    """
    found = {entry.key: entry for entry in present}
    ours = {mark.made.key: mark for mark in marks}
    planned: dict[tuple[str, str], RecordSet | None] = {}
    kept: list[Mark] = []
    left: list[RecordSet] = []

    for wish in wanted:
        mark = ours.pop(wish.key, None)
        hidden = mark.hidden if mark is not None and not mark.spf else ()
        in_the_way = [
            entry
            for entry in found.values()
            if entry.name == wish.name
            and entry.type != "NS"
            and (entry.key == wish.key or "CNAME" in (wish.type, entry.type))
            and not _same(entry, mark.made if mark else None)
            and not _same(entry, wish)
            and all(entry.key != other.made.key for other in marks)
        ]
        hidden += tuple(entry for entry in in_the_way if entry.key not in {h.key for h in hidden})
        for entry in in_the_way:
            planned[entry.key] = None
        planned[wish.key] = wish
        kept.append(Mark(made=wish, hidden=hidden))

    for name, mechanisms in sorted((spf or {}).items()):
        zone = next((entry.zone for entry in (*wanted, *present) if name.endswith(entry.zone)), name)
        mark = ours.pop((name, "TXT"), None)
        old = planned.get((name, "TXT")) or found.get((name, "TXT"))
        before = spf_of(texts=old.values if old else frozenset())
        base = spf_without(present=before, mechanisms=mark.spf) if before and mark else before
        if mark and mark.spf and base is not None and not base.split()[1:]:
            base = None
        after = spf_merged(present=base, mechanisms=mechanisms)
        rest = {t for t in (old.values if old else ()) if txt(content=t) != before}
        made = RecordSet(
            zone=old.zone if old else zone,
            name=name,
            type="TXT",
            values=frozenset(rest | {canonical(type="TXT", text=after)}),
            ttl_s=old.ttl_s if old else DEFAULT_TTL_S,
        )
        planned[made.key] = made
        own = mark.spf if mark else ()
        added = tuple(
            m for m in mechanisms if m in own or base is None or m.lower() not in base.lower().split()
        )
        whole = base is None if mark is None or before is None else _made_whole(mark)
        if added or whole:
            kept.append(Mark(made=made, spf=(*added, _WHOLE) if whole else added))

    for mark in ours.values():
        now = found.get(mark.made.key)
        if mark.spf:
            restored = _spf_restored(now, mark)
            if now is not None:
                planned.setdefault(mark.made.key, restored)
            continue
        if now is not None and not _same(now, mark.made):
            left.append(now)
            continue
        planned.setdefault(mark.made.key, None)
        for entry in mark.hidden:
            if planned.get(entry.key) is None:
                planned[entry.key] = entry

    changes = [
        RecordChange(before=found.get(key), after=after)
        for key, after in planned.items()
        if not _same(found.get(key), after) and (found.get(key) or after)
    ]
    return ZonePlan(changes=tuple(changes), marks=tuple(kept), left=tuple(left))


def _made_whole(mark: Mark) -> bool:
    return _WHOLE in mark.spf


def _spf_restored(now: RecordSet | None, mark: Mark) -> RecordSet | None:
    """The TXT set without our mechanisms; without an SPF record at all when we had made it and nobody added to it."""
    if now is None:
        return None
    text = next((t for t in now.values if txt(content=t).lower().startswith("v=spf1")), None)
    if text is None:
        return now
    remaining = spf_without(present=txt(content=text), mechanisms=mark.spf)
    values = set(now.values) - {text}
    if not (_made_whole(mark) and remaining.lower() in ("v=spf1", "v=spf1 ~all")):
        values.add(canonical(type="TXT", text=remaining))
    return dataclasses.replace(now, values=frozenset(values)) if values else None


def _same(one: RecordSet | None, other: RecordSet | None) -> bool:
    if one is None or other is None:
        return one is other
    return (
        one.key == other.key
        and one.values == other.values
        and (one.ttl_s == other.ttl_s or None in (one.ttl_s, other.ttl_s))
    )
