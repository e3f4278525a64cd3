# SPDX-License-Identifier: Apache-2.0
"""Whether the documents say what we know: services, operations, classes."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from postledger_sandbox.contract import Service, wsdl
from postledger_sandbox.verify.findings import AGREES, DIFFERS, NOTE, Finding
from postledger_sandbox.verify.server import SCHEMA, Members, Server


def services(server: Server) -> Iterator[Finding]:
    """Which services there are."""
    for name in server.contract.services:
        problem = server.read_documents(name)
        yield Finding(DIFFERS if problem else AGREES, f"{name} is there", problem)


def operations(server: Server) -> Iterator[Finding]:
    """Whether operations have the parameters and results we know."""
    for name in server.documents:
        service = server.contract.services[name]
        wrappers = {
            element.get("name"): element
            for schema in _schemas(server, name)
            for element in schema.findall(f"{SCHEMA}element")
        }
        missing = [operation for operation in service.operations if operation not in wrappers]
        different = list(_different_operations(server, service, wrappers))
        if missing:
            yield Finding(NOTE, f"{name} lacks operations", ", ".join(missing))
        for text in different:
            yield Finding(DIFFERS, f"{name} operation", text)
        same = len(service.operations) - len(missing) - len(different)
        yield Finding(AGREES, f"{name}: {same} operations as described")


def classes(server: Server) -> Iterator[Finding]:
    """Whether the classes of the messages have the members we know, in their order."""
    known = {server.class_name(name): name for name in server.contract.types}
    seen: set[str] = set()
    for service in server.documents:
        for schema in _schemas(server, service):
            for kind in schema.findall(f"{SCHEMA}complexType"):
                name = kind.get("name")
                if name in seen or name not in known:
                    continue
                seen.add(name)
                finding = _compare(name, _members(kind), server.members(known[name]))
                if finding is not None:
                    yield finding
    yield Finding(AGREES, f"{len(seen)} types looked at")


def enums(server: Server) -> Iterator[Finding]:
    """Whether enums have the names we know."""
    seen: set[str] = set()
    for service in server.documents:
        for schema in _schemas(server, service):
            for kind in schema.findall(f"{SCHEMA}simpleType"):
                name = kind.get("name") or ""
                if name in seen or name not in server.contract.enums:
                    continue
                seen.add(name)
                found = [value.get("value") or "" for value in kind.iter(f"{SCHEMA}enumeration")]
                known = list(server.contract.enums[name].numbers)
                missing = [value for value in known if value not in found]
                added = [value for value in found if value not in known]
                if missing:
                    yield Finding(DIFFERS, f"enum {name}", f"missing {', '.join(missing)}")
                elif added:
                    yield Finding(NOTE, f"enum {name} has more names", ", ".join(added))
    yield Finding(AGREES, f"{len(seen)} enums looked at")


def actions(server: Server) -> Iterator[Finding]:
    """Whether operations are called by the actions and in the namespaces we know."""
    looked_at = 0
    for name, roots in server.documents.items():
        service = server.contract.services[name]
        found = {
            operation.get("name"): operation.find(f"{{{wsdl.SOAP['']}}}operation").get("soapAction")
            for root in roots
            for binding in root.iter(f"{{{wsdl.WSDL}}}binding")
            if binding.find(f"{{{wsdl.SOAP['']}}}binding") is not None
            for operation in binding.findall(f"{{{wsdl.WSDL}}}operation")
            if operation.find(f"{{{wsdl.SOAP['']}}}operation") is not None
        }
        namespaces = {
            element.get("name"): schema.get("targetNamespace")
            for schema in _schemas(server, name)
            for element in schema.findall(f"{SCHEMA}element")
            if element.get("name") in service.operations
        }
        for operation in service.operations:
            if operation not in found:
                continue
            looked_at += 1
            expected = wsdl.action_of(server.contract, service, operation)
            if found[operation] != expected:
                yield Finding(DIFFERS, f"the action of {name}.{operation}", found[operation] or "none")
            if namespaces.get(operation) != service.namespace:
                shown = namespaces.get(operation) or "none"
                yield Finding(DIFFERS, f"the namespace of {name}.{operation}", shown)
    yield Finding(AGREES, f"{looked_at} actions looked at")


def _schemas(server: Server, service: str) -> Iterator[etree._Element]:
    for root in server.documents[service]:
        yield from root.iter(f"{SCHEMA}schema")


def _different_operations(
    server: Server, service: Service, wrappers: dict[str, etree._Element]
) -> Iterator[str]:
    for operation in service.operations.values():
        if operation.name not in wrappers:
            continue
        found = _members(wrappers[operation.name])
        expected = [(name, server.type_name(kind)) for name, kind in operation.parameters]
        if found != expected:
            yield f"{operation.name} takes {_shown(found)}, expected {_shown(expected)}"
        response = wrappers.get(f"{operation.name}Response")
        found = _members(response) if response is not None else []
        result = operation.result
        expected = [(f"{operation.name}Result", server.type_name(result))] if result else []
        if found != expected:
            yield f"{operation.name} answers {_shown(found)}, expected {_shown(expected)}"


def _compare(name: str, found: Members, expected: Members) -> Finding | None:
    if found == expected:
        return None
    if found[: len(expected)] == expected:
        return Finding(NOTE, f"type {name} has more members at its end", _shown(found[len(expected) :]))
    missing = [member for member in expected if member not in found]
    added = [member for member in found if member not in expected]
    return Finding(DIFFERS, f"type {name}", f"missing {_shown(missing)}; added {_shown(added)}")


def _members(holder: etree._Element) -> Members:
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


def _shown(members: Members) -> str:
    return ", ".join(f"{name}:{kind}" for name, kind in members) or "nothing"
