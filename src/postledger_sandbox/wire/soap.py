# SPDX-License-Identifier: Apache-2.0
"""SOAP envelopes in and out, credentials, and the way to an operation, as the original's web service stack does it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from lxml import etree

from postledger_sandbox import contract as contracts
from postledger_sandbox.contract import Contract, Operation, Service, wsdl
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import (
    NULL_REFERENCE,
    SUPERVISOR,
    Arguments,
    Call,
    Caller,
    Fault,
    Refused,
    World,
)
from postledger_sandbox.wire.http import Request, Response
from postledger_sandbox.wire.reading import Reader, Unreadable
from postledger_sandbox.wire.writing import Unwritable, Writer, escape

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
PASSWORD_TEXT = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
)
ANONYMOUS = f"{ADDRESSING}/role/anonymous"
UNDERSTOOD = frozenset({ADDRESSING, SECURITY})

UNABLE_TO_READ = "Server was unable to read request. ---> There is an error in the XML document. ---> "
UNABLE_TO_PROCESS = "Server was unable to process request. ---> "

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
_ACTION = re.compile(r'action\s*=\s*"?([^";]*)"?')


class Denied(Exception):
    """No or wrong credentials: status 401."""


@dataclass
class SoapFault(Exception):
    """A fault of the web service stack itself.

    Args:
        code: for SOAP 1.1: Client, Server, MustUnderstand, or a name of the security namespace with `wsse:` before it.
        operation_ran: whether the operation had begun, which shows in the cache header.
    """

    code: str
    text: str
    has_detail: bool = True
    operation_ran: bool = False
    version: str = ""


@dataclass
class Exchange:
    """What is known of one call while it is worked on; the log and the fault injection look at it."""

    service: str = ""
    operation: str = ""
    caller: str = ""
    arguments: Arguments = field(default_factory=dict)
    result: Any = None
    fault: str = ""
    version: str = SOAP11
    message_id: str | None = None
    is_parsed: bool = False


Acted = Callable[[Call, Arguments], Any]


class Endpoint:
    """All services of an installation behind one address."""

    def __init__(self, world: World, operations: dict[tuple[str, str], Acted], not_acted: Acted) -> None:
        self.world = world
        self.contract: Contract = world.contract
        self.operations = operations
        self.not_acted = not_acted
        self.reader = self._make_reader()
        self.writer = self._make_writer()
        self.services = {name.lower(): service for name, service in self.contract.services.items()}
        self.actions = {
            (service.name, wsdl.action_of(self.contract, service, name)): operation
            for service in self.contract.services.values()
            for name, operation in service.operations.items()
        }
        self._wsdl: dict[tuple[str, str], bytes] = {}

    def _make_reader(self) -> Reader:
        return Reader(self.contract, self.world.clock.zone)

    def _make_writer(self) -> Writer:
        return Writer(self.contract, self.world.clock.zone)

    def service_at(self, path: str) -> Service | None:
        """The service at a path such as /esUsers.asmx."""
        folder, _, name = path.lower().rpartition("/")
        if folder or not name.endswith(".asmx"):
            return None
        return self.services.get(name.removesuffix(".asmx"))

    # Documents

    def document(self, service: Service, request: Request) -> Response:
        """The WSDL, or the page a browser sees."""
        address = f"http://{request.headers.get('host', 'localhost')}{request.path}"
        if "wsdl" in request.target.partition("?")[2].lower():
            key = (service.name, address)
            if key not in self._wsdl:
                self._wsdl[key] = self._document(service, address)
            return Response(headers=[("Content-Type", "text/xml; charset=utf-8")], body=self._wsdl[key])
        items = "".join(f"<li>{name}</li>" for name in service.operations)
        page = (
            f"<html><head><title>{service.name} Web Service</title></head><body><h1>{service.name}</h1>"
            f'<p><a href="?WSDL">Service Description</a></p><ul>{items}</ul></body></html>'
        )
        return Response(headers=[("Content-Type", "text/html; charset=utf-8")], body=page.encode())

    def _document(self, service: Service, address: str) -> bytes:
        return wsdl.document(contract=self.contract, service=service, address=address)

    # Calls

    def prepare(self, service: Service, request: Request, exchange: Exchange) -> tuple[Operation, Call]:
        """Everything before the operation runs: the operation and the call; the arguments go into `exchange`.

        Raises:
            Denied, SoapFault: the operation must not run.
        """
        exchange.service = service.name
        root = self._parse(request, exchange)
        header, body = self._parts(root, exchange)
        action = self._action(request, header)
        if action is None:
            exchange.message_id = None
            raise self._no_action(None)
        operation = self.actions.get((service.name, action))
        if operation is not None:
            exchange.operation = operation.name
        with self.world.lock:
            caller = self._caller(service, request, header)
        exchange.caller = caller.user["Username"] if caller.user else ""
        self._understand(header, exchange.version)
        if operation is None:
            raise self._no_action(action)
        try:
            first = (
                next((child for child in body if isinstance(child.tag, str)), None)
                if body is not None
                else None
            )
            exchange.arguments = self.reader.arguments(operation, service.namespace, first)
        except Unreadable as error:
            raise self._unreadable(service, operation, error) from error
        return operation, Call(self.world, caller, service.name, operation.name)

    def run(self, operation: Operation, call: Call, exchange: Exchange) -> str:
        """The body of the answer; the operation has run.

        Raises:
            SoapFault: the operation ended in one.
        """
        service = self.contract.services[call.service]
        acted = self.operations.get((service.name, operation.name), self.not_acted)
        try:
            try:
                exchange.result = acted(call, exchange.arguments)
            except Refused as refusal:
                exchange.result = refused(self.contract, operation, refusal.code)
            return self.writer.answer(operation, service.namespace, exchange.result)
        except (Fault, Unwritable) as fault:
            raise self.failed(str(fault)) from fault

    def answer(self, service: Service, body: str, operation: Operation, exchange: Exchange) -> Response:
        action = f"{wsdl.action_of(self.contract, service, operation.name)}Response"
        text = self._envelope(service, exchange, action, body)
        return self._response(200, "OK", text, exchange.version, has_run=True)

    def fault(self, service: Service, fault: SoapFault, exchange: Exchange, host: str) -> Response:
        if fault.version:
            exchange.version = fault.version
        exchange.fault = fault.text
        body = self._fault_body(service, fault, exchange.version, host)
        text = self._envelope(service, exchange, f"{ADDRESSING}/fault", body)
        return self._response(
            500, "Internal Server Error", text, exchange.version, has_run=fault.operation_ran
        )

    def denied(self) -> Response:
        product = contracts.DIALECTS[self.contract.dialect]
        return Response(
            401,
            "Access Denied",
            [
                ("WWW-Authenticate", f'Basic Realm="{product} Enterprise Server"'),
                ("X-AspNet-Version", "4.0.30319"),
                ("Cache-Control", "private"),
                ("Content-Type", "text/html"),
            ],
            b"401 Access Denied",
        )

    # The faults of the stack

    def failed(self, text: str) -> SoapFault:
        """The fault for an exception in the operation."""
        return SoapFault("Server", UNABLE_TO_PROCESS + text, operation_ran=True)

    def _no_action(self, action: str | None) -> SoapFault:
        if action is None:
            text = (
                "The input was not a valid SOAP message because the following information is missing: action."
            )
            return SoapFault("Client", f"WSE012: {text}", has_detail=False, version=SOAP12)
        return SoapFault("Client", f"Server did not recognize the value of HTTP Header SOAPAction: {action}.")

    def _unreadable(self, service: Service, operation: Operation, error: Unreadable) -> SoapFault:
        return SoapFault("Client", UNABLE_TO_READ + str(error))

    # Reading a request

    def _parse(self, request: Request, exchange: Exchange) -> etree._Element:
        body = request.body
        charset = re.search(r"charset\s*=\s*\"?([\w-]+)", request.headers.get("content-type", ""))
        if charset and charset.group(1).lower() not in ("utf-8", "utf8") and not body.startswith(b"<?xml"):
            try:
                body = body.decode(charset.group(1)).encode()
            except (LookupError, UnicodeDecodeError) as error:
                raise SoapFault("Server", UNABLE_TO_PROCESS + NULL_REFERENCE) from error
        try:
            root = etree.fromstring(body, _PARSER)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise SoapFault("Server", UNABLE_TO_PROCESS + NULL_REFERENCE) from error
        if root.getroottree().docinfo.internalDTD is not None:
            raise SoapFault("Server", UNABLE_TO_PROCESS + NULL_REFERENCE)
        name = etree.QName(root)
        if name.localname != "Envelope" or name.namespace not in (SOAP11, SOAP12):
            raise SoapFault("Server", UNABLE_TO_PROCESS + NULL_REFERENCE)
        exchange.version = name.namespace
        exchange.is_parsed = True
        return root

    def _parts(
        self, root: etree._Element, exchange: Exchange
    ) -> tuple[etree._Element | None, etree._Element | None]:
        header = root.find(f"{{{exchange.version}}}Header")
        message_id = header.findtext(f"{{{ADDRESSING}}}MessageID") if header is not None else None
        exchange.message_id = message_id or f"urn:uuid:{uuid.uuid4()}"
        return header, root.find(f"{{{exchange.version}}}Body")

    def _action(self, request: Request, header: etree._Element | None) -> str | None:
        """The action a request names: in its SOAPAction header, its media type, or its addressing header."""
        action = request.headers.get("soapaction")
        if action is None:
            in_type = _ACTION.search(request.headers.get("content-type", ""))
            action = in_type.group(1) if in_type else None
        if action is None and header is not None:
            action = header.findtext(f"{{{ADDRESSING}}}Action")
        return None if action is None else action.strip().strip('"')

    def _understand(self, header: etree._Element | None, version: str) -> None:
        for item in header if header is not None else ():
            if not isinstance(item.tag, str) or etree.QName(item).namespace in self._known_headers():
                continue
            if item.get(f"{{{version}}}mustUnderstand") in ("1", "true"):
                name = etree.QName(item).localname
                raise SoapFault(
                    "MustUnderstand",
                    f"SOAP header {name} was not understood.",
                    has_detail=False,
                    operation_ran=True,
                )

    def _known_headers(self) -> frozenset[str]:
        return UNDERSTOOD

    # Credentials

    def _caller(self, service: Service, request: Request, header: etree._Element | None) -> Caller:
        has_policy = service.name not in contracts.NO_POLICY[self.contract.dialect]
        security = header.find(f"{{{SECURITY}}}Security") if header is not None else None
        token = security.find(f"{{{SECURITY}}}UsernameToken") if security is not None else None
        if token is not None:
            return self._by_token(token, has_policy=has_policy)
        if service.name == "esAuthentication":
            return SUPERVISOR
        if not has_policy and self.world.options.anonymous_organizations:
            return SUPERVISOR
        return Caller(self._by_basic(request))

    def _by_token(self, token: etree._Element, *, has_policy: bool) -> Caller:
        password = token.find(f"{{{SECURITY}}}Password")
        if password is not None and not (password.get("Type") or PASSWORD_TEXT).endswith("#PasswordText"):
            raise SoapFault(
                "wsse:InvalidSecurityToken",
                "An invalid security token was provided ---> WSE547: The timestamp format is not valid.",
                has_detail=False,
            )
        name = token.findtext(f"{{{SECURITY}}}Username") or ""
        user = self.world.store.users.first("Username", name)
        text = password.text if password is not None else None
        if user is None or text is None or user["Password"] != text:
            raise SoapFault(
                "wsse:FailedAuthentication",
                "The security token could not be authenticated or authorized ---> WSE565: The password provided by"
                " the SecurityTokenManager does not match the one on the incoming token.",
                has_detail=False,
            )
        if has_policy:
            raise SoapFault("wsse:Security", "SOAP response should be signed.", has_detail=False)
        return Caller(user)

    def _by_basic(self, request: Request) -> Row:
        value = request.headers.get("authorization", "")
        if not value.startswith("Basic "):
            raise Denied
        try:
            decoded = base64.b64decode(value[6:].strip(), validate=True)
        except (binascii.Error, ValueError) as error:
            text = (
                "The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding"
                " characters, or an illegal character among the padding characters."
            )
            raise SoapFault("Server", UNABLE_TO_PROCESS + text) from error
        parts = decoded.decode("ascii", "replace").replace("\ufffd", "?").split(":")
        if len(parts) < 2:
            raise SoapFault("Server", UNABLE_TO_PROCESS + "Index was outside the bounds of the array.")
        user = self.world.store.users.first("Username", parts[0])
        if user is None or not password_matches(self.contract.dialect, user, parts[1]):
            raise Denied
        return user

    # Writing an answer

    def _envelope(self, service: Service, exchange: Exchange, action: str, body: str) -> str:
        is_12 = exchange.version == SOAP12
        open_header = f'<env:Header xmlns:env="{SOAP12}">' if is_12 else "<soap:Header>"
        close_header = "</env:Header>" if is_12 else "</soap:Header>"
        relates = ""
        if exchange.is_parsed and exchange.message_id:
            relates = f"<wsa:RelatesTo>{escape(exchange.message_id)}</wsa:RelatesTo>"
        names, stamp = "", ""
        if service.name in contracts.NO_POLICY[self.contract.dialect]:
            names = f' xmlns:wsse="{SECURITY}" xmlns:wsu="{UTILITY}"'
            stamp = self._timestamp()
        return (
            f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{exchange.version}"'
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
            f' xmlns:wsa="{ADDRESSING}"{names}>{open_header}<wsa:Action>{action}</wsa:Action>'
            f"<wsa:MessageID>urn:uuid:{uuid.uuid4()}</wsa:MessageID>{relates}<wsa:To>{ANONYMOUS}</wsa:To>{stamp}"
            f"{close_header}<soap:Body>{body}</soap:Body></soap:Envelope>"
        )

    def _timestamp(self) -> str:
        now = self.world.clock.utc()
        created, expires = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (now, now + timedelta(minutes=5)))
        return (
            f'<wsse:Security><wsu:Timestamp wsu:Id="Timestamp-{uuid.uuid4()}"><wsu:Created>{created}</wsu:Created>'
            f"<wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp></wsse:Security>"
        )

    def _fault_body(self, service: Service, fault: SoapFault, version: str, host: str) -> str:
        text = escape(fault.text)
        if version == SOAP12:
            codes = {
                "Client": "soap:Sender",
                "Server": "soap:Receiver",
                "MustUnderstand": "soap:MustUnderstand",
            }
            code = codes.get(fault.code, "soap:Sender")
            detail = "<soap:Detail />" if fault.has_detail else ""
            return (
                f"<soap:Fault><soap:Code><soap:Value>{code}</soap:Value></soap:Code><soap:Reason>"
                f'<soap:Text xml:lang="en">{text}</soap:Text></soap:Reason>{detail}</soap:Fault>'
            )
        if fault.code.startswith("wsse:"):
            name = fault.code.removeprefix("wsse:")
            actor = f"http://{host}/{service.name}.asmx"
            return (
                f'<soap:Fault><faultcode xmlns:q0="{SECURITY}">q0:{name}</faultcode>'
                f"<faultstring>{text}</faultstring><faultactor>{escape(actor)}</faultactor></soap:Fault>"
            )
        detail = "<detail />" if fault.has_detail else ""
        return (
            f"<soap:Fault><faultcode>soap:{fault.code}</faultcode><faultstring>{text}</faultstring>{detail}"
            "</soap:Fault>"
        )

    def _response(self, status: int, reason: str, text: str, version: str, *, has_run: bool) -> Response:
        media_type = "application/soap+xml" if version == SOAP12 else "text/xml"
        return Response(
            status,
            reason,
            self._headers(media_type, has_run=has_run),
            text.encode(),
        )

    def _headers(self, media_type: str, *, has_run: bool) -> list[tuple[str, str]]:
        return [
            ("X-AspNet-Version", "4.0.30319"),
            ("Cache-Control", "private, max-age=0" if has_run else "private"),
            ("Content-Type", f"{media_type}; charset=utf-8"),
        ]


def password_matches(dialect: str, user: Row, password: str) -> bool:
    """Whether a password is the user's: in plain, S and F also as the Base64 of its SHA-1, F of its SHA-256 too."""
    plain = user["Password"].encode()
    accepted = [user["Password"]]
    if dialect in ("S", "F"):
        digest = hashlib.sha1(plain, usedforsecurity=False).digest()
        accepted.append(base64.b64encode(digest).decode())
    if dialect == "F":
        text = base64.b64encode(hashlib.sha256(plain).digest()).decode()
        accepted += [text, f"SHA256:{text}"]
    return password in accepted


def refused(contract: Contract, operation: Operation, code: int) -> Any:
    """A business code in the shape of the operation's result."""
    if operation.result == "PackageResult":
        return {"Result": code}
    if operation.result in contract.types:
        return {"IsSuccess": False, "ErrorCodes": [f"ERROR{code}"]}
    return code if operation.result == "int" else None
