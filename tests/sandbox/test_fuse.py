# SPDX-License-Identifier: Apache-2.0
"""The newest generation: credentials in a SOAP header, names of fields, nil for null, and an order that counts."""

import base64
import hashlib
import warnings

import pytest
import zeep
from lxml import etree

from postledger_sandbox.server import Sandbox
from tests.sandbox.client import SOAP11, fetch

MAIN = "http://smbsaas/fusecp/enterpriseserver/"
DATA = "http://schemas.datacontract.org/2004/07/FuseCP.EnterpriseServer"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@pytest.fixture
def sandbox():
    with Sandbox(dialect="F", delay_s=0) as running:
        yield running
        assert running.application.mistakes == []


def credentials(username="reseller", password="Secret-1"):
    return (
        '<Credentials xmlns="http://fusecp.com/headers/Credentials"><Password xmlns="http://fusecp/credentials">'
        f'{password}</Password><Username xmlns="http://fusecp/credentials">{username}</Username></Credentials>'
    )


def ask(sandbox, operation, inner="", *, service="esUsers", header=None, path="", action=None):
    header = credentials() if header is None else header
    envelope = (
        f'<s:Envelope xmlns:s="{SOAP11}"><s:Header>{header}</s:Header><s:Body><{operation} xmlns="{MAIN}">{inner}'
        f"</{operation}></s:Body></s:Envelope>"
    )
    action = action or f"{MAIN}I{service}/{operation}"
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
    return fetch(f"{sandbox.url}{path}/{service}", envelope.encode(), headers)


def result(reply, operation):
    assert reply.status == 200, reply.text
    return reply.xml.find(f".//{{{MAIN}}}{operation}Result")


@pytest.mark.parametrize("path", ["", "/basic"])
def test_services_answer_at_two_addresses_to_credentials_in_a_header(sandbox, path):
    reply = ask(sandbox, "GetUserByUsername", "<username>reseller</username>", path=path)
    user = result(reply, "GetUserByUsername")
    assert user.findtext(f"{{{DATA}}}userId") == "2"
    assert "Header" not in reply.text


def test_members_are_named_by_field_and_ordered_by_name(sandbox):
    user = result(ask(sandbox, "GetUserById", "<userId>2</userId>"), "GetUserById")
    names = [etree.QName(child).localname for child in user]
    assert names == sorted(names)
    assert names[:2] == [
        "_x003C_AdditionalParams_x003E_k__BackingField",
        "_x003C_MfaMode_x003E_k__BackingField",
    ]
    assert "roleId" in names
    assert not {"Role", "role", "password", "vlans"} & set(names)


def test_null_is_nil(sandbox):
    user = result(ask(sandbox, "GetUserById", "<userId>404</userId>"), "GetUserById")
    assert user.get(NIL) == "true"
    user = result(ask(sandbox, "GetUserById", "<userId>2</userId>"), "GetUserById")
    assert user.find(f"{{{DATA}}}city").get(NIL) == "true"


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("", "No anonymous access allowed."),
        (credentials(password="nope"), "Invalid user or password"),
        (credentials(username="nobody"), "Invalid user or password"),
        (credentials().replace("http://fusecp.com/", "http://fusecp/"), "No anonymous access allowed."),
    ],
)
def test_missing_and_wrong_credentials_are_faults(sandbox, header, text):
    reply = ask(sandbox, "GetUserById", "<userId>2</userId>", header=header)
    assert (reply.status, reply.xml.findtext(".//faultstring")) == (500, text)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_hashed_password_is_taken(sandbox, algorithm):
    hashed = base64.b64encode(hashlib.new(algorithm, b"Secret-1").digest()).decode()
    assert ask(sandbox, "UserExists", header=credentials(password=hashed)).status == 200
    inner = f"<username>reseller</username><password>{hashed}</password><ip></ip>"
    answer = ask(sandbox, "AuthenticateUser", inner, service="esAuthentication", header="")
    assert result(answer, "AuthenticateUser").text == "0"


def test_a_colon_in_a_password_is_no_trouble_here(sandbox):
    sandbox.control.change("users", 2, Password="a:b ü")
    assert ask(sandbox, "UserExists", header=credentials(password="a:b ü")).status == 200


