"""Accounts on the platform: made once, changed and read back, ended in order, never somebody else's."""

from typing import Any

import pytest

from postledger.connectors import contract
from postledger.connectors.wsp import passwords
from postledger.resources import exchange, spec

ANN = {
    "first_name": "Ann",
    "last_name": "O'Neil & <Søn>",
    "email": "ann@acme.example",
    "company": "Acme & Co",
    "phone": "+49 1",
    "street": "High St 1",
    "city": "Köln",
    "region": "NRW",
    "postcode": "50667",
    "country": "DE",
}


def test_an_account_is_made_as_wished_down_to_the_surname(desk: Any) -> None:
    ref = desk.account(addons={desk.plan("10 Mailboxes"): 2, desk.plan("10 GB"): 1}, quotas={}, **ANN)
    user = desk.control.user("acme")
    assert (user["LastName"], user["City"], user["CompanyName"]) == ("O'Neil & <Søn>", "Köln", "Acme & Co")
    assert [package["PackageId"] for package in user["packages"]] == [ref["space"]]
    assert not desk.control.calls(operation="AddDomain")


def test_making_it_again_finds_it(desk: Any) -> None:
    first = desk.account(**ANN)
    wish = exchange.Account(username="acme", plan=desk.plan("Exchange Large"))
    change = spec.Change(action="create", kind=exchange.ACCOUNT, name="acme", spec=wish)
    found = desk.session.apply(target=desk.target(exchange.ACCOUNT, "acme"), change=change)
    assert found.ref == first
    assert len(desk.control.calls(operation="CreateUserWizard")) == 1


def test_an_account_of_another_reseller_is_seen_and_not_taken(desk: Any) -> None:
    desk.control.add_user("acme", owner="reseller2")
    found = desk.session.observe(target=desk.target(exchange.ACCOUNT, "acme"))
    assert found.exists and not found.is_ours and found.ref is None
    with pytest.raises(contract.PlatformRefusal) as caught:
        change = spec.Change(
            action="create",
            kind=exchange.ACCOUNT,
            name="acme",
            spec=exchange.Account(username="acme", plan="2"),
        )
        desk.session.apply(target=desk.target(exchange.ACCOUNT, "acme"), change=change)
    assert caught.value.reason == "username_taken"


def test_a_reference_to_somebody_elses_account_is_refused(desk: Any) -> None:
    theirs = desk.control.add_user("other", owner="reseller2")
    package = desk.control.add_package("other")
    mine = desk.account()
    for ref in (
        {"user": theirs["UserId"], "space": package["PackageId"]},
        {"user": mine["user"], "space": package["PackageId"]},
    ):
        for act in (
            lambda ref=ref: desk.remove(exchange.ACCOUNT, "acme", ref=ref),
            lambda ref=ref: desk.session.set_password(
                target=desk.target(exchange.ACCOUNT, "acme", ref=ref), password=contract.Secret("x" * 12)
            ),
        ):
            with pytest.raises((contract.ForeignObject, contract.TemporaryFailure)):
                act()
    assert desk.control.user("other")["Password"] == "Secret-1"
    assert desk.control.user("other")["packages"]


def test_plan_and_addons_follow_the_wish(desk: Any) -> None:
    boxes, disk = desk.plan("10 Mailboxes"), desk.plan("10 GB")
    ref = desk.account(plan=desk.plan("Exchange Small"), addons={boxes: 3, disk: 1})
    desk.make(
        exchange.ACCOUNT,
        exchange.Account(username="acme", plan=desk.plan("Exchange Large"), addons={boxes: 1}),
        ref=ref,
    )
    desk.make(exchange.ACCOUNT, exchange.Account(username="acme", addons={boxes: 4, disk: 2}), ref=ref)
    desk.make(exchange.ACCOUNT, exchange.Account(username="acme", addons={}), ref=ref)


def test_a_plan_of_somebody_else_is_refused(desk: Any) -> None:
    ref = desk.account()
    theirs = next(plan for plan in desk.control.rows("plans") if plan["PlanName"] == "Reseller Exchange")
    with pytest.raises(contract.PermanentFailure) as caught:
        desk.make(exchange.ACCOUNT, exchange.Account(username="acme", plan=str(theirs["PlanId"])), ref=ref)
    assert caught.value.reason == "plan_not_ours"
    with pytest.raises(contract.PermanentFailure) as caught:
        desk.make(exchange.ACCOUNT, exchange.Account(username="acme", plan="99999"), ref=ref)
    assert caught.value.reason == "no_such_plan"


