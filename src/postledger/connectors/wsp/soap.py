"""SOAP on the wire: envelopes out, records in. The only module that knows XML.

Invariant: values reach an envelope only through the XML writer, which escapes them; an answer is read by element name,
so that members a later release added, or the order it sends them in, do not matter. Documents with a DTD are refused.
"""

import functools
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lxml import etree

from postledger.connectors import contract

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
PASSWORD_TEXT = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
)
DIFFGRAM = "urn:schemas-microsoft-com:xml-diffgram-v1"

_ENVELOPE_TAG = f"{{{ENVELOPE}}}Envelope"
_HEADER_TAG = f"{{{ENVELOPE}}}Header"
_BODY_TAG = f"{{{ENVELOPE}}}Body"
_FAULT_TAG = f"{{{ENVELOPE}}}Fault"
_NIL = f"{{{SCHEMA_INSTANCE}}}nil"
_DIFFGRAM_TAG = f"{{{DIFFGRAM}}}diffgram"
_BACKING_FIELD = re.compile(r"^_x003C_(.+)_x003E_k__BackingField$")


_MARKS_LIMIT = 4_000_000
"""Elements' ends and attributes an answer may hold: a small one of tiny elements would fill gigabytes as a tree."""


class Unreadable(contract.TemporaryFailure):
    """The answer is not the SOAP message that was expected."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="unreadable_answer")


class Unsendable(contract.PlatformRefusal):
    """A value holds characters XML has no way to write."""

    reason = "unsendable"

    def __init__(self) -> None:
        super().__init__("A text holds characters that cannot be sent. Remove control characters from it.")


class Fault(Exception):
    """The server's refusal to carry an operation out, or its failure to.

    Args:
        code: local part of the fault code, such as `Server` or `FailedAuthentication`.
        namespace: of the code.
    """

    def __init__(self, *, code: str, namespace: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.namespace = namespace
        self.text = text

    @property
    def is_security(self) -> bool:
        """True when the credentials were refused and the operation did not run."""
        return self.namespace == SECURITY

    @property
    def is_unread(self) -> bool:
        """True when the request could not be read and the operation did not run."""
        return self.code in ("Client", "Sender", "MustUnderstand")


@functools.lru_cache(maxsize=8192)
def plain_name(tag: str) -> str:
    """The name all generations share for a member: without namespace, in lower case, and without a wrapping."""
    name = tag.rpartition("}")[2]
    match = _BACKING_FIELD.match(name)
    return (match.group(1) if match else name).lower()


class Record:
    """One object of an answer, read by member name without regard to case. A member left out reads as empty."""

    __slots__ = ("_members", "element")

    def __init__(self, element: Any) -> None:
        self.element = element
        self._members: dict[str, Any] | None = None

    def _find(self, name: str) -> Any:
        if self._members is None:
            self._members = {
                plain_name(child.tag): child for child in self.element if isinstance(child.tag, str)
            }
        return self._members.get(name.lower())

    def has(self, name: str) -> bool:
        """True when the server sends such a member at all, and not as nil."""
        found = self._find(name)
        return found is not None and found.get(_NIL) not in ("true", "1")

    def text(self, name: str) -> str:
        """The member as text; empty when it is left out."""
        found = self._find(name)
        return "" if found is None else (found.text or "")

    def int(self, name: str, default: int = 0) -> int:
        """The member as whole number.

        Raises:
            Unreadable: it is something else.
        """
        value = self.text(name).strip()
        if not value:
            return default
        try:
            return int(value)
        except ValueError:
            raise Unreadable(f"{name} is not a whole number: {value[:40]}") from None

    def bool(self, name: str) -> bool:
        """The member as truth; left out is false."""
        return self.text(name).strip().lower() in ("true", "1")

    def record(self, name: str) -> "Record | None":
        """The member as object, or `None` when it is left out."""
        return Record(self._find(name)) if self.has(name) else None

    def records(self, name: str) -> "list[Record]":
        """The member as list of objects; null items are skipped."""
        found = self._find(name)
        return [] if found is None else without_repeat(list(items(found)))

    def names(self) -> tuple[str, ...]:
        """Member names as the server writes them."""
        return tuple(child.tag.rpartition("}")[2] for child in self.element if isinstance(child.tag, str))

    def texts(self) -> dict[str, str]:
        """All plain members, for logs."""
        return {
            child.tag.rpartition("}")[2]: child.text or ""
            for child in self.element
            if isinstance(child.tag, str) and len(child) == 0
        }


def items(element: Any) -> Iterator[Record]:
    """The items of a list element."""
    for child in element:
        if isinstance(child.tag, str) and child.get(_NIL) not in ("true", "1"):
            yield Record(child)


def without_repeat(rows: list[Record]) -> list[Record]:
    """The rows without a last one that repeats the one before it; some lists come out one row too long."""
    if len(rows) > 1 and rows[-1].texts() == rows[-2].texts() and rows[-1].texts():
        return rows[:-1]
    return rows


def tables(element: Any) -> list[list[Record]]:
    """The tables of a DataSet, in order: `Table`, `Table1`, … An absent table is an empty list where a later one has rows.

    The inline schema is not needed: cells are read by column name, absent ones are null.
    """
    diffgram = element.find(_DIFFGRAM_TAG)
    if diffgram is None:
        diffgram = next(element.iter(_DIFFGRAM_TAG), None)
    found: dict[int, list[Record]] = {}
    if diffgram is not None:
        for data_set in diffgram:
            for row in data_set:
                name = row.tag.rpartition("}")[2] if isinstance(row.tag, str) else ""
                if name.startswith("Table") and (name == "Table" or name[5:].isdigit()):
                    found.setdefault(int(name[5:] or 0), []).append(Record(row))
            break
    return [without_repeat(found.get(index, [])) for index in range(max(found, default=-1) + 1)]


def text_of(value: Any) -> str:
    """A plain value as XML Schema writes it: truth in lower case, everything else as it is."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    return str(value)


