"""Organizations and mail domains: made once, found again, and never touched when they are not ours."""

import contextlib
from typing import Any

import pytest

from postledger.connectors import contract
from postledger.resources import exchange, spec


def test_an_organization_is_made_once(desk: Any) -> None:
    account = desk.account()
    first = desk.organization(account=account)
    change = spec.Change(
        action="create",
        kind=exchange.ORGANIZATION,
        name="acme",
        spec=exchange.Organization(code="acme", name="Acme"),
    )
    again = desk.session.apply(
        target=desk.target(exchange.ORGANIZATION, "acme", parent=account), change=change
    )
    assert again.ref == first
    assert len(desk.control.calls(operation="CreateOrganization")) == 1


def test_a_code_somebody_else_has_is_refused(desk: Any) -> None:
    desk.control.add_user("other", owner="reseller2")
    theirs = desk.control.add_package("other")
    desk.control.add_organization(theirs["PackageId"], "acme", domain="other.example")
    account = desk.account()
    change = spec.Change(
        action="create",
        kind=exchange.ORGANIZATION,
        name="acme",
        spec=exchange.Organization(code="acme", name="Acme"),
    )
    with pytest.raises(contract.PlatformRefusal) as caught:
        desk.session.apply(target=desk.target(exchange.ORGANIZATION, "acme", parent=account), change=change)
    assert caught.value.reason == "organization_code_taken"


@pytest.mark.parametrize("anonymous", [False, True])
def test_an_organization_of_somebody_else_is_not_touched(desk: Any, anonymous: bool) -> None:
    desk.control.set_options(anonymous_organizations=anonymous)
    desk.control.add_user("other", owner="reseller2")
    theirs = desk.control.add_package("other")
    item = desk.control.add_organization(theirs["PackageId"], "theirs", domain="other.example")
    mine = desk.account()
    other = desk.account("second")
    moved = desk.organization("second", account=other)
    references = (
        {"user": mine["user"], "space": mine["space"], "item": item},
        {"user": theirs["UserId"], "space": theirs["PackageId"], "item": item},
        {"user": mine["user"], "space": mine["space"], "item": moved["item"]},
    )
    for ref in references:
        with contextlib.suppress(contract.NeedsOperator, contract.TemporaryFailure):
            assert not desk.remove(exchange.ORGANIZATION, "theirs", ref=ref).exists
        with pytest.raises((contract.NeedsOperator, contract.TemporaryFailure)):
            desk.make(exchange.MAILBOX, exchange.Mailbox(address="x@other.example"), parent=ref)
        with pytest.raises((contract.NeedsOperator, contract.TemporaryFailure)):
            desk.make(exchange.DOMAIN, exchange.OrganizationDomain(name="new.example"), parent=ref)
    assert not [a for a in desk.control.organization("theirs")["accounts"] if a["AccountType"] != 9]
    assert desk.control.organization("second") is not None
    assert not desk.control.calls(operation="DeleteOrganization")


def test_an_organization_deleted_behind_our_back_is_absent(desk: Any) -> None:
    ref = desk.organization()
    desk.control.delete_organization(ref["item"])
    assert not desk.session.observe(target=desk.target(exchange.ORGANIZATION, "acme", ref=ref)).exists
    assert not desk.remove(exchange.ORGANIZATION, "acme", ref=ref).exists


def test_the_platforms_limit_of_organizations_is_a_refusal(desk: Any) -> None:
    account = desk.account(plan=desk.plan("Exchange Small"))
    desk.organization("one", account=account)
    with pytest.raises(contract.PlatformRefusal) as caught:
        desk.organization("two", account=account)
    assert caught.value.reason == "limit_organizations"


def test_the_default_moves_from_one_domain_to_another(desk: Any) -> None:
    ref = desk.organization()
    desk.make(
        exchange.DOMAIN, exchange.OrganizationDomain(name="second.example", is_default=True), parent=ref
    )
    first = desk.session.observe(target=desk.target(exchange.DOMAIN, "acme.example", parent=ref))
    assert first.spec.is_default is False


def test_the_default_domain_is_not_removed(desk: Any) -> None:
    ref = desk.organization()
    with pytest.raises(contract.PlatformRefusal) as caught:
        desk.remove(exchange.DOMAIN, "acme.example", parent=ref)
    assert caught.value.reason == "domain_is_default"


def test_a_removed_domain_is_free_for_others(desk: Any) -> None:
    ref = desk.organization()
    desk.make(exchange.DOMAIN, exchange.OrganizationDomain(name="second.example"), parent=ref)
    row = next(row for row in desk.control.rows("domains") if row["DomainName"] == "second.example")
    desk.control.change("domains", row["DomainId"], ZoneItemId=0)
    assert not desk.remove(exchange.DOMAIN, "second.example", parent=ref).exists
    other = desk.organization("other")
    desk.make(exchange.DOMAIN, exchange.OrganizationDomain(name="second.example"), parent=other)


def test_a_domain_of_another_customer_is_refused(desk: Any) -> None:
    desk.organization("first")
    second = desk.organization("second")
    with pytest.raises(contract.PlatformRefusal) as caught:
        desk.make(exchange.DOMAIN, exchange.OrganizationDomain(name="first.example"), parent=second)
    assert caught.value.reason == "domain_taken"


def test_limits_for_new_mailboxes_are_set_where_the_release_has_them(desk: Any, dialect: str) -> None:
    ref = desk.organization()
    desk.mailbox("ann@acme.example", parent=ref)
    found = desk.session.observe(target=desk.target(exchange.ORGANIZATION, "acme", ref=ref))
    if dialect != "W":
        assert found.spec.issue_warning_mib is None
        return
    wish = exchange.Organization(
        code="acme", issue_warning_mib=900, prohibit_send_mib=1000, keep_deleted_days=7
    )
    desk.make(exchange.ORGANIZATION, wish, ref=ref)
    unlimited = exchange.Organization(code="acme", prohibit_send_receive_mib=exchange.UNLIMITED)
    desk.make(exchange.ORGANIZATION, unlimited, ref=ref)
