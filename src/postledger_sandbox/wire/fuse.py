# SPDX-License-Identifier: Apache-2.0
"""FuseCP's way over the wire: a SOAP header with the credentials, and the data contract serializer's XML.

Unlike the older stack it minds the order of members: one that comes too late or too early is skipped without a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from lxml import etree

from postledger_sandbox.contract import Contract, Operation, Service, datacontract, wsdl_fuse
from postledger_sandbox.state.world import SUPERVISOR, Caller
from postledger_sandbox.wire.http import Request
from postledger_sandbox.wire.reading import Reader, Unreadable, text_of
from postledger_sandbox.wire.soap import SOAP11, Endpoint, Exchange, SoapFault, password_matches
from postledger_sandbox.wire.writing import DataSet, Unwritable, Writer, escape

CREDENTIALS = "http://fusecp.com/headers/Credentials"
CREDENTIAL_PARTS = "http://fusecp/credentials"
FAULTS = "http://schemas.microsoft.com/net/2005/12/windowscommunicationfoundation/dispatcher"
ADDRESSING = "http://schemas.microsoft.com/ws/2005/05/addressing/none"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
DEMANDS_NOTHING = frozenset({"esAuthentication", "esTest"})

_NIL = f"{{{INSTANCE}}}nil"
_PATH = re.compile(r"/(?:basic/)?(\w+)/?$")

Read = Callable[[etree._Element], Any]
Write = Callable[[str, str, str, Any], str]


class FuseReader(Reader):
    """Reads arguments as the data contract serializer does."""

    def __init__(self, contract: Contract, zone: tzinfo) -> None:
        super().__init__(contract, zone)
        self._classes: dict[str, Read] = {}

    def arguments(self, operation: Operation, namespace: str, body: etree._Element | None) -> dict[str, Any]:
        if body is None or body.tag != f"{{{namespace}}}{operation.name}":
            found = "none" if body is None else body.tag
            raise Unreadable(
                f"OperationFormatter encountered an invalid Message body. Expected to find node type 'Element' with"
                f" name '{operation.name}' and namespace '{namespace}'. Found {found}"
            )
        expected = [(f"{{{namespace}}}{name}", name, kind) for name, kind in operation.parameters]
        return self._in_order(body, expected, lambda: {n: self.missing(k) for n, k in operation.parameters})

    def _in_order(
        self,
        element: etree._Element,
        expected: Sequence[tuple[str, str, str]],
        empty: Callable[[], dict[str, Any]],
    ) -> dict[str, Any]:
        """The members that come in their order; any other is skipped."""
        values = empty()
        position = 0
        for child in element:
            for index in range(position, len(expected)):
                tag, public, kind = expected[index]
                if tag == child.tag:
                    values[public] = self._value(child, kind)
                    position = index + 1
                    break
        return values

    def _value(self, element: etree._Element, kind: str) -> Any:
        is_nil = element.get(_NIL, "").strip() in ("true", "1")
        if is_nil and (kind.endswith("?") or not self.contract.is_value(kind)):
            return None
        kind = kind.removesuffix("?")
        if kind.endswith("[]"):
            namespace, name = datacontract.item_of(kind[:-2])
            tag = f"{{{namespace}}}{name}"
            return [self._value(child, kind[:-2]) for child in element if child.tag == tag]
        if kind in self.contract.types:
            return self._object(element, kind)
        if kind == "string":
            return text_of(element)
        return self.reader(kind, "")(element)

    def _object(self, element: etree._Element, kind: str) -> dict[str, Any]:
        expected = [
            (f"{{{level.namespace}}}{member.name}", member.public, member.kind)
            for level in datacontract.levels(self.contract, kind)
            for member in level.members
        ]
        values = self._in_order(
            element,
            expected,
            lambda: {name: self.missing(member) for name, member in self.contract.members(kind)},
        )
        for twin, name in (("Role", "RoleId"), ("Status", "StatusId"), ("LoginStatus", "LoginStatusId")):
            if kind == "UserInfo":
                values[twin] = values[name]
        return values


class FuseWriter(Writer):
    """Writes answers as the data contract serializer does: null is nil, each library has its namespace."""

    def answer(self, operation: Operation, namespace: str, result: Any) -> str:
        name = f"{operation.name}Response"
        inner = ""
        if operation.result:
            inner = self._write(f"{operation.name}Result", namespace, namespace, operation.result, result)
        return f'<{name} xmlns="{namespace}" xmlns:i="{INSTANCE}">{inner}</{name}>'

    def _write(self, tag: str, namespace: str, around: str, kind: str, value: Any) -> str:
        """An element in its namespace; `around` is the one in force outside it."""
        head = tag if namespace == around else f'{tag} xmlns="{namespace}"'
        is_value = self.contract.is_value(kind)
        if value is None and not is_value:
            return f'<{head} i:nil="true"/>'
        kind = kind.removesuffix("?")
        if kind == "DataSet":
            return self._dataset(tag, head, value)
        if kind.endswith("[]"):
            return f"<{head}>{self._items(kind[:-2], namespace, value)}</{tag}>"
        if kind in self.contract.types:
            return f"<{head}>{self._members(kind, namespace, value)}</{tag}>"
        if kind == "string":
            return f"<{head}>{escape(value)}</{tag}>"
        if kind in self.contract.enums:
            return f"<{head}>{self._enum_text(kind, value)}</{tag}>"
        return self.writer(kind)(tag, value).replace(f"<{tag}>", f"<{head}>", 1)

    def _items(self, item_kind: str, namespace: str, values: Sequence[Any]) -> str:
        item_namespace, name = datacontract.item_of(item_kind)
        return "".join(self._write(name, item_namespace, namespace, item_kind, value) for value in values)

    def _members(self, kind: str, namespace: str, value: Mapping[str, Any]) -> str:
        return "".join(
            self._write(member.name, level.namespace, namespace, member.kind, value.get(member.public))
            for level in datacontract.levels(self.contract, kind)
            for member in level.members
        )

    def _enum_text(self, kind: str, value: Any) -> str:
        described = self.contract.enums[kind]
        if described.is_flags:
            return " ".join(name for name, number in described.numbers.items() if (value or 0) & number)
        name = described.names.get(value or 0)
        if name is None:
            raise Unwritable(
                f"Enum value '{value or 0}' is invalid for type '{kind}' and cannot be serialized."
            )
        return name

    def _dataset(self, tag: str, head: str, value: DataSet) -> str:
        return self.dataset(tag, value).replace(f"<{tag}>", f"<{head}>", 1)


class FuseEndpoint(Endpoint):
    """The services at {base}/esUsers and {base}/basic/esUsers, in SOAP 1.1."""

    def _make_reader(self) -> Reader:
        return FuseReader(self.contract, self.world.clock.zone)

    def _make_writer(self) -> Writer:
        return FuseWriter(self.contract, self.world.clock.zone)

    def service_at(self, path: str) -> Service | None:
        match = _PATH.fullmatch(path)
        return self.services.get(match.group(1).lower()) if match else None

    def _document(self, service: Service, address: str) -> bytes:
        return wsdl_fuse.document(contract=self.contract, service=service, address=address)

    # Reading a request

    def _parts(
        self, root: etree._Element, exchange: Exchange
    ) -> tuple[etree._Element | None, etree._Element | None]:
        if exchange.version != SOAP11:
            raise SoapFault(
                "Client", "The envelope version of the incoming message does not match.", has_detail=False
            )
        return root.find(f"{{{SOAP11}}}Header"), root.find(f"{{{SOAP11}}}Body")

    def _known_headers(self) -> frozenset[str]:
        return frozenset({CREDENTIALS})

    def _no_action(self, action: str | None) -> SoapFault:
        text = (
            f"The message with Action '{action or ''}' cannot be processed at the receiver, due to a ContractFilter"
            " mismatch at the EndpointDispatcher. This may be because of either a contract mismatch (mismatched Actions"
            " between sender and receiver) or a binding/security mismatch between the sender and the receiver."
        )
        return SoapFault("none:ActionNotSupported", text, has_detail=False)

    def _unreadable(self, service: Service, operation: Operation, error: Unreadable) -> SoapFault:
        text = (
            "The formatter threw an exception while trying to deserialize the message: Error in deserializing body of"
            f" request message for operation '{operation.name}'. {error}"
        )
        return SoapFault("dispatcher:DeserializationFailed", text)

    def failed(self, text: str) -> SoapFault:
        return SoapFault("dispatcher:InternalServiceFault", text, operation_ran=True)

    # Credentials

    def _caller(self, service: Service, request: Request, header: etree._Element | None) -> Caller:
        if service.name in DEMANDS_NOTHING:
            return SUPERVISOR
        given = header.find(f"{{{CREDENTIALS}}}Credentials") if header is not None else None
        name = given.findtext(f"{{{CREDENTIAL_PARTS}}}Username") if given is not None else None
        if not name or given is None:
            raise SoapFault("Client", "No anonymous access allowed.", has_detail=False)
        user = self.world.store.users.first("Username", name)
        password = given.findtext(f"{{{CREDENTIAL_PARTS}}}Password") or ""
        if user is None or not password_matches("F", user, password):
            raise SoapFault("Client", "Invalid user or password", has_detail=False)
        return Caller(user)

    # Writing an answer

    def _envelope(self, service: Service, exchange: Exchange, action: str, body: str) -> str:
        return f'<s:Envelope xmlns:s="{SOAP11}"><s:Body>{body}</s:Body></s:Envelope>'

    def _fault_body(self, service: Service, fault: SoapFault, version: str, host: str) -> str:
        prefix, colon, name = fault.code.rpartition(":")
        namespace = {"dispatcher": FAULTS, "none": ADDRESSING}.get(prefix)
        code = (
            f'<faultcode xmlns:a="{namespace}">a:{name}</faultcode>'
            if colon
            else f"<faultcode>s:{name}</faultcode>"
        )
        detail = ""
        if fault.has_detail:
            message = f"<Message>{escape(fault.text)}</Message>"
            library = f"{datacontract.ROOT}System.ServiceModel"
            detail = f'<detail><ExceptionDetail xmlns="{library}">{message}</ExceptionDetail></detail>'
        return f'<s:Fault>{code}<faultstring xml:lang="en-US">{escape(fault.text)}</faultstring>{detail}</s:Fault>'

    def _headers(self, media_type: str, *, has_run: bool) -> list[tuple[str, str]]:
        return [("Content-Type", f"{media_type}; charset=utf-8")]
