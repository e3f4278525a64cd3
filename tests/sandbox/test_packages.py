# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.sandbox.client import Fault


def wizard(client, household, **given):
    values = {
        "parentPackageId": household.space_id,
        "username": "acme",
        "password": "Secret-2",
        "roleId": 3,
        "email": "acme@example.com",
        "createPackage": True,
        "planId": household.plan_id("Exchange Small"),
    }
    return client.call("esPackages", "CreateUserWizard", **{**values, **given})


def quota(client, package_id, name):
    found = client.call("esPackages", "GetPackageQuota", packageId=package_id, quotaName=name)
    return found["QuotaAllocatedValue"], found["QuotaUsedValue"]


def test_the_wizard_makes_a_user_and_his_space(client, household):
    user_id = wizard(client, household)
    user = client.call("esUsers", "GetUserById", userId=user_id)
    assert (user["OwnerId"], user["Status"], user["IsDemo"], user["IsPeer"]) == (2, "Active", False, False)
    (package,) = client.call("esPackages", "GetMyPackages", userId=user_id)
    assert (package["PackageName"], package["StatusId"]) == ("Exchange Small", 1)
    assert package["ParentPackageId"] == household.space_id


def test_the_wizard_makes_no_space_unless_told(client, household):
    user_id = wizard(client, household, createPackage=False)
    assert client.call("esPackages", "GetMyPackages", userId=user_id) == []


def test_the_parent_of_a_new_space_is_the_plans(client, household):
    user_id = wizard(client, household, parentPackageId=household.space_id)
    (package,) = client.call("esPackages", "GetMyPackages", userId=user_id)
    plan = client.call("esPackages", "GetHostingPlan", planId=package["PlanId"])
    assert plan["PackageId"] == package["ParentPackageId"]
    assert (plan["Groups"], plan["Quotas"]) == ([], [])


def test_the_wizard_refuses_in_order(client, sandbox, household):
    wizard(client, household)
    assert wizard(client, household) == -1100
    assert wizard(client, household, parentPackageId=404) == -300
    sandbox.control.change("packages", household.space_id, StatusId=2)
    assert wizard(client, household, username="beta") == -303
    sandbox.control.set_status("reseller", 2)
    assert wizard(client, household, username="beta") == -104


def test_a_customer_may_not_use_the_wizard(client, household):
    wizard(client, household)
    customer = client.signed_in("acme", "Secret-2")
    code = customer.call(
        "esPackages", "CreateUserWizard", parentPackageId=2, username="beta", roleId=3, planId=2
    )
    assert code == (-108 if client.dialect == "W" else -112)


def test_the_wizard_knows_a_taken_domain(client, household):
    wizard(client, household, domainName="acme.example", createMailAccount=True)
    (domain,) = client.call("esServers", "GetMyDomains", packageId=4)
    assert domain["DomainName"] == "acme.example"
    assert wizard(client, household, username="beta", domainName="acme.example") == -502
    assert client.call("esUsers", "UserExists", username="beta") is False


def test_when_the_domain_fails_the_user_goes_again(client, household):
    if client.dialect == "S":
        pytest.skip("only the old generation refuses names that start with www")
    assert wizard(client, household, domainName="www.acme.example", createMailAccount=True) == -503
    assert client.call("esUsers", "GetUserByUsername", username="acme") is None


def test_when_the_space_ends_in_a_fault_the_user_goes_again(client, household):
    with pytest.raises(Fault):
        wizard(client, household, planId=404)
    assert client.call("esUsers", "GetUserByUsername", username="acme") is None


def test_plans_are_listed_for_their_owner_and_offered_to_his_customers(client, household):
    user_id, _ = household.customer()
    (plans,) = client.call("esPackages", "GetHostingPlans", userId=2)
    assert [plan["PlanName"] for plan in plans] == ["Exchange Small", "Exchange Large"]
    (addons,) = client.call("esPackages", "GetHostingAddons", userId=2)
    assert [addon["IsAddon"] for addon in addons] == ["true", "true"]
    offered = client.call("esPackages", "GetUserAvailableHostingPlans", userId=user_id)
    assert [plan["PlanName"] for plan in offered] == ["Exchange Small", "Exchange Large"]
    with pytest.raises(Fault, match="not allowed to access this account"):
        client.signed_in("reseller2").call("esPackages", "GetHostingPlans", userId=2)


