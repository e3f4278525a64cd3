"""Contacts, distribution lists and public folders: ordered, changed, removed, taken over, and found when they go astray."""

import pytest

from postledger.accounts import operations as accounts
from postledger.accounts import queries as account_queries
from postledger.catalog import operations as catalog
from postledger.connectors import contract, wsp
from postledger.provisioning import operations, queries
from postledger.resources import exchange, spec
from postledger.workflows import (
    _domains,
    _limits,
    _platform,
    _recipients,
    act_on_difference,
    add_contact,
    add_domain,
    add_folder,
    add_list,
    add_mailbox,
    change_contact,
    change_folder,
    change_list,
    change_list_members,
    change_mailbox,
    change_platform_plan,
    collect_usage,
    delete_folder,
    delete_mailbox,
    expect_usage,
    find_drift,
    remove_domain,
    remove_exchange,
    remove_recipient,
    set_exchange_status,
)
from postledger_sandbox.server import Sandbox
from tests.workflows import story

SYSTEM = story.SYSTEM
CONTACT, LIST, FOLDER = 2, 3, 4


@pytest.fixture(params=["W", "S"])
def sandbox(request):
    with Sandbox(dialect=request.param, delay_s=0) as running:
        yield running


@pytest.fixture
def house(sandbox, fresh_db):
    return story.build(sandbox)


@pytest.fixture
def acme(house):
    made = house.customer("acme")
    house.order(made)
    assert house.settle(made).is_settled
    return made


def _contact(house, customer, address="bob@other.example", **fields):
    wish = exchange.Contact(address=address, **fields)
    return add_contact.add_contact(SYSTEM, account_id=customer.id, contact=wish, now=house.now)


def _list(house, customer, address="all@acme.example", **fields):
    fields["members"] = frozenset(fields.get("members", ()))
    wish = exchange.DistributionList(address=address, **fields)
    return add_list.add_list(SYSTEM, account_id=customer.id, wanted=wish, now=house.now)


def _folder(house, customer, path, address=""):
    wish = exchange.PublicFolder(path=path, address=address)
    return add_folder.add_folder(SYSTEM, account_id=customer.id, folder=wish, now=house.now)


def _there(sandbox, kind, code="acme"):
    """The platform's accounts of a type, by address or path."""
    rows = sandbox.control.organization(code)["accounts"]
    name = "DisplayName" if kind == FOLDER else "PrimaryEmailAddress"
    return {row[name]: row for row in rows if row["AccountType"] == kind}


def _members(sandbox, address="all@acme.example", code="acme"):
    rows = {row["AccountId"]: row for row in sandbox.control.organization(code)["accounts"]}
    found = next(row for row in rows.values() if row["PrimaryEmailAddress"] == address)
    return {rows[member]["PrimaryEmailAddress"] for member in found["Members"]}


def _key(customer, key):
    return next(found for found in queries.resources_of(SYSTEM, customer.id) if found.key == key)


def _ready(house, customer):
    found = house.settle(customer)
    assert found.is_settled, found.words


# --- contacts -------------------------------------------------------------------------------------------------------


def test_a_contact_is_added_changed_and_removed(house, sandbox, acme):
    made = _contact(house, acme, "Bob@Other.example", display_name="Bob", is_hidden=True)
    _ready(house, acme)
    assert _there(sandbox, CONTACT)["bob@other.example"]["HideFromAddressBook"] is True
    change_contact.change_contact(
        SYSTEM, resource_id=made.id, display_name="Robert", is_hidden=False, now=house.now
    )
    _ready(house, acme)
    seen = _there(sandbox, CONTACT)["bob@other.example"]
    assert (seen["DisplayName"], seen["HideFromAddressBook"]) == ("Robert", False)
    remove_recipient.remove_recipient(SYSTEM, resource_id=made.id, now=house.now)
    _ready(house, acme)
    assert _there(sandbox, CONTACT) == {}


