# SPDX-License-Identifier: Apache-2.0
"""The WSDL document of a FuseCP service: one schema for each namespace, SOAP 1.1 only."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from postledger_sandbox.contract import Contract, Service, datacontract
from postledger_sandbox.contract.wsdl import GUID_PATTERN, SCHEMA, SOAP, WSDL, action_of


def document(*, contract: Contract, service: Service, address: str) -> bytes:
    """The WSDL of a service, with `address` as its endpoint."""
    root = _Writer(contract, service).definitions(address)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)


class _Writer:
    def __init__(self, contract: Contract, service: Service) -> None:
        self.contract = contract
        self.service = service
        self.schemas: dict[str, etree._Element] = {}
        self.written: set[tuple[str, str]] = set()

    def definitions(self, address: str) -> etree._Element:
        names = {"wsdl": WSDL, "xs": SCHEMA, "soap": SOAP[""], "tns": self.service.namespace}
        root = etree.Element(
            f"{{{WSDL}}}definitions",
            nsmap=names,
            name=self.service.name,
            targetNamespace=self.service.namespace,
        )
        types = etree.SubElement(root, f"{{{WSDL}}}types")
        for operation in self.service.operations.values():
            self._wrapper(operation.name, operation.parameters)
            answer = ((f"{operation.name}Result", operation.result),) if operation.result else ()
            self._wrapper(f"{operation.name}Response", answer)
        for namespace, schema in self.schemas.items():
            for other in sorted(set(self.schemas) - {namespace}, reverse=True):
                schema.insert(0, etree.Element(f"{{{SCHEMA}}}import", namespace=other))
            types.append(schema)
        self._interface(root)
        self._binding(root, address)
        return root

    def _schema(self, namespace: str) -> etree._Element:
        if namespace not in self.schemas:
            names = {"xs": SCHEMA, "tns": namespace}
            self.schemas[namespace] = etree.Element(
                f"{{{SCHEMA}}}schema", nsmap=names, elementFormDefault="qualified", targetNamespace=namespace
            )
        return self.schemas[namespace]

    def _wrapper(self, name: str, members: tuple[tuple[str, str], ...]) -> None:
        element = etree.SubElement(self._schema(self.service.namespace), f"{{{SCHEMA}}}element", name=name)
        kind = etree.SubElement(element, f"{{{SCHEMA}}}complexType")
        sequence = etree.SubElement(kind, f"{{{SCHEMA}}}sequence")
        for member, member_kind in members:
            self._member(sequence, member, member_kind, is_required=False)

    def _member(self, sequence: etree._Element, name: str, kind: str, *, is_required: bool) -> None:
        attributes = {} if is_required else {"minOccurs": "0"}
        attributes["name"] = name
        if kind.endswith("?") or not self.contract.is_value(kind):
            attributes["nillable"] = "true"
        if kind == "DataSet":
            element = etree.SubElement(sequence, f"{{{SCHEMA}}}element", attributes)
            inner = etree.SubElement(element, f"{{{SCHEMA}}}complexType")
            parts = etree.SubElement(inner, f"{{{SCHEMA}}}sequence")
            etree.SubElement(parts, f"{{{SCHEMA}}}element", ref="xs:schema")
            etree.SubElement(parts, f"{{{SCHEMA}}}any")
            return
        self._typed(sequence, "element", "type", self._define(kind.removesuffix("?")), attributes)

    def _typed(
        self,
        parent: etree._Element,
        tag: str,
        attribute: str,
        type_name: tuple[str, str],
        attributes: dict[str, str],
    ) -> etree._Element:
        """An element that refers to a type, with the prefix it needs."""
        namespace, local = type_name
        for prefix, known in parent.nsmap.items():
            if known == namespace:
                attributes = {**attributes, attribute: f"{prefix}:{local}"}
                return etree.SubElement(parent, f"{{{SCHEMA}}}{tag}", attributes)
        attributes = {**attributes, attribute: f"q:{local}"}
        return etree.SubElement(parent, f"{{{SCHEMA}}}{tag}", attributes, nsmap={"q": namespace})

    def _define(self, kind: str) -> tuple[str, str]:
        """Namespace and name of a type, which is in its schema from here on."""
        if kind == "guid":
            return self._once(datacontract.SERIALIZATION, "guid", self._guid)
        if kind.endswith("[]"):
            namespace, item = datacontract.item_of(kind[:-2])
            return self._once(namespace, f"ArrayOf{item}", lambda schema: self._list(schema, kind[:-2], item))
        if kind in self.contract.enums:
            return self._once(datacontract.namespace_of(kind), kind, lambda schema: self._enum(schema, kind))
        if kind in self.contract.types:
            name = datacontract.name_of(kind)
            return self._once(datacontract.namespace_of(kind), name, lambda schema: self._class(schema, kind))
        return SCHEMA, kind

    def _once(self, namespace: str, name: str, define: Callable[[etree._Element], None]) -> tuple[str, str]:
        if (namespace, name) not in self.written:
            self.written.add((namespace, name))
            define(self._schema(namespace))
        return namespace, name

    def _guid(self, schema: etree._Element) -> None:
        kind = etree.SubElement(schema, f"{{{SCHEMA}}}simpleType", name="guid")
        restriction = etree.SubElement(kind, f"{{{SCHEMA}}}restriction", base="xs:string")
        etree.SubElement(restriction, f"{{{SCHEMA}}}pattern", value=GUID_PATTERN)

    def _list(self, schema: etree._Element, item_kind: str, item: str) -> None:
        kind = etree.SubElement(schema, f"{{{SCHEMA}}}complexType", name=f"ArrayOf{item}")
        sequence = etree.SubElement(kind, f"{{{SCHEMA}}}sequence")
        attributes = {"minOccurs": "0", "maxOccurs": "unbounded", "name": item}
        if not self.contract.is_value(item_kind):
            attributes["nillable"] = "true"
        self._typed(sequence, "element", "type", self._define(item_kind), attributes)

    def _enum(self, schema: etree._Element, name: str) -> None:
        described = self.contract.enums[name]
        kind = etree.SubElement(schema, f"{{{SCHEMA}}}simpleType", name=name)
        if described.is_flags:
            kind = etree.SubElement(kind, f"{{{SCHEMA}}}list")
            kind = etree.SubElement(kind, f"{{{SCHEMA}}}simpleType")
        restriction = etree.SubElement(kind, f"{{{SCHEMA}}}restriction", base="xs:string")
        for member in described.numbers:
            etree.SubElement(restriction, f"{{{SCHEMA}}}enumeration", value=member)

    def _class(self, schema: etree._Element, name: str) -> None:
        described = self.contract.types[name]
        kind = etree.SubElement(schema, f"{{{SCHEMA}}}complexType", name=datacontract.name_of(name))
        parent = kind
        if described.base:
            content = etree.SubElement(kind, f"{{{SCHEMA}}}complexContent", mixed="false")
            parent = self._typed(content, "extension", "base", self._define(described.base), {})
        sequence = etree.SubElement(parent, f"{{{SCHEMA}}}sequence")
        for member in datacontract.level(self.contract, name).members:
            self._member(sequence, member.name, member.kind, is_required=datacontract.is_required(name))

    # Messages, interface, binding, port

    def _interface(self, root: etree._Element) -> None:
        name = f"I{self.service.name}"
        for operation in self.service.operations:
            for suffix, element in (("Input", operation), ("Output", f"{operation}Response")):
                message = etree.SubElement(
                    root, f"{{{WSDL}}}message", name=f"{name}_{operation}_{suffix}Message"
                )
                etree.SubElement(message, f"{{{WSDL}}}part", name="parameters", element=f"tns:{element}")
        port_type = etree.SubElement(root, f"{{{WSDL}}}portType", name=name)
        for operation in self.service.operations:
            holder = etree.SubElement(port_type, f"{{{WSDL}}}operation", name=operation)
            for side in ("Input", "Output"):
                message = f"tns:{name}_{operation}_{side}Message"
                etree.SubElement(holder, f"{{{WSDL}}}{side.lower()}", message=message)

    def _binding(self, root: etree._Element, address: str) -> None:
        name = f"BasicHttpBinding_I{self.service.name}"
        binding = etree.SubElement(root, f"{{{WSDL}}}binding", name=name, type=f"tns:I{self.service.name}")
        etree.SubElement(binding, f"{{{SOAP['']}}}binding", transport="http://schemas.xmlsoap.org/soap/http")
        for operation in self.service.operations:
            holder = etree.SubElement(binding, f"{{{WSDL}}}operation", name=operation)
            action = action_of(self.contract, self.service, operation)
            etree.SubElement(holder, f"{{{SOAP['']}}}operation", soapAction=action, style="document")
            for side in ("input", "output"):
                inner = etree.SubElement(holder, f"{{{WSDL}}}{side}")
                etree.SubElement(inner, f"{{{SOAP['']}}}body", use="literal")
        service = etree.SubElement(root, f"{{{WSDL}}}service", name=self.service.name)
        port = etree.SubElement(service, f"{{{WSDL}}}port", name=name, binding=f"tns:{name}")
        etree.SubElement(port, f"{{{SOAP['']}}}address", location=address)
