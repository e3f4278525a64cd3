"""The server's own WSDL says what it can do; nothing is assumed about its release."""

from postledger.connectors.wsp import wsdl

DOCUMENT = """<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://www.w3.org/2001/XMLSchema"
 xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/"
 xmlns:tns="{ns}" targetNamespace="{ns}">
<wsdl:types>{schema}</wsdl:types>
<wsdl:binding name="a" type="tns:a"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
 <wsdl:operation name="CreateThing"><soap:operation soapAction="{ns}/CreateThing"/></wsdl:operation></wsdl:binding>
<wsdl:binding name="b" type="tns:a"><soap12:binding transport="http://schemas.xmlsoap.org/soap/http"/>
 <wsdl:operation name="CreateThing"><soap12:operation soapAction="twelve"/></wsdl:operation></wsdl:binding>
</wsdl:definitions>"""

SCHEMA = """<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema" xmlns:tns="{ns}" elementFormDefault="qualified"
 targetNamespace="{ns}">
 <s:element name="CreateThing"><s:complexType><s:sequence>
  <s:element minOccurs="1" name="itemId" type="s:int"/><s:element minOccurs="0" name="name" type="s:string"/>
  <s:element minOccurs="1" name="kind" type="tns:Kind"/><s:element minOccurs="1" name="isNew" type="s:boolean"/>
 </s:sequence></s:complexType></s:element>
 <s:simpleType name="Kind"><s:restriction base="s:string"><s:enumeration value="One"/><s:enumeration value="Two"/>
 </s:restriction></s:simpleType>
 <s:complexType name="Thing"><s:sequence><s:element name="Id" type="s:int"/></s:sequence></s:complexType>
</s:schema>"""

NS = "http://smbsaas/websitepanel/enterpriseserver"


def test_operations_come_with_action_and_parameters_in_order() -> None:
    found = wsdl.read(document=DOCUMENT.format(ns=NS, schema=SCHEMA.format(ns=NS)).encode())
    operation = found.operations["CreateThing"]
    assert found.namespace == operation.namespace == NS
    assert operation.action == f"{NS}/CreateThing"
    assert [(parameter.name, parameter.default) for parameter in operation.parameters] == [
        ("itemId", 0),
        ("name", None),
        ("kind", None),
        ("isNew", False),
    ]
    assert operation.takes("itemId") and not operation.takes("itemid")
    assert found.enumerations["Kind"] == {"One", "Two"}
    assert found.members["Thing"] == ("Id",)


def test_a_wsdl_in_parts_is_read_as_one() -> None:
    importing = '<s:schema><s:import namespace="x" schemaLocation="http://h/esUsers?xsd=xsd0"/></s:schema>'
    asked: list[str] = []

    def fetch(place: str) -> bytes:
        asked.append(place)
        return SCHEMA.format(ns=NS).encode()

    found = wsdl.read(document=DOCUMENT.format(ns=NS, schema=importing).encode(), fetch=fetch)
    assert asked == ["http://h/esUsers?xsd=xsd0"]
    assert list(found.operations) == ["CreateThing"]
