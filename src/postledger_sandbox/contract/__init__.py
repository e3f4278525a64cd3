# SPDX-License-Identifier: Apache-2.0
"""What the Enterprise Server says about itself: operations, types, enums, result tables and quotas, per dialect.

The texts beside this module are the only description; the served WSDL, the reader of requests and the writer of answers
are all made from it.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from pathlib import Path

DIALECTS = {"W": "WebsitePanel", "S": "SolidCP", "F": "FuseCP"}
NAMESPACES = {
    "W": "http://smbsaas/websitepanel/enterpriseserver",
    "S": "http://smbsaas/solidcp/enterpriseserver",
    "F": "http://smbsaas/fusecp/enterpriseserver/",
}
TEMPURI = "http://tempuri.org/"
# Services without a security policy of their own: they never look at HTTP Basic credentials.
NO_POLICY = {
    "W": frozenset({"esAuthentication", "esOrganizations", "esOCS"}),
    "S": frozenset({"esOrganizations", "esOCS", "esLync", "esSfB"}),
    "F": frozenset(),
}
# What the XML serializer always writes, because it cannot be null.
VALUE_TYPES = frozenset(
    "int boolean dateTime decimal long guid unsignedShort double float short unsignedByte".split()
)


@dataclass(frozen=True)
class Operation:
    """One operation; `result` is empty for a void one."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    result: str


@dataclass(frozen=True)
class Service:
    name: str
    namespace: str
    operations: dict[str, Operation]


@dataclass(frozen=True)
class Type:
    """A class on the wire: members of the base first, then `members` as (name, type)."""

    name: str
    base: str
    is_abstract: bool
    members: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Enum:
    name: str
    is_flags: bool
    numbers: dict[str, int]

    @functools.cached_property
    def names(self) -> dict[int, str]:
        return {number: name for name, number in self.numbers.items()}


@dataclass(frozen=True)
class Quota:
    """A quota: kind 1 is a switch, 2 is counted, 3 is a ceiling whose use always reads 0."""

    quota_id: int
    group_id: int
    kind: int
    name: str
    is_per_organization: bool


@dataclass(frozen=True)
class Contract:
    dialect: str
    services: dict[str, Service]
    types: dict[str, Type]
    enums: dict[str, Enum]
    datasets: dict[str, tuple[tuple[tuple[str, str], ...], ...]]
    quotas: dict[str, Quota]

    def members(self, type_name: str) -> tuple[tuple[str, str], ...]:
        """All members of a type on the wire, those of its bases first."""
        described = self.types[type_name]
        inherited = self.members(described.base) if described.base else ()
        return inherited + described.members

    def is_value(self, type_name: str) -> bool:
        """Whether a type can never be null on the wire."""
        return type_name in VALUE_TYPES or type_name in self.enums


GROUPS = {
    1: "OS",
    7: "DNS",
    12: "Exchange",
    13: "Hosted Organizations",
    31: "BlackBerry",
    32: "OCS",
    41: "Lync",
    52: "SfB",
}

_OPERATION = re.compile(r"(\w+)\((.*)\) ?(\S+)$")


# The releases of WebsitePanel that differ in what is described here; the first is the one described as W.
RELEASES = ("1.0", "1.1", "1.2")
# FuseCP offers what SolidCP offers, and a little of its own; how its members are named and ordered is in datacontract.py.
_MARKS = {
    ("W", "1.0"): frozenset("W"),
    ("W", "1.1"): frozenset("W1"),
    ("W", "1.2"): frozenset("W12"),
    ("S", ""): frozenset("S"),
    ("F", ""): frozenset("SF"),
}

Marks = frozenset[str]


