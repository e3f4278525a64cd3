# SPDX-License-Identifier: Apache-2.0
"""The served documents: the rules every one of them follows, and what an independent client makes of them."""

import warnings

import pytest
import zeep
from lxml import etree
from zeep.wsse import username as wsse

from postledger_sandbox import contract, services
from postledger_sandbox.contract import wsdl
from postledger_sandbox.server import Sandbox
from postledger_sandbox.services import registry
from tests.sandbox import client as clients

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SCHEMA = "{http://www.w3.org/2001/XMLSchema}"
SERVICES = [(dialect, name) for dialect in "WS" for name in contract.load(dialect).services]


@pytest.mark.parametrize(("dialect", "name"), SERVICES)
def test_the_schema_of_every_service_compiles(dialect, name):
    assert clients.schema_of(dialect, name)


@pytest.mark.parametrize(("dialect", "name"), SERVICES)
def test_values_must_be_there_and_references_may_be_left_out(dialect, name):
    described = contract.load(dialect)
    root = etree.fromstring(wsdl.document(contract=described, service=described.services[name], address="x"))
    values = {f"s:{kind}" for kind in contract.VALUE_TYPES} | {f"tns:{kind}" for kind in described.enums}
    values.add("s1:guid")
    for element in root.iter(f"{SCHEMA}element"):
        if element.get("minOccurs") is None:
            continue
        is_value = element.get("type") in values
        if element.get("maxOccurs") == "unbounded":
            assert element.get("minOccurs") == "0"
            assert (element.get("nillable") == "true") is not is_value
        else:
            assert element.get("minOccurs") == ("1" if is_value else "0")


@pytest.mark.parametrize(("dialect", "name"), SERVICES)
def test_each_service_has_a_port_for_both_versions_of_soap(dialect, name):
    described = contract.load(dialect)
    root = etree.fromstring(wsdl.document(contract=described, service=described.services[name], address="x"))
    ports = [port.get("name") for port in root.iter(f"{WSDL}port")]
    assert ports == [f"{name}Soap", f"{name}Soap12"]


def test_some_services_live_in_the_default_namespace():
    def where(dialect, name):
        return contract.load(dialect).services[name].namespace

    assert where("W", "esUsers") == "http://smbsaas/websitepanel/enterpriseserver"
    assert where("S", "esExchangeServer") == "http://smbsaas/solidcp/enterpriseserver"
    assert (
        where("S", "esOrganizations") == where("W", "esOCS") == where("S", "esLync") == "http://tempuri.org/"
    )


def test_members_of_a_base_come_first():
    members = [name for name, _ in contract.load("W").members("Organization")]
    assert members[:3] == ["Id", "TypeId", "PackageId"]
    assert members[-1] == "IsOCSOrganization"


def test_the_dialects_differ_where_the_products_do():
    old, new = contract.load("W"), contract.load("S")
    assert "Password" in dict(old.members("UserInfo"))
    assert "Password" not in dict(new.members("UserInfo"))
    assert [
        name for name, _ in old.services["esOrganizations"].operations["CreateOrganization"].parameters
    ] == [
        "packageId",
        "organizationID",
        "organizationName",
    ]
    assert "esLync" in new.services
    assert "esLync" not in old.services
    assert old.enums["DnsRecordType"].numbers["MX"] == 2
    assert new.enums["DnsRecordType"].numbers["MX"] == 3


def test_later_releases_of_the_old_generation_have_a_little_more():
    first, second, third = (contract.load("W", release) for release in contract.RELEASES)
    assert contract.load("W") is first
    assert "GetSystemSetupMode" not in first.services["esAuthentication"].operations
    assert "GetSystemSetupMode" in second.services["esAuthentication"].operations
    assert "AddUserVLan" not in second.services["esUsers"].operations
    assert "AddUserVLan" in third.services["esUsers"].operations
    assert third.members("UserInfo")[:-2] == second.members("UserInfo") == first.members("UserInfo")
    assert third.members("UserInfo")[-2:] == (("AdditionalParams", "string"), ("Vlans", "UserVlan[]"))


def test_a_later_release_sends_its_further_members():
    with Sandbox(dialect="W", release="1.2") as sandbox:
        body = f'<GetUserByUsername xmlns="{contract.NAMESPACES["W"]}"><username>reseller</username></GetUserByUsername>'
        client = clients.Client(sandbox.url, "W")
        reply = client.post("esUsers", client.action("esUsers", "GetUserByUsername"), body)
    assert "</EcommerceEnabled><Vlans /></GetUserByUsernameResult>" in reply.text


def test_a_strict_client_loads_every_document_and_reads_answers(sandbox, household):
    _, package_id, item_id = household.whole()
    described = sandbox.world.contract
    clients_by_service = {}
    for name in described.services:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            clients_by_service[name] = zeep.Client(f"{sandbox.url}/{name}.asmx?WSDL")
        transport = clients_by_service[name].transport
        transport.session.auth = ("reseller", "Secret-1")
    users = clients_by_service["esUsers"].service
    assert users.GetUserByUsername("reseller")["Role"] == "Reseller"
    assert users.GetUserByUsername("nobody") is None
    packages = clients_by_service["esPackages"].service
    assert packages.GetPackage(package_id)["PackageName"] == "Exchange Small"
    rows = packages.GetHostingPlans(2)["_value_1"]["_value_1"]
    assert [row["Table"]["PlanName"] for row in rows] == ["Exchange Small", "Exchange Large"]
    organizations = clients_by_service["esOrganizations"].service
    assert organizations.GetOrganization(item_id)["OrganizationId"] == "acme"
    assert len(clients_by_service["esExchangeServer"].service.GetMailboxesStatistics(item_id)) == 1
    for name in ("esTasks", "esScheduler", "esComments", "esAuditLog", "esSystem", "esBlackBerry", "esOCS"):
        assert clients_by_service[name].service


def test_the_document_is_served_without_credentials_and_names_its_own_address(sandbox):
    reply = clients.fetch(f"{sandbox.url}/esUsers.asmx?WSDL")
    assert reply.status == 200
    assert f"{sandbox.url}/esUsers.asmx" in reply.text
    assert clients.fetch(f"{sandbox.url}/esusers.asmx?wsdl").status == 200
    assert clients.fetch(f"{sandbox.url}/esUsers.asmx").headers["Content-Type"].startswith("text/html")


def test_the_zeep_username_token_signs_in_at_a_service_without_policy(sandbox, household):
    _, _, item_id = household.whole()
    token = wsse.UsernameToken("reseller", "Secret-1")
    soap = zeep.Client(f"{sandbox.url}/esOrganizations.asmx?WSDL", wsse=token)
    assert soap.service.GetOrganization(item_id)["OrganizationId"] == "acme"


@pytest.mark.parametrize("dialect", "WSF")
def test_every_operation_described_is_acted_out(dialect):
    described = contract.load(dialect)
    acted = registry.bind(described, services.ALL)
    missing = [
        f"{service.name}.{name}"
        for service in described.services.values()
        for name in service.operations
        if (service.name, name) not in acted
    ]
    assert missing == []


@pytest.mark.parametrize("dialect", "WSF")
def test_every_table_that_can_be_answered_has_columns(dialect):
    described = contract.load(dialect)
    missing = [
        f"{service.name}.{operation.name}"
        for service in described.services.values()
        for operation in service.operations.values()
        if operation.result == "DataSet" and f"{service.name}.{operation.name}" not in described.datasets
    ]
    assert missing == []