def test_a_plan_is_read_with_its_quotas(client, household):
    plan_id = household.plan_id("Exchange Small")
    context = client.call("esPackages", "GetHostingPlanContext", planId=plan_id)
    values = {q["QuotaName"]: q["QuotaAllocatedValue"] for q in context["QuotasArray"]}
    assert (values["Exchange2007.Mailboxes"], values["Exchange2007.DiskSpace"]) == (5, 10240)
    groups, quotas = client.call("esPackages", "GetHostingPlanQuotas", packageId=2, planId=plan_id)
    assert "Exchange" in [group["GroupName"] for group in groups if group["Enabled"] == "true"]
    values = {q["QuotaName"]: q["QuotaValue"] for q in quotas}
    assert values["Exchange2007.Mailboxes"] == "5"


def test_a_plan_is_made_changed_and_deleted_while_unused(client, household):
    plan = {
        "PackageId": 2,
        "PlanName": "Tiny",
        "Available": True,
        "UserId": 2,
        "Groups": [{"GroupId": 12, "Enabled": True, "GroupName": "Exchange"}],
        "Quotas": [{"QuotaId": 78, "QuotaValue": 1}],
        "RecurringPrice": "9.95",
    }
    plan_id = client.call("esPackages", "AddHostingPlan", plan=plan)
    assert client.call("esPackages", "GetHostingPlan", planId=plan_id)["RecurringPrice"] == "9.95"
    user_id, package_id = household.customer(plan="Tiny")
    assert quota(client, package_id, "Exchange2007.Mailboxes")[0] == 1
    assert client.call("esPackages", "DeleteHostingPlan", planId=plan_id) == -1501
    client.call("esUsers", "DeleteUser", userId=user_id)
    client.call("esUsers", "GetUserById", userId=user_id)
    assert client.call("esPackages", "DeleteHostingPlan", planId=plan_id) == 0


def test_own_packages_and_those_of_others(client, household):
    household.customer()
    mine = client.call("esPackages", "GetMyPackages", userId=2)
    assert [package["PackageName"] for package in mine] == ["reseller's space"]
    found = [package["PackageName"] for package in client.call("esPackages", "GetPackages", userId=2)]
    assert found == (["Exchange Small"] if client.dialect == "W" else ["reseller's space"])


def test_some_package_calls_check_no_rights(client, household):
    _, package_id = household.customer()
    other = client.signed_in("reseller2")
    assert other.call("esPackages", "GetPackage", packageId=package_id)["PackageName"] == "Exchange Small"
    with pytest.raises(Fault, match="not allowed to access this package"):
        other.call("esPackages", "GetPackageContext", packageId=package_id)
    with pytest.raises(Fault, match="not allowed to access this package"):
        other.call("esPackages", "DeletePackage", packageId=package_id)


def test_a_package_changes_its_plan_and_name(client, household):
    _, package_id = household.customer()
    large = household.plan_id("Exchange Large")
    values = {"packageId": package_id, "statusId": 1, "planId": large, "purchaseDate": "2026-01-02T00:00:00"}
    result = client.call(
        "esPackages", "UpdatePackageLiteral", **values, packageName="Big", packageComments="c"
    )
    assert result == {"Result": 0}
    package = client.call("esPackages", "GetPackage", packageId=package_id)
    assert (package["PlanId"], package["PackageName"], package["PackageComments"]) == (large, "Big", "c")
    assert client.call("esPackages", "UpdatePackageLiteral", packageId=404)["Result"] == -300


def test_a_status_of_a_package_takes_nested_ones_along(client, household):
    _, package_id = household.customer()
    assert (
        client.call("esPackages", "ChangePackageStatus", packageId=household.space_id, status="Suspended")
        == 0
    )
    assert client.call("esPackages", "GetPackage", packageId=package_id)["StatusId"] == 2
    assert client.call("esPackages", "ChangePackageStatus", packageId=404, status="Active") == -1


def test_a_package_with_nested_ones_stays(client, household):
    _, package_id = household.customer()
    assert client.call("esPackages", "DeletePackage", packageId=household.space_id) == -301
    assert client.call("esPackages", "DeletePackage", packageId=404) == -300
    assert client.call("esPackages", "DeletePackage", packageId=package_id) == 0
    client.call("esTasks", "GetTasksNumber")
    assert client.call("esPackages", "GetPackage", packageId=package_id) is None


