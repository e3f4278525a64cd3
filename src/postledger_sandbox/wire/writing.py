# SPDX-License-Identifier: Apache-2.0
"""Answers as the original's XML serializer writes them: null members left out, empty lists empty, DataSets with schema."""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from postledger_sandbox.contract import Contract, Operation
from postledger_sandbox.contract.wsdl import list_name

EMPTY_GUID = "00000000-0000-0000-0000-000000000000"
UNSET = "0001-01-01T00:00:00"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

Row = Mapping[str, Any]
Write = Callable[[str, Any], str]


@dataclass(frozen=True)
class DataSet:
    """A DataSet answer: `key` names its columns in the contract, `tables` are the rows of each table."""

    key: str
    tables: Sequence[Sequence[Row]]


class Unwritable(Exception):
    """An answer holds a value the serializer refuses; the text is the innermost message of the fault."""


def escape(text: str) -> str:
    """Text as element content; what XML 1.0 cannot carry is dropped."""
    if not _SPECIAL.search(text):
        return text
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")
    return _FORBIDDEN.sub("", text)


class Writer:
    """Writes the answers of operations; one for each dialect and server time zone."""

    def __init__(self, contract: Contract, zone: tzinfo) -> None:
        self.contract = contract
        self.zone = zone
        self._writes: dict[str, Write] = {}
        self._offset = functools.lru_cache(maxsize=4096)(self._offset_of)
        self._schema = functools.cache(self._schema_of)

    def answer(self, operation: Operation, namespace: str, result: Any) -> str:
        """The body element of an answer."""
        name = f"{operation.name}Response"
        inner = ""
        if operation.result:
            inner = self.writer(operation.result)(f"{operation.name}Result", result)
        return _element(f'{name} xmlns="{namespace}"', inner, name)

    def writer(self, kind: str) -> Write:
        if kind not in self._writes:
            self._writes[kind] = self._make(kind)
        return self._writes[kind]

    def _make(self, kind: str) -> Write:
        if kind.endswith("?"):
            inner = self._make(kind[:-1])
            return lambda tag, value: f'<{tag} xsi:nil="true" />' if value is None else inner(tag, value)
        if kind.endswith("[]"):
            return self._list(kind[:-2])
        if kind in self.contract.enums:
            return self._enum(kind)
        if kind in self.contract.types:
            return self._class(kind)
        simple: dict[str, Write] = {
            "string": _string,
            "boolean": lambda tag, value: f"<{tag}>{'true' if value else 'false'}</{tag}>",
            "dateTime": lambda tag, value: f"<{tag}>{value or UNSET}</{tag}>",
            "decimal": lambda tag, value: f"<{tag}>{value or '0'}</{tag}>",
            "guid": lambda tag, value: f"<{tag}>{value or EMPTY_GUID}</{tag}>",
            "base64Binary": _binary,
            "DataSet": self.dataset,
            "anyType": _anything,
        }
        return simple.get(kind) or (lambda tag, value: f"<{tag}>{int(value or 0)}</{tag}>")

    def _list(self, item: str) -> Write:
        name = list_name(item[:-2]) if item.endswith("[]") else item
        write = self.writer(item)

        def write_list(tag: str, values: Sequence[Any] | None) -> str:
            if values is None:
                return ""
            parts = [
                f'<{name} xsi:nil="true" />' if value is None else write(name, value) for value in values
            ]
            return _element(tag, "".join(parts), tag)

        return write_list

    def _enum(self, kind: str) -> Write:
        described = self.contract.enums[kind]
        product = {"W": "WebsitePanel", "S": "SolidCP", "F": "FuseCP"}[self.contract.dialect]

        def write_flags(tag: str, value: Any) -> str:
            names = [name for name, number in described.numbers.items() if (value or 0) & number]
            return _element(tag, " ".join(names), tag)

        def write_enum(tag: str, value: Any) -> str:
            name = described.names.get(value or 0)
            if name is None:
                raise Unwritable(
                    "There was an error generating the XML document. ---> Instance validation error: "
                    f"'{value or 0}' is not a valid value for {product}.EnterpriseServer.{kind}."
                )
            return f"<{tag}>{name}</{tag}>"

        return write_flags if described.is_flags else write_enum

    def _class(self, kind: str) -> Write:
        members = self.contract.members(kind)
        writes: list[tuple[str, Write]] = []

        def write_object(tag: str, value: Row | None) -> str:
            if value is None:
                return ""
            if not writes:
                writes.extend((name, self.writer(member)) for name, member in members)
            get = value.get
            return _element(tag, "".join([write(name, get(name)) for name, write in writes]), tag)

        return write_object

    # DataSets

    def dataset(self, tag: str, value: DataSet | None) -> str:
        if value is None:
            return ""
        tables = self.contract.datasets[value.key]
        rows = [
            self._row(_table_name(index), columns, number, row)
            for index, (columns, table) in enumerate(zip(tables, value.tables, strict=True))
            for number, row in enumerate(table)
        ]
        content = f'<NewDataSet xmlns="">{"".join(rows)}</NewDataSet>' if rows else ""
        diffgram = _element(
            'diffgr:diffgram xmlns:msdata="urn:schemas-microsoft-com:xml-msdata"'
            ' xmlns:diffgr="urn:schemas-microsoft-com:xml-diffgram-v1"',
            content,
            "diffgr:diffgram",
        )
        return f"<{tag}>{self._schema(value.key)}{diffgram}</{tag}>"

    def _row(self, table: str, columns: Sequence[tuple[str, str]], number: int, row: Row) -> str:
        cells = []
        for name, kind in columns:
            value = row.get(name)
            if value is None:
                continue
            if kind == "string":
                text = escape(str(value))
            elif kind == "boolean":
                text = "true" if value else "false"
            elif kind == "dateTime":
                text = value + self._offset(value[:13])
            elif kind == "double":
                text = repr(float(value)).removesuffix(".0")
            else:
                text = str(value)
            cells.append(f"<{name}>{text}</{name}>")
        head = f'{table} diffgr:id="{table}{number + 1}" msdata:rowOrder="{number}"'
        return f"<{head}>{''.join(cells)}</{table}>"

    def _offset_of(self, hour: str) -> str:
        """The server's offset from UTC at a local hour, such as "-04:00"."""
        moment = datetime.fromisoformat(f"{hour}:00").replace(tzinfo=self.zone)
        offset = moment.strftime("%z")
        return f"{offset[:3]}:{offset[3:5]}"

    def _schema_of(self, key: str) -> str:
        tables = []
        for index, columns in enumerate(self.contract.datasets[key]):
            elements = "".join(
                f'<xs:element name="{name}" type="xs:{kind}" minOccurs="0" />' for name, kind in columns
            )
            tables.append(
                f'<xs:element name="{_table_name(index)}"><xs:complexType><xs:sequence>{elements}'
                "</xs:sequence></xs:complexType></xs:element>"
            )
        return (
            '<xs:schema id="NewDataSet" xmlns="" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
            ' xmlns:msdata="urn:schemas-microsoft-com:xml-msdata"><xs:element name="NewDataSet"'
            ' msdata:IsDataSet="true" msdata:UseCurrentLocale="true"><xs:complexType>'
            f'<xs:choice minOccurs="0" maxOccurs="unbounded">{"".join(tables)}</xs:choice>'
            "</xs:complexType></xs:element></xs:schema>"
        )


def _table_name(index: int) -> str:
    return f"Table{index or ''}"


def _element(head: str, inner: str, name: str) -> str:
    return f"<{head}>{inner}</{name}>" if inner else f"<{head} />"


def _string(tag: str, value: str | None) -> str:
    return "" if value is None else _element(tag, escape(value), tag)


def _binary(tag: str, value: bytes | None) -> str:
    return "" if value is None else _element(tag, base64.b64encode(value).decode(), tag)


def _anything(tag: str, value: Any) -> str:
    if value is None:
        return ""
    return f'<{tag} xsi:type="xsd:string">{escape(str(value))}</{tag}>'
