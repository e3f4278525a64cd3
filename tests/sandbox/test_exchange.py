# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.sandbox.client import Fault


def ex(client, operation, **given):
    return client.call("esExchangeServer", operation, **given)


def statistics(client, item_id):
    return ex(client, "GetOrganizationStatistics", itemId=item_id)


@pytest.fixture
def item_id(household):
    """An organization without mailboxes, on a plan for five of them and 10 GB."""
    return household.organization(household.customer()[1])


@pytest.fixture
def domain(household, item_id):
    return household.default_domain(item_id)


# Mailboxes


def test_the_first_mailbox_brings_exchange(client, household, item_id, domain):
    account_id = household.mailbox(item_id, f"ann@{domain}")
    organization = ex(client, "GetOrganization", itemId=item_id)
    assert organization["GlobalAddressList"] != ""
    assert organization["KeepDeletedItemsDays"] == 14
    if client.dialect == "W":
        limits = [organization[n] for n in ("IssueWarningKB", "ProhibitSendKB", "ProhibitSendReceiveKB")]
        assert limits == [10240 * 922, 10240 * 1024, 10240 * 1024]
    account = ex(client, "GetAccount", itemId=item_id, accountId=account_id)
    assert (account["AccountType"], account["PrimaryEmailAddress"], account["DisplayName"]) == (
        "Mailbox",
        f"ann@{domain}",
        "Ann",
    )
    assert account["AccountName"] == "ann_acme"


def test_directory_names_are_cut_and_counted(client, household, item_id, domain):
    ids = [household.mailbox(item_id, f"averyveryverylongname{n}@{domain}") for n in range(2)]
    found = [ex(client, "GetAccount", itemId=item_id, accountId=each)["AccountName"] for each in ids]
    assert found == ["averyveryverylo_acme", "averyveryveryl1_acme"]


def test_mailboxes_are_limited_by_number(household, item_id, domain):
    for number in range(5):
        household.mailbox(item_id, f"ann{number}@{domain}")
    assert household.mailbox_code(item_id, f"ann6@{domain}") == -2607


def test_an_address_is_taken_once_in_the_whole_system(household, item_id, domain):
    household.mailbox(item_id, f"ann@{domain}")
    assert household.mailbox_code(item_id, f"ANN@{domain}") == -2602
    other = household.organization(household.customer("beta")[1], "beta")
    assert household.mailbox_code(other, f"ann@{domain}") == -2602


def test_a_mailbox_of_no_organization(household, item_id, domain):
    assert (
        household.mailbox_code(404, f"ann@{domain}", **({} if household.is_w else {"mailboxPlanId": 1})) == -1
    )


def test_a_neighbour_makes_no_mailboxes(client, household, item_id, domain):
    household.client = client.signed_in("reseller2")
    assert (
        household.mailbox_code(item_id, f"ann@{domain}", **({} if household.is_w else {"mailboxPlanId": 1}))
        == -1
    )


def test_an_existing_user_gets_a_mailbox(client, household, item_id, domain):
    values = {
        "itemId": item_id,
        "displayName": "Ann",
        "name": "ann",
        "domain": domain,
        "password": "Secret-3",
    }
    user_id = client.call("esOrganizations", "CreateUser", **values)
    assert household.mailbox(item_id, f"ann@{domain}", accountId=user_id) == user_id
    assert ex(client, "GetAccount", itemId=item_id, accountId=user_id)["AccountType"] == "Mailbox"


def test_a_failed_creation_leaves_no_user(client, household, item_id, domain):
    if client.dialect == "W":
        pytest.skip("mailbox plans came later")
    with pytest.raises(Fault, match="Object reference not set"):
        household.mailbox_code(item_id, f"ann@{domain}", mailboxPlanId=404)
    large = household.mailbox_plan(item_id, "Large 10 GB")
    household.mailbox(item_id, f"ann@{domain}")
    assert household.mailbox_code(item_id, f"bob@{domain}", mailboxPlanId=large) == -2612
    found = client.call("esOrganizations", "GetOrganizationUsersPaged", itemId=item_id, maximumRows=10)
    assert found["RecordsCount"] == 1


