"""Mailboxes, contacts, lists and folders in both generations."""

from typing import Any

import pytest

from postledger.connectors import contract
from postledger.resources import exchange


@pytest.fixture
def parent(desk: Any) -> contract.Ref:
    ref: contract.Ref = desk.organization()
    return ref


@pytest.fixture
def sizes(desk: Any, parent: contract.Ref) -> tuple[int, int]:
    """Two sizes a mailbox can have."""
    plans = desk.session.list_mailbox_plans(target=desk.target(exchange.ORGANIZATION, "acme", ref=parent))
    if desk.dialect == "W":
        assert plans == ()
        return (100, 250)
    return (plans[0].limits[0].amount, plans[1].limits[0].amount)


def test_a_mailbox_is_made_and_changed_as_wished(
    desk: Any, parent: contract.Ref, sizes: tuple[int, int]
) -> None:
    desk.make(exchange.DOMAIN, exchange.OrganizationDomain(name="acme2.example"), parent=parent)
    made = desk.mailbox(
        "ann@acme.example",
        parent=parent,
        display_name="Ann & Søn",
        kind="user",
        quota_mib=sizes[0],
        aliases=frozenset({"info@acme.example", "ann@acme2.example"}),
        is_enabled=True,
    )
    desk.make(
        exchange.MAILBOX,
        exchange.Mailbox(
            address="ann@acme.example",
            display_name="Ann Lee",
            quota_mib=sizes[1],
            aliases=frozenset({"sales@acme.example", "info@acme.example"}),
            is_enabled=False,
        ),
        ref=made.ref,
        parent=parent,
    )
    back = desk.mailbox("ann@acme.example", parent=parent, is_enabled=True, aliases=frozenset())
    assert back.spec.display_name == "Ann Lee"


def test_switching_a_login_off_keeps_everything_else(
    desk: Any, parent: contract.Ref, sizes: tuple[int, int]
) -> None:
    before = desk.mailbox("ann@acme.example", parent=parent, display_name="Ann", quota_mib=sizes[1]).spec
    after = desk.mailbox("ann@acme.example", parent=parent, is_enabled=False).spec
    assert exchange.Mailbox(**{**before.__dict__, "is_enabled": False}) == after
    assert not desk.control.calls(operation="SetUserPassword")


@pytest.mark.parametrize("kind", ["room", "equipment", "shared"])
def test_other_kinds_of_mailboxes_are_made(desk: Any, parent: contract.Ref, kind: Any, dialect: str) -> None:
    if kind == "shared" and dialect == "W":
        with pytest.raises(contract.PlatformRefusal) as caught:
            desk.mailbox("it@acme.example", parent=parent, kind=kind)
        assert caught.value.reason == "not_supported"
        return
    assert desk.mailbox("it@acme.example", parent=parent, kind=kind).spec.kind == kind


def test_an_address_in_use_is_refused(desk: Any, parent: contract.Ref) -> None:
    desk.mailbox("ann@acme.example", parent=parent, aliases=frozenset({"info@acme.example"}))
    with pytest.raises(contract.PlatformRefusal) as caught:
        desk.mailbox("info@acme.example", parent=parent)
    assert caught.value.reason == "address_taken"
    with pytest.raises(contract.PlatformRefusal) as caught:
        desk.mailbox("bob@acme.example", parent=parent, aliases=frozenset({"ann@acme.example"}))
    assert caught.value.reason == "address_taken"
    assert desk.control.organization("acme") is not None


def test_addresses_the_filter_mangles_are_told_apart(desk: Any, parent: contract.Ref) -> None:
    long = "a.very.long.local.part.that.goes.beyond.fifty.characters"
    names = [f"{long}1", f"{long}2", "a_b", "axb"]
    for name in names:
        desk.mailbox(f"{name}@acme.example", parent=parent)
    for name in names:
        found = desk.session.observe(
            target=desk.target(exchange.MAILBOX, f"{name}@acme.example", parent=parent)
        )
        assert found.spec.address == f"{name}@acme.example"


def test_a_mailbox_among_hundreds_is_found(desk: Any, parent: contract.Ref) -> None:
    for number in range(230):
        desk.control.add_mailbox(parent["item"], f"m{number:03}@acme.example")
    account = {"user": parent["user"], "space": parent["space"]}
    inside = desk.session.inside(target=desk.target(exchange.ACCOUNT, "acme", ref=account))
    boxes = [item.name for item in inside if item.kind == exchange.MAILBOX]
    assert sorted(boxes) == [f"m{number:03}@acme.example" for number in range(230)]


def test_the_mailbox_limit_is_a_refusal(desk: Any) -> None:
    parent = desk.organization("tiny", account=desk.account("tiny", plan=desk.plan("Exchange Small")))
    for number in range(5):
        desk.control.add_mailbox(parent["item"], f"m{number}@tiny.example")
    with pytest.raises(contract.PlatformRefusal) as caught:
        desk.mailbox("more@tiny.example", parent=parent)
    assert caught.value.reason in ("limit_mailboxes", "limit_disk")


def test_a_mailbox_is_removed(desk: Any, parent: contract.Ref) -> None:
    made = desk.mailbox("ann@acme.example", parent=parent)
    assert not desk.remove(exchange.MAILBOX, "ann@acme.example", ref=made.ref, parent=parent).exists
    assert not desk.remove(exchange.MAILBOX, "ann@acme.example", ref=made.ref, parent=parent).exists
    assert desk.control.organization("acme")["accounts"] == [] or all(
        account["AccountType"] == 9 for account in desk.control.organization("acme")["accounts"]
    )


