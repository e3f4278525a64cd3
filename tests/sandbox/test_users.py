# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.sandbox.client import Fault


def paged(client, operation="GetUsersPaged", **given):
    values = {
        "userId": 2,
        "filterColumn": "",
        "filterValue": "",
        "sortColumn": "Username",
        "maximumRows": 100,
    }
    (count,), rows = client.call("esUsers", operation, **{**values, **given})
    return int(count["Column1"]), [row["Username"] for row in rows]


@pytest.fixture
def crowd(sandbox):
    """customer0 … customer4 below the reseller, one of them with people of his own."""
    for number in range(5):
        sandbox.control.add_user(f"customer{number}")
    sandbox.control.add_user("below", owner="customer0")


def test_a_user_is_found_by_name_without_regard_to_case(client):
    assert client.call("esUsers", "GetUserByUsername", username="RESELLER")["UserId"] == 2


def test_the_password_comes_back_in_the_old_generation_only(client):
    user = client.call("esUsers", "GetUserById", userId=2)
    assert user.get("Password") == ("Secret-1" if client.dialect == "W" else None)


def test_a_neighbours_customer_looks_like_nobody(client, crowd):
    other = client.signed_in("reseller2")
    assert other.call("esUsers", "GetUserByUsername", username="customer0") is None
    assert other.call("esUsers", "UserExists", username="customer0") is True
    with pytest.raises(Fault, match="not allowed to access this account"):
        other.call("esUsers", "GetUsers", ownerId=2)
    assert paged(other) == (0, [])


def test_a_customer_sees_his_owner_but_may_not_change_him(client, crowd):
    customer = client.signed_in("customer0")
    owner = customer.call("esUsers", "GetUserById", userId=2)
    assert owner["Username"] == "reseller"
    assert customer.call("esUsers", "UpdateUser", user={**owner, "City": "Bonn"}) == 0
    assert customer.call("esUsers", "ChangeUserPassword", userId=2, password="mine") == 0
    assert "City" not in client.call("esUsers", "GetUserById", userId=2)


def test_users_are_listed_directly_or_all_the_way_down(client, crowd):
    assert len(client.call("esUsers", "GetUsers", ownerId=2)) == 5
    assert len(client.call("esUsers", "GetUsers", ownerId=2, recursive=True)) == 6


def test_a_page_has_one_row_more_than_asked_for(client, crowd):
    assert paged(client, maximumRows=2) == (5, ["customer0", "customer1", "customer2"])
    assert paged(client, startRow=2, maximumRows=2) == (5, ["customer2", "customer3", "customer4"])


def test_a_filter_is_a_pattern(client, crowd):
    assert paged(client, filterColumn="Username", filterValue="%3") == (1, ["customer3"])
    assert paged(client, filterColumn="Username", filterValue="customer_")[0] == 5
    assert paged(client, filterColumn="Username", filterValue="customer[12]")[1] == ["customer1", "customer2"]
    assert paged(client, filterColumn="Username", filterValue="customer")[0] == 0
    assert paged(client, "GetUsersPagedRecursive", filterColumn="Email", filterValue="below@%")[1] == [
        "below"
    ]


def test_a_filter_value_is_cut_at_fifty_characters(client, sandbox):
    long = "a" * 45 + "@example.com"
    sandbox.control.add_user("long", email=long)
    assert paged(client, filterColumn="Email", filterValue=long)[0] == 0
    assert paged(client, filterColumn="Email", filterValue=long[:40] + "%")[0] == 1


def test_a_quotation_mark_in_a_filter_finds_nobody(client, sandbox):
    sandbox.control.add_user("obrien", email="o'brien@example.com")
    assert paged(client, filterColumn="Email", filterValue="o'brien@example.com")[0] == 0


def test_a_column_that_does_not_exist_is_a_fault(client):
    with pytest.raises(Fault, match="Invalid column name 'Nonsense'"):
        paged(client, filterColumn="Nonsense", filterValue="x")


def test_without_a_column_the_later_generation_searches_names_and_addresses(client, crowd):
    assert paged(client, filterValue="customer3%")[0] == (5 if client.dialect == "W" else 1)


def test_status_and_role_narrow_a_page(client, crowd, sandbox):
    sandbox.control.set_status("customer1", 2)
    assert paged(client, statusId=2) == (1, ["customer1"])
    assert paged(client, roleId=2) == (0, [])


def add(client, **given):
    values = {
        "ownerId": 2,
        "roleId": 3,
        "statusId": 1,
        "username": "new",
        "password": "Secret-9",
        "email": "n@x.y",
    }
    return client.call("esUsers", "AddUserLiteral", **{**values, **given})


def test_a_user_is_added_with_his_trimmed_name(client):
    user_id = add(client, username="  new ", ecommerceEnabled=True, companyName="New & Co")
    user = client.call("esUsers", "GetUserById", userId=user_id)
    assert (user["Username"], user["CompanyName"], user["EcommerceEnabled"]) == ("new", "New & Co", False)
    assert user["Created"][:4] > "2000"


@pytest.mark.parametrize(("changes", "code"), [({"username": ""}, -111), ({"username": "a/b"}, -111),
                                               ({"username": "Reseller2"}, -100), ({"ownerId": 1}, -2)])  # fmt: skip
def test_a_user_is_refused(client, changes, code):
    assert add(client, **changes) == code


