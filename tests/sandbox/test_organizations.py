# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.sandbox.client import Fault


def create(client, package_id, name, **given):
    values = {"packageId": package_id, "organizationID": name, "organizationName": f"{name} Inc."}
    if client.dialect == "S":
        values["domainName"] = f"{name}.example"
    return client.call("esOrganizations", "CreateOrganization", **{**values, **given})


def org(client, operation, **given):
    return client.call("esOrganizations", operation, **given)


def names(client, item_id):
    return {d["DomainName"]: d for d in org(client, "GetOrganizationDomains", itemId=item_id)}


def test_a_new_organization_has_a_host_domain_and_no_exchange(client, household):
    _, package_id = household.customer()
    item_id = create(client, package_id, "acme")
    found = org(client, "GetOrganization", itemId=item_id)
    host = "acme.hosted.example" if client.dialect == "W" else "acme.example"
    assert (found["Name"], found["OrganizationId"], found["DefaultDomain"]) == ("acme Inc.", "acme", host)
    assert (found["GlobalAddressList"], found["DiskSpace"], found["KeepDeletedItemsDays"]) == ("", 0, 0)
    (link,) = org(client, "GetOrganizationDomains", itemId=item_id)
    assert (link["DomainName"], link["IsHost"], link["IsDefault"]) == (host, True, True)
    assert [o["Id"] for o in org(client, "GetOrganizations", packageId=package_id)] == [item_id]
    assert [
        o["Id"] for o in org(client, "GetOrganizations", packageId=household.space_id, recursive=True)
    ] == [item_id]
    assert org(client, "GetOrganizations", packageId=household.space_id) == []


def test_an_organization_id_is_taken_once_in_the_whole_system(client, household):
    _, package_id = household.customer()
    create(client, package_id, "acme")
    _, other = household.customer("beta")
    assert create(client, other, "ACME") == -2701


def test_organizations_are_refused_in_order(client, sandbox, household):
    _, package_id = household.customer()
    create(client, package_id, "acme")
    assert create(client, package_id, "second") == -2703
    sandbox.control.change("packages", package_id, StatusId=2)
    assert create(client, package_id, "third") == -303
    sandbox.control.set_status("reseller", 2)
    assert create(client, package_id, "third") == -104


def test_without_a_temporary_domain_the_old_generation_cannot_begin(client, sandbox, household):
    _, package_id = household.customer()
    service = next(s for s in sandbox.control.rows("services") if s["GroupId"] == 13)
    sandbox.control.change("services", service["ServiceId"], Settings={})
    assert (create(client, package_id, "acme") == -2704) is (client.dialect == "W")


def test_the_existence_check_reads_ten_characters(client, household):
    if client.dialect == "W":
        pytest.skip("the old generation has no such call, and ids of ten characters")
    _, package_id = household.customer(plan="Exchange Large")
    create(client, package_id, "acme-corpo")
    create(client, package_id, "other-company-name")
    assert org(client, "CheckOrgIdExists", orgId="acme-corporation") is True
    assert org(client, "CheckOrgIdExists", orgId="other-company-name") is False
    assert create(client, package_id, "other-company-name", domainName="x.example") == -2701


def test_an_id_wider_than_the_column_is_an_error_of_the_old_database(client, household):
    _, package_id = household.customer()
    if client.dialect == "W":
        with pytest.raises(Fault, match="truncated"):
            create(client, package_id, "elevenchars")
    else:
        assert create(client, package_id, "elevenchars") > 0


