# SPDX-License-Identifier: Apache-2.0
"""Checks how an Enterprise Server compares with what the sandbox takes for granted.

It reads only, unless told to write: then it makes one user, changes him, deletes him and waits until he is gone. Each
check is a function that yields findings; a finding agrees, differs, or is a note about something worth knowing.
"""

from __future__ import annotations

import base64
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from lxml import etree

from postledger_sandbox import contract as contracts
from postledger_sandbox.contract import Contract, Service
from postledger_sandbox.contract.wsdl import action_of, list_name

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SCHEMA = "{http://www.w3.org/2001/XMLSchema}"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
TEXT = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
AGREES, DIFFERS, NOTE = "agrees", "differs", "note"
TIMEOUT_S = 60
GONE_WITHIN_S = 300
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


@dataclass(frozen=True)
class Finding:
    """One line of the report: "agrees", "differs" or "note", what was looked at, and what was found."""

    verdict: str
    subject: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.verdict:8} {self.subject}" + (f": {self.text}" if self.text else "")


class Unreachable(Exception):
    """The server does not answer as an Enterprise Server at all."""


@dataclass
class Server:
    """The server looked at, and the credentials to look with."""

    url: str
    username: str
    password: str
    contract: Contract = field(init=False)
    documents: dict[str, etree._Element] = field(default_factory=dict)

    def fetch(
        self, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of whatever the server answers."""
        names = {name.replace("_", "-"): value for name, value in headers.items() if value}
        request = urllib.request.Request(f"{self.url.rstrip('/')}/{path}", body, names)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()
        except (urllib.error.URLError, OSError) as error:
            raise Unreachable(f"{self.url}: {error}") from error

    def basic(self, password: str | None = None) -> str:
        text = f"{self.username}:{self.password if password is None else password}"
        return "Basic " + base64.b64encode(text.encode()).decode()

    def post(
        self, service: str, operation: str, *, authorization: str = "", header: str = "", **parameters: object
    ) -> tuple[int, dict[str, str], bytes]:
        described = self.contract.services[service]
        inner = "".join(
            f"<{name}>{escape(str(value).lower() if isinstance(value, bool) else str(value))}</{name}>"
            for name, value in parameters.items()
        )
        envelope = (
            f'<s:Envelope xmlns:s="{SOAP}">{header}<s:Body><{operation} xmlns="{described.namespace}">{inner}'
            f"</{operation}></s:Body></s:Envelope>"
        )
        return self.fetch(
            f"{service}.asmx",
            envelope.encode(),
            Content_Type="text/xml; charset=utf-8",
            SOAPAction=f'"{action_of(self.contract, described, operation)}"',
            Authorization=authorization,
        )

    def call(self, service: str, operation: str, **parameters: object) -> etree._Element:
        """The answer's element in the body, a fault too."""
        _, _, body = self.post(service, operation, authorization=self.basic(), **parameters)
        content = etree.fromstring(body, _PARSER).find(f"{{{SOAP}}}Body")
        if content is None or not len(content):
            raise Unreachable(f"{service}.{operation} was not answered in SOAP")
        return content[0]

    def result(self, service: str, operation: str, **parameters: object) -> etree._Element | None:
        """The result element; none for null, or when the call ended in a fault."""
        namespace = self.contract.services[service].namespace
        return self.call(service, operation, **parameters).find(f"{{{namespace}}}{operation}Result")

    def number(self, service: str, operation: str, name: str, **parameters: object) -> int:
        namespace = self.contract.services[service].namespace
        result = self.result(service, operation, **parameters)
        text = result.findtext(f"{{{namespace}}}{name}") if result is not None else None
        return int(text or 0)

    @property
    def user_id(self) -> int:
        return self.number("esUsers", "GetUserByUsername", "UserId", username=self.username)


def run(
    url: str,
    username: str,
    password: str,
    *,
    writes: bool = False,
    show: Callable[[str], None] = print,
) -> int:
    """How many findings differ; every finding is shown as it comes.

    Raises:
        Unreachable: there is no Enterprise Server at the address.
    """
    server = Server(url, username, password)
    server.contract = _recognise(server, show)
    checks = [*READING, *(WRITING if writes else ())]
    counts = {AGREES: 0, DIFFERS: 0, NOTE: 0}
    for check in checks:
        for finding in check(server):
            counts[finding.verdict] += 1
            show(str(finding))
    show(f"{counts[AGREES]} agree, {counts[DIFFERS]} differ, {counts[NOTE]} notes")
    return counts[DIFFERS]


def _recognise(server: Server, show: Callable[[str], None]) -> Contract:
    """The contract of the server's dialect, told by the namespace of its users."""
    status, _, body = server.fetch("esUsers.asmx?WSDL")
    if status != 200:
        raise Unreachable(f"{server.url}/esUsers.asmx?WSDL answers {status}")
    try:
        namespace = etree.fromstring(body, _PARSER).get("targetNamespace")
    except etree.XMLSyntaxError as error:
        raise Unreachable(f"{server.url}/esUsers.asmx?WSDL is no WSDL") from error
    for dialect in ("W", "S"):
        if contracts.NAMESPACES[dialect] == namespace:
            show(f"This is {contracts.DIALECTS[dialect]} ({namespace})")
            return contracts.load(dialect)
    raise Unreachable(f"unknown namespace {namespace}")


# The documents


def documents(server: Server) -> Iterator[Finding]:
    """Which services there are."""
    for name in server.contract.services:
        status, _, body = server.fetch(f"{name}.asmx?WSDL")
        if status != 200:
            yield Finding(DIFFERS, f"{name} is there", f"status {status}")
            continue
        server.documents[name] = etree.fromstring(body, _PARSER)
        yield Finding(AGREES, f"{name} is there")


def operations(server: Server) -> Iterator[Finding]:
    """Whether operations have the parameters and results we know."""
    for name, document in server.documents.items():
        service = server.contract.services[name]
        wrappers = {
            element.get("name"): element
            for schema in document.iter(f"{SCHEMA}schema")
            for element in schema.findall(f"{SCHEMA}element")
        }
        missing = [operation for operation in service.operations if operation not in wrappers]
        different = list(_different_operations(service, wrappers))
        if missing:
            yield Finding(NOTE, f"{name} lacks operations", ", ".join(missing))
        for text in different:
            yield Finding(DIFFERS, f"{name} operation", text)
        same = len(service.operations) - len(missing) - len(different)
        yield Finding(AGREES, f"{name}: {same} operations as described")


def _different_operations(service: Service, wrappers: dict[str, etree._Element]) -> Iterator[str]:
    for operation in service.operations.values():
        if operation.name not in wrappers:
            continue
        found = _members(wrappers[operation.name])
        if found != _named(operation.parameters):
            yield f"{operation.name} takes {_shown(found)}, expected {_shown(_named(operation.parameters))}"
        response = wrappers.get(f"{operation.name}Response")
        expected = _named(((f"{operation.name}Result", operation.result),)) if operation.result else []
        answered = _members(response) if response is not None else []
        if answered != expected:
            yield f"{operation.name} answers {_shown(answered)}, expected {_shown(expected)}"


def types(server: Server) -> Iterator[Finding]:
    """Whether the classes of the messages have the members we know, in their order."""
    seen: set[str] = set()
    for document in server.documents.values():
        for schema in document.iter(f"{SCHEMA}schema"):
            for kind in schema.findall(f"{SCHEMA}complexType"):
                name = kind.get("name")
                if name in seen or name not in server.contract.types:
                    continue
                seen.add(name)
                finding = _compare_type(server.contract, name, kind)
                if finding is not None:
                    yield finding
    yield Finding(AGREES, f"{len(seen)} types looked at")


def _compare_type(contract: Contract, name: str, kind: etree._Element) -> Finding | None:
    found, expected = _members(kind), _named(contract.types[name].members)
    if found == expected:
        return None
    if found[: len(expected)] == expected:
        return Finding(NOTE, f"type {name} has more members at its end", _shown(found[len(expected) :]))
    missing = [member for member in expected if member not in found]
    added = [member for member in found if member not in expected]
    return Finding(DIFFERS, f"type {name}", f"missing {_shown(missing)}; added {_shown(added)}")


def _members(holder: etree._Element) -> list[tuple[str, str]]:
    """The members of a class or wrapper, not those of its base."""
    sequence = holder.find(f".//{SCHEMA}sequence")
    if sequence is None:
        return []
    members = []
    for element in sequence.findall(f"{SCHEMA}element"):
        kind = element.get("type")
        inner = "DataSet" if element.find(f".//{SCHEMA}any") is not None else "anyType"
        members.append((element.get("name") or "", kind.partition(":")[2] if kind else inner))
    return members


def _named(members: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Members with their types as a schema names them."""
    return [
        (name, list_name(kind[:-2]) if kind.endswith("[]") else kind.removesuffix("?"))
        for name, kind in members
    ]


def _shown(members: list[tuple[str, str]]) -> str:
    return ", ".join(f"{name}:{kind}" for name, kind in members) or "nothing"


# Credentials


def credentials(server: Server) -> Iterator[Finding]:
    """Who is let in and who is not."""
    expected = "401"
    for text, value in (
        ("no credentials", ""),
        ("a wrong password", server.basic(password="wrong " + secrets.token_hex(4))),
        ("the scheme in lower case", server.basic().replace("Basic", "basic")),
    ):
        status, headers, body = server.post("esUsers", "UserExists", authorization=value, username="x")
        verdict = AGREES if str(status) == expected else DIFFERS
        realm = headers.get("WWW-Authenticate", "")
        yield Finding(verdict, f"{text} at esUsers", f"{status} {realm} {body[:40].decode('latin-1')!r}")
    status, _, _ = server.post("esUsers", "UserExists", authorization=server.basic(), username="x")
    yield Finding(AGREES if status == 200 else DIFFERS, "our credentials at esUsers", str(status))


def organizations_without_policy(server: Server) -> Iterator[Finding]:
    """What services without a policy ask for."""
    status, _, _ = server.post("esOrganizations", "GetOrganization", itemId=0)
    if status == 200:
        yield Finding(
            NOTE, "esOrganizations answers without credentials", "keep the port away from the public"
        )
    else:
        yield Finding(NOTE, "esOrganizations without credentials", str(status))
    for text, password in (("our", server.password), ("a wrong", "wrong " + secrets.token_hex(4))):
        token = (
            f'<s:Header><w:Security xmlns:w="{SECURITY}"><w:UsernameToken><w:Username>{escape(server.username)}'
            f'</w:Username><w:Password Type="{TEXT}">{escape(password)}</w:Password></w:UsernameToken></w:Security>'
            "</s:Header>"
        )
        status, _, _ = server.post("esOrganizations", "GetOrganization", header=token, itemId=0)
        expected = 200 if password == server.password else 500
        verdict = AGREES if status == expected else DIFFERS
        yield Finding(verdict, f"a security token with {text} password at esOrganizations", str(status))


# The forms of answers


def nulls(server: Server) -> Iterator[Finding]:
    """What "nothing" looks like."""
    name = "nobody-" + secrets.token_hex(6)
    result = server.result("esUsers", "GetUserByUsername", username=name)
    yield Finding(AGREES if result is None else DIFFERS, "an unknown user is an answer without result")
    exists = server.result("esUsers", "UserExists", username=name)
    is_false = exists is not None and exists.text == "false"
    yield Finding(AGREES if is_false else DIFFERS, "an unknown user does not exist")


def headers_of_answers(server: Server) -> Iterator[Finding]:
    """Whether answers carry addressing headers."""
    _, _, body = server.post("esUsers", "UserExists", authorization=server.basic(), username="x")
    header = etree.fromstring(body, _PARSER).find(f"{{{SOAP}}}Header")
    names = (
        [etree.QName(item).localname for item in header if isinstance(item.tag, str)]
        if header is not None
        else []
    )
    expected = ["Action", "MessageID", "RelatesTo", "To"]
    yield Finding(AGREES if names == expected else NOTE, "addressing headers of an answer", ", ".join(names))


def faults(server: Server) -> Iterator[Finding]:
    """What faults look like."""
    content = server.call("esServers", "GetDnsZoneRecords", domainId=0)
    code = content.findtext("faultcode") or ""
    is_fault = code.endswith(":Server") and content.find("detail") is not None
    text = content.findtext("faultstring") or ""
    yield Finding(
        AGREES if is_fault else DIFFERS, "records of an unknown domain are a fault", f"{code} {text[:120]}"
    )
    content = server.call("esUsers", "GetUserById", userId="four")
    code = content.findtext("faultcode") or ""
    yield Finding(
        AGREES if code.endswith(":Client") else DIFFERS, "a number in words is a fault of the client", code
    )


def datasets(server: Server) -> Iterator[Finding]:
    """Whether DataSets have a schema, a diffgram, and the columns we know."""
    user_id = server.user_id
    reads: list[tuple[str, str, dict[str, object]]] = [
        ("esPackages", "GetHostingPlans", {"userId": user_id}),
        ("esPackages", "GetHostingAddons", {"userId": user_id}),
        ("esPackages", "GetRawMyPackages", {"userId": user_id}),
        ("esUsers", "GetRawUsers", {"ownerId": user_id, "recursive": False}),
        ("esUsers", "GetUsersPaged", {"userId": user_id, "startRow": 0, "maximumRows": 1, **PAGE}),
    ]
    for service, operation, parameters in reads:
        result = server.result(service, operation, **parameters)
        if result is None or len(result) != 2:
            yield Finding(DIFFERS, f"{operation} is a DataSet")
            continue
        declared = [
            [column.get("name") for column in table.iter(f"{SCHEMA}element") if column is not table]
            for table in result[0].iter(f"{SCHEMA}element")
            if (table.get("name") or "").startswith("Table")
        ]
        expected = [
            [name for name, _ in table] for table in server.contract.datasets[f"{service}.{operation}"]
        ]
        yield _compare_columns(operation, declared, expected)


PAGE: dict[str, object] = {
    "filterColumn": "",
    "filterValue": "",
    "statusId": 0,
    "roleId": 0,
    "sortColumn": "Username",
}


def _compare_columns(operation: str, declared: list[list[str | None]], expected: list[list[str]]) -> Finding:
    if declared == expected:
        return Finding(AGREES, f"{operation} has the columns described")
    known = {name.lower() for table in expected for name in table}
    found = {(name or "").lower() for table in declared for name in table}
    text = f"missing {sorted(known - found) or 'none'}, added {sorted(found - known) or 'none'}"
    return Finding(
        DIFFERS if known - found else NOTE, f"{operation} has other columns or another order", text
    )


def rights(server: Server) -> Iterator[Finding]:
    """What happens without rights."""
    content = server.call("esPackages", "GetPackageSettings", packageId=1, settingsName="NameServers")
    text = content.findtext("faultstring") or ""
    if not text:
        yield Finding(NOTE, "the System package is open to these credentials", "is this an administrator?")
    else:
        verdict = AGREES if "not allowed to access this package" in text else DIFFERS
        yield Finding(verdict, "the System package is closed to a reseller", text[:120])
    administrator = server.result("esUsers", "GetUserById", userId=1)
    yield Finding(
        NOTE, "the owner at the root is " + ("visible" if administrator is not None else "not visible")
    )


READING: tuple[Callable[[Server], Iterator[Finding]], ...] = (
    documents,
    operations,
    types,
    credentials,
    organizations_without_policy,
    nulls,
    headers_of_answers,
    faults,
    datasets,
    rights,
)


# Writing


def life_of_a_user(server: Server) -> Iterator[Finding]:
    """A user made, found, changed, deleted and gone; the only check that changes anything."""
    name = "verify-" + secrets.token_hex(4)
    values = {"ownerId": server.user_id, "roleId": 3, "statusId": 1, "isPeer": False, "isDemo": False}
    texts = {"username": name, "password": secrets.token_urlsafe(9) + "1a", "email": f"{name}@example.com"}
    flags = {"htmlMail": False, "ecommerceEnabled": False, "sendLetter": False}
    result = server.result("esUsers", "AddUserLiteral", **values, **texts, **flags)
    user_id = int(result.text or 0) if result is not None else 0
    yield Finding(AGREES if user_id > 0 else DIFFERS, "a user is made", str(user_id))
    if user_id <= 0:
        return
    again = server.result("esUsers", "AddUserLiteral", **values, **texts, **flags)
    code = again.text if again is not None else ""
    yield Finding(AGREES if code == "-100" else DIFFERS, "the same name again", str(code))
    server.call("esUsers", "ChangeUserStatus", userId=user_id, status="Suspended")
    status = server.number("esUsers", "GetUserById", "StatusId", userId=user_id)
    yield Finding(AGREES if status == 2 else DIFFERS, "he is suspended", str(status))
    deleted = server.result("esUsers", "DeleteUser", userId=user_id)
    code = deleted.text if deleted is not None else ""
    yield Finding(AGREES if code == "0" else DIFFERS, "he is deleted", str(code))
    started = time.monotonic()
    while server.result("esUsers", "GetUserById", userId=user_id) is not None:
        if time.monotonic() - started > GONE_WITHIN_S:
            yield Finding(DIFFERS, "he is gone", f"not after {GONE_WITHIN_S} s")
            return
        time.sleep(0.5)
    yield Finding(AGREES, "he is gone", f"after {time.monotonic() - started:.1f} s")


WRITING: tuple[Callable[[Server], Iterator[Finding]], ...] = (life_of_a_user,)
