# SPDX-License-Identifier: Apache-2.0
"""The WSDL document of a service, made from the contract: it says what a real installation's document says."""

from __future__ import annotations

from lxml import etree

from postledger_sandbox.contract import Contract, Service

WSDL = "http://schemas.xmlsoap.org/wsdl/"
SCHEMA = "http://www.w3.org/2001/XMLSchema"
GUIDS = "http://microsoft.com/wsdl/types/"
SOAP = {
    "": "http://schemas.xmlsoap.org/wsdl/soap/",
    "12": "http://schemas.xmlsoap.org/wsdl/soap12/",
}
HEX = "[0-9a-fA-F]"
GUID_PATTERN = f"{HEX}{{8}}-{HEX}{{4}}-{HEX}{{4}}-{HEX}{{4}}-{HEX}{{12}}"


def list_name(item: str) -> str:
    """The name of the list type of an item type, given as in the contract: "int" → "ArrayOfInt"."""
    if item.endswith("[]"):
        item = list_name(item[:-2])
    return f"ArrayOf{item[0].upper()}{item[1:]}"


def action_of(contract: Contract, service: Service, operation: str) -> str:
    """The SOAPAction of an operation."""
    if contract.dialect == "F":
        return f"{service.namespace}I{service.name}/{operation}"
    return f"{service.namespace.rstrip('/')}/{operation}"


def document(*, contract: Contract, service: Service, address: str) -> bytes:
    """The WSDL of a service, with `address` as its endpoint."""
    writer = _Writer(contract, service)
    return etree.tostring(
        writer.definitions(address), xml_declaration=True, encoding="utf-8", pretty_print=True
    )