def test_a_contact_that_moves_to_another_address_stays_the_same_and_in_its_lists(house, sandbox, acme):
    bob = _contact(house, acme)
    _list(house, acme, members={"bob@other.example", "m0@acme.example"})
    _ready(house, acme)
    before = _there(sandbox, CONTACT)["bob@other.example"]["AccountId"]
    change_contact.change_contact(SYSTEM, resource_id=bob.id, address="bob@new.example", now=house.now)
    _ready(house, acme)
    assert {row["AccountId"] for row in _there(sandbox, CONTACT).values()} == {before}
    assert _members(sandbox) == {"bob@new.example", "m0@acme.example"}
    assert _key(acme, "bob@new.example").id == bob.id


def test_a_contact_cannot_move_to_an_address_another_one_has(house, acme):
    bob, _ = _contact(house, acme), _contact(house, acme, "eve@other.example")
    with pytest.raises(operations.StillInUse, match="set up"):
        change_contact.change_contact(SYSTEM, resource_id=bob.id, address="x@other.example", now=house.now)
    _ready(house, acme)
    with pytest.raises(operations.NameTaken):
        change_contact.change_contact(SYSTEM, resource_id=bob.id, address="eve@other.example", now=house.now)


def test_two_customers_may_have_the_same_contact_and_folder(house, sandbox, acme):
    other = house.customer("beta")
    house.order(other, boxes=1)
    for customer in (acme, other):
        _contact(house, customer)
        _folder(house, customer, "Team")
        _ready(house, customer)
    for code in ("acme", "beta"):
        assert set(_there(sandbox, CONTACT, code)) == {"bob@other.example"}
        assert set(_there(sandbox, FOLDER, code)) == {f"\\{code}\\Team"}


# --- lists ----------------------------------------------------------------------------------------------------------


def test_a_list_is_added_changed_and_removed(house, sandbox, acme):
    _contact(house, acme)
    made = _list(
        house, acme, display_name="All", members={"m0@acme.example", "bob@other.example"}, is_open=True
    )
    _ready(house, acme)
    assert _members(sandbox) == {"m0@acme.example", "bob@other.example"}
    assert _key(acme, "all@acme.example").observed["is_open"] is True
    change_list.change_list(
        SYSTEM,
        resource_id=made.id,
        display_name="Everybody",
        manager="m1@acme.example",
        is_open=False,
        is_hidden=True,
        now=house.now,
    )
    change_list_members.change_list_members(
        SYSTEM, resource_id=made.id, add=["M1@acme.example"], remove=["bob@other.example"], now=house.now
    )
    _ready(house, acme)
    assert _members(sandbox) == {"m0@acme.example", "m1@acme.example"}
    seen = _there(sandbox, LIST)["all@acme.example"]
    assert (seen["DisplayName"], seen["HideFromAddressBook"]) == ("Everybody", True)
    assert seen["RequireSenderAuthentication"] is True
    assert _key(acme, "all@acme.example").observed["manager"] == "m1@acme.example"
    remove_recipient.remove_recipient(SYSTEM, resource_id=made.id, now=house.now)
    _ready(house, acme)
    assert _there(sandbox, LIST) == {}


def test_two_hundred_members_come_and_go_in_a_handful_of_calls(house, sandbox, acme):
    item = sandbox.control.organization("acme")["Id"]
    names = [f"p{number:03}@acme.example" for number in range(200)]
    for name in names:
        sandbox.control.add_mailbox(item, name)
    organization = queries.organization_of(SYSTEM, acme.id)
    for name in names:
        operations.declare(
            account_id=acme.id,
            connection_id=organization.connection_id,
            parent_id=organization.id,
            kind=exchange.MAILBOX,
            desired=exchange.Mailbox(address=name),
            now=house.now,
            actor="test",
        )
    house.settle(acme, within_s=60)
    sandbox.control.clear_calls()
    made = _list(house, acme, members=names)
    _ready(house, acme)
    assert _members(sandbox) == set(names)
    assert len(sandbox.control.calls(operation="SetDistributionListGeneralSettings")) == 1
    change_list_members.change_list_members(SYSTEM, resource_id=made.id, remove=names[:150], now=house.now)
    _ready(house, acme)
    assert _members(sandbox) == set(names[150:])
    assert len(sandbox.control.calls()) < 60