def test_suspending_and_resuming_switch_user_and_package(desk: Any) -> None:
    ref = desk.account()
    desk.make(exchange.ACCOUNT, exchange.Account(username="acme", status="suspended"), ref=ref)
    assert desk.control.user("acme")["StatusId"] == 2
    desk.make(exchange.ACCOUNT, exchange.Account(username="acme", status="active"), ref=ref)
    user = desk.control.user("acme")
    assert (user["StatusId"], user["packages"][0]["StatusId"]) == (1, 1)


def test_suspending_one_of_two_subscriptions_leaves_the_user(desk: Any) -> None:
    ref = desk.account()
    other = desk.control.add_package("acme")
    desk.make(exchange.ACCOUNT, exchange.Account(username="acme", status="suspended"), ref=ref)
    user = desk.control.user("acme")
    assert user["StatusId"] == 1
    assert {p["PackageId"]: p["StatusId"] for p in user["packages"]} == {
        ref["space"]: 2,
        other["PackageId"]: 1,
    }


def test_a_package_suspended_behind_our_back_shows(desk: Any) -> None:
    ref = desk.account()
    desk.control.change("packages", ref["space"], StatusId=2)
    found = desk.session.observe(target=desk.target(exchange.ACCOUNT, "acme", ref=ref))
    assert found.spec.status == "suspended"


def test_ceilings_are_pushed_and_lifted(desk: Any) -> None:
    ref = desk.account(plan=desk.plan("Exchange Small"), addons={desk.plan("10 Mailboxes"): 1})
    wish = exchange.Account(username="acme", quotas={"exchange.mailboxes": 12, "exchange.contacts": 3})
    desk.make(exchange.ACCOUNT, wish, ref=ref)
    found = desk.session.observe(target=desk.target(exchange.ACCOUNT, "acme", ref=ref))
    assert found.spec.quotas == {"exchange.mailboxes": 12, "exchange.contacts": 3}
    desk.make(exchange.ACCOUNT, exchange.Account(username="acme", quotas={"exchange.contacts": 4}), ref=ref)
    desk.make(exchange.ACCOUNT, exchange.Account(username="acme", quotas={}), ref=ref)
    assert not desk.control.row("packages", ref["space"])["OverrideQuotas"]


def test_a_ceiling_below_what_addons_bring_waits_for_an_operator(desk: Any) -> None:
    ref = desk.account(addons={desk.plan("10 Mailboxes"): 1})
    with pytest.raises(contract.NeedsOperator) as caught:
        desk.make(
            exchange.ACCOUNT, exchange.Account(username="acme", quotas={"exchange.mailboxes": 7}), ref=ref
        )
    assert caught.value.reason == "ceiling_below_addons"


def test_a_ceiling_stops_the_customer(desk: Any) -> None:
    account = desk.account(plan=desk.plan("Exchange Small"), quotas={"exchange.contacts": 1})
    parent = desk.organization(account=account)
    desk.make(exchange.CONTACT, exchange.Contact(address="a@other.example"), parent=parent)
    with pytest.raises(contract.PlatformRefusal) as caught:
        desk.make(exchange.CONTACT, exchange.Contact(address="b@other.example"), parent=parent)
    assert caught.value.reason == "limit_contacts"


def test_ending_an_account_takes_every_organization_with_it(desk: Any) -> None:
    account = desk.account()
    for code in ("acme", "acme2"):
        parent = desk.organization(code, account=account)
        desk.mailbox(f"ann@{code}.example", parent=parent)
    gone = desk.remove(exchange.ACCOUNT, "acme", ref=account)
    assert not gone.exists and not gone.facts
    assert desk.control.user("acme") is None
    assert desk.control.organization("acme") is None and desk.control.organization("acme2") is None
    order = [entry.operation for entry in desk.audit if "Delete" in entry.operation]
    assert order == ["esOrganizations.DeleteOrganization"] * 2 + [
        "esPackages.DeletePackage",
        "esUsers.DeleteUser",
    ]


def test_ending_one_of_two_subscriptions_leaves_the_user(desk: Any) -> None:
    ref = desk.account()
    other = desk.control.add_package("acme")
    assert not desk.remove(exchange.ACCOUNT, "acme", ref=ref).exists
    assert [package["PackageId"] for package in desk.control.user("acme")["packages"]] == [other["PackageId"]]
    assert not desk.session.observe(target=desk.target(exchange.ACCOUNT, "acme", ref=ref)).exists


