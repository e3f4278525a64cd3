# SPDX-License-Identifier: Apache-2.0
"""Requests as the original's XML serializer reads them.

Order does not matter, unknown elements are skipped, what is missing is null or zero, and a value that cannot be read is
a fault before the operation runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

from lxml import etree

from postledger_sandbox.contract import Contract, Operation
from postledger_sandbox.contract.wsdl import list_name

XSI_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
UNSET = "0001-01-01T00:00:00"

_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?$", re.ASCII
)
_INTEGER = re.compile(r"[+-]?\d+$", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)$", re.ASCII)
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
_RANGES = {
    "int": ("Int32", -(2**31), 2**31 - 1),
    "long": ("Int64", -(2**63), 2**63 - 1),
    "short": ("Int16", -(2**15), 2**15 - 1),
    "unsignedShort": ("UInt16", 0, 2**16 - 1),
    "unsignedByte": ("unsigned byte", 0, 255),
}
# Two members that write the same inner value: whichever comes later in the document wins.
_TWINS = {"Role": "RoleId", "Status": "StatusId", "LoginStatus": "LoginStatusId"}
_TWIN_TYPES = frozenset({"UserInfo"})

Read = Callable[[etree._Element], Any]


class Unreadable(Exception):
    """A value of the request cannot be read; the text is the innermost message of the fault."""


def text_of(element: etree._Element) -> str:
    if len(element) and any(isinstance(child.tag, str) for child in element):
        raise Unreadable(
            "ReadElementContentAs() methods cannot be called on an element that has child elements."
        )
    return "".join(element.itertext(with_tail=False)) if len(element) else element.text or ""


def read_date(text: str, zone: tzinfo) -> str:
    """An XML dateTime as the server keeps it: its own local time, without zone, at most seven digits of fraction."""
    match = _DATE.match(text.strip())
    if match is None:
        raise Unreadable(f"The string '{text}' is not a valid AllXsd value.")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    ticks = round(int(fraction[:9].ljust(9, "0")) / 100) if fraction else 0
    try:
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError as error:
        raise Unreadable(f"The string '{text}' is not a valid AllXsd value.") from error
    if ticks == 10**7:
        moment, ticks = moment + timedelta(seconds=1), 0
    if offset and offset != "Z":
        sign = -1 if offset[0] == "-" else 1
        shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6])) * sign
        moment = moment.replace(tzinfo=timezone(shift)).astimezone(zone).replace(tzinfo=None)
    return moment.isoformat() + (f".{ticks:07d}".rstrip("0") if ticks else "")


class Reader:
    """Reads the arguments of operations; one for each dialect and server time zone."""

    def __init__(self, contract: Contract, zone: tzinfo) -> None:
        self.contract = contract
        self.zone = zone
        self._reads: dict[tuple[str, str], Read] = {}

    def arguments(self, operation: Operation, namespace: str, body: etree._Element | None) -> dict[str, Any]:
        """The arguments by parameter name; all are there, those missing in the body as null or zero."""
        values = {name: self.missing(kind) for name, kind in operation.parameters}
        if body is None or body.tag != f"{{{namespace}}}{operation.name}":
            return values
        kinds = dict(operation.parameters)
        prefix = f"{{{namespace}}}"
        for child in body:
            if not isinstance(child.tag, str) or not child.tag.startswith(prefix):
                continue
            name = child.tag[len(prefix) :]
            if name in kinds:
                values[name] = self.reader(kinds[name], namespace)(child)
        return values

    def missing(self, kind: str) -> Any:
        """The value of an element that is not there."""
        if kind == "boolean":
            return False
        if kind == "dateTime":
            return UNSET
        if kind == "decimal":
            return "0"
        if kind == "guid":
            return "00000000-0000-0000-0000-000000000000"
        return 0 if self.contract.is_value(kind) else None

    def reader(self, kind: str, namespace: str) -> Read:
        key = (kind, namespace)
        if key not in self._reads:
            self._reads[key] = self._make(kind, namespace)
        return self._reads[key]

    def _make(self, kind: str, namespace: str) -> Read:
        if kind.endswith("?"):
            inner = self._make(kind[:-1], namespace)
            return lambda element: None if _is_nil(element) else inner(element)
        if kind.endswith("[]"):
            return self._list(kind[:-2], namespace)
        if kind in self.contract.enums:
            return self._enum(kind)
        if kind in self.contract.types:
            return self._class(kind, namespace)
        if kind in _RANGES:
            return _integer(*_RANGES[kind])
        simple: dict[str, Read] = {
            "string": text_of,
            "boolean": _boolean,
            "dateTime": lambda element: read_date(text_of(element), self.zone),
            "decimal": _decimal,
            "guid": _guid,
        }
        return simple.get(kind, text_of)

    def _list(self, item: str, namespace: str) -> Read:
        tag = f"{{{namespace}}}{list_name(item[:-2]) if item.endswith('[]') else item}"
        read = self.reader(item, namespace)
        is_value = self.contract.is_value(item)

        def read_list(element: etree._Element) -> list[Any]:
            return [
                None if not is_value and _is_nil(child) else read(child)
                for child in element
                if child.tag == tag
            ]

        return read_list

    def _enum(self, kind: str) -> Read:
        described = self.contract.enums[kind]

        def number(name: str) -> int:
            if name not in described.numbers:
                raise Unreadable(f"Instance validation error: '{name}' is not a valid value for {kind}.")
            return described.numbers[name]

        if described.is_flags:
            return lambda element: sum({number(name) for name in text_of(element).split()})
        return lambda element: number(text_of(element))

    def _class(self, kind: str, namespace: str) -> Read:
        members = self.contract.members(kind)
        reads: dict[str, tuple[str, Read]] = {}
        twins = _TWINS if kind in _TWIN_TYPES else {}

        def read_object(element: etree._Element) -> dict[str, Any]:
            if not reads:
                for name, member in members:
                    reads[f"{{{namespace}}}{name}"] = (name, self.reader(member, namespace))
            value = {name: self.missing(member) for name, member in members}
            for child in element:
                found = reads.get(child.tag)
                if found is None:
                    continue
                name, read = found
                value[name] = read(child)
                if name in twins:
                    value[twins[name]] = value[name]
            return value

        return read_object


def _is_nil(element: etree._Element) -> bool:
    return element.get(XSI_NIL, "").strip() in ("true", "1")


def _integer(clr_name: str, least: int, most: int) -> Read:
    def read(element: etree._Element) -> int:
        text = text_of(element).strip()
        if not _INTEGER.match(text):
            raise Unreadable("Input string was not in a correct format.")
        number = int(text)
        if not least <= number <= most:
            raise Unreadable(f"Value was either too large or too small for an {clr_name}.")
        return number

    return read


def _boolean(element: etree._Element) -> bool:
    text = text_of(element)
    word = text.strip()
    if word in ("true", "1"):
        return True
    if word in ("false", "0"):
        return False
    raise Unreadable(f"The string '{text}' is not a valid Boolean value.")


def _decimal(element: etree._Element) -> str:
    text = text_of(element).strip()
    if not _DECIMAL.match(text):
        raise Unreadable("Input string was not in a correct format.")
    return text


def _guid(element: etree._Element) -> str:
    text = text_of(element).strip()
    if not _GUID.match(text):
        raise Unreadable(
            "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)."
        )
    return text.lower()
