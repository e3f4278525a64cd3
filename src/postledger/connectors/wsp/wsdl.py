"""What a server says it can do, read from its own WSDL.

Invariant: nothing about a dialect is configured or remembered. Namespaces, actions, parameters and their order come
from the document the server at hand publishes, so a release nobody has seen works as far as it is compatible.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from postledger.connectors.wsp import soap

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_XSD = "{http://www.w3.org/2001/XMLSchema}"
_SOAP11 = "{http://schemas.xmlsoap.org/wsdl/soap/}"
_SCHEMA_NAMESPACE = "http://www.w3.org/2001/XMLSchema"
_NUMBERS = frozenset(
    {"int", "long", "short", "byte", "decimal", "double", "float", "unsignedShort", "unsignedInt"}
)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of an operation.

    Args:
        default: what to send when nothing is given: `None` for what can be null.
    """

    name: str
    default: Any
    type: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation as the server declares it."""

    name: str
    namespace: str
    action: str
    parameters: tuple[Parameter, ...]

    def takes(self, name: str) -> bool:
        """True when there is a parameter of that name; case counts."""
        return any(parameter.name == name for parameter in self.parameters)


@dataclass(frozen=True, kw_only=True)
class Interface:
    """One service as the server declares it.

    Args:
        members: type name → the names of its own members, in their order.
        enumerations: type name → its values.
    """

    namespace: str
    operations: Mapping[str, Operation]
    members: Mapping[str, tuple[str, ...]]
    enumerations: Mapping[str, frozenset[str]]


def read(*, document: bytes, fetch: Callable[[str], bytes] | None = None) -> Interface:
    """The interface a WSDL document declares.

    Args:
        fetch: gives the bytes of a document another one refers to; only asked for places on the same server.
    Raises:
        soap.Unreadable: not a WSDL.
    """
    root = soap.parse(document)
    if root.tag != f"{_WSDL}definitions":
        raise soap.Unreadable("not a WSDL")
    documents = [root]
    schemas = list(root.iter(f"{_XSD}schema"))
    if fetch is not None:
        seen: set[str] = set()
        queue = _places(root)
        while queue:
            place = queue.pop(0)
            if place in seen or len(seen) > 40:
                continue
            seen.add(place)
            other = soap.parse(fetch(place))
            queue.extend(_places(other))
            documents.append(other)
            schemas.extend([other] if other.tag == f"{_XSD}schema" else other.iter(f"{_XSD}schema"))

    elements: dict[str, tuple[str, Any]] = {}
    members: dict[str, tuple[str, ...]] = {}
    enumerations: dict[str, frozenset[str]] = {}
    for schema in schemas:
        namespace = schema.get("targetNamespace", "")
        for child in schema:
            name = child.get("name", "")
            if child.tag == f"{_XSD}element":
                elements[name] = (namespace, child)
            elif child.tag == f"{_XSD}complexType":
                members[name] = tuple(e.get("name", "") for e in child.iter(f"{_XSD}element"))
            elif child.tag == f"{_XSD}simpleType":
                enumerations[name] = frozenset(v.get("value", "") for v in child.iter(f"{_XSD}enumeration"))

    operations: dict[str, Operation] = {}
    for document_root in documents:
        for binding in document_root.iter(f"{_WSDL}binding"):
            if binding.find(f"{_SOAP11}binding") is None:
                continue
            for entry in binding.iter(f"{_WSDL}operation"):
                name = entry.get("name", "")
                soap_operation = entry.find(f"{_SOAP11}operation")
                if name not in elements or soap_operation is None or name in operations:
                    continue
                namespace, element = elements[name]
                operations[name] = Operation(
                    name=name,
                    namespace=namespace,
                    action=soap_operation.get("soapAction", ""),
                    parameters=_parameters(element, enumerations),
                )
    namespace = next(
        (operation.namespace for operation in operations.values()), root.get("targetNamespace", "")
    )
    return Interface(namespace=namespace, operations=operations, members=members, enumerations=enumerations)


def _places(root: Any) -> list[str]:
    found = [e.get("location", "") for e in root.iter(f"{_WSDL}import")]
    for tag in (f"{_XSD}import", f"{_XSD}include"):
        found.extend(e.get("schemaLocation", "") for e in root.iter(tag))
    return [place for place in found if place]


def _parameters(element: Any, enumerations: Mapping[str, frozenset[str]]) -> tuple[Parameter, ...]:
    sequence = element.find(f"{_XSD}complexType/{_XSD}sequence")
    if sequence is None:
        return ()
    found = []
    for entry in sequence.findall(f"{_XSD}element"):
        prefix, _, local = (entry.get("type") or "").rpartition(":")
        is_schema_type = entry.nsmap.get(prefix or None) == _SCHEMA_NAMESPACE
        default: Any = None
        if is_schema_type and local == "boolean":
            default = False
        elif is_schema_type and local in _NUMBERS:
            default = 0
        found.append(Parameter(name=entry.get("name", ""), default=default, type=local))
    return tuple(found)