def test_a_list_ordered_with_a_mailbox_that_is_not_there_yet_gets_it_when_it_comes(house, sandbox, acme):
    """The second mailbox is refused at first; the list is made with the other one meanwhile."""
    sandbox.control.inject(kind="lie", operation="CreateMailbox", value=-2602)
    box = exchange.Mailbox(address="late@acme.example")
    late = add_mailbox.add_mailbox(SYSTEM, account_id=acme.id, mailbox=box, now=house.now)
    made = _list(house, acme, members={"m0@acme.example", "late@acme.example"})
    house.settle(acme)
    assert queries.one(late.id).condition == "refused"
    waiting = queries.one(made.id)
    assert waiting.condition == "waiting" and "late@acme.example" in waiting.words
    assert _members(sandbox) == {"m0@acme.example"}
    operations.look_again(SYSTEM, resource_id=late.id, now=house.now)
    _ready(house, acme)
    assert _members(sandbox) == {"m0@acme.example", "late@acme.example"}


def test_lists_may_hold_each_other(house, sandbox, acme):
    first = _list(house, acme, "a@acme.example")
    _list(house, acme, "b@acme.example", members={"a@acme.example"})
    change_list_members.change_list_members(
        SYSTEM, resource_id=first.id, add=["b@acme.example"], now=house.now
    )
    _ready(house, acme)
    assert _members(sandbox, "a@acme.example") == {"b@acme.example"}
    assert _members(sandbox, "b@acme.example") == {"a@acme.example"}


def test_what_is_deleted_leaves_its_lists(house, sandbox, acme):
    bob = _contact(house, acme)
    inner = _list(house, acme, "inner@acme.example")
    made = _list(
        house, acme, members={"m0@acme.example", "m1@acme.example", bob.key, inner.key}
    )  # m0 manages both
    _ready(house, acme)
    box = _key(acme, "m1@acme.example")
    delete_mailbox.delete_mailbox(SYSTEM, resource_id=box.id, confirmation=box.key, now=house.now)
    remove_recipient.remove_recipient(SYSTEM, resource_id=bob.id, now=house.now)
    remove_recipient.remove_recipient(SYSTEM, resource_id=inner.id, now=house.now)
    assert queries.one(made.id).desired["members"] == ["m0@acme.example"]
    _ready(house, acme)
    assert _members(sandbox) == {"m0@acme.example"}
    with pytest.raises(operations.StillInUse, match="manages the list"):
        manager = _key(acme, "m0@acme.example")
        delete_mailbox.delete_mailbox(SYSTEM, resource_id=manager.id, confirmation=manager.key, now=house.now)


def test_two_who_change_the_members_do_not_undo_each_other(house, acme):
    made = _list(house, acme)
    for address in ("m0@acme.example", "m1@acme.example"):
        change_list_members.change_list_members(SYSTEM, resource_id=made.id, add=[address], now=house.now)
    assert queries.one(made.id).desired["members"] == ["m0@acme.example", "m1@acme.example"]


# --- folders --------------------------------------------------------------------------------------------------------


def test_folders_are_made_from_the_top_and_deleted_from_the_bottom(house, sandbox, acme):
    top = _folder(house, acme, "Team")
    below = _folder(house, acme, "team/Sales", "sales@acme.example")
    assert below.key == "\\Team\\Sales"
    _ready(house, acme)
    assert _there(sandbox, FOLDER)["\\acme\\Team\\Sales"]["PrimaryEmailAddress"] == "sales@acme.example"
    for address in ("orders@acme.example", ""):
        change_folder.change_folder(SYSTEM, resource_id=below.id, address=address, now=house.now)
        _ready(house, acme)
        assert (_there(sandbox, FOLDER)["\\acme\\Team\\Sales"]["PrimaryEmailAddress"] or "") == address
    with pytest.raises(operations.StillInUse, match="holds the folder"):
        delete_folder.delete_folder(SYSTEM, resource_id=top.id, confirmation="Team", now=house.now)
    with pytest.raises(delete_folder.NotConfirmed):
        delete_folder.delete_folder(SYSTEM, resource_id=below.id, confirmation="yes", now=house.now)
    for found in (below, top):
        name = found.key.rpartition("\\")[2]
        delete_folder.delete_folder(SYSTEM, resource_id=found.id, confirmation=name, now=house.now)
    _ready(house, acme)
    assert _there(sandbox, FOLDER) == {}