def test_domains_are_added_made_default_and_taken_out(client, household):
    _, package_id = household.customer()
    item_id = create(client, package_id, "acme")
    assert org(client, "AddOrganizationDomain", itemId=item_id, domainName="acme.test") == 0
    assert org(client, "AddOrganizationDomain", itemId=item_id, domainName="acme.test") == -2705
    domain = names(client, item_id)["acme.test"]
    assert (domain["IsHost"], domain["IsDefault"]) == (False, False)
    assert org(client, "SetOrganizationDefaultDomain", itemId=item_id, domainId=domain["DomainId"]) == 0
    assert org(client, "SetOrganizationDefaultDomain", itemId=item_id, domainId=404) == 0
    assert org(client, "SetOrganizationDefaultDomain", itemId=404, domainId=404) == -1
    assert org(client, "GetOrganization", itemId=item_id)["DefaultDomain"] == "acme.test"
    assert org(client, "DeleteOrganizationDomain", itemId=item_id, domainId=domain["DomainId"]) == 0
    assert "acme.test" not in names(client, item_id)
    # The domain itself stays in the space.
    found = client.call("esServers", "GetMyDomains", packageId=package_id)
    assert "acme.test" in [d["DomainName"] for d in found]


def test_a_domain_of_another_space_is_refused(client, household):
    _, package_id = household.customer()
    item_id = create(client, package_id, "acme")
    _, other = household.customer("beta")
    client.call("esServers", "AddDomain", domain={"PackageId": other, "DomainName": "beta.test"})
    assert org(client, "AddOrganizationDomain", itemId=item_id, domainName="beta.test") == -502


def test_the_domain_quota_counts_the_host_domain(client, household):
    _, package_id = household.customer()
    item_id = create(client, package_id, "acme")
    codes = [org(client, "AddOrganizationDomain", itemId=item_id, domainName=f"{n}.test") for n in range(3)]
    assert codes == [0, 0, -2611]
    with pytest.raises(Fault, match="Object reference not set"):
        org(client, "AddOrganizationDomain", itemId=404, domainName="x.test")


def test_a_domain_in_use_stays_in_the_later_generation(client, household):
    _, package_id = household.customer()
    item_id = create(client, package_id, "acme")
    org(client, "AddOrganizationDomain", itemId=item_id, domainName="acme.test")
    household.mailbox(item_id, "ann@acme.test")
    domain_id = names(client, item_id)["acme.test"]["DomainId"]
    code = org(client, "DeleteOrganizationDomain", itemId=item_id, domainId=domain_id)
    assert code == (0 if client.dialect == "W" else -1)


def test_deleting_an_organization_leaves_its_domains(client, household):
    _, package_id, item_id = household.whole()
    assert org(client, "DeleteOrganization", itemId=item_id) == 0
    assert org(client, "GetOrganization", itemId=item_id) is None
    assert len(client.call("esServers", "GetMyDomains", packageId=package_id)) == 1
    assert (
        org(client, "CreateOrganization", packageId=package_id, organizationID="acme", organizationName="x")
        > 0
    )
    with pytest.raises(Fault, match="Object reference not set"):
        org(client, "DeleteOrganization", itemId=404)


def test_deleting_a_space_cleans_up_its_first_organization_only(client, household):
    _, package_id = household.customer(plan="Exchange Large")
    create(client, package_id, "first")
    create(client, package_id, "second")
    client.call("esPackages", "DeletePackage", packageId=package_id)
    _, other = household.customer("beta", plan="Exchange Large")
    assert create(client, other, "first") > 0
    assert create(client, other, "second") == -2701


def test_users_are_created_within_the_quota(client, household):
    _, package_id = household.customer()
    item_id = create(client, package_id, "acme")
    domain = household.default_domain(item_id)
    values = {"itemId": item_id, "displayName": "Ann", "domain": domain, "password": "Secret-3"}
    codes = [org(client, "CreateUser", **values, name=f"ann{n}") for n in range(11)]
    assert all(code > 0 for code in codes[:10])
    assert codes[10] == -2707
    assert org(client, "CreateUser", **values, name="ann1") == -2602
    with pytest.raises(Fault, match="displayName"):
        org(client, "CreateUser", **{**values, "displayName": ""}, name="x")
    page = {"itemId": item_id, "startRow": 8, "maximumRows": 5}
    found = org(client, "GetOrganizationUsersPaged", **page)
    assert (found["RecordsCount"], len(found["PageUsers"])) == (10, 2)
    assert org(client, "DeleteUser", itemId=item_id, accountId=codes[0]) == 0
    assert org(client, "GetOrganizationUsersPaged", **page)["RecordsCount"] == 9


