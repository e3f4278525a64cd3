# SPDX-License-Identifier: Apache-2.0
"""Whether what the server answers about our own account has the members, columns and values we know. Reads only."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from postledger_sandbox.verify.findings import AGREES, DIFFERS, NOTE, Finding
from postledger_sandbox.verify.server import INSTANCE_NIL, SCHEMA, Server

SHOWN = 6
DIFFGRAM = "{urn:schemas-microsoft-com:xml-diffgram-v1}diffgram"
_VALUES = {
    "boolean": re.compile(r"true|false"),
    "dateTime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?"),
    "decimal": re.compile(r"-?\d+(\.\d+)?"),
    **dict.fromkeys(("int", "long", "unsignedShort", "short", "unsignedByte"), re.compile(r"-?\d+")),
}
_PAGE = {"filterColumn": "", "filterValue": "", "sortColumn": "", "startRow": 0, "maximumRows": 1}


# Tables


def tables(server: Server) -> Iterator[Finding]:
    """Whether tables have a schema, a diffgram, and the columns we know."""
    user_id = server.user_id
    package_id = _package_id(server, user_id)
    reads: list[tuple[str, str, dict[str, Any]]] = [
        ("esPackages", "GetHostingPlans", {"userId": user_id}),
        ("esPackages", "GetHostingAddons", {"userId": user_id}),
        ("esPackages", "GetRawMyPackages", {"userId": user_id}),
        ("esUsers", "GetRawUserPeers", {"userId": user_id}),
        ("esUsers", "GetUsersPaged", {"userId": user_id, "statusId": 0, "roleId": 0, **_PAGE}),
        ("esUsers", "GetUsersPagedRecursive", {"userId": user_id, "statusId": 0, "roleId": 0, **_PAGE}),
        ("esPackages", "GetPackageQuotas", {"packageId": package_id}),
        ("esPackages", "GetPackageAddons", {"packageId": package_id}),
        ("esPackages", "GetPackageDiskspace", {"packageId": package_id}),
        (
            "esServers",
            "GetDomainsPaged",
            {"packageId": package_id, "serverId": 0, "recursive": False, **_PAGE},
        ),
        (
            "esOrganizations",
            "GetRawOrganizationsPaged",
            {"packageId": package_id, "recursive": True, **_PAGE},
        ),
    ]
    for service, operation, parameters in reads:
        result = server.result(service, operation, **parameters)
        if result is None or len(result) != 2:
            yield Finding(DIFFERS, f"{operation} is a table with its schema")
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


def pages(server: Server) -> Iterator[Finding]:
    """How many rows a page of users has."""
    parameters = {"userId": server.user_id, "statusId": 0, "roleId": 0, **_PAGE}
    result = server.result("esUsers", "GetUsersPagedRecursive", **parameters)
    diffgram = result.find(DIFFGRAM) if result is not None else None
    rows = [row for data in diffgram for row in data] if diffgram is not None else []
    total = int(next((row.findtext("Column1") for row in rows if row.tag == "Table"), "") or 0)
    found = sum(row.tag == "Table1" for row in rows)
    if total < 2:
        yield Finding(NOTE, "a page of users cannot be tried", f"there are {total} users below this login")
    elif found == 2:
        yield Finding(AGREES, "a page of one user has one row more than asked for")
    else:
        yield Finding(NOTE, "a page of one user", f"{found} rows")


# Objects


def objects(server: Server) -> Iterator[Finding]:
    """Whether users, packages and domains look as described."""
    user_id = server.user_id
    package_id = _package_id(server, user_id)
    yield _look(server, "esUsers", "GetUserByUsername", username=server.username)
    yield _look(server, "esPackages", "GetMyPackages", userId=user_id)
    yield _look(server, "esPackages", "GetPackageContext", packageId=package_id)
    yield _look(server, "esPackages", "GetPackageQuota", packageId=package_id, quotaName="OS.Diskspace")
    yield _look(server, "esServers", "GetMyDomains", packageId=package_id)
    yield _look(server, "esTasks", "GetUserTasks", userId=user_id)


def organizations(server: Server) -> Iterator[Finding]:
    """Whether an organization looks as described."""
    package_id = _package_id(server, server.user_id)
    parameters = {"packageId": package_id, "recursive": True, **_PAGE}
    page = server.result("esOrganizations", "GetRawOrganizationsPaged", **parameters)
    item_id = next((int(e.text or 0) for e in page.iter("ItemID")), 0) if page is not None else 0
    if not item_id:
        text = "make one below this login and look again"
        yield Finding(NOTE, "there is no organization to look at", text)
        return
    yield _look(server, "esOrganizations", "GetOrganization", itemId=item_id)
    yield _look(server, "esOrganizations", "GetOrganizationDomains", itemId=item_id)
    for service in ("esOrganizations", "esExchangeServer"):
        operation = "GetOrganizationStatisticsByOrganization"
        if not server.has(service, operation):
            operation = "GetOrganizationStatistics"
        yield _look(server, service, operation, itemId=item_id)
    if server.number("esExchangeServer", operation, "UsedDiskSpace", itemId=item_id) < 0:
        yield Finding(NOTE, "the used disk space is negative", "it cannot be measured")
    page = {"accountTypes": "1,5,6", "archiving": False, **_PAGE}
    yield _look(server, "esExchangeServer", "GetAccountsPaged", itemId=item_id, **page)
    if server.has("esExchangeServer", "GetExchangeMailboxPlans"):
        plans = {"itemId": item_id, "archiving": False}
        yield _look(server, "esExchangeServer", "GetExchangeMailboxPlans", **plans)


def _package_id(server: Server, user_id: int) -> int:
    """The first package of a user; 0 when he has none."""
    result = server.result("esPackages", "GetMyPackages", userId=user_id)
    for child in result.iter() if result is not None else ():
        if isinstance(child.tag, str) and etree.QName(child).localname.lower() == "packageid":
            return int(child.text or 0)
    return 0


def _look(server: Server, service: str, operation: str, **parameters: Any) -> Finding:
    """What is to be said of the answer to one operation."""
    content = server.call(service, operation, **parameters)
    subject = f"the answer of {service}.{operation}"
    fault = content.findtext("faultstring")
    if fault is not None:
        return Finding(DIFFERS, subject, f"a fault: {fault[:120]}")
    if not len(content) or content[0].get(INSTANCE_NIL) == "true":
        return Finding(NOTE, subject, "nothing")
    kind = server.contract.services[service].operations[operation].result
    found = list(_complaints(server, kind, content[0], operation))
    wrong = list(dict.fromkeys(text for is_wrong, text in found if is_wrong))
    added = list(dict.fromkeys(text for is_wrong, text in found if not is_wrong))
    if wrong:
        return Finding(DIFFERS, subject, "; ".join(wrong[:SHOWN]))
    if added:
        return Finding(NOTE, subject, "; ".join(added[:SHOWN]))
    return Finding(AGREES, subject)


def _complaints(server: Server, kind: str, element: etree._Element, where: str) -> Iterator[tuple[bool, str]]:
    """What is wrong with a value of a type (true), or only more than described (false)."""
    is_nullable = kind.endswith("?")
    kind = kind.removesuffix("?")
    if element.get(INSTANCE_NIL) == "true":
        if server.contract.is_value(kind) and not is_nullable:
            yield True, f"{where} is nil"
    elif kind.endswith("[]"):
        name = server.item_name(kind[:-2])
        for item in element:
            if etree.QName(item).localname != name:
                yield True, f"{where} holds {etree.QName(item).localname}, not {name}"
            else:
                yield from _complaints(server, kind[:-2], item, name)
    elif kind in server.contract.types:
        yield from _class_complaints(server, kind, element, where)
    elif kind in server.contract.enums:
        names = (element.text or "").split() if server.contract.enums[kind].is_flags else [element.text or ""]
        for name in names:
            if name not in server.contract.enums[kind].numbers:
                yield True, f"{where} is {name!r}, which {kind} does not have"
    elif kind in _VALUES and not _VALUES[kind].fullmatch(element.text or ""):
        yield True, f"{where} is {element.text!r}, no {kind}"


def _class_complaints(
    server: Server, kind: str, element: etree._Element, where: str
) -> Iterator[tuple[bool, str]]:
    members = server.all_members(kind)
    kinds = dict(members)
    order = [name for name, _ in members]
    names = [etree.QName(child).localname for child in element]
    known = [name for name in names if name in kinds]
    if known != sorted(known, key=order.index):
        yield True, f"members of {kind} come in another order"
    for name, member in members:
        if name not in names and server.contract.is_value(member):
            yield True, f"{kind}.{name} is missing"
    trailing = list(itertools.takewhile(lambda name: name not in kinds, reversed(names)))
    for name in dict.fromkeys(name for name in names if name not in kinds):
        is_last = name in trailing
        yield not is_last, f"{kind} has {name}, " + ("at its end" if is_last else "in the middle")
    for name, child in zip(names, element, strict=True):
        if name in kinds:
            yield from _complaints(server, kinds[name], child, f"{kind}.{name}")
