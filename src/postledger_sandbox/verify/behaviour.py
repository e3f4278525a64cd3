# SPDX-License-Identifier: Apache-2.0
"""How the server behaves at its door and where there is nothing: credentials, nulls, faults, rights. Reads only.

No wrong password is ever tried for a login that exists: some servers count those and lock it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from xml.sax.saxutils import escape

from lxml import etree

from postledger_sandbox.verify.findings import AGREES, DIFFERS, NOTE, Finding
from postledger_sandbox.verify.server import FuseServer, Server, part_of

SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
TEXT = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"


def _nobody() -> str:
    return "nobody-" + secrets.token_hex(6)


def _fault_of(body: bytes) -> str:
    content = part_of(body, "Body")
    return "" if content is None else content.findtext(".//faultstring") or ""


def is_let_in(server: Server) -> bool:
    """Whether the credentials are accepted."""
    return server.post("esUsers", "UserExists", parameters={"username": server.username})[0] == 200


def credentials(server: Server) -> Iterator[Finding]:
    """Who is let in and who is not."""
    for text, signs_in in (("no credentials", False), ("a login nobody has", True)):
        status, headers, body = server.post(
            "esUsers",
            "UserExists",
            username=_nobody(),
            signs_in=signs_in,
            parameters={"username": "x"},
        )
        fault = _fault_of(body)
        if isinstance(server, FuseServer):
            expected = "Invalid user or password" if signs_in else "No anonymous access allowed."
            is_as_known, shown = expected in fault, fault or str(status)
        else:
            is_as_known = status == 401
            shown = f"{status} {headers.get('WWW-Authenticate', '')} {body[:40].decode('latin-1')!r}"
        yield Finding(AGREES if is_as_known else DIFFERS, f"{text} at esUsers", shown)
    status, _, body = server.post("esUsers", "UserExists", parameters={"username": "x"})
    shown = f"{status} {_fault_of(body)}".strip()
    yield Finding(AGREES if status == 200 else DIFFERS, "our credentials at esUsers", shown)


def organizations(server: Server) -> Iterator[Finding]:
    """What organizations ask of a caller."""

    def ask(header: str) -> tuple[int, str]:
        status, _, body = server.post(
            "esOrganizations", "GetOrganization", header=header, signs_in=False, parameters={"itemId": 0}
        )
        return status, _fault_of(body)

    status, fault = ask("")
    if status == 200:
        text = "keep the port away from the public"
        yield Finding(NOTE, "esOrganizations answers without credentials", text)
    else:
        yield Finding(NOTE, "esOrganizations without credentials", f"{status} {fault}".strip())
    if isinstance(server, FuseServer):
        return
    for text, name, expected in (("our", server.username, 200), ("nobody's", _nobody(), 500)):
        token = (
            f'<w:Security xmlns:w="{SECURITY}"><w:UsernameToken><w:Username>{escape(name)}</w:Username>'
            f'<w:Password Type="{TEXT}">{escape(server.password)}</w:Password></w:UsernameToken></w:Security>'
        )
        status, fault = ask(token)
        verdict = AGREES if status == expected else DIFFERS
        shown = f"{status} {fault}".strip()
        yield Finding(verdict, f"a security token with {text} name at esOrganizations", shown)


def nulls(server: Server) -> Iterator[Finding]:
    """What "nothing" looks like."""
    name = _nobody()
    content = server.call("esUsers", "GetUserByUsername", username=name)
    if isinstance(server, FuseServer):
        is_null, text = len(content) == 1 and not len(content[0]), "an unknown user is a nil result"
    else:
        is_null, text = not len(content), "an unknown user is an answer without result"
    yield Finding(AGREES if is_null else DIFFERS, text)
    exists = server.result("esUsers", "UserExists", username=name)
    is_false = exists is not None and exists.text == "false"
    yield Finding(AGREES if is_false else DIFFERS, "an unknown user does not exist")
    statistics = server.result("esExchangeServer", "GetOrganizationStatistics", itemId=0)
    yield Finding(AGREES if statistics is None else DIFFERS, "no statistics of an unknown organization")


def headers(server: Server) -> Iterator[Finding]:
    """Whether answers carry addressing headers."""
    _, _, body = server.post("esUsers", "UserExists", parameters={"username": "x"})
    header = part_of(body, "Header")
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