def test_organizations_are_protected_and_authentication_is_not(sandbox):
    def status(service, operation):
        action = f"http://tempuri.org/I{service}/{operation}" if service == "esOrganizations" else None
        reply = ask(sandbox, operation, service=service, header="", action=action)
        return reply.xml.findtext(".//faultstring") or ""

    assert "No anonymous access" in status("esOrganizations", "GetOrganization")
    assert "No anonymous access" not in status("esAuthentication", "AuthenticateUser")


def test_a_member_out_of_order_is_lost(sandbox):
    def paged(inner):
        return result(ask(sandbox, "GetUsersPaged", inner), "GetUsersPaged").findtext(".//Column1")

    sandbox.control.add_user("acme")
    assert paged("<userId>2</userId><maximumRows>5</maximumRows>") == "1"
    assert paged("<maximumRows>5</maximumRows><userId>2</userId>") == "0"


def test_another_body_does_not_run(sandbox):
    reply = ask(sandbox, "GetUserById", "<userId>2</userId>", action=f"{MAIN}IesUsers/UserExists")
    assert "DeserializationFailed" in reply.text
    reply = ask(sandbox, "GetUserById", action=f"{MAIN}GetUserById")
    assert "ActionNotSupported" in reply.text


def test_an_exception_shows_in_the_fault_with_its_detail(sandbox):
    reply = ask(sandbox, "DeleteUser", "<userId>404</userId>")
    assert reply.xml.findtext(".//faultstring") == "Object reference not set to an instance of an object."
    assert "ExceptionDetail" in reply.text


def test_a_strict_client_loads_every_document_and_reads_answers(sandbox):
    header = etree.fromstring(credentials())
    services = {}
    for name in sandbox.world.contract.services:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = zeep.Client(f"{sandbox.url}/{name}?wsdl")
        client.set_default_soapheaders([header])
        services[name] = client.service
    user = {"parentPackageId": 2, "username": "acme", "password": "x", "roleId": 3, "createPackage": True}
    user_id = services["esPackages"].CreateUserWizard(**user, planId=2)
    assert services["esUsers"].GetUserById(user_id)["username"] == "acme"
    (package,) = services["esPackages"].GetMyPackages(user_id)
    item_id = services["esOrganizations"].CreateOrganization(
        package["packageId"], "acme", "Acme", "acme.example"
    )
    assert services["esOrganizations"].GetOrganization(item_id)["OrganizationId"] == "acme"
    plans = services["esExchangeServer"].GetExchangeMailboxPlans(item_id, False)
    assert [plan["mailboxPlan"] for plan in plans] == ["Small 2 GB", "Large 10 GB"]
    rows = services["esPackages"].GetHostingPlans(2)["_value_1"]["_value_1"]
    assert rows[0]["Table"]["PlanName"] == "Exchange Small"
    domain = services["esServers"].GetMyDomains(package["packageId"])[0]
    assert domain["domainName"] == "acme.example"
    assert domain["_x003C_CreationDate_x003E_k__BackingField"] is None
    changed = {**user_record(services["esUsers"].GetUserById(user_id)), "city": "Bonn"}
    assert services["esUsers"].UpdateUser(changed) == 0
    assert services["esUsers"].GetUserById(user_id)["city"] == "Bonn"


def user_record(value):
    return {name: value[name] for name in value}


def test_the_connection_can_be_tried_without_credentials(sandbox):
    envelope = (
        f'<s:Envelope xmlns:s="{SOAP11}"><s:Body><Echo xmlns="http://tempuri.org/"><msg>hello</msg></Echo></s:Body>'
        "</s:Envelope>"
    )
    headers = {"Content-Type": "text/xml", "SOAPAction": '"http://tempuri.org/IesTest/Echo"'}
    reply = fetch(f"{sandbox.url}/esTest", envelope.encode(), headers)
    assert reply.xml.findtext(".//{http://tempuri.org/}EchoResult") == "hello"


def test_servers_carry_their_system_only_here(sandbox):
    root = {"header": credentials("serveradmin"), "service": "esServers"}
    (server,) = result(ask(sandbox, "GetServers", **root), "GetServers")
    names = [etree.QName(child).localname for child in server]
    assert names == sorted(names)
    assert {"_x003C_PasswordIsSHA256_x003E_k__BackingField", "isCore", "osPlatform"} < set(names)