def test_a_weak_password_is_refused_by_a_strict_directory(sandbox, household, item_id, domain):
    sandbox.control.set_options(secure_passwords=True)
    with pytest.raises(Fault, match="password policy"):
        household.mailbox_code(item_id, f"ann@{domain}", password="weak")


def test_a_disabled_mailbox_leaves_the_user(client, household, item_id, domain):
    account_id = household.mailbox(item_id, f"ann@{domain}")
    ex(client, "AddMailboxEmailAddress", itemId=item_id, accountId=account_id, emailAddress=f"a.nn@{domain}")
    assert ex(client, "DisableMailbox", itemId=item_id, accountId=account_id) == 0
    assert ex(client, "GetAccount", itemId=item_id, accountId=account_id)["AccountType"] == "User"
    assert statistics(client, item_id)["CreatedMailboxes"] == 0
    assert len(ex(client, "GetMailboxEmailAddresses", itemId=item_id, accountId=account_id)) == 1


def test_a_deleted_mailbox_takes_the_user_along(client, household, item_id, domain):
    account_id = household.mailbox(item_id, f"ann@{domain}")
    assert ex(client, "DeleteMailbox", itemId=item_id, accountId=account_id) == 0
    assert ex(client, "GetAccount", itemId=item_id, accountId=account_id) is None
    with pytest.raises(Fault):
        ex(client, "DeleteMailbox", itemId=item_id, accountId=account_id)


def test_addresses_of_a_mailbox(client, household, item_id, domain):
    key = {"itemId": item_id, "accountId": household.mailbox(item_id, f"ann@{domain}")}
    assert ex(client, "AddMailboxEmailAddress", **key, emailAddress=f"a@{domain}") == 0
    assert ex(client, "AddMailboxEmailAddress", **key, emailAddress=f"A@{domain}") == -2602
    assert ex(client, "SetMailboxPrimaryEmailAddress", **key, emailAddress=f"a@{domain}") == 0
    unwanted = [f"a@{domain}", f"ann@{domain}"]
    assert ex(client, "DeleteMailboxEmailAddresses", **key, emailAddresses=unwanted) == 0
    (left,) = ex(client, "GetMailboxEmailAddresses", **key)
    assert (left["EmailAddress"], left["IsPrimary"]) == (f"a@{domain}", True)


def test_passwords_are_changed_each_generations_way(client, household, item_id, domain):
    key = {"itemId": item_id, "accountId": household.mailbox(item_id, f"ann@{domain}")}
    if client.dialect == "W":
        ex(client, "SetMailboxGeneralSettings", **key, displayName="Ann", password="Other-1")
    else:
        client.call("esOrganizations", "SetUserPassword", **key, password="Other-1")

    def is_right(password):
        values = {"itemId": item_id, "email": f"ann@{domain}", "password": password}
        return ex(client, "CheckAccountCredentials", **values)

    assert (is_right("Other-1"), is_right("Secret-3")) == (True, False)
    ex(client, "SetMailboxGeneralSettings", **key, disabled=True)
    assert is_right("Other-1") is False
    assert ex(client, "GetMailboxGeneralSettings", **key)["Disabled"] is True


