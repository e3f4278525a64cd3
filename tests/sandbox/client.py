# SPDX-License-Identifier: Apache-2.0
"""A small SOAP client for these tests: it checks every request and every answer against the schema the sandbox serves."""

import functools
import re
import urllib.error
import urllib.request
from base64 import b64encode
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from postledger_sandbox import contract
from postledger_sandbox.contract import wsdl

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
XSI_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
SCHEMA = "{http://www.w3.org/2001/XMLSchema}"
ROW_ORDER = "{urn:schemas-microsoft-com:xml-msdata}rowOrder"


class Fault(Exception):
    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class Reply:
    """An HTTP answer as it came."""

    def __init__(self, status: int, reason: str, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body

    @property
    def xml(self) -> etree._Element:
        return etree.fromstring(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def fault(self) -> str:
        return "".join(self.xml.itertext("faultstring", f"{{{SOAP12}}}Text"))


@functools.cache
def schema_of(dialect: str, service: str) -> etree.XMLSchema:
    """The schema of a service, with the DataSet wildcard written so that libxml2 can compile it."""
    described = contract.load(dialect)
    document = wsdl.document(contract=described, service=described.services[service], address="http://x/")
    types = etree.fromstring(document).find("{http://schemas.xmlsoap.org/wsdl/}types")
    schemas = types.findall(f"{SCHEMA}schema")
    for reference in list(types.iter(f"{SCHEMA}element")):
        if reference.get("ref") == "s:schema":
            wildcard = etree.Element(
                f"{SCHEMA}any", namespace="http://www.w3.org/2001/XMLSchema", processContents="skip"
            )
            following = reference.getnext()
            following.set("namespace", "urn:schemas-microsoft-com:xml-diffgram-v1")
            following.set("processContents", "skip")
            reference.getparent().replace(reference, wildcard)
    main, guids = schemas[0], schemas[1:]
    for import_ in main.findall(f"{SCHEMA}import"):
        main.remove(import_)
    for guid in guids:
        for item in guid:
            main.append(item)
    text = etree.tostring(main).decode()
    text = text.replace("s1:guid", "tns:guid")
    return etree.XMLSchema(etree.fromstring(text))


class Client:
    """Calls operations by service and name, with parameters by name; what is not given is sent as zero or left out."""

    def __init__(
        self, url: str, dialect: str, username: str = "reseller", password: str = "Secret-1"
    ) -> None:
        self.url = url
        self.dialect = dialect
        self.contract = contract.load(dialect)
        self.username = username
        self.password = password

    def signed_in(self, username: str, password: str = "Secret-1") -> "Client":
        return Client(self.url, self.dialect, username, password)

    def call(self, service: str, operation: str, **given: Any) -> Any:
        """The result of an operation. Raises: Fault."""
        described = self.contract.services[service]
        body = self.body(service, operation, **given)
        schema_of(self.dialect, service).assertValid(etree.fromstring(body))
        action = wsdl.action_of(self.contract, described, operation)
        reply = self.post(service, action, body)
        if reply.status == 401:
            raise PermissionError(reply.text)
        root = reply.xml
        assert etree.QName(root).localname == "Envelope"
        content = root.find(f"{{{SOAP11}}}Body")[0]
        if etree.QName(content).localname == "Fault":
            assert reply.status == 500
            raise Fault(content.findtext("faultcode"), content.findtext("faultstring"))
        assert reply.status == 200
        schema_of(self.dialect, service).assertValid(content)
        kind = described.operations[operation].result
        result = content.find(f"{{{described.namespace}}}{operation}Result")
        return None if not kind or result is None else self.value(kind, result)

    def body(self, service: str, operation: str, **given: Any) -> str:
        described = self.contract.services[service]
        parameters = described.operations[operation].parameters
        unknown = set(given) - {name for name, _ in parameters}
        assert not unknown, f"{operation} has no {unknown}"
        inner = "".join(self.element(name, kind, given.get(name)) for name, kind in parameters)
        return f'<{operation} xmlns="{described.namespace}">{inner}</{operation}>'

    def element(self, name: str, kind: str, value: Any) -> str:
        if kind.endswith("?") and value is None:
            return f'<{name} xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
        kind = kind.removesuffix("?")
        if value is None:
            value = self._default(kind)
            if value is None:
                return ""
        if kind.endswith("[]"):
            item = kind[:-2]
            tag = wsdl.list_name(item[:-2]) if item.endswith("[]") else item
            return f"<{name}>{''.join(self.element(tag, item, each) for each in value)}</{name}>"
        if kind in self.contract.types:
            members = self.contract.members(kind)
            return f"<{name}>{''.join(self.element(m, k, value.get(m)) for m, k in members)}</{name}>"
        if isinstance(value, bool):
            value = str(value).lower()
        return f"<{name}>{escape(str(value))}</{name}>"

    def _default(self, kind: str) -> Any:
        if kind in self.contract.enums:
            return next(iter(self.contract.enums[kind].numbers))
        defaults = {"boolean": False, "dateTime": "0001-01-01T00:00:00"}
        if kind == "guid":
            return "00000000-0000-0000-0000-000000000000"
        return defaults.get(kind, 0) if self.contract.is_value(kind) else None

    def post(self, service: str, action: str | None, body: str, **headers: str) -> Reply:
        envelope = f'<s:Envelope xmlns:s="{SOAP11}"><s:Body>{body}</s:Body></s:Envelope>'
        return self.send(service, action, envelope.encode(), **headers)

    def send(self, service: str, action: str | None, body: bytes, **headers: str) -> Reply:
        """Whatever bytes, with our credentials unless `Authorization` is given (empty for none)."""
        given = {"Content-Type": "text/xml; charset=utf-8"}
        given["Authorization"] = basic(self.username, self.password)
        if action is not None:
            given["SOAPAction"] = f'"{action}"'
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        given = {name: value for name, value in given.items() if value}
        return fetch(f"{self.url}/{service}.asmx", body, given)

    def action(self, service: str, operation: str) -> str:
        return wsdl.action_of(self.contract, self.contract.services[service], operation)

    # Reading

    def value(self, kind: str, element: etree._Element) -> Any:
        if element.get(XSI_NIL) == "true":
            return None
        if kind == "DataSet":
            return tables(element)
        if kind.endswith("[]"):
            return [self.value(kind[:-2], child) for child in element]
        kind = kind.removesuffix("?")
        if kind in self.contract.types:
            kinds = dict(self.contract.members(kind))
            names = [(etree.QName(child).localname, child) for child in element]
            return {name: self.value(kinds[name], child) for name, child in names}
        text = element.text or ""
        if kind in ("int", "long", "unsignedShort"):
            return int(text)
        return text == "true" if kind == "boolean" else text


def tables(element: etree._Element) -> list[list[dict[str, str]]]:
    """The rows of a DataSet, table by table, as its own schema lists the tables."""
    declared = element[0]
    names = [
        item.get("name")
        for item in declared.iter(f"{SCHEMA}element")
        if item.get("name", "").startswith("Table")
    ]
    found: dict[str, list[dict[str, str]]] = {name: [] for name in names}
    for dataset in element[1]:
        for row in dataset:
            assert row.get(ROW_ORDER) == str(len(found[row.tag]))
            found[row.tag].append({cell.tag: cell.text or "" for cell in row})
    return list(found.values())


def basic(username: str, password: str) -> str:
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def fetch(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
    request = urllib.request.Request(url, body, headers or {})
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=20) as answer:
            return Reply(answer.status, answer.reason, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, error.reason, dict(error.headers), error.read())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def without_ids(text: str) -> str:
    """An envelope without what changes from call to call."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "…", text)
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "…", text)
