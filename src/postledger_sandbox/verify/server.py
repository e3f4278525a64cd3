# SPDX-License-Identifier: Apache-2.0
"""The server looked at: where its documents and services are, how to sign in, how to name things there."""

from __future__ import annotations

import base64
import http.client
import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.sax.saxutils import escape

from lxml import etree

from postledger_sandbox import contract as contracts
from postledger_sandbox.contract import Contract, datacontract
from postledger_sandbox.contract.wsdl import action_of, list_name

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SCHEMA = "{http://www.w3.org/2001/XMLSchema}"
INSTANCE_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
CREDENTIALS = "http://fusecp.com/headers/Credentials"
CREDENTIAL_PARTS = "http://fusecp/credentials"
TIMEOUT_S = 60
PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)

Answer = tuple[int, dict[str, str], bytes]
Members = list[tuple[str, str]]


class Unreachable(Exception):
    """The server does not answer as an Enterprise Server at all."""


class NotAsked(Exception):
    """A call was not answered in SOAP, or the server does not have it; the text says which and what came."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class Web:
    """The way to the server. Redirects are not followed: credentials go where they were sent or nowhere.

    Args:
        checks_tls: whether the certificate must be valid.
    """

    def __init__(self, *, checks_tls: bool = True) -> None:
        context = ssl.create_default_context()
        if not checks_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self._opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=context))

    def fetch(self, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        """Status, headers and body of whatever answers.

        Raises:
            Unreachable: nothing does.
        """
        request = urllib.request.Request(url, body, headers or {})
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise Unreachable(f"{url}: {getattr(error, 'reason', error)}") from error


class Server:
    """A WebsitePanel or SolidCP server, and the credentials to look with."""

    suffix = ".asmx"

    def __init__(self, url: str, username: str, password: str, contract: Contract, web: Web) -> None:
        self.url = url
        self.username = username
        self.password = password
        self.contract = contract
        self.web = web
        # The roots of the documents of each service: the WSDL itself and what it imports.
        self.documents: dict[str, list[etree._Element]] = {}

    # Asking

    def post(
        self,
        service: str,
        operation: str,
        *,
        username: str | None = None,
        header: str = "",
        signs_in: bool = True,
        parameters: dict[str, Any] | None = None,
    ) -> Answer:
        """Status, headers and body.

        Args:
            username: another than ours, with our password.
            header: what else to put into the SOAP header.
            signs_in: false to send no credentials.
        """
        given = parameters or {}
        described = self.contract.services[service]
        order = [name for name, _ in described.operations[operation].parameters]
        inner = "".join(f"<{name}>{escape(_text(given[name]))}</{name}>" for name in order if name in given)
        name = self.username if username is None else username
        header += self._header(name) if signs_in else ""
        envelope = (
            f'<s:Envelope xmlns:s="{SOAP}"><s:Header>{header}</s:Header><s:Body>'
            f'<{operation} xmlns="{described.namespace}">{inner}</{operation}></s:Body></s:Envelope>'
        )
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{action_of(self.contract, described, operation)}"',
            **(self._http_headers(name) if signs_in else {}),
        }
        return self.web.fetch(f"{self.url}/{service}{self.suffix}", envelope.encode(), headers)

    def _header(self, username: str) -> str:
        return ""

    def _http_headers(self, username: str) -> dict[str, str]:
        text = base64.b64encode(f"{username}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {text}"}

    def call(self, service: str, operation: str, **parameters: Any) -> etree._Element:
        """The answer's element in the body, a fault too.

        Raises:
            NotAsked: there is no such operation, or no SOAP came back.
        """
        if not self.has(service, operation):
            raise NotAsked(f"there is no {service}.{operation}")
        status, _, body = self.post(service, operation, parameters=parameters)
        content = part_of(body, "Body")
        if content is None or not len(content):
            shown = body[:60].decode("latin-1").strip()
            raise NotAsked(f"{service}.{operation} was answered with status {status}, no SOAP: {shown!r}")
        return content[0]

    def has(self, service: str, operation: str) -> bool:
        """Whether the server's own documents have the operation, as far as they were read."""
        if operation not in self.contract.services[service].operations:
            return False
        roots = self.documents.get(service)
        if roots is None:
            return True
        elements = (element for root in roots for element in root.iter(f"{SCHEMA}element"))
        return any(element.get("name") == operation for element in elements)

    def result(self, service: str, operation: str, **parameters: Any) -> etree._Element | None:
        """The result element; none for null, or when the call ended in a fault."""
        namespace = self.contract.services[service].namespace
        found = self.call(service, operation, **parameters).find(f"{{{namespace}}}{operation}Result")
        return None if found is None or found.get(INSTANCE_NIL) == "true" else found

    def number(self, service: str, operation: str, name: str, **parameters: Any) -> int:
        """A number among the members of an object; 0 when there is no object."""
        result = self.result(service, operation, **parameters)
        for child in result if result is not None else ():
            if etree.QName(child).localname.lower() == name.lower():
                return int(child.text or 0)
        return 0

    @property
    def user_id(self) -> int:
        return self.number("esUsers", "GetUserByUsername", "UserId", username=self.username)

    # Documents

    def read_documents(self, service: str) -> str:
        """Nothing, when the service's document and what it imports are in `documents`; otherwise what came instead."""
        first = f"{self.url}/{service}{self.suffix}?wsdl"
        roots: list[etree._Element] = []
        places, seen = [first], {first}
        while places:
            place = places.pop(0)
            status, _, body = self.web.fetch(place)
            if status != 200:
                return f"status {status}"
            try:
                root = etree.fromstring(body, PARSER)
            except etree.XMLSyntaxError:
                return "no XML"
            roots.append(root)
            for element in root.iter():
                location = element.get("schemaLocation") or (
                    element.get("location") if str(element.tag).endswith("}import") else None
                )
                target = urljoin(place, location) if location else ""
                if target and target not in seen and urlsplit(target).netloc == urlsplit(first).netloc:
                    seen.add(target)
                    places.append(target)
        self.documents[service] = roots
        return ""

    def type_name(self, kind: str) -> str:
        """The name in the schema of a type, given as in the contract."""
        return list_name(kind[:-2]) if kind.endswith("[]") else kind.removesuffix("?")

    def item_name(self, kind: str) -> str:
        """The name of the items of a list, their type given as in the contract."""
        return list_name(kind[:-2]) if kind.endswith("[]") else kind

    def class_name(self, name: str) -> str:
        return name

    def members(self, name: str) -> Members:
        """What a class adds to its base, as (name, type) in the order of the wire."""
        return [(member, self.type_name(kind)) for member, kind in self.contract.types[name].members]

    def all_members(self, name: str) -> Members:
        """The members of a class with those of its bases, as (name, type as in the contract) in the order of the wire."""
        return list(self.contract.members(name))