def _customer_on(house, meters):
    """A customer with Exchange on a plan that charges for these meters: name, price and maximum of each."""
    charges = [
        {"name": f"exchange.{name}", "measure": "metered", "usage": price}
        | ({} if most is None else {"max": most})
        for name, price, most in meters
    ]
    house.plan_id = catalog.publish_plan(
        SYSTEM,
        seller_id=house.provider.id,
        code="full",
        name="Full",
        terms={**story.TERMS, "charges": [*story.TERMS["charges"], *charges]},
        effective_from=house.now.date(),
        now=house.now,
    )
    plans = queries.platform_plans(SYSTEM, house.connection.id)
    small = next(plan for plan in plans if plan.name == "Exchange Small")
    operations.switch_on_platform_plan(
        SYSTEM,
        seller_id=house.provider.id,
        plan_id=house.plan_id,
        platform_plan_id=small.id,
        now=house.now,
    )
    beta = house.customer("beta")
    house.order(beta, boxes=1)
    _ready(house, beta)
    return beta


# --- refusals -------------------------------------------------------------------------------------------------------


def _refused_contact(house, acme):
    _contact(house, acme, "m0@acme.example")


def _refused_list_in_strange_domain(house, acme):
    _list(house, acme, "all@other.example")


def _refused_list_of_a_mailboxs_name(house, acme):
    _list(house, acme, "m0@acme.example")


def _refused_member(house, acme):
    _list(house, acme, members={"no@body.example"})


def _refused_manager(house, acme):
    _list(house, acme, manager="no@acme.example")


def _refused_list_in_itself(house, acme):
    _list(house, acme, members={"all@acme.example"})


def _refused_folder_address(house, acme):
    _folder(house, acme, "Team", "m0@acme.example")


def _refused_folder_in_none(house, acme):
    _folder(house, acme, "None\\Team")


@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        (_refused_contact, operations.NameTaken),
        (_refused_list_in_strange_domain, _domains.WrongDomain),
        (_refused_list_of_a_mailboxs_name, operations.NameTaken),
        (_refused_member, _recipients.NoSuchMember),
        (_refused_manager, _recipients.NoManager),
        (_refused_list_in_itself, exchange.InvalidResource),
        (_refused_folder_address, operations.NameTaken),
        (_refused_folder_in_none, add_folder.NoFolderAbove),
    ],
)
def test_a_wrong_order_is_refused_and_leaves_nothing_behind(house, acme, order, refusal):
    before = queries.resources_of(SYSTEM, acme.id)
    with pytest.raises(refusal):
        order(house, acme)
    assert queries.resources_of(SYSTEM, acme.id) == before


def test_an_address_serves_one_thing_whatever_its_kind(house, acme):
    _list(house, acme)
    _folder(house, acme, "Team", "team@acme.example")
    for address in ("all@acme.example", "team@acme.example"):
        with pytest.raises(operations.NameTaken):
            box = exchange.Mailbox(address=address)
            add_mailbox.add_mailbox(SYSTEM, account_id=acme.id, mailbox=box, now=house.now)
        with pytest.raises(operations.NameTaken):
            change_mailbox.change_mailbox(
                SYSTEM,
                resource_id=_key(acme, "m0@acme.example").id,
                aliases=frozenset({address}),
                now=house.now,
            )