def test_a_login_without_mailbox_gets_one(desk: Any, parent: contract.Ref) -> None:
    made = desk.mailbox("ann@acme.example", parent=parent)
    assert made.ref is not None
    desk.control.change("accounts", made.ref["account"], AccountType=7)
    again = desk.mailbox("ann@acme.example", parent=parent)
    assert again.ref == made.ref


def test_a_password_reaches_the_mailbox(desk: Any, parent: contract.Ref) -> None:
    desk.mailbox("ann@acme.example", parent=parent)
    target = desk.target(exchange.MAILBOX, "ann@acme.example", parent=parent)
    desk.session.set_password(target=target, password=contract.Secret("Another-77-secret"))
    assert desk.control.organization("acme")["accounts"][-1]["Password"] == "Another-77-secret"
    assert "Another-77-secret" not in repr(desk.audit)


def test_protocols_are_switched_on_the_mailbox_or_by_its_plan(
    desk: Any, parent: contract.Ref, dialect: str
) -> None:
    desk.mailbox("ann@acme.example", parent=parent)
    wish = exchange.Mailbox(address="ann@acme.example", features=frozenset({"owa", "mapi"}))
    if dialect == "W":
        desk.make(exchange.MAILBOX, wish, parent=parent)
        return
    with pytest.raises(contract.PlatformRefusal) as caught:
        desk.make(exchange.MAILBOX, wish, parent=parent)
    assert caught.value.reason == "decided_by_plan"


@pytest.mark.parametrize("feature", ["blackberry", "ocs", "lync", "sfb"])
def test_further_services_are_switched_on_and_off(
    desk: Any, parent: contract.Ref, feature: str, dialect: str
) -> None:
    before = desk.mailbox("ann@acme.example", parent=parent).spec.features
    on = exchange.Mailbox(address="ann@acme.example", features=before | {feature})
    if dialect == "W" and feature in ("lync", "sfb"):
        with pytest.raises(contract.PermanentFailure) as caught:
            desk.make(exchange.MAILBOX, on, parent=parent)
        assert caught.value.reason == "not_supported"
        return
    desk.make(exchange.MAILBOX, on, parent=parent)
    desk.make(exchange.MAILBOX, exchange.Mailbox(address="ann@acme.example", features=before), parent=parent)


def test_a_size_no_plan_has_is_refused(desk: Any, parent: contract.Ref, dialect: str) -> None:
    if dialect == "W":
        desk.mailbox("ann@acme.example", parent=parent, quota_mib=exchange.UNLIMITED)
        return
    with pytest.raises(contract.PlatformRefusal) as caught:
        desk.mailbox("ann@acme.example", parent=parent, quota_mib=777)
    assert caught.value.reason == "no_mailbox_plan"


def test_contacts_are_made_renamed_and_removed(desk: Any, parent: contract.Ref) -> None:
    for name in ("Bob", "Robert"):
        contact = exchange.Contact(address="bob@other.example", display_name=name)
        desk.make(exchange.CONTACT, contact, parent=parent)
    assert len(desk.control.calls(operation="CreateContact")) == 1
    assert not desk.remove(exchange.CONTACT, "bob@other.example", parent=parent).exists


def test_lists_follow_their_members(desk: Any, parent: contract.Ref) -> None:
    with pytest.raises(contract.PlatformRefusal) as caught:
        desk.make(
            exchange.DISTRIBUTION_LIST, exchange.DistributionList(address="all@acme.example"), parent=parent
        )
    assert caught.value.reason == "no_manager"
    desk.mailbox("ann@acme.example", parent=parent)
    desk.mailbox("eve@acme.example", parent=parent)
    desk.make(exchange.CONTACT, exchange.Contact(address="bob@other.example"), parent=parent)
    steps = (
        {
            "members": frozenset({"ann@acme.example", "bob@other.example"}),
            "is_open": True,
            "display_name": "All",
        },
        {"members": frozenset({"eve@acme.example", "bob@other.example"}), "is_open": False},
        {"manager": "eve@acme.example", "display_name": "Everyone"},
        {"members": frozenset()},
    )
    for fields in steps:
        wish = exchange.DistributionList(address="all@acme.example", **fields)  # type: ignore[arg-type]
        seen = desk.make(exchange.DISTRIBUTION_LIST, wish, parent=parent)
    assert (seen.spec.manager, seen.spec.display_name) == ("eve@acme.example", "Everyone")
    with pytest.raises(contract.PlatformRefusal) as caught:
        stranger = exchange.DistributionList(
            address="all@acme.example", members=frozenset({"no@body.example"})
        )
        desk.make(exchange.DISTRIBUTION_LIST, stranger, parent=parent)
    assert caught.value.reason == "no_such_member"
    assert not desk.remove(exchange.DISTRIBUTION_LIST, "all@acme.example", parent=parent).exists


def test_folders_get_and_lose_a_mail_address(desk: Any, parent: contract.Ref) -> None:
    desk.make(exchange.PUBLIC_FOLDER, exchange.PublicFolder(path="\\Team"), parent=parent)
    for address in ("team@acme.example", "sales@acme.example", ""):
        folder = exchange.PublicFolder(path="\\Team\\Sales", address=address)
        desk.make(exchange.PUBLIC_FOLDER, folder, parent=parent)
    assert not desk.remove(exchange.PUBLIC_FOLDER, "\\Team\\Sales", parent=parent).exists