def test_an_addon_raises_quotas_while_it_is_active(client, household):
    _, package_id = household.customer()
    plan_id = household.plan_id("10 Mailboxes")
    addon = client.call(
        "esPackages", "AddPackageAddonById", packageId=package_id, addonPlanId=plan_id, quantity=2
    )["Result"]
    assert quota(client, package_id, "Exchange2007.Mailboxes")[0] == 25
    (rows,) = client.call("esPackages", "GetPackageAddons", packageId=package_id)
    assert [(row["PackageAddonID"], row["Quantity"], row["PlanName"]) for row in rows] == [
        (str(addon), "2", "10 Mailboxes")
    ]
    values = {
        "packageAddonId": addon,
        "planId": plan_id,
        "quantity": 1,
        "purchaseDate": "2026-01-02T00:00:00",
    }
    client.call("esPackages", "UpdatePackageAddonLiteral", **values, statusId=1)
    assert quota(client, package_id, "Exchange2007.Mailboxes")[0] == 15
    client.call("esPackages", "UpdatePackageAddonLiteral", **values, statusId=2)
    assert quota(client, package_id, "Exchange2007.Mailboxes")[0] == 5
    assert client.call("esPackages", "DeletePackageAddon", packageAddonId=addon) == 0
    assert client.call("esPackages", "GetPackageAddon", packageAddonId=addon) is None


def test_unlimited_plus_an_addon_is_one_less(client, household):
    _, package_id = household.customer(plan="Exchange Large")
    client.call(
        "esPackages",
        "AddPackageAddonById",
        packageId=package_id,
        addonPlanId=household.plan_id("10 GB"),
        quantity=1,
    )
    per_organization = 10240 - 1
    expected = per_organization if client.dialect == "W" else per_organization * 5
    assert quota(client, package_id, "Exchange2007.DiskSpace")[0] == expected


def test_no_package_has_more_than_the_one_above(client, sandbox, household):
    _, package_id = household.customer()
    space = sandbox.control.row("packages", household.space_id)
    wholesale = sandbox.control.row("plans", space["PlanId"])
    quotas = [q if q["QuotaId"] != 78 else {**q, "QuotaValue": 3} for q in wholesale["Quotas"]]
    sandbox.control.change("plans", wholesale["PlanId"], Quotas=quotas)
    assert quota(client, package_id, "Exchange2007.Mailboxes")[0] == 3


def test_a_space_that_would_exceed_its_parent_is_refused_with_the_quotas(client, sandbox, household):
    sandbox.control.override_quotas(household.space_id, {"Exchange2007.Mailboxes": 7})
    household.customer()
    user_id = wizard(client, household, username="beta", createPackage=False)
    plan_id = household.plan_id("Exchange Small")
    result = client.call(
        "esPackages", "AddPackage", userId=user_id, planId=plan_id, packageName="x", statusId=1
    )
    assert result["Result"] == -305
    assert result["ExceedingQuotas"] == [
        [{"QuotaID": "78", "QuotaName": "Exchange2007.Mailboxes", "QuotaValue": "3"}]
    ]
    assert client.call("esPackages", "GetMyPackages", userId=user_id) == []


def test_an_override_stands_for_the_whole_plan(client, household):
    _, package_id = household.customer()
    package = client.call("esPackages", "GetPackage", packageId=package_id)
    groups = [{"GroupId": 12, "Enabled": True, "GroupName": "Exchange"}]
    own = {"OverrideQuotas": True, "Groups": groups, "Quotas": [{"QuotaId": 78, "QuotaValue": 2}]}
    assert client.call("esPackages", "UpdatePackage", package={**package, **own}) == {"Result": 0}
    assert quota(client, package_id, "Exchange2007.Mailboxes")[0] == 2
    # What the override does not name is none, and its groups are the only ones.
    assert quota(client, package_id, "Exchange2007.Contacts")[0] == 0
    context = client.call("esPackages", "GetPackageContext", packageId=package_id)
    assert [group["GroupName"] for group in context["GroupsArray"]] == ["Exchange"]
    package = client.call("esPackages", "GetPackage", packageId=package_id)
    assert (package["OverrideQuotas"], package["Quotas"]) == (True, [])
    client.call("esPackages", "UpdatePackage", package={**package, "OverrideQuotas": False})
    assert quota(client, package_id, "Exchange2007.Contacts")[0] == 25