def envelope(
    *,
    namespace: str,
    operation: str,
    members: Sequence[tuple[str, Any]],
    header: Any = None,
    item_namespace: str = "",
) -> bytes:
    """The bytes of a request.

    Args:
        members: parameter name and value in the order to be sent. `None` is left out, which is how null is sent; a list
            holds `(item name, value)` pairs; a `Record` is sent as it was received.
        header: element to put into the SOAP header.
        item_namespace: of the items of lists; that of the operation when left out.
    Raises:
        Unsendable: a value holds control characters.
    """
    root = etree.Element(_ENVELOPE_TAG, nsmap={"s": ENVELOPE})
    if header is not None:
        etree.SubElement(root, _HEADER_TAG).append(header)
    body = etree.SubElement(root, _BODY_TAG)
    call = etree.SubElement(body, f"{{{namespace}}}{operation}", nsmap={None: namespace})
    try:
        for name, value in members:
            _append(call, namespace, name, value, item_namespace or namespace)
    except ValueError:
        raise Unsendable from None
    content: bytes = etree.tostring(root)
    return b'<?xml version="1.0" encoding="utf-8"?>' + content


def _append(parent: Any, namespace: str, name: str, value: Any, item_namespace: str) -> None:
    if value is None:
        return
    if isinstance(value, Record):
        copy = etree.fromstring(etree.tostring(value.element), _parser())
        copy.tag = f"{{{namespace}}}{name}"
        parent.append(copy)
        return
    element = etree.SubElement(parent, f"{{{namespace}}}{name}")
    if isinstance(value, list):
        for item_name, item in value:
            _append(element, item_namespace, item_name, item, item_namespace)
    elif isinstance(value, Mapping):
        for member, item in value.items():
            _append(element, namespace, member, item, item_namespace)
    else:
        element.text = text_of(value)