def test_a_mailbox_gets_its_size_each_generations_way(client, household, item_id, domain):
    key = {"itemId": item_id, "accountId": household.mailbox(item_id, f"ann@{domain}")}
    if client.dialect == "W":
        sizes = {"issueWarningKB": 900, "prohibitSendKB": 1000, "prohibitSendReceiveKB": 1100}
        assert ex(client, "SetMailboxAdvancedSettings", **key, **sizes, enableOWA=True) == 0
        found = ex(client, "GetMailboxAdvancedSettings", **key)
        assert (found["ProhibitSendKB"], found["EnableOWA"], found["EnablePOP"]) == (1000, True, False)
    else:
        large = household.mailbox_plan(item_id, "Large 10 GB")
        values = {"archivePlanId": -1, "EnableArchiving": False}
        assert ex(client, "SetExchangeMailboxPlan", **key, mailboxPlanId=large, **values) == 0
        assert ex(client, "GetAccount", **key)["MailboxPlan"] == "Large 10 GB"
        assert ex(client, "GetMailboxAdvancedSettings", **key)["ProhibitSendReceiveKB"] == 10240 * 1024


def test_accounts_are_paged_exactly_and_filtered(client, household, item_id, domain):
    for name in ("ann", "bob", "cid"):
        household.mailbox(item_id, f"{name}@{domain}")
    values = {"itemId": item_id, "accountTypes": "1,5,6", "sortColumn": "DisplayName"}
    found = ex(client, "GetAccountsPaged", **values, startRow=1, maximumRows=1)
    assert (found["RecordsCount"], [a["DisplayName"] for a in found["PageItems"]]) == (3, ["Bob"])
    column = {"filterColumn": "PrimaryEmailAddress", "maximumRows": 10}
    part = ex(client, "GetAccountsPaged", **values, **column, filterValue="bob")["RecordsCount"]
    assert part == (0 if client.dialect == "W" else 1)
    assert (
        ex(client, "GetAccountsPaged", **values, **column, filterValue=f"bob@{domain}")["RecordsCount"] == 1
    )
    assert ex(client, "GetAccounts", itemId=item_id, accountType="Contact") == []
    with pytest.raises(Fault):
        ex(client, "GetAccountsPaged", itemId=item_id, accountTypes="Mailbox", maximumRows=1)


# Disk and statistics


def test_disk_is_measured_or_allotted(client, sandbox, household, item_id, domain):
    household.mailbox(item_id, f"ann@{domain}")
    household.mailbox(item_id, f"bob@{domain}")
    sandbox.control.grow_disk(email=f"ann@{domain}", to_mb=300.4)
    assert statistics(client, item_id)["UsedDiskSpace"] == (0 if client.dialect == "W" else 4096)
    assert ex(client, "CalculateOrganizationDiskspace", itemId=item_id) == 0
    assert ex(client, "GetOrganization", itemId=item_id)["DiskSpace"] == 300
    assert statistics(client, item_id)["UsedDiskSpace"] == (300 if client.dialect == "W" else 4096)
    sizes = {s["ItemName"]: s["TotalSizeMB"] for s in ex(client, "GetMailboxesStatistics", itemId=item_id)}
    assert sizes == {"Ann": 300, "Bob": 0}


def test_measuring_takes_its_time(client, sandbox, household, item_id, domain):
    household.mailbox(item_id, f"ann@{domain}")
    sandbox.control.grow_disk(item_id=item_id, to_mb=10)
    sandbox.control.hold_background()
    ex(client, "CalculateOrganizationDiskspace", itemId=item_id)
    assert ex(client, "GetOrganization", itemId=item_id)["DiskSpace"] == 0
    sandbox.control.run_background()
    assert ex(client, "GetOrganization", itemId=item_id)["DiskSpace"] == 10


def test_an_unlimited_plan_makes_the_used_disk_negative(client, household):
    if client.dialect == "W":
        pytest.skip("mailbox plans came later")
    item_id = household.organization(household.customer(plan="Exchange Large")[1])
    domain = household.default_domain(item_id)
    plan = {"MailboxPlan": "Endless", "MailboxSizeMB": -1, "IssueWarningPct": 100}
    plan_id = ex(client, "AddExchangeMailboxPlan", itemId=item_id, mailboxPlan=plan)
    household.mailbox(item_id, f"ann@{domain}")
    household.mailbox(item_id, f"bob@{domain}", mailboxPlanId=plan_id)
    found = statistics(client, item_id)
    assert (found["UsedDiskSpace"], found["UsedArchingStorage"]) == (-1, -1)