def test_per_organization_quotas_in_the_later_generation(client, household):
    _, package_id = household.customer(plan="Exchange Large")
    found = client.call(
        "esPackages", "GetPackageQuota", packageId=package_id, quotaName="Exchange2007.Mailboxes"
    )
    if client.dialect == "W":
        assert found["QuotaAllocatedValue"] == 500
    else:
        assert (found["QuotaAllocatedValue"], found["QuotaAllocatedValuePerOrganization"]) == (2500, 500)


def test_a_ceiling_reads_no_use_and_a_counted_quota_does(client, household):
    _, package_id, _ = household.whole()
    used = 0 if client.dialect == "W" else 1
    assert quota(client, package_id, "Exchange2007.Mailboxes") == (5, used)
    assert quota(client, package_id, "HostedSolution.Organizations") == (1, 1)
    # The space above counts what lies below it.
    assert quota(client, household.space_id, "HostedSolution.Organizations") == (-1, 1)


def test_ocs_users_are_counted_by_packages_of_the_later_generation_only(client, household):
    _, package_id, item_id = household.whole()
    page = {"itemId": item_id, "accountTypes": "1", "maximumRows": 1}
    (mailbox,) = client.call("esExchangeServer", "GetAccountsPaged", **page)["PageItems"]
    client.call("esOCS", "CreateOCSUser", itemId=item_id, accountId=mailbox["AccountId"])
    statistics = client.call("esOrganizations", "GetOrganizationStatistics", itemId=item_id)
    assert statistics["CreatedOCSUsers"] == 1
    assert quota(client, package_id, "OCS.Users") == (5, 0 if client.dialect == "W" else 1)


def test_disk_rows_appear_after_the_daily_task_under_hosted_organizations(client, sandbox, household):
    _, package_id, item_id = household.whole()
    sandbox.control.grow_disk(item_id=item_id, by_mb=150)
    assert client.call("esPackages", "GetPackageDiskspace", packageId=package_id) == [[]]
    administrator = client.signed_in("serveradmin")
    administrator.call("esScheduler", "StartSchedule", scheduleId=1)
    client.call("esTasks", "GetTasksNumber")
    (rows,) = client.call("esPackages", "GetPackageDiskspace", packageId=package_id)
    assert rows == [
        {
            "GroupID": "13",
            "GroupName": "Hosted Organizations",
            "Diskspace": "150",
            "DiskspaceBytes": str(150 * 2**20),
        }
    ]
    assert quota(client, package_id, "OS.Diskspace") == (-1, 150)


def test_traffic_is_summed_over_days_both_ends_included(client, sandbox, household):
    _, package_id = household.customer()
    for day, sent in (("2026-01-01", 2**20), ("2026-01-31", 2**20), ("2026-02-01", 5)):
        sandbox.control.add_usage(package_id, "traffic", 1, Day=day, Sent=sent, Received=2**20)
    (rows,) = client.call(
        "esPackages",
        "GetPackageBandwidth",
        packageId=package_id,
        startDate="2026-01-01T00:00:00",
        endDate="2026-01-31T00:00:00",
    )
    assert [(row["GroupName"], row["MegaBytesTotal"]) for row in rows] == [("OS", "4")]


def test_nested_packages_are_paged_exactly(client, household):
    for name in ("a", "b", "c"):
        household.customer(name)
    values = {
        "packageId": household.space_id,
        "filterColumn": "Username",
        "filterValue": "%",
        "sortColumn": "Username",
    }
    (count,), rows = client.call("esPackages", "GetNestedPackagesPaged", **values, startRow=1, maximumRows=1)
    assert (count["Column1"], [row["Username"] for row in rows]) == ("3", ["b"])


def test_letters_without_a_template_are_not_sent(client, household):
    user_id, package_id = household.customer()
    assert client.call("esPackages", "SendAccountSummaryLetter", userId=user_id) == -200
    assert client.call("esPackages", "SendPackageSummaryLetter", packageId=package_id) == -201
    letter = {"UserId": 2, "SettingsName": "AccountSummaryLetter", "SettingsArray": [["TextBody", "Hello"]]}
    client.call("esUsers", "UpdateUserSettings", settings=letter)
    assert client.call("esPackages", "SendAccountSummaryLetter", userId=user_id) == 0


def test_package_settings_climb(client, household):
    _, package_id = household.customer()
    found = client.signed_in("acme", "Secret-2").call(
        "esPackages", "GetPackageSettings", packageId=package_id, settingsName="NameServers"
    )
    assert found["PackageId"] == 1
    assert found["SettingsArray"] == [["NameServers", "ns1.hosted.example;ns2.hosted.example"]]