class FuseServer(Server):
    """A FuseCP server."""

    suffix = ""

    def _header(self, username: str) -> str:
        return (
            f'<Credentials xmlns="{CREDENTIALS}"><Password xmlns="{CREDENTIAL_PARTS}">{escape(self.password)}'
            f'</Password><Username xmlns="{CREDENTIAL_PARTS}">{escape(username)}</Username></Credentials>'
        )

    def _http_headers(self, username: str) -> dict[str, str]:
        return {}

    def type_name(self, kind: str) -> str:
        if kind.endswith("[]"):
            return f"ArrayOf{datacontract.item_of(kind[:-2])[1]}"
        kind = kind.removesuffix("?")
        return datacontract.name_of(kind) if kind in self.contract.types else kind

    def item_name(self, kind: str) -> str:
        return datacontract.item_of(kind)[1]

    def class_name(self, name: str) -> str:
        return datacontract.name_of(name)

    def members(self, name: str) -> Members:
        level = datacontract.level(self.contract, name)
        return [(member.name, self.type_name(member.kind)) for member in level.members]

    def all_members(self, name: str) -> Members:
        levels = datacontract.levels(self.contract, name)
        return [(member.name, member.kind) for level in levels for member in level.members]


def recognise(url: str, username: str, password: str, web: Web) -> tuple[str, Server]:
    """What the server at an address is, in words, and the server; told by its documents alone.

    Raises:
        Unreachable: there is none that we know.
    """
    url = url.rstrip("/")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise Unreachable(f"{url} is no address beginning with http:// or https://")
    statuses = []
    for kind, suffix in ((Server, ".asmx"), (FuseServer, "")):
        status, _, body = web.fetch(f"{url}/esUsers{suffix}?wsdl")
        statuses.append(str(status))
        if status != 200:
            continue
        try:
            root = etree.fromstring(body, PARSER)
        except etree.XMLSyntaxError as error:
            raise Unreachable(f"{url}/esUsers{suffix}?wsdl is no WSDL") from error
        namespace = root.get("targetNamespace")
        for dialect, known in contracts.NAMESPACES.items():
            if known == namespace and dialect == "W":
                name, described = _recognise_old(root, web, f"{url}/esAuthentication{suffix}?wsdl")
                return name, kind(url, username, password, described, web)
            if known == namespace:
                return contracts.DIALECTS[dialect], kind(
                    url, username, password, contracts.load(dialect), web
                )
        raise Unreachable(f"{url} has a namespace unknown here: {namespace}")
    raise Unreachable(f"{url}/esUsers.asmx?wsdl answers {statuses[0]}, and esUsers?wsdl {statuses[1]}")


def _recognise_old(users: etree._Element, web: Web, authentication: str) -> tuple[str, Contract]:
    """Which WebsitePanel: a release of the first generation, or the second, which is the later ones under its old name."""
    wrappers = {element.get("name"): element for element in users.iter(f"{SCHEMA}element")}
    added = wrappers.get("AddUser")
    taken = [element.get("name") for element in added.iter(f"{SCHEMA}element")] if added is not None else []
    if "password" in taken:
        described = contracts.moved(contracts.load("S"), contracts.NAMESPACES["W"])
        return "WebsitePanel 2.x, compared with what is known of SolidCP", described
    if "AddUserVLan" in wrappers:
        return "WebsitePanel 1.2", contracts.load("W", "1.2")
    _, _, body = web.fetch(authentication)
    release = "1.1" if b'"GetSystemSetupMode"' in body else "1.0"
    return f"WebsitePanel {release}", contracts.load("W", release)


def part_of(body: bytes, name: str) -> etree._Element | None:
    """The header or body of an envelope; none when it is not there, or the bytes are no envelope."""
    try:
        return etree.fromstring(body, PARSER).find(f"{{{SOAP}}}{name}")
    except etree.XMLSyntaxError:
        return None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
