# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.sandbox.client import Fault


def add(client, package_id, name, **given):
    return client.call(
        "esServers", "AddDomain", domain={"PackageId": package_id, "DomainName": name, **given}
    )


def records(client, domain_id):
    found = client.call("esServers", "GetDnsZoneRecords", domainId=domain_id)
    return {(r["RecordType"], r.get("RecordName", ""), r["RecordData"]) for r in found}


def add_record(client, domain_id, kind, name, data, priority=0):
    values = {"domainId": domain_id, "recordType": kind, "recordName": name, "recordData": data}
    return client.call("esServers", "AddDnsZoneRecord", **values, mxPriority=priority)


@pytest.fixture
def package_id(household):
    return household.customer()[1]


@pytest.fixture
def zone_id(client, package_id):
    """A domain that has its zone."""
    domain_id = add(client, package_id, "acme.example")
    client.call("esServers", "EnableDomainDns", domainId=domain_id)
    return domain_id


def test_the_old_generation_makes_the_zone_with_the_domain(client, package_id):
    domain_id = add(client, package_id, "acme.example")
    domain = client.call("esServers", "GetDomain", domainId=domain_id)
    assert (domain["ZoneItemId"] > 0) is (client.dialect == "W")
    if client.dialect == "S":
        assert domain["CreationDate"] is None
        assert records(client, domain_id) == set()


def test_a_zone_has_its_servers_and_the_templates(client, zone_id):
    assert records(client, zone_id) == {
        ("SOA", "", "ns1.hosted.example hostmaster.acme.example"),
        ("NS", "", "ns1.hosted.example"),
        ("NS", "", "ns2.hosted.example"),
        ("A", "", "192.0.2.10"),
        ("A", "www", "192.0.2.10"),
    }


def test_a_record_is_added_once_and_deleted(client, zone_id):
    mx = ("MX", "", "mail.hosted.example")
    assert add_record(client, zone_id, *mx, priority=10) == 0
    assert add_record(client, zone_id, *mx, priority=10) == 0
    found = client.call("esServers", "GetDnsZoneRecords", domainId=zone_id)
    assert [r["MxPriority"] for r in found if r["RecordType"] == "MX"] == [10]
    (rows,) = client.call("esServers", "GetRawDnsZoneRecords", domainId=zone_id)
    assert [row["MxPriority"] for row in rows if row["RecordType"] == "MX"] == ["10"]
    values = {"domainId": zone_id, "recordName": "", "recordType": "MX", "recordData": "mail.hosted.example"}
    assert client.call("esServers", "DeleteDnsZoneRecord", **values) == 0
    assert mx not in records(client, zone_id)


def test_a_record_is_replaced(client, zone_id):
    values = {"domainId": zone_id, "originalRecordName": "www", "originalRecordData": "192.0.2.10"}
    new = {"recordName": "www", "recordType": "A", "recordData": "192.0.2.99"}
    assert client.call("esServers", "UpdateDnsZoneRecord", **values, **new) == 0
    assert ("A", "www", "192.0.2.99") in records(client, zone_id)
    assert ("A", "www", "192.0.2.10") not in records(client, zone_id)


def test_a_record_for_a_domain_without_zone_is_accepted_and_lost(client, zone_id):
    client.call("esServers", "DisableDomainDns", domainId=zone_id)
    assert add_record(client, zone_id, "MX", "", "mail.hosted.example") == 0
    assert records(client, zone_id) == set()


def test_a_record_for_no_domain_is_a_fault(client):
    with pytest.raises(Fault, match="Object reference not set"):
        add_record(client, 404, "MX", "", "x")


def test_a_suspended_space_takes_no_records(client, sandbox, package_id, zone_id):
    sandbox.control.change("packages", package_id, StatusId=2)
    assert add_record(client, zone_id, "MX", "", "x") == -303


def test_names_are_taken_once_in_the_whole_system(client, household, package_id):
    add(client, package_id, "acme.example")
    _, other = household.customer("beta")
    assert add(client, other, "ACME.example") == -502
    assert add(client, other, "sub.acme.example") == -501
    assert add(client, package_id, "sub.acme.example", IsSubDomain=True) > 0


def test_quotas_of_domains(client, sandbox, package_id):
    sandbox.control.override_quotas(package_id, {"OS.Domains": 1, "OS.SubDomains": 0})
    assert add(client, package_id, "one.example") > 0
    assert add(client, package_id, "two.example") == -500
    assert add(client, package_id, "sub.one.example", IsSubDomain=True) == -508