def test_the_same_order_again_is_the_same_thing_and_another_one_under_its_name_is_refused(house, acme):
    assert _contact(house, acme, display_name="Bob").id == _contact(house, acme, display_name="Bob").id
    assert _list(house, acme).id == _list(house, acme).id
    assert _folder(house, acme, "Team").id == _folder(house, acme, "Team").id
    with pytest.raises(operations.NameTaken):
        _contact(house, acme, display_name="Robert")
    with pytest.raises(operations.NameTaken):
        _list(house, acme, members={"m0@acme.example"})
    with pytest.raises(operations.NameTaken):
        _folder(house, acme, "TEAM")


def test_a_platform_without_such_things_is_told_of_before_anything_is_ordered(house, acme, monkeypatch):
    monkeypatch.setattr(wsp.Connector, "kinds", frozenset(exchange.PARENTS) - {exchange.PUBLIC_FOLDER})
    with pytest.raises(_recipients.NotSupported, match="public folder"):
        _folder(house, acme, "Team")


def test_what_the_plan_allows_is_asked_before_anything_is_sent(house, sandbox):
    beta = _customer_on(house, [("contacts", "1.00", 1), ("lists", "2.00", 1), ("folders", "3.00", 0)])
    _contact(house, beta)
    _list(house, beta, "all@beta.example")
    _ready(house, beta)
    sandbox.control.clear_calls()
    for order in (
        lambda: _contact(house, beta, "eve@other.example"),
        lambda: _list(house, beta, "more@beta.example"),
        lambda: _folder(house, beta, "Team"),
    ):
        with pytest.raises(_limits.PlanLimit):
            order()
    house.settle(beta)
    assert not [call for call in sandbox.control.calls() if call["operation"].startswith("Create")]


def test_a_limit_of_the_platform_is_told_and_what_it_refused_can_be_removed(house, sandbox, acme):
    package = sandbox.control.organization("acme")["PackageId"]
    sandbox.control.override_quotas(
        package, dict.fromkeys(("Exchange2007.Contacts", "Exchange2007.DistributionLists"), 0)
    )
    made = [_contact(house, acme), _list(house, acme)]
    house.settle(acme)
    for found in made:
        told = queries.one(found.id)
        assert told.condition == "refused" and "limit" in told.words
        remove_recipient.remove_recipient(SYSTEM, resource_id=found.id, now=house.now)
    _ready(house, acme)
    assert all(queries.one(found.id) is None for found in made)


def test_a_size_too_small_for_what_is_held_is_refused(house, acme):
    plans = queries.platform_plans(SYSTEM, house.connection.id)
    large, small = (
        next(plan for plan in plans if plan.name == f"Exchange {name}") for name in ("Large", "Small")
    )
    operations.switch_on_platform_plan(
        SYSTEM,
        seller_id=house.provider.id,
        plan_id=house.plan_id,
        platform_plan_id=large.id,
        now=house.now,
    )
    change_platform_plan.change_platform_plan(
        SYSTEM, account_id=acme.id, platform_plan_id=large.id, now=house.now
    )
    for number in range(small.limits["exchange.contacts"] + 1):
        _contact(house, acme, f"c{number}@other.example")
    with pytest.raises(change_platform_plan.BelowUse, match="contacts"):
        change_platform_plan.change_platform_plan(
            SYSTEM, account_id=acme.id, platform_plan_id=small.id, now=house.now
        )


# --- what else becomes of them --------------------------------------------------------------------------------------


def _one_of_each(house, customer):
    _contact(house, customer)
    _list(house, customer, members={"bob@other.example", "m0@acme.example"})
    _folder(house, customer, "Team", "team@acme.example")
    _ready(house, customer)


def test_they_are_read_and_their_price_is_told_before_the_click(house, sandbox):
    beta = _customer_on(
        house, [("contacts", "1.00", None), ("lists", "2.00", None), ("folders", "3.00", None)]
    )
    for meter, price in (("exchange.contacts", 100), ("exchange.lists", 200), ("exchange.folders", 300)):
        found = expect_usage.expect_usage(SYSTEM, buyer_id=beta.id, more={meter: 1}, now=house.now)
        assert [line.amount for line in found.usage] == [price]
    _contact(house, beta)
    _list(house, beta, "all@beta.example")
    _folder(house, beta, "Team")
    _ready(house, beta)
    collect_usage.collect_usage(connection_id=house.connection.id, now=house.now, refresh_wait_s=0)
    found = expect_usage.expect_usage(SYSTEM, buyer_id=beta.id, more={}, now=house.now)
    assert sorted(line.amount for line in found.usage) == [100, 200, 300]