def test_rooms_count_as_mailboxes_in_the_old_generation_only(client, household, item_id, domain):
    household.mailbox(item_id, f"ann@{domain}")
    household.mailbox(item_id, f"room@{domain}", accountType="Room")
    found = statistics(client, item_id)
    assert found["CreatedMailboxes"] == (2 if client.dialect == "W" else 1)
    assert found.get("CreatedResourceMailboxes", 1) == 1
    assert (found["AllocatedMailboxes"], found["AllocatedDiskSpace"]) == (5, 10240)
    assert found["CreatedUsers"] == 0


def test_statistics_can_be_stale(client, sandbox, household, item_id, domain):
    household.mailbox(item_id, f"ann@{domain}")
    assert statistics(client, item_id)["CreatedMailboxes"] == 1
    sandbox.control.stale_statistics()
    household.mailbox(item_id, f"bob@{domain}")
    assert statistics(client, item_id)["CreatedMailboxes"] == 1
    sandbox.control.stale_statistics(False)
    assert statistics(client, item_id)["CreatedMailboxes"] == 2


# Plans, in the later generation


def test_mailbox_plans_are_those_of_the_organization_and_of_its_reseller(client, household, item_id):
    if client.dialect == "W":
        pytest.skip("mailbox plans came later")

    def plans(archiving=False):
        found = ex(client, "GetExchangeMailboxPlans", itemId=item_id, archiving=archiving)
        return {plan["MailboxPlan"]: plan for plan in found}

    assert set(plans()) == {"Small 2 GB", "Large 10 GB"}
    assert set(plans(archiving=True)) == {"Archive 5 GB"}
    assert plans()["Small 2 GB"]["IsDefault"] is True
    own = {"MailboxPlan": "Own", "MailboxSizeMB": 99999, "EnablePOP": True}
    plan_id = ex(client, "AddExchangeMailboxPlan", itemId=item_id, mailboxPlan=own)
    # Cut to what the space allows, and the first own plan is the default.
    assert (plans()["Own"]["MailboxSizeMB"], plans()["Own"]["IsDefault"]) == (10240, True)
    small = plans()["Small 2 GB"]["MailboxPlanId"]
    ex(client, "SetOrganizationDefaultExchangeMailboxPlan", itemId=item_id, mailboxPlanId=small)
    assert plans()["Small 2 GB"]["IsDefault"] is True
    assert ex(client, "DeleteExchangeMailboxPlan", itemId=item_id, mailboxPlanId=plan_id) == 0
    assert "Own" not in plans()


# Contacts, lists, folders, devices


def test_contacts(client, household, item_id):
    values = {"itemId": item_id, "displayName": "Zed", "email": "zed@elsewhere.example"}
    contact_id = ex(client, "CreateContact", **values)
    assert ex(client, "CreateContact", **values) > 0
    found = ex(client, "GetContactGeneralSettings", itemId=item_id, accountId=contact_id)
    assert (found["DisplayName"], found["EmailAddress"]) == ("Zed", "zed@elsewhere.example")
    assert statistics(client, item_id)["CreatedContacts"] == 2
    assert ex(client, "DeleteContact", itemId=item_id, accountId=contact_id) == 0
    assert statistics(client, item_id)["CreatedContacts"] == 1


def test_a_contact_takes_no_address_from_a_mailbox(household, client, item_id, domain):
    ex(client, "CreateContact", itemId=item_id, displayName="Ann", email=f"ann@{domain}")
    assert household.mailbox(item_id, f"ann@{domain}") > 0