def test_a_domain_made_with_provisioning_has_a_zone_when_asked(client, package_id):
    values = {"packageId": package_id, "domainType": "Domain"}
    with_zone = client.call(
        "esServers", "AddDomainWithProvisioning", **values, domainName="a.example", createDnsZone=True
    )
    without = client.call("esServers", "AddDomainWithProvisioning", **values, domainName="b.example")
    assert records(client, with_zone) != set()
    assert records(client, without) == set()


def test_a_domain_of_an_organization_is_not_deleted(client, household):
    _, _, item_id = household.whole()
    (link,) = client.call("esOrganizations", "GetOrganizationDomains", itemId=item_id)
    assert client.call("esServers", "DeleteDomain", domainId=link["DomainId"]) == -2705


def test_a_domain_goes_with_its_zone(client, zone_id):
    assert client.call("esServers", "DeleteDomain", domainId=zone_id) == 0
    assert client.call("esServers", "GetDomain", domainId=zone_id) is None


def add_mx_template(client):
    """An MX template on the Exchange service, as an operator keeps it."""
    administrator = client.signed_in("serveradmin")
    (services,) = administrator.call("esServers", "GetRawServicesByGroupName", groupName="Exchange")
    template = {"ServiceId": int(services[0]["ServiceID"]), "RecordType": "MX", "RecordName": ""}
    administrator.call(
        "esServers", "AddDnsRecord", record={**template, "RecordData": "mx.[domain_name]", "MxPriority": 5}
    )


def test_a_zone_of_the_old_generation_gets_the_templates_of_every_service(client, household):
    add_mx_template(client)
    _, package_id = household.customer()
    values = {"packageId": package_id, "domainType": "Domain", "domainName": "a.example"}
    domain_id = client.call("esServers", "AddDomainWithProvisioning", **values, createDnsZone=True)
    assert (("MX", "", "mx.a.example") in records(client, domain_id)) is (client.dialect == "W")


def test_templates_of_the_exchange_service_arrive_with_exchange_in_the_later_generation(client, household):
    _, package_id = household.customer()
    item_id = household.organization(package_id)
    name = household.default_domain(item_id)
    (link,) = client.call("esOrganizations", "GetOrganizationDomains", itemId=item_id)
    client.call("esServers", "EnableDomainDns", domainId=link["DomainId"])
    add_mx_template(client)
    household.mailbox(item_id, f"ann@{name}")
    assert (("MX", "", f"mx.{name}") in records(client, link["DomainId"])) is (client.dialect == "S")


def test_a_name_with_www_is_refused_after_the_other_rules_of_names(client, household, sandbox):
    _, package_id = household.customer()
    taken = {"PackageId": package_id, "DomainName": "www.taken.example", "ZoneItemId": 0, "Records": []}
    sandbox.world.store.domains.add(taken)
    assert add(client, package_id, "www.taken.example") == -502
    assert (add(client, package_id, "www.free.example") == -503) is (client.dialect == "W")


def test_a_name_too_long_is_an_error_of_the_database(client, package_id):
    with pytest.raises(Fault, match="would be truncated"):
        add(client, package_id, f"{'a' * 95}.example")


def test_deleting_domains_can_be_reserved_to_administrators(client, sandbox, household, package_id):
    if client.dialect == "W":
        pytest.skip("the old generation has no such quota")
    domain_id = add(client, package_id, "a.example")
    for each in (household.space_id, package_id):
        sandbox.control.override_quotas(each, {"OS.NotAllowTenantDeleteDomains": 1})
    assert client.call("esServers", "DeleteDomain", domainId=domain_id) == -107
    assert client.signed_in("serveradmin").call("esServers", "DeleteDomain", domainId=domain_id) == 0


def test_domains_are_paged(client, package_id, household):
    for name in ("a.example", "b.example", "c.example"):
        add(client, package_id, name)
    values = {
        "packageId": household.space_id,
        "recursive": True,
        "filterColumn": "DomainName",
        "filterValue": "%.example",
    }
    (count,), rows = client.call("esServers", "GetDomainsPaged", **values, startRow=1, maximumRows=1)
    assert (count["Column1"], [row["DomainName"] for row in rows]) == ("3", ["b.example"])


def test_addresses_are_not_handed_out(client, package_id):
    result = client.call(
        "esServers", "AllocatePackageIPAddresses", packageId=package_id, groupName="Web", pool="General"
    )
    assert result == {"IsSuccess": True, "ErrorCodes": []}