def test_suspension_and_resume_lose_none_of_them(house, sandbox, acme):
    _one_of_each(house, acme)
    before = {kind: _there(sandbox, kind).keys() for kind in (CONTACT, LIST, FOLDER)}
    for is_active in (False, True):
        set_exchange_status.set_exchange_status(account_id=acme.id, is_active=is_active, now=house.now)
        _ready(house, acme)
    assert {kind: _there(sandbox, kind).keys() for kind in (CONTACT, LIST, FOLDER)} == before
    assert _members(sandbox) == {"bob@other.example", "m0@acme.example"}


def test_the_removal_of_exchange_takes_them_along(house, sandbox, acme):
    _one_of_each(house, acme)
    remove_exchange.remove_exchange(
        SYSTEM, account_id=acme.id, reason="cancelled", is_confirmed=True, now=house.now
    )
    _ready(house, acme)
    assert queries.resources_of(SYSTEM, acme.id) == ()
    assert sandbox.control.organization("acme") is None


def test_a_domain_that_a_list_or_folder_uses_is_not_removed(house, acme):
    domain = add_domain.add_domain(SYSTEM, account_id=acme.id, name="acme.test", now=house.now)
    _folder(house, acme, "Team", "team@acme.test")
    with pytest.raises(remove_domain.DomainStillUsed, match="Team"):
        remove_domain.remove_domain(SYSTEM, resource_id=domain.id, now=house.now)


def test_deletion_without_a_reason_is_stopped(house, sandbox, acme):
    _one_of_each(house, acme)
    for key in ("bob@other.example", "all@acme.example", "\\Team"):
        operations.withdraw(resource_id=_key(acme, key).id, reason="", now=house.now, actor="a bug")
    house.settle(acme)
    for key in ("bob@other.example", "all@acme.example", "\\Team"):
        assert _key(acme, key).condition == "needs_operator"
    assert len(_there(sandbox, CONTACT)) == len(_there(sandbox, LIST)) == len(_there(sandbox, FOLDER)) == 1


def _behind_our_back(house, customer, kind, desired):
    """A thing made on the platform, as by its own panel."""
    organization = queries.organization_of(SYSTEM, customer.id)
    cause = _platform.Cause(actor="somebody", purpose="test", now=house.now)
    with _platform.platform(connection_id=house.connection.id, cause=cause) as session:
        name = spec.name_of(kind=kind, spec=desired)
        session.apply(
            target=contract.Target(kind=kind, name=name, parent=organization.reference),
            change=spec.Change(action="create", kind=kind, name=name, spec=desired),
        )


def _drift(house):
    lines = find_drift.find_drift(connection_id=house.connection.id, now=house.now)
    return {(line.code, line.meter): line for line in lines}


