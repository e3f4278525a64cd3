# SPDX-License-Identifier: Apache-2.0
"""What mostly the portal asks for: searches and reports, second factors, themes, resets by a token, federation."""

import pytest

from tests.sandbox.client import Fault


@pytest.fixture
def later(client):
    """The client of a later generation."""
    if client.dialect == "W":
        pytest.skip("these came later")
    return client


def org(client, operation, **given):
    return client.call("esOrganizations", operation, **given)


def test_organizations_are_searched_by_name(client, household):
    household.whole()
    (kind,) = client.call("esPackages", "GetSearchableServiceItemTypes")[0]
    values = {"userId": household.reseller_id, "itemTypeId": int(kind["ItemTypeID"]), "maximumRows": 10}
    (count,), rows = client.call("esPackages", "SearchServiceItemsPaged", **values, filterValue="acme%")
    assert (count["Column1"], [row["ItemName"] for row in rows]) == ("1", ["acme Inc."])
    assert client.call("esPackages", "SearchServiceItemsPaged", **values, filterValue="x%")[1] == []


def test_a_space_that_uses_more_than_it_may_is_reported(client, sandbox, household):
    _, package_id = household.customer()
    sandbox.control.add_usage(package_id, "disk", 13, Bytes=5 * 2**20)
    report = {"userId": household.reseller_id}
    assert client.call("esPackages", "GetDiskspaceOverusageDetailsReport", **report) == [[]]
    for each in (household.space_id, package_id):
        sandbox.control.override_quotas(each, {"OS.Diskspace": 2})
    ((row,),) = client.call("esPackages", "GetDiskspaceOverusageDetailsReport", **report)
    assert (row["PackageID"], row["QuotaValue"], row["Used"], row["Overusage"]) == (
        str(package_id),
        "2",
        "5",
        "3",
    )


def test_the_portals_search_finds_users(later, household):
    household.customer()
    values = {"userId": household.reseller_id, "filterValue": "cm", "maximumRows": 10}
    (count,), (row,) = later.call("esPackages", "GetSearchObject", **values)
    assert (count["Column1"], row["TextSearch"]) == ("1", "acme")


def test_a_second_factor_is_switched_on_and_off(later, household):
    user_id, _ = household.customer()
    login = {"username": "acme", "password": "Secret-2"}
    assert later.call("esUsers", "CanUserChangeMfa", changeUserId=user_id) is True
    assert later.call("esUsers", "UpdateUserMfa", username="acme", activate=True) is True
    assert later.call("esAuthentication", "AuthenticateUser", **login) == 101
    assert later.call("esUsers", "ActivateUserMfaQrCode", username="acme", pin="1") is False
    assert later.call("esUsers", "ActivateUserMfaQrCode", username="acme", pin="123456") is True
    assert later.call("esUsers", "GetUserById", userId=user_id)["MfaMode"] == 2
    later.call("esUsers", "UpdateUserMfa", username="acme", activate=False)
    assert later.call("esAuthentication", "AuthenticateUser", **login) == 0
    with pytest.raises(Fault):
        later.call("esUsers", "UpdateUserMfa", username="reseller2", activate=True)


def test_a_theme_is_a_users_own(later):
    (theme,) = later.call("esAuthentication", "GetLoginThemes")[0]
    assert theme["DisplayName"] == "Plain"
    later.call("esUsers", "UpdateUserThemeSetting", userId=2, PropertyName="Colour", PropertyValue="blue")
    ((row,),) = later.call("esUsers", "GetUserThemeSettings", userId=2)
    assert (row["PropertyName"], row["PropertyValue"]) == ("Colour", "blue")
    later.call("esUsers", "DeleteUserThemeSetting", userId=2, PropertyName="Colour")
    assert later.call("esUsers", "GetUserThemeSettings", userId=2) == [[]]


def test_an_organization_keeps_its_rules_for_passwords(later, household):
    item_id = household.organization(household.customer()[1])
    assert org(later, "GetOrganizationPasswordSettings", itemId=item_id) is None
    settings = {"MinimumLength": 12, "PasswordComplexityEnabled": True}
    org(later, "UpdateOrganizationPasswordSettings", itemId=item_id, settings=settings)
    found = org(later, "GetOrganizationPasswordSettings", itemId=item_id)
    assert settings.items() <= found.items()


def test_a_token_for_a_reset_ends_by_itself(later, household, sandbox):
    _, _, item_id = household.whole()
    (ann,) = later.call("esExchangeServer", "GetAccounts", itemId=item_id, accountType="Mailbox")
    token = org(later, "CreatePasswordResetAccessToken", itemId=item_id, accountId=ann["AccountId"])
    guid = token["AccessTokenGuid"]
    assert token["TokenType"] == "PasswrodReset"
    assert org(later, "SendResetUserPasswordPincodeSms", token=guid, phoneTo="1")["IsSuccess"] is True
    org(later, "SetAccessTokenResponse", accessToken=guid, response="42")
    assert org(later, "GetPasswordresetAccessToken", token=guid)["SmsResponse"] == "42"
    sandbox.control.move_clock(13 * 3600)
    assert org(later, "GetPasswordresetAccessToken", token=guid) is None
    assert org(later, "SendResetUserPasswordPincodeSms", token=guid)["IsSuccess"] is False


def test_groups_are_named_by_their_owner(later):
    group_id = org(later, "AddAdditionalGroup", userId=2, groupName="Printers")
    org(later, "UpdateAdditionalGroup", groupId=group_id, groupName="Doors")
    assert org(later, "GetAdditionalGroups", userId=2) == [{"GroupId": group_id, "GroupName": "Doors"}]
    with pytest.raises(Fault, match="not allowed"):
        org(later.signed_in("reseller2"), "DeleteAdditionalGroup", groupId=group_id)


@pytest.mark.parametrize("service", ["esLync", "esSfB"])
def test_other_domains_may_be_talked_to(later, household, service):
    item_id = household.organization(household.customer()[1])
    added = later.call(service, "AddFederationDomain", itemId=item_id, domainName="b.example")
    assert added["IsSuccess"] is True
    (domain,) = later.call(service, "GetFederationDomains", itemId=item_id)
    assert domain["DomainName"] == "b.example"
    later.call(service, "RemoveFederationDomain", itemId=item_id, domainName="b.example")
    assert later.call(service, "GetFederationDomains", itemId=item_id) == []