def test_a_name_too_long_is_an_error_of_the_database(client):
    with pytest.raises(Fault, match="truncated"):
        add(client, firstName="x" * 51)


def test_a_reseller_makes_no_administrators(client):
    user_id = add(client, roleId=1)
    assert client.call("esUsers", "GetUserById", userId=user_id)["Role"] == "User"


def test_a_demo_account_changes_nothing(client, sandbox):
    sandbox.control.change("users", 2, IsDemo=True)
    assert add(client) == -106


def test_an_update_writes_everything_but_name_and_password(client, crowd):
    user = client.call("esUsers", "GetUserByUsername", username="customer0")
    assert client.call("esUsers", "UpdateUser", user={**user, "Username": "other", "City": "Bonn"}) == 0
    changed = client.call("esUsers", "GetUserById", userId=user["UserId"])
    assert (changed["Username"], changed["City"]) == ("customer0", "Bonn")
    assert changed["Changed"] >= user["Changed"]


def test_an_update_of_nobody_is_a_fault(client):
    with pytest.raises(Fault, match="Object reference not set"):
        client.call("esUsers", "UpdateUser", user={"UserId": 404, "Role": "User", "Status": "Active"})


def test_a_reseller_with_customers_stays_one(client, sandbox, crowd):
    sandbox.control.change("users", 4, RoleId=2)
    user = client.call("esUsers", "GetUserByUsername", username="customer0")
    assert client.call("esUsers", "UpdateUser", user={**user, "RoleId": 3, "Role": "User"}) == -102


def test_a_password_is_changed(client, crowd):
    assert client.call("esUsers", "ChangeUserPassword", userId=4, password="Other-1") == 0
    assert client.call("esAuthentication", "AuthenticateUser", username="customer0", password="Other-1") == 0
    with pytest.raises(Fault):
        client.call("esUsers", "ChangeUserPassword", userId=404, password="x")


def test_a_status_takes_everybody_and_every_space_below_with_it(client, sandbox, crowd):
    sandbox.control.add_package("customer0")
    sandbox.control.set_status("below", 2)
    assert client.call("esUsers", "ChangeUserStatus", userId=4, status="Suspended") == 0
    assert client.call("esUsers", "GetUserById", userId=4)["Status"] == "Suspended"
    (package,) = client.call("esPackages", "GetMyPackages", userId=4)
    assert package["StatusId"] == 2
    client.call("esUsers", "ChangeUserStatus", userId=4, status="Active")
    # Whoever was suspended alone is active again, too.
    assert client.call("esUsers", "GetUserByUsername", username="below")["Status"] == "Active"


def test_without_rights_a_status_is_accepted_and_not_changed(client, crowd):
    assert (
        client.signed_in("reseller2").call("esUsers", "ChangeUserStatus", userId=4, status="Cancelled") == 0
    )
    assert client.call("esUsers", "GetUserById", userId=4)["Status"] == "Active"


def test_a_user_with_people_below_is_not_deleted(client, crowd):
    assert client.call("esUsers", "DeleteUser", userId=4) == -102
    assert client.call("esUsers", "DeleteUser", userId=5) == 0
    assert client.call("esUsers", "GetUserById", userId=5) is None


def test_a_deletion_happens_later_and_shows_as_a_task(client, sandbox, crowd):
    sandbox.control.hold_background()
    client.call("esUsers", "DeleteUser", userId=5)
    assert client.call("esUsers", "GetUserById", userId=5)["Username"] == "customer1"
    (task,) = client.call("esTasks", "GetUserTasks", userId=2)
    assert (task["Source"], task["TaskName"], task["Completed"]) == ("SPACE", "DELETE_ITEMS", False)
    sandbox.control.run_background()
    assert client.call("esUsers", "GetUserById", userId=5) is None
    assert client.call("esTasks", "GetUserTasks", userId=2) == []
    assert len(client.call("esTasks", "GetUserCompletedTasks", userId=2)) == 1


def test_a_peer_acts_for_his_owner_but_not_on_him(client, sandbox, crowd):
    add(client, username="helper", isPeer=True)
    helper = client.signed_in("helper", "Secret-9")
    assert helper.call("esUsers", "GetUserById", userId=4)["Username"] == "customer0"
    assert helper.call("esUsers", "ChangeUserPassword", userId=2, password="mine") == 0
    assert client.call("esUsers", "GetUserById", userId=2)["Status"] == "Active"
    assert [user["Username"] for user in client.call("esUsers", "GetUserPeers", userId=2)] == ["helper"]
    assert "helper" not in paged(client)[1]


def test_settings_come_from_the_nearest_owner_that_has_any(client, crowd):
    found = client.call("esUsers", "GetUserSettings", userId=4, settingsName="ExchangePolicy")
    assert found["UserId"] == 1
    assert found["SettingsArray"] == [["MailboxPasswordPolicy", "True;8;20;0;2;0;True"]]
    own = {
        "UserId": 2,
        "SettingsName": "ExchangePolicy",
        "SettingsArray": [["MailboxPasswordPolicy", "False"]],
    }
    assert client.call("esUsers", "UpdateUserSettings", settings=own) == 0
    assert client.call("esUsers", "GetUserSettings", userId=4, settingsName="ExchangePolicy")["UserId"] == 2
    assert client.call("esUsers", "GetUserSettings", userId=4, settingsName="Nothing")["SettingsArray"] == []