def test_distribution_lists_have_members(client, household, item_id, domain):
    ann = household.mailbox(item_id, f"ann@{domain}")
    values = {"itemId": item_id, "displayName": "All", "name": "all", "domain": domain}
    list_id = ex(client, "CreateDistributionList", **values, managerId=ann)
    assert ex(client, "CreateDistributionList", **values, managerId=ann) == -2602
    key = {"itemId": item_id, "accountId": list_id}
    members = {"displayName": "Everybody", "managerAccount": "ann_acme", "memberAccounts": ["ann_acme"]}
    assert ex(client, "SetDistributionListGeneralSettings", **key, **members) == 0
    found = ex(client, "GetDistributionListGeneralSettings", **key)
    assert found["DisplayName"] == "Everybody"
    assert [m["PrimaryEmailAddress"] for m in found["MembersAccounts"]] == [f"ann@{domain}"]
    assert found["ManagerAccount"]["AccountId"] == ann
    ex(client, "DeleteMailbox", itemId=item_id, accountId=ann)
    assert ex(client, "GetDistributionListGeneralSettings", **key)["MembersAccounts"] == []


def test_lists_contacts_and_folders_are_limited(client, sandbox, household, item_id, domain):
    package_id = ex(client, "GetOrganization", itemId=item_id)["PackageId"]
    names = ("Contacts", "DistributionLists", "PublicFolders")
    sandbox.control.override_quotas(package_id, {f"Exchange2007.{name}": 0 for name in names})
    assert ex(client, "CreateContact", itemId=item_id, displayName="x", email="x@y.z") == -2608
    assert ex(client, "CreateDistributionList", itemId=item_id, name="x", domain=domain) == -2609
    assert ex(client, "CreatePublicFolder", itemId=item_id, folderName="x") == -2610


def test_public_folders(client, item_id, domain):
    values = {
        "itemId": item_id,
        "folderName": "News",
        "mailEnabled": True,
        "accountName": "news",
        "domain": domain,
    }
    folder_id = ex(client, "CreatePublicFolder", **values)
    found = ex(client, "GetPublicFolderGeneralSettings", itemId=item_id, accountId=folder_id)
    assert (found["Name"], found["DisplayName"], found["MailEnabled"]) == ("News", "\\acme\\News", True)
    assert ex(client, "DisableMailPublicFolder", itemId=item_id, accountId=folder_id) == 0
    assert ex(client, "DeletePublicFolders", itemId=item_id, accountIds=[folder_id]) == 0
    assert statistics(client, item_id)["CreatedPublicFolders"] == 0


def test_devices_are_wiped_and_removed(client, sandbox, household, item_id, domain):
    account_id = household.mailbox(item_id, f"ann@{domain}")
    sandbox.control.add_device(f"ann@{domain}", "DEV1")
    (device,) = ex(client, "GetMobileDevices", itemId=item_id, accountId=account_id)
    assert (device["DeviceID"], device["Status"]) == ("DEV1", "OK")
    assert ex(client, "WipeDataFromDevice", itemId=item_id, deviceId="DEV1") is None
    assert ex(client, "GetMobileDevice", itemId=item_id, deviceId="DEV1")["Status"] == "PendingWipe"
    ex(client, "RemoveDevice", itemId=item_id, deviceId="DEV1")
    assert ex(client, "GetMobileDevices", itemId=item_id, accountId=account_id) == []


def test_the_device_policy_is_kept(client, item_id):
    policy = ex(client, "GetActiveSyncPolicy", itemId=item_id)
    assert policy["MinPasswordLength"] == 4
    values = {"minPasswordLength": 7, "refreshInteval": 3, "devicePasswordEnabled": True}
    assert ex(client, "SetActiveSyncPolicy", itemId=item_id, **values) == 0
    changed = ex(client, "GetActiveSyncPolicy", itemId=item_id)
    assert (changed["MinPasswordLength"], changed["RefreshInterval"], changed["DevicePasswordEnabled"]) == (
        7,
        3,
        True,
    )


