"""Releases nobody has configured: the newest generation with addresses and names of its own, and one with surprises."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from postledger.connectors import contract
from postledger.connectors.wsp import client, soap
from postledger.connectors.wsp.settings import Settings

NS = "http://smbsaas/fusecp/enterpriseserver/"
WSDL = f"""<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
 xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="{NS}"><wsdl:types><xsd:schema>
 <xsd:import schemaLocation="http://inside.example:9004/esUsers?xsd=xsd0" namespace="{NS}"/></xsd:schema></wsdl:types>
 <wsdl:binding name="Basic"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
 <wsdl:operation name="GetUserByUsername"><soap:operation soapAction="{NS}IesUsers/GetUserByUsername"/></wsdl:operation>
 <wsdl:operation name="UpdateUser"><soap:operation soapAction="{NS}IesUsers/UpdateUser"/></wsdl:operation>
 </wsdl:binding></wsdl:definitions>"""
SCHEMA = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:q="urn:types" elementFormDefault="qualified"
 targetNamespace="{NS}">
 <xs:element name="GetUserByUsername"><xs:complexType><xs:sequence>
 <xs:element minOccurs="0" name="username" nillable="true" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
 <xs:element name="UpdateUser"><xs:complexType><xs:sequence>
 <xs:element minOccurs="0" name="user" nillable="true" type="q:UserInfo"/></xs:sequence></xs:complexType></xs:element>
</xs:schema>"""
TYPES = "http://schemas.datacontract.org/2004/07/FuseCP.EnterpriseServer"
USER = f"""<GetUserByUsernameResult xmlns:a="{TYPES}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
 <a:_x003C_MfaMode_x003E_k__BackingField>1</a:_x003C_MfaMode_x003E_k__BackingField><a:city i:nil="true"/>
 <a:email>ann@acme.example</a:email><a:ownerId>2</a:ownerId><a:userId>5</a:userId><a:username>acme</a:username>
</GetUserByUsernameResult>"""


class Newest(BaseHTTPRequestHandler):
    """A server of the newest generation: no .asmx, another path for calls, a WSDL in parts."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, bytes]]

    def do_GET(self) -> None:
        found = {"/esUsers?wsdl": WSDL, "/esUsers?xsd=xsd0": SCHEMA}.get(self.path)
        self._answer(200 if found else 404, found or "")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).seen.append((self.path, self.headers["SOAPAction"], body))
        operation = self.headers["SOAPAction"].strip('"').rpartition("/")[2]
        inner = USER if operation == "GetUserByUsername" else "<UpdateUserResult>0</UpdateUserResult>"
        self._answer(
            200,
            f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><{operation}Response xmlns="{NS}">'
            f"{inner}</{operation}Response></s:Body></s:Envelope>",
        )

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def newest() -> Iterator[client.Client]:
    Newest.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Newest)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = Settings(
        url=f"http://127.0.0.1:{server.server_port}", username="reseller", password=contract.Secret("a:b ü")
    )
    made = client.Client(settings=settings, audit=contract.no_audit)
    yield made
    made.close()
    server.shutdown()
    server.server_close()


def test_the_newest_generation_is_recognised_and_called_its_own_way(newest: client.Client) -> None:
    user = newest.record(client.USERS, "GetUserByUsername", what="acme", username="acme")
    assert user is not None
    assert (user.int("UserId"), user.int("OwnerId"), user.int("MfaMode")) == (5, 2, 1)
    assert not user.has("City")
    (path, action, body) = Newest.seen[0]
    assert path == "/basic/esUsers"
    assert action == f'"{NS}IesUsers/GetUserByUsername"'
    header = soap.parse(body)[0][0]
    assert header.tag == "{http://fusecp.com/headers/Credentials}Credentials"
    assert [child.tag.rpartition("}")[2] for child in header] == ["Password", "Username"]
    assert [child.text for child in header] == ["a:b ü", "reseller"]


def test_an_object_of_the_newest_generation_goes_back_as_it_came(newest: client.Client) -> None:
    user = newest.record(client.USERS, "GetUserByUsername", what="acme", username="acme")
    assert user is not None
    changed = soap.changed(user, {"City": "Köln"})
    assert newest.number(client.USERS, "UpdateUser", what="acme", user=changed) == 0
    sent = soap.parse(Newest.seen[1][2])[1][0][0]
    assert sent.tag == f"{{{NS}}}user"
    assert [child.tag.rpartition("}")[2] for child in sent] == [
        "_x003C_MfaMode_x003E_k__BackingField",
        "city",
        "email",
        "ownerId",
        "userId",
        "username",
    ]
    assert {child.tag.rpartition("}")[0] for child in sent} == {"{" + TYPES}
    assert soap.Record(sent).text("City") == "Köln"


def test_a_service_the_release_does_not_have_is_said_in_words(newest: client.Client) -> None:
    assert newest.interface(client.LYNC) is None
    with pytest.raises(client.Missing, match=r"esLync\.CreateLyncUser"):
        newest.call(client.LYNC, "CreateLyncUser", what="ann", itemId=1, accountId=2)
