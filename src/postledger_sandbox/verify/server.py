# SPDX-License-Identifier: Apache-2.0
"""The server looked at: where its documents and services are, how to sign in, how to name things there."""

from __future__ import annotations

import base64
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
INSTANCE_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
CREDENTIALS = "http://fusecp.com/headers/Credentials"
CREDENTIAL_PARTS = "http://fusecp/credentials"
TIMEOUT_S = 60
PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)

Answer = tuple[int, dict[str, str], bytes]


class Unreachable(Exception):
    """The server does not answer as an Enterprise Server at all."""


class Server:
    """A WebsitePanel or SolidCP server, and the credentials to look with."""

    suffix = ".asmx"

    def __init__(self, url: str, username: str, password: str, contract: Contract) -> None:
        self.url = url.rstrip("/")
        self.username = username
        self.password = password
        self.contract = contract
        # The roots of the documents of each service: the WSDL itself and what it imports.
        self.documents: dict[str, list[etree._Element]] = {}

    # Asking

    def post(
        self,
        service: str,
        operation: str,
        *,
        sign_in: str | None = None,
        header: str = "",
        **parameters: Any,
    ) -> Answer:
        """Status, headers and body; signed in with our password unless `sign_in` is another; "" is not at all."""
        described = self.contract.services[service]
        order = [name for name, _ in described.operations[operation].parameters]
        inner = "".join(
            f"<{name}>{escape(_text(parameters[name]))}</{name}>" for name in order if name in parameters
        )
        given = self.password if sign_in is None else sign_in
        header += self._header(given) if given else ""
        envelope = (
            f'<s:Envelope xmlns:s="{SOAP}"><s:Header>{header}</s:Header><s:Body>'
            f'<{operation} xmlns="{described.namespace}">{inner}</{operation}></s:Body></s:Envelope>'
        )
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{action_of(self.contract, described, operation)}"',
            **(self._http_headers(given) if given else {}),
        }
        return fetch(f"{self.url}/{service}{self.suffix}", envelope.encode(), headers)

    def _header(self, password: str) -> str:
        return ""

    def _http_headers(self, password: str) -> dict[str, str]:
        text = base64.b64encode(f"{self.username}:{password}".encode()).decode()
        return {"Authorization": f"Basic {text}"}

    def call(self, service: str, operation: str, **parameters: Any) -> etree._Element:
        """The answer's element in the body, a fault too."""
        _, _, body = self.post(service, operation, **parameters)
        content = etree.fromstring(body, PARSER).find(f"{{{SOAP}}}Body")
        if content is None or not len(content):
            raise Unreachable(f"{service}.{operation} was not answered in SOAP")
        return content[0]

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

    def read_documents(self, service: str) -> int:
        """The status of a service's document; with 200 it and what it imports is in `documents`."""
        first = f"{self.url}/{service}{self.suffix}?wsdl"
        roots: list[etree._Element] = []
        places, seen = [first], {first}
        while places:
            place = places.pop(0)
            status, _, body = fetch(place)
            if status != 200:
                return status
            root = etree.fromstring(body, PARSER)
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
        return 200

    def type_name(self, kind: str) -> str:
        """The name in the schema of a type, given as in the contract."""
        return list_name(kind[:-2]) if kind.endswith("[]") else kind.removesuffix("?")

    def class_name(self, name: str) -> str:
        return name

    def members(self, name: str) -> list[tuple[str, str]]:
        """What a class adds to its base, as (name, type) in the order of the wire."""
        return [(member, self.type_name(kind)) for member, kind in self.contract.types[name].members]


class FuseServer(Server):
    """A FuseCP server."""

    suffix = ""

    def _header(self, password: str) -> str:
        return (
            f'<Credentials xmlns="{CREDENTIALS}"><Password xmlns="{CREDENTIAL_PARTS}">{escape(password)}</Password>'
            f'<Username xmlns="{CREDENTIAL_PARTS}">{escape(self.username)}</Username></Credentials>'
        )

    def _http_headers(self, password: str) -> dict[str, str]:
        return {}

    def type_name(self, kind: str) -> str:
        if kind.endswith("[]"):
            return f"ArrayOf{datacontract.item_of(kind[:-2])[1]}"
        kind = kind.removesuffix("?")
        return datacontract.name_of(kind) if kind in self.contract.types else kind

    def class_name(self, name: str) -> str:
        return datacontract.name_of(name)

    def members(self, name: str) -> list[tuple[str, str]]:
        level = datacontract.level(self.contract, name)
        return [(member.name, self.type_name(member.kind)) for member in level.members]


def recognise(url: str, username: str, password: str) -> Server:
    """The server at an address, told by the namespace of its users.

    Raises:
        Unreachable: there is none that we know.
    """
    url = url.rstrip("/")
    statuses = []
    for kind, suffix in ((Server, ".asmx"), (FuseServer, "")):
        status, _, body = fetch(f"{url}/esUsers{suffix}?wsdl")
        statuses.append(str(status))
        if status != 200:
            continue
        try:
            namespace = etree.fromstring(body, PARSER).get("targetNamespace")
        except etree.XMLSyntaxError as error:
            raise Unreachable(f"{url}/esUsers{suffix}?wsdl is no WSDL") from error
        for dialect, known in contracts.NAMESPACES.items():
            if known == namespace:
                return kind(url, username, password, contracts.load(dialect))
        raise Unreachable(f"{url} has a namespace unknown here: {namespace}")
    raise Unreachable(f"{url}/esUsers.asmx?wsdl answers {statuses[0]}, and esUsers?wsdl {statuses[1]}")


def fetch(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
    """Status, headers and body of whatever answers.

    Raises:
        Unreachable: nothing does.
    """
    request = urllib.request.Request(url, body, headers or {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()
    except (urllib.error.URLError, OSError) as error:
        raise Unreachable(f"{url}: {error}") from error


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