def test_taking_exchange_out_leaves_the_users(client, household, item_id, domain):
    household.mailbox(item_id, f"ann@{domain}")
    ex(client, "CreateContact", itemId=item_id, displayName="x", email="x@y.z")
    assert ex(client, "DeleteOrganization", itemId=item_id) == 0
    assert ex(client, "GetOrganization", itemId=item_id)["GlobalAddressList"] == ""
    found = client.call("esOrganizations", "GetOrganizationUsersPaged", itemId=item_id, maximumRows=10)
    assert [u["AccountType"] for u in found["PageUsers"]] == ["User"]


# BlackBerry, OCS, Lync, Skype for Business


def test_blackberry_users_are_counted_and_limited(client, household, item_id, domain):
    accounts = [household.mailbox(item_id, f"ann{n}@{domain}") for n in range(3)]
    results = [
        client.call("esBlackBerry", "CreateBlackBerryUser", itemId=item_id, accountId=a) for a in accounts
    ]
    assert [r["IsSuccess"] for r in results] == [True, True, False]
    assert results[2]["ErrorCodes"] == ["USER_QUOTA_HAS_BEEN_REACHED"]
    count = client.call("esBlackBerry", "GetBlackBerryUserCount", itemId=item_id, name="", email="")
    assert count["Value"] == 2
    client.call("esBlackBerry", "DeleteBlackBerryUser", itemId=item_id, accountId=accounts[0])
    page = client.call("esBlackBerry", "GetBlackBerryUsersPaged", itemId=item_id, maximumRows=10)
    assert [u["AccountId"] for u in page["Value"]["PageUsers"]] == [accounts[1]]
    unknown = client.call("esBlackBerry", "CreateBlackBerryUser", itemId=item_id, accountId=404)
    assert unknown["ErrorCodes"][0] == "USER_DOES_NOT_EXIST"


def test_ocs_users_are_known_by_instance(client, household, item_id, domain):
    account_id = household.mailbox(item_id, f"ann@{domain}")
    made = client.call("esOCS", "CreateOCSUser", itemId=item_id, accountId=account_id)
    instance = made["Value"]["InstanceId"]
    assert client.call("esOrganizations", "DeleteUser", itemId=item_id, accountId=account_id) == -2709
    client.call(
        "esOCS", "SetUserGeneralSettings", itemId=item_id, instanceId=instance, enabledForFederation=True
    )
    found = client.call("esOCS", "GetUserGeneralSettings", itemId=item_id, instanceId=instance)
    assert found["EnabledForFederation"] is True
    assert client.call("esOCS", "GetOCSUserCount", itemId=item_id)["Value"] == 1
    assert client.call("esOCS", "DeleteOCSUser", itemId=item_id, instanceId=instance)["IsSuccess"] is True
    assert client.call("esOCS", "GetOCSUserCount", itemId=item_id)["Value"] == 0


@pytest.mark.parametrize("name", ["Lync", "SfB"])
def test_messenger_users_have_a_plan(client, household, item_id, domain, name):
    if client.dialect == "W":
        pytest.skip("these came later")
    service = f"es{name}"
    account_id = household.mailbox(item_id, f"ann@{domain}")
    (plan,) = client.call(service, f"Get{name}UserPlans", itemId=item_id)
    parameters = dict(client.contract.services[service].operations[f"Create{name}User"].parameters)
    plan_parameter = next(p for p in parameters if p not in ("itemId", "accountId"))
    values = {"itemId": item_id, "accountId": account_id, plan_parameter: plan[f"{name}UserPlanId"]}
    assert client.call(service, f"Create{name}User", **values)["Value"]["AccountID"] == account_id
    assert client.call("esOrganizations", "DeleteUser", itemId=item_id, accountId=account_id) == -2710
    assert client.call(service, f"Get{name}UserCount", itemId=item_id)["Value"] == 1
    found = client.call("esOrganizations", "GetOrganizationStatisticsByOrganization", itemId=item_id)
    assert found[f"Created{name}Users"] == 1
    assert (
        client.call(service, f"Delete{name}User", itemId=item_id, accountId=account_id)["IsSuccess"] is True
    )