def _lines(file_name: str, marks: Marks) -> list[tuple[bool, str]]:
    """The lines of a description that hold for the marks, joined and without theirs; headings come as (True, text)."""
    joined: list[str] = []
    for raw in (Path(__file__).parent / file_name).read_text(encoding="utf-8").splitlines():
        if not raw.strip() or raw.startswith("#"):
            continue
        if raw.startswith(" "):
            joined[-1] += " " + raw.strip()
        else:
            joined.append(raw.strip())
    marked = re.compile(r"[*WSF12]+ ")
    lines: list[tuple[bool, str]] = []
    for line in joined:
        mark = marked.match(line)
        if mark is None:
            lines.append((True, line))
        elif "*" in mark.group() or marks & set(mark.group()):
            lines.append((False, line[mark.end() :].strip()))
    return lines


def _pairs(text: str, marks: Marks) -> tuple[tuple[str, str], ...]:
    pairs = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        only, slash, rest = item.partition("/")
        if slash and not marks & set(only):
            continue
        name, _, kind = (rest if slash else item).partition(":")
        pairs.append((name, kind))
    return tuple(pairs)


def _services(dialect: str, marks: Marks) -> dict[str, Service]:
    services: dict[str, Service] = {}
    for is_heading, line in _lines("services.txt", marks):
        if is_heading:
            _, name, where = line.split()
            namespace = TEMPURI if where == "tempuri" else NAMESPACES[dialect]
            services[name] = Service(name, namespace, {})
            continue
        match = _OPERATION.match(line)
        assert match, line
        name, parameters, result = match.groups()
        operation = Operation(name, _pairs(parameters, marks), "" if result == "void" else result)
        services[list(services)[-1]].operations[name] = operation
    return {name: service for name, service in services.items() if service.operations}


def _types_and_enums(marks: Marks) -> tuple[dict[str, Type], dict[str, Enum]]:
    types: dict[str, Type] = {}
    enums: dict[str, Enum] = {}
    in_enums = False
    for is_heading, line in _lines("types.txt", marks):
        if is_heading:
            in_enums = line == "enums"
            continue
        head, _, body = line.partition(":")
        if in_enums:
            numbers = dict(name.split("=") for name, _ in _pairs(body, marks))
            words = head.split()
            enums[words[0]] = Enum(
                words[0], "flags" in words, {name: int(number) for name, number in numbers.items()}
            )
        else:
            name, _, base = head.partition("<")
            is_abstract = name.startswith("abstract ")
            name = name.removeprefix("abstract ").strip()
            types[name] = Type(name, base.strip(), is_abstract, _pairs(body, marks))
    return types, enums


def _datasets(marks: Marks) -> dict[str, tuple[tuple[tuple[str, str], ...], ...]]:
    datasets = {}
    for _, line in _lines("datasets.txt", marks):
        key, _, body = line.partition(": ")
        datasets[key] = tuple(_pairs(table, marks) for table in body.split("|"))
    return datasets


def _quotas(marks: Marks) -> dict[str, Quota]:
    quotas = {}
    for _, line in _lines("quotas.txt", marks):
        quota_id, group_id, kind, name, *rest = line.split()
        quotas[name] = Quota(int(quota_id), int(group_id), int(kind), name, "per-org" in rest)
    return quotas


def load(dialect: str, release: str = "") -> Contract:
    """The contract of a dialect, "W", "S" or "F"; of W the oldest release, unless another of `RELEASES` is named."""
    return _load(dialect, (release or RELEASES[0]) if dialect == "W" else "")


@functools.cache
def _load(dialect: str, release: str) -> Contract:
    marks = _MARKS[(dialect, release)]
    types, enums = _types_and_enums(marks)
    return Contract(dialect, _services(dialect, marks), types, enums, _datasets(marks), _quotas(marks))


def moved(contract: Contract, namespace: str) -> Contract:
    """A contract whose main namespace is another: what WebsitePanel 2.x made of the later generation's services."""
    services = {
        name: replace(service, namespace=namespace)
        if service.namespace == NAMESPACES[contract.dialect]
        else service
        for name, service in contract.services.items()
    }
    return replace(contract, services=services)