def test_an_ending_that_takes_long_goes_on_next_time(desk: Any) -> None:
    ref = desk.account()
    desk.control.hold_background(on=True)
    impatient = desk.another(settle_s=0)
    with pytest.raises(contract.TemporaryFailure) as caught:
        impatient.remove(exchange.ACCOUNT, "acme", ref=ref)
    assert caught.value.reason == "still_working"
    desk.control.hold_background(on=False)
    desk.control.run_background()
    assert not desk.remove(exchange.ACCOUNT, "acme", ref=ref).exists
    assert desk.control.user("acme") is None


def test_problems_while_deleting_are_kept_as_a_fact(desk: Any) -> None:
    account = desk.account()
    desk.organization(account=account)
    desk.control.inject("answer", "DeleteOrganization", value=-2706)
    gone = desk.remove(exchange.ACCOUNT, "acme", ref=account)
    assert "problems" in gone.facts
    assert desk.control.user("acme") is None


def test_ending_what_is_gone_is_done(desk: Any) -> None:
    ref = desk.account()
    desk.control.delete_user("acme")
    assert not desk.remove(exchange.ACCOUNT, "acme", ref=ref).exists


def test_an_account_without_subscription_gets_one(desk: Any) -> None:
    desk.control.add_user("acme")
    found = desk.session.observe(target=desk.target(exchange.ACCOUNT, "acme"))
    assert found.is_ours and found.spec.plan == ""
    assert desk.account()["space"] > 0


def test_an_account_with_two_subscriptions_is_not_chosen_from(desk: Any) -> None:
    desk.account()
    desk.control.add_package("acme")
    with pytest.raises(contract.NeedsOperator) as caught:
        desk.session.observe(target=desk.target(exchange.ACCOUNT, "acme"))
    assert caught.value.reason == "ambiguous_account"


def test_accounts_are_found_by_name_and_by_mail_address(desk: Any) -> None:
    ref = desk.account(email="ann@acme.example")
    assert [c.ref for c in desk.session.find_accounts(username="ACME")] == [ref]
    assert [c.ref for c in desk.session.find_accounts(email="Ann@ACME.example")] == [ref]
    assert desk.session.find_accounts(username="nobody", email="no@body.example") == ()


@pytest.mark.parametrize(
    "email",
    [
        "o'brien@acme.example",
        "a_b%c@acme.example",
        "somebody.with.a.very.long.name.indeed@a-very-long-domain-name.example",
    ],
)
def test_a_mail_address_the_platforms_filter_mangles_is_found_all_the_same(desk: Any, email: str) -> None:
    desk.control.add_user("first", email=email)
    desk.control.add_user("second", email=email.replace("example", "exampla").replace("_", "x"))
    found = desk.session.find_accounts(email=email)
    assert [candidate.name for candidate in found] == ["first"]


def test_somebody_elses_account_is_found_as_theirs(desk: Any) -> None:
    desk.control.add_user("other", owner="reseller2")
    found = desk.session.find_accounts(username="other")
    assert [(candidate.name, candidate.is_ours, candidate.ref) for candidate in found] == [
        ("other", False, {})
    ]


def test_each_change_is_audited_without_passwords(desk: Any) -> None:
    password = contract.Secret("Very-secret-77")
    desk.make(
        exchange.ACCOUNT,
        exchange.Account(username="acme", plan=desk.plan("Exchange Small")),
        password=password,
    )
    desk.session.set_password(target=desk.target(exchange.ACCOUNT, "acme"), password=password)
    assert [entry.operation for entry in desk.audit] == [
        "esPackages.CreateUserWizard",
        "esUsers.ChangeUserPassword",
    ]
    assert {entry.outcome for entry in desk.audit} == {"done"}
    assert desk.audit[0].request["password"] == "•••"
    assert "Very-secret-77" not in repr(desk.audit)
    assert desk.control.user("acme")["Password"] == "Very-secret-77"


def test_fresh_passwords_suit_every_policy() -> None:
    seen = {str(passwords.fresh()) for _ in range(200)}
    assert len(seen) == 200
    for password in seen:
        assert 8 <= len(password) <= 20
        assert any(sign.isupper() for sign in password) and any(sign.islower() for sign in password)
        assert sum(sign.isdigit() for sign in password) >= 2
        assert ":" not in password and password.isascii()