def test_what_was_made_on_the_platform_is_told_by_name_and_linked_as_it_is(house, sandbox, acme):
    for kind, desired in (
        (exchange.CONTACT, exchange.Contact(address="eve@other.example", display_name="Eve")),
        (
            exchange.DISTRIBUTION_LIST,
            exchange.DistributionList(
                address="all@acme.example", members=frozenset({"m0@acme.example", "eve@other.example"})
            ),
        ),
        (exchange.PUBLIC_FOLDER, exchange.PublicFolder(path="\\Team")),
        (exchange.PUBLIC_FOLDER, exchange.PublicFolder(path="\\Team\\Sales", address="s@acme.example")),
    ):
        _behind_our_back(house, acme, kind, desired)
    found = _drift(house)
    assert set(found) == {
        ("unlinked_contents", f"exchange.{what}") for what in ("contacts", "lists", "folders")
    }
    contacts = found["unlinked_contents", "exchange.contacts"]
    assert "eve@other.example" in contacts.words and (contacts.there, contacts.here) == ("1", "0")
    before = sandbox.control.rows("accounts")
    act_on_difference.act_on_difference(SYSTEM, difference_id=contacts.id, now=house.now)
    _ready(house, acme)
    assert sandbox.control.rows("accounts") == before
    assert _drift(house) == {}
    assert _key(acme, "\\Team\\Sales").observed["address"] == "s@acme.example"
    everybody = _key(acme, "all@acme.example")
    assert everybody.shown["members"] == ["eve@other.example", "m0@acme.example"]
    # and from here on they are ours to change
    change_list_members.change_list_members(
        SYSTEM, resource_id=everybody.id, add=["m1@acme.example"], now=house.now
    )
    remove_recipient.remove_recipient(SYSTEM, resource_id=_key(acme, "eve@other.example").id, now=house.now)
    _ready(house, acme)
    assert _members(sandbox) == {"m0@acme.example", "m1@acme.example"}


def test_what_was_removed_on_the_platform_is_told_by_name_and_made_anew(house, sandbox, acme):
    _one_of_each(house, acme)
    _contact(house, acme, "eve@other.example", display_name="Eve")
    _ready(house, acme)
    sandbox.control.remove("accounts", _there(sandbox, CONTACT)["eve@other.example"]["AccountId"])
    sandbox.control.remove("accounts", _there(sandbox, FOLDER)["\\acme\\Team"]["AccountId"])
    found = _drift(house)
    assert set(found) == {("missing_contents", "exchange.contacts"), ("missing_contents", "exchange.folders")}
    assert "eve@other.example" in found["missing_contents", "exchange.contacts"].words
    for line in found.values():
        act_on_difference.act_on_difference(SYSTEM, difference_id=line.id, now=house.now)
    _ready(house, acme)
    assert _there(sandbox, CONTACT)["eve@other.example"]["DisplayName"] == "Eve"
    assert _drift(house) == {}


def test_what_vanished_is_not_made_anew_without_a_word(house, sandbox, acme):
    _one_of_each(house, acme)
    sandbox.control.remove("accounts", _there(sandbox, CONTACT)["bob@other.example"]["AccountId"])
    bob = _key(acme, "bob@other.example")
    change_contact.change_contact(SYSTEM, resource_id=bob.id, display_name="Bob", now=house.now)
    house.settle(acme)
    assert queries.one(bob.id).condition == "needs_operator"
    assert _there(sandbox, CONTACT) == {}


def test_a_neighbour_reaches_none_of_them(house, acme):
    _one_of_each(house, acme)
    stranger = house.customer("beta")
    user = accounts.create_user(SYSTEM, account_id=stranger.id, email="o@beta.example", now=house.now)
    viewer = account_queries.viewer_of(user.id)
    bob, everybody, team = (_key(acme, key) for key in ("bob@other.example", "all@acme.example", "\\Team"))
    for attempt in (
        lambda: add_contact.add_contact(
            viewer, account_id=acme.id, contact=exchange.Contact(address="x@y.example"), now=house.now
        ),
        lambda: change_contact.change_contact(viewer, resource_id=bob.id, display_name="x", now=house.now),
        lambda: remove_recipient.remove_recipient(viewer, resource_id=bob.id, now=house.now),
        lambda: change_list.change_list(viewer, resource_id=everybody.id, is_open=True, now=house.now),
        lambda: change_list_members.change_list_members(viewer, resource_id=everybody.id, now=house.now),
        lambda: remove_recipient.remove_recipient(viewer, resource_id=everybody.id, now=house.now),
        lambda: change_folder.change_folder(viewer, resource_id=team.id, address="", now=house.now),
        lambda: delete_folder.delete_folder(viewer, resource_id=team.id, confirmation="Team", now=house.now),
    ):
        with pytest.raises(account_queries.NotVisible):
            attempt()