def test_settings_of_a_user_are_kept(client, household):
    _, _, item_id = household.whole()
    (user,) = org(client, "GetOrganizationUsersPaged", itemId=item_id, maximumRows=10)["PageUsers"]
    key = {"itemId": item_id, "accountId": user["AccountId"]}
    values = {"displayName": "Ann B", "firstName": "Ann", "webPage": "w", "disabled": True, "locked": False}
    assert org(client, "SetUserGeneralSettings", **key, **values) == 0
    found = org(client, "GetUserGeneralSettings", **key)
    assert (found["DisplayName"], found["FirstName"], found["WebPage"], found["Disabled"]) == (
        "Ann B",
        "Ann",
        "w",
        True,
    )


def test_statistics_of_the_organization_leave_exchange_at_zero(client, household):
    _, _, item_id = household.whole()
    found = org(client, "GetOrganizationStatistics", itemId=item_id)
    assert (found["CreatedUsers"], found["AllocatedUsers"], found["CreatedDomains"]) == (1, 10, 1)
    assert (found["CreatedMailboxes"], found["AllocatedMailboxes"]) == (0, 0)
    assert org(client, "GetOrganizationStatistics", itemId=404) is None


def test_plain_statistics_of_the_later_generation_sum_over_the_owners_organizations(client, household):
    _, package_id = household.customer(plan="Exchange Large")
    items = [create(client, package_id, name) for name in ("first", "second")]
    for item_id in items:
        household.mailbox(item_id, f"ann@{household.default_domain(item_id)}")
    found = org(client, "GetOrganizationStatistics", itemId=items[0])
    assert found["CreatedUsers"] == (1 if client.dialect == "W" else 2)
    if client.dialect == "S":
        own = org(client, "GetOrganizationStatisticsByOrganization", itemId=items[0])
        assert (own["CreatedUsers"], own["AllocatedUsers"], found["AllocatedUsers"]) == (1, 1000, 5000)


def test_organizations_are_paged_with_their_owner(client, household):
    household.whole()
    values = {
        "packageId": household.space_id,
        "recursive": True,
        "filterColumn": "ItemName",
        "filterValue": "acme%",
    }
    (count,), rows = org(client, "GetRawOrganizationsPaged", **values, maximumRows=10)
    assert count["Column1"] == "1"
    assert (rows[0]["ItemName"], rows[0]["Username"], rows[0]["TypeName"]) == (
        "acme Inc.",
        "acme",
        "Organization",
    )


def test_a_suspended_customers_mailboxes_are_switched_off_and_on(client, household):
    user_id, _, item_id = household.whole()

    def disabled():
        return org(client, "GetOrganizationUsersPaged", itemId=item_id, maximumRows=1)["PageUsers"][0][
            "Disabled"
        ]

    assert disabled() is False
    client.call("esUsers", "ChangeUserStatus", userId=user_id, status="Suspended")
    assert disabled() is True
    client.call("esUsers", "ChangeUserStatus", userId=user_id, status="Active")
    assert disabled() is False


def test_security_groups_of_the_later_generation(client, household):
    if client.dialect == "W":
        pytest.skip("the old generation has none")
    _, _, item_id = household.whole()
    group_id = org(client, "CreateSecurityGroup", itemId=item_id, displayName="Staff")
    found = org(client, "GetOrganizationSecurityGroupsPaged", itemId=item_id, maximumRows=10)
    assert {g["DisplayName"] for g in found["PageItems"]} == {"acme", "Staff"}
    assert org(client, "DeleteSecurityGroup", itemId=item_id, accountId=group_id) == 0
