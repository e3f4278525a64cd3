# SPDX-License-Identifier: Apache-2.0
"""Whether answers look as we know them: credentials, nulls, faults, tables, rights. Reads only."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from postledger_sandbox.verify.findings import AGREES, DIFFERS, NOTE, Finding
from postledger_sandbox.verify.server import PARSER, SOAP, FuseServer, Server

SCHEMA = "{http://www.w3.org/2001/XMLSchema}"
SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
TEXT = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
PAGE = {"filterColumn": "", "filterValue": "", "statusId": 0, "roleId": 0, "sortColumn": "Username"}


def _wrong() -> str:
    return "wrong" + secrets.token_hex(4)


def _fault_of(body: bytes) -> str:
    try:
        return etree.fromstring(body, PARSER).findtext(".//faultstring") or ""
    except etree.XMLSyntaxError:
        return ""


def credentials(server: Server) -> Iterator[Finding]:
    """Who is let in and who is not."""
    for text, password in (("no credentials", ""), ("a wrong password", _wrong())):
        status, headers, body = server.post("esUsers", "UserExists", sign_in=password, username="x")
        fault = _fault_of(body)
        if isinstance(server, FuseServer):
            expected = "Invalid user or password" if password else "No anonymous access allowed."
            is_as_known, shown = expected in fault, fault or str(status)
        else:
            is_as_known = status == 401
            shown = f"{status} {headers.get('WWW-Authenticate', '')} {body[:40].decode('latin-1')!r}"
        yield Finding(AGREES if is_as_known else DIFFERS, f"{text} at esUsers", shown)
    status, _, _ = server.post("esUsers", "UserExists", username="x")
    yield Finding(AGREES if status == 200 else DIFFERS, "our credentials at esUsers", str(status))


def organizations(server: Server) -> Iterator[Finding]:
    """What organizations ask of a caller."""
    status, _, body = server.post("esOrganizations", "GetOrganization", sign_in="", itemId=0)
    if status == 200:
        text = "keep the port away from the public"
        yield Finding(NOTE, "esOrganizations answers without credentials", text)
    else:
        yield Finding(NOTE, "esOrganizations without credentials", f"{status} {_fault_of(body)}".strip())
    if isinstance(server, FuseServer):
        return
    for text, password in (("our", server.password), ("a wrong", _wrong())):
        token = (
            f'<w:Security xmlns:w="{SECURITY}"><w:UsernameToken><w:Username>{escape(server.username)}</w:Username>'
            f'<w:Password Type="{TEXT}">{escape(password)}</w:Password></w:UsernameToken></w:Security>'
        )
        status, _, _ = server.post("esOrganizations", "GetOrganization", sign_in="", header=token, itemId=0)
        expected = 200 if password == server.password else 500
        verdict = AGREES if status == expected else DIFFERS
        yield Finding(verdict, f"a security token with {text} password at esOrganizations", str(status))


def nulls(server: Server) -> Iterator[Finding]:
    """What "nothing" looks like."""
    name = "nobody-" + secrets.token_hex(6)
    content = server.call("esUsers", "GetUserByUsername", username=name)
    if isinstance(server, FuseServer):
        is_null, text = len(content) == 1 and not len(content[0]), "an unknown user is a nil result"
    else:
        is_null, text = not len(content), "an unknown user is an answer without result"
    yield Finding(AGREES if is_null else DIFFERS, text)
    exists = server.result("esUsers", "UserExists", username=name)
    is_false = exists is not None and exists.text == "false"
    yield Finding(AGREES if is_false else DIFFERS, "an unknown user does not exist")


def headers(server: Server) -> Iterator[Finding]:
    """Whether answers carry addressing headers."""
    _, _, body = server.post("esUsers", "UserExists", username="x")
    header = etree.fromstring(body, PARSER).find(f"{{{SOAP}}}Header")
    items = header if header is not None else ()
    names = [etree.QName(item).localname for item in items if isinstance(item.tag, str)]
    expected = [] if isinstance(server, FuseServer) else ["Action", "MessageID", "RelatesTo", "To"]
    text = ", ".join(names) or "none"
    yield Finding(AGREES if names == expected else NOTE, "addressing headers of an answer", text)


def faults(server: Server) -> Iterator[Finding]:
    """What faults look like."""
    is_fuse = isinstance(server, FuseServer)
    content = server.call("esServers", "GetDnsZoneRecords", domainId=0)
    code, text = content.findtext("faultcode") or "", content.findtext("faultstring") or ""
    is_known = bool(text) if is_fuse else code.endswith(":Server") and content.find("detail") is not None
    shown = f"{code} {text[:120]}"
    yield Finding(AGREES if is_known else DIFFERS, "records of an unknown domain are a fault", shown)
    code = server.call("esUsers", "GetUserById", userId="four").findtext("faultcode") or ""
    is_known = bool(code) if is_fuse else code.endswith(":Client")
    yield Finding(AGREES if is_known else DIFFERS, "a number in words is a fault", code)


def tables(server: Server) -> Iterator[Finding]:
    """Whether DataSets have a schema, a diffgram, and the columns we know."""
    user_id = server.user_id
    reads: list[tuple[str, str, dict[str, Any]]] = [
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
            [column.get("name") or "" for column in table.iter(f"{SCHEMA}element") if column is not table]
            for table in result[0].iter(f"{SCHEMA}element")
            if (table.get("name") or "").startswith("Table")
        ]
        described = server.contract.datasets[f"{service}.{operation}"]
        yield _compare_columns(operation, declared, [[name for name, _ in table] for table in described])


def _compare_columns(operation: str, declared: list[list[str]], expected: list[list[str]]) -> Finding:
    if declared == expected:
        return Finding(AGREES, f"{operation} has the columns described")
    known = {name.lower() for table in expected for name in table}
    found = {name.lower() for table in declared for name in table}
    text = f"missing {sorted(known - found) or 'none'}, added {sorted(found - known) or 'none'}"
    verdict = DIFFERS if known - found else NOTE
    return Finding(verdict, f"{operation} has other columns or another order", text)


def rights(server: Server) -> Iterator[Finding]:
    """What happens without rights."""
    content = server.call("esPackages", "GetPackageSettings", packageId=1, settingsName="NameServers")
    text = content.findtext("faultstring") or ""
    if not text:
        yield Finding(NOTE, "the System package is open to these credentials", "is this an administrator?")
    else:
        verdict = AGREES if "not allowed to access this package" in text else DIFFERS
        yield Finding(verdict, "the System package is closed to a reseller", text[:120])
    root = server.result("esUsers", "GetUserById", userId=1)
    yield Finding(NOTE, "the owner at the root is " + ("visible" if root is not None else "not visible"))