def changed(record: Record, changes: Mapping[str, Any]) -> Record:
    """A copy of a received object with some plain members replaced, or added at its end."""
    copy = Record(etree.fromstring(etree.tostring(record.element), _parser()))
    namespace = copy.element.tag.rpartition("}")[0].lstrip("{")
    if len(copy.element):
        namespace = copy.element[0].tag.rpartition("}")[0].lstrip("{")
    for name, value in changes.items():
        found = copy._find(name)
        if found is None:
            found = etree.SubElement(copy.element, f"{{{namespace}}}{name}" if namespace else name)
        found.attrib.pop(_NIL, None)
        try:
            found.text = text_of(value)
        except ValueError:
            raise Unsendable from None
        copy._members = None
    return copy


def replace_list(
    record: Record, name: str, item_name: str, members: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Nothing; gives a copy made by `changed` a list of new objects as its member `name`.

    Args:
        members: names of an item's members as the server writes them, in its order.
        rows: values by those names, case aside; a member without value is left out.
    """
    found = record._find(name)
    namespace = record.element[0].tag.rpartition("}")[0].lstrip("{")
    if found is None:
        found = etree.SubElement(record.element, f"{{{namespace}}}{name}")
        record._members = None
    found.attrib.pop(_NIL, None)
    del found[:]
    for row in rows:
        values = {key.lower(): value for key, value in row.items()}
        item = [(member, values.get(plain_name(member))) for member in members]
        _append(found, namespace, item_name, item, namespace)


def username_token(*, username: str, password: str) -> Any:
    """A WS-Security header that names the caller, for services that do not look at HTTP credentials."""
    security = etree.Element(f"{{{SECURITY}}}Security", nsmap={"wsse": SECURITY})
    token = etree.SubElement(security, f"{{{SECURITY}}}UsernameToken")
    etree.SubElement(token, f"{{{SECURITY}}}Username").text = username
    secret = etree.SubElement(token, f"{{{SECURITY}}}Password", Type=PASSWORD_TEXT)
    secret.text = password
    return security


def credentials_header(*, username: str, password: str, outer: str, inner: str) -> Any:
    """The header the newest generation wants; it has names of its own for it."""
    element = etree.Element(f"{{{outer}}}Credentials", nsmap={None: outer})
    etree.SubElement(element, f"{{{inner}}}Password").text = password
    etree.SubElement(element, f"{{{inner}}}Username").text = username
    return element


def parse(body: bytes) -> Any:
    """The root element of a document.

    Raises:
        Unreadable: not XML, XML with a DTD, or more of it than any list of ours.
    """
    if body.count(b"<") + body.count(b"=") > _MARKS_LIMIT:
        raise Unreadable("too many elements")
    try:
        root = etree.fromstring(body, _parser())
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"not XML: {error.msg}") from None
    if root is None or root.getroottree().docinfo.doctype:
        raise Unreadable("a document with a DTD")
    return root


def result(*, body: bytes, operation: str) -> Any:
    """The result element of an answer, or `None` where the server left it out (null, or nothing to return).

    Raises:
        Fault: the answer is a fault.
        Unreadable: the answer is no SOAP, or the answer to something else.
    """
    root = parse(body)
    if root.tag != _ENVELOPE_TAG:
        raise Unreadable("not a SOAP message")
    answer = next((child for part in root if part.tag == _BODY_TAG for child in part), None)
    if answer is None:
        raise Unreadable("a SOAP message without a body")
    if answer.tag == _FAULT_TAG:
        raise _fault(answer)
    if answer.tag.rpartition("}")[2] != f"{operation}Response":
        raise Unreadable(f"an answer to another operation: {answer.tag.rpartition('}')[2]}")
    wanted = f"{operation}Result"
    for child in answer:
        if child.tag.rpartition("}")[2] == wanted:
            return None if child.get(_NIL) in ("true", "1") else child
    return None


def _fault(element: Any) -> Fault:
    code = (element.findtext("faultcode") or "").strip()
    prefix, _, local = code.rpartition(":")
    node = element.find("faultcode")
    namespace = "" if node is None else (node.nsmap.get(prefix or None) or "")
    return Fault(code=local, namespace=namespace, text=(element.findtext("faultstring") or "").strip())


_kept = threading.local()


def _parser() -> etree.XMLParser:
    """The parser of this thread."""
    found: etree.XMLParser | None = getattr(_kept, "parser", None)
    if found is None:
        found = _kept.parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
    return found