class _Writer:
    def __init__(self, contract: Contract, service: Service) -> None:
        self.contract = contract
        self.service = service
        self.written: set[str] = set()
        self.has_guid = False

    def definitions(self, address: str) -> etree._Element:
        names = {
            "soapenc": "http://schemas.xmlsoap.org/soap/encoding/",
            "soap12": SOAP["12"],
            "s1": GUIDS,
            "http": "http://schemas.xmlsoap.org/wsdl/http/",
            "tns": self.service.namespace,
            "mime": "http://schemas.xmlsoap.org/wsdl/mime/",
            "tm": "http://microsoft.com/wsdl/mime/textMatching/",
            "s": SCHEMA,
            "soap": SOAP[""],
            "wsdl": WSDL,
        }
        root = etree.Element(f"{{{WSDL}}}definitions", nsmap=names, targetNamespace=self.service.namespace)
        self._types(root)
        self._messages(root)
        self._port_type(root)
        for version in SOAP:
            self._binding(root, version)
        self._ports(root, address)
        return root

    # The schema

    def _types(self, root: etree._Element) -> None:
        types = etree.SubElement(root, f"{{{WSDL}}}types")
        schema = self._schema(types, self.service.namespace)
        for operation in self.service.operations.values():
            self._wrapper(schema, operation.name, operation.parameters)
            answer = ((f"{operation.name}Result", operation.result),) if operation.result else ()
            self._wrapper(schema, f"{operation.name}Response", answer)
        if self.has_guid:
            schema.insert(0, etree.Element(f"{{{SCHEMA}}}import", namespace=GUIDS))
            guids = self._schema(types, GUIDS)
            simple = etree.SubElement(guids, f"{{{SCHEMA}}}simpleType", name="guid")
            restriction = etree.SubElement(simple, f"{{{SCHEMA}}}restriction", base="s:string")
            etree.SubElement(restriction, f"{{{SCHEMA}}}pattern", value=GUID_PATTERN)

    def _schema(self, types: etree._Element, namespace: str) -> etree._Element:
        return etree.SubElement(
            types, f"{{{SCHEMA}}}schema", elementFormDefault="qualified", targetNamespace=namespace
        )

    def _wrapper(self, schema: etree._Element, name: str, members: tuple[tuple[str, str], ...]) -> None:
        element = etree.SubElement(schema, f"{{{SCHEMA}}}element", name=name)
        kind = etree.SubElement(element, f"{{{SCHEMA}}}complexType")
        if members:
            self._sequence(kind, members)
        for _, type_name in members:
            self._define(schema, type_name)

    def _sequence(self, parent: etree._Element, members: tuple[tuple[str, str], ...]) -> None:
        sequence = etree.SubElement(parent, f"{{{SCHEMA}}}sequence")
        for name, type_name in members:
            self._member(sequence, name, type_name)

    def _member(self, sequence: etree._Element, name: str, type_name: str) -> None:
        is_nullable = type_name.endswith("?")
        type_name = type_name.removesuffix("?")
        least = "1" if self.contract.is_value(type_name) else "0"
        element = etree.SubElement(
            sequence, f"{{{SCHEMA}}}element", minOccurs=least, maxOccurs="1", name=name
        )
        if is_nullable:
            element.set("nillable", "true")
        if type_name == "DataSet":
            kind = etree.SubElement(element, f"{{{SCHEMA}}}complexType")
            inner = etree.SubElement(kind, f"{{{SCHEMA}}}sequence")
            etree.SubElement(inner, f"{{{SCHEMA}}}element", ref="s:schema")
            etree.SubElement(inner, f"{{{SCHEMA}}}any")
        elif type_name != "anyType":
            element.set("type", self._reference(type_name))

    def _reference(self, type_name: str) -> str:
        if type_name.endswith("[]"):
            return f"tns:{list_name(type_name[:-2])}"
        if type_name == "guid":
            self.has_guid = True
            return "s1:guid"
        is_ours = type_name in self.contract.types or type_name in self.contract.enums
        return f"tns:{type_name}" if is_ours else f"s:{type_name}"

    def _define(self, schema: etree._Element, type_name: str) -> None:
        type_name = type_name.removesuffix("?")
        if type_name in self.written:
            return
        self.written.add(type_name)
        if type_name.endswith("[]"):
            self._define_list(schema, type_name[:-2])
        elif type_name in self.contract.enums:
            self._define_enum(schema, type_name)
        elif type_name in self.contract.types:
            self._define_class(schema, type_name)

    def _define_list(self, schema: etree._Element, item: str) -> None:
        kind = etree.SubElement(schema, f"{{{SCHEMA}}}complexType", name=list_name(item))
        sequence = etree.SubElement(kind, f"{{{SCHEMA}}}sequence")
        name = list_name(item[:-2]) if item.endswith("[]") else item
        element = etree.SubElement(
            sequence, f"{{{SCHEMA}}}element", minOccurs="0", maxOccurs="unbounded", name=name
        )
        if not self.contract.is_value(item):
            element.set("nillable", "true")
        element.set("type", self._reference(item))
        self._define(schema, item)

    def _define_enum(self, schema: etree._Element, type_name: str) -> None:
        described = self.contract.enums[type_name]
        kind = etree.SubElement(schema, f"{{{SCHEMA}}}simpleType", name=type_name)
        if described.is_flags:
            kind = etree.SubElement(kind, f"{{{SCHEMA}}}list")
            kind = etree.SubElement(kind, f"{{{SCHEMA}}}simpleType")
        restriction = etree.SubElement(kind, f"{{{SCHEMA}}}restriction", base="s:string")
        for name in described.numbers:
            etree.SubElement(restriction, f"{{{SCHEMA}}}enumeration", value=name)

    def _define_class(self, schema: etree._Element, type_name: str) -> None:
        described = self.contract.types[type_name]
        kind = etree.SubElement(schema, f"{{{SCHEMA}}}complexType", name=type_name)
        if described.is_abstract:
            kind.set("abstract", "true")
        if described.base:
            content = etree.SubElement(kind, f"{{{SCHEMA}}}complexContent", mixed="false")
            parent = etree.SubElement(content, f"{{{SCHEMA}}}extension", base=f"tns:{described.base}")
            if described.members:
                self._sequence(parent, described.members)
            self._define(schema, described.base)
        else:
            self._sequence(kind, described.members)
        for _, member_type in described.members:
            self._define(schema, member_type)

    # Messages, port type, bindings, ports

    def _messages(self, root: etree._Element) -> None:
        for name in self.service.operations:
            for suffix, element in (("In", name), ("Out", f"{name}Response")):
                message = etree.SubElement(root, f"{{{WSDL}}}message", name=f"{name}Soap{suffix}")
                etree.SubElement(message, f"{{{WSDL}}}part", name="parameters", element=f"tns:{element}")

    def _port_type(self, root: etree._Element) -> None:
        port_type = etree.SubElement(root, f"{{{WSDL}}}portType", name=f"{self.service.name}Soap")
        for name in self.service.operations:
            operation = etree.SubElement(port_type, f"{{{WSDL}}}operation", name=name)
            etree.SubElement(operation, f"{{{WSDL}}}input", message=f"tns:{name}SoapIn")
            etree.SubElement(operation, f"{{{WSDL}}}output", message=f"tns:{name}SoapOut")

    def _binding(self, root: etree._Element, version: str) -> None:
        soap = SOAP[version]
        name = self.service.name
        binding = etree.SubElement(
            root, f"{{{WSDL}}}binding", name=f"{name}Soap{version}", type=f"tns:{name}Soap"
        )
        etree.SubElement(binding, f"{{{soap}}}binding", transport="http://schemas.xmlsoap.org/soap/http")
        for operation_name in self.service.operations:
            operation = etree.SubElement(binding, f"{{{WSDL}}}operation", name=operation_name)
            etree.SubElement(
                operation,
                f"{{{soap}}}operation",
                soapAction=action_of(self.contract, self.service, operation_name),
                style="document",
            )
            for side in ("input", "output"):
                holder = etree.SubElement(operation, f"{{{WSDL}}}{side}")
                etree.SubElement(holder, f"{{{soap}}}body", use="literal")

    def _ports(self, root: etree._Element, address: str) -> None:
        name = self.service.name
        service = etree.SubElement(root, f"{{{WSDL}}}service", name=name)
        for version, soap in SOAP.items():
            port = etree.SubElement(
                service, f"{{{WSDL}}}port", name=f"{name}Soap{version}", binding=f"tns:{name}Soap{version}"
            )
            etree.SubElement(port, f"{{{soap}}}address", location=address)
