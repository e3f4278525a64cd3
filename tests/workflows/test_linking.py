"""Accounts that exist on the platform are linked when they are surely the customer's, and never when they are not."""

import pytest

from postledger.accounts import operations as accounts
from postledger.accounts import queries as account_queries
from postledger.provisioning import operations, queries
from postledger.resources import exchange
from postledger.workflows import add_exchange, remove_exchange
from postledger_sandbox.server import Sandbox
from postledger_sandbox.services import organizations
from postledger_sandbox.state.world import SUPERVISOR, Call
from tests.workflows import story


@pytest.fixture(params=["W", "S"])
def sandbox(request):
    with Sandbox(dialect=request.param, delay_s=0) as running:
        yield running


@pytest.fixture
def house(sandbox, fresh_db):
    return story.build(sandbox)


def _existing(sandbox, username: str, email: str, *, owner: str = "reseller"):
    """A user with a package, an organization and a mailbox, made by somebody else long ago."""
    user = sandbox.control.add_user(username=username, owner=owner, email=email)
    package = sandbox.control.add_package(username=username)
    domain = email.partition("@")[2]
    item = sandbox.control.add_organization(
        package_id=package["PackageId"], organization_id=username, name="Old name", domain=domain
    )
    if domain not in sandbox.control.organization(organization_id=username)["domains"]:
        _add_domain(sandbox, item, domain)
    sandbox.control.add_mailbox(item_id=item, email=f"old@{domain}")
    return user, package, item


def _add_domain(sandbox, item: int, domain: str) -> None:
    call = Call(sandbox.world, SUPERVISOR, "esOrganizations", "AddOrganizationDomain")
    assert organizations.add_organization_domain(call, item, domain) == 0
    sandbox.world.store.commit()


def _account(house, customer):
    return queries.account_resource(story.SYSTEM, customer.id)


def test_an_account_with_the_customers_proved_address_is_linked_and_not_made_twice(house, sandbox):
    user, package, item = _existing(sandbox, "initold", "bill@initech.example")
    initech = house.customer("initech", email="bill@initech.example")
    house.order(initech, boxes=1)
    assert house.settle(initech).is_settled
    linked = _account(house, initech)
    assert (linked.key, linked.is_linked) == ("initold", True)
    assert linked.reference == {"user": user["UserId"], "space": package["PackageId"]}
    assert sandbox.control.user("initech") is None
    organization = queries.organization_of(story.SYSTEM, initech.id)
    assert organization.reference["item"] == item
    held = {found.key for found in queries.resources_of(story.SYSTEM, initech.id, kind=exchange.MAILBOX)}
    assert held == {"old@initech.example", "m0@initech.example"}
    assert sandbox.control.user("initold")["Email"] == "bill@initech.example"


def test_an_address_the_customer_only_typed_links_nothing(house, sandbox):
    _existing(sandbox, "victim", "boss@victim.example")
    thief = house.customer("thief")
    user = accounts.create_user(story.SYSTEM, account_id=thief.id, email="t@thief.example", now=story.NOW)
    accounts.update_details(
        account_queries.viewer_of(user.id), account_id=thief.id, email="boss@victim.example", now=story.NOW
    )
    house.order(thief, boxes=1)
    assert house.settle(thief).is_settled
    assert _account(house, thief).key == "thief"


def test_a_login_of_that_name_with_another_address_waits_for_the_seller(house, sandbox):
    user, *_ = _existing(sandbox, "acme", "somebody@else.example")
    acme = house.customer("acme")
    house.order(acme, boxes=1)
    found = house.settle(acme, rounds=3)
    assert "Confirm that it belongs to this customer" in found.words
    assert sandbox.control.user("acme")["Email"] == "somebody@else.example", "nothing was changed there"
    operations.look_again(story.SYSTEM, resource_id=_account(house, acme).id, now=house.now, confirm=True)
    house.settle(acme)
    assert _account(house, acme).reference["user"] == user["UserId"]


def test_only_the_seller_may_confirm(house, sandbox):
    _existing(sandbox, "acme", "somebody@else.example")
    acme = house.customer("acme")
    user = accounts.create_user(story.SYSTEM, account_id=acme.id, email="a@acme.example", now=story.NOW)
    house.order(acme, boxes=1)
    house.settle(acme, rounds=3)
    with pytest.raises(account_queries.NotVisible):
        operations.look_again(
            account_queries.viewer_of(user.id),
            resource_id=_account(house, acme).id,
            now=house.now,
            confirm=True,
        )


def test_a_login_of_another_reseller_is_left_alone_and_another_name_is_taken(house, sandbox):
    _existing(sandbox, "acme", "ann@acme.example", owner="reseller2")
    before = sandbox.control.user("acme")
    acme = house.customer("acme")
    house.order(acme, boxes=1)
    house.settle(acme, rounds=4)
    assert _account(house, acme).key == f"acme-{acme.id}"
    assert sandbox.control.user("acme") == before


def test_an_organization_of_somebody_else_is_left_alone_and_another_code_is_taken(house, sandbox):
    _, _, item = _existing(sandbox, "acme", "x@elsewhere.example", owner="reseller2")
    acme = house.customer("acmetwo", email="ann@acmetwo.example")
    house.order(acme, boxes=1)
    house.settle(acme)
    organization = queries.organization_of(story.SYSTEM, acme.id)
    assert organization.key == "acmetwo"
    other = house.customer("acme2")
    add_exchange.add_exchange(story.SYSTEM, account_id=other.id, domain="acme.example", now=house.now)
    assert house.settle(other).is_settled
    taken = queries.organization_of(story.SYSTEM, other.id)
    assert taken.key == "acme2" and taken.reference["item"] != item


def test_an_account_linked_to_one_customer_is_not_linked_to_another(house, sandbox):
    _existing(sandbox, "shared", "office@shared.example")
    first = house.customer("first", email="office@shared.example")
    second = house.customer("second", email="office@shared.example")
    house.order(first, boxes=0)
    assert house.settle(first).is_settled
    house.order(second, boxes=0)
    assert house.settle(second).is_settled
    assert (_account(house, first).key, _account(house, second).key) == ("shared", "second")


def test_several_accounts_with_the_address_wait_for_the_seller(house, sandbox):
    for name in ("one", "two"):
        sandbox.control.add_user(username=name, email="ann@acme.example")
        sandbox.control.add_package(username=name)
    acme = house.customer("acme")
    house.order(acme, boxes=0)
    assert "one, two" in house.settle(acme, rounds=3).words


def test_a_name_that_was_refused_does_not_speak_for_the_next_one(house, sandbox):
    """Between our look and our try somebody takes the name; the other name is then judged by itself."""
    sandbox.control.inject(kind="lie", operation="CreateUserWizard", value=-1100)
    acme = house.customer("acme")
    house.order(acme, boxes=0)
    _existing(sandbox, f"acme-{acme.id}", "somebody@else.example")
    found = house.settle(acme, rounds=3)
    assert "Confirm that it belongs to this customer" in found.words


def test_an_account_that_holds_more_than_we_know_is_deleted_only_when_confirmed(house, sandbox):
    user = sandbox.control.add_user(username="initold", email="bill@initech.example")
    package = sandbox.control.add_package(username="initold", plan="Exchange Large")
    initech = house.customer("initech", email="bill@initech.example")
    house.order(initech, boxes=0)
    assert house.settle(initech).is_settled
    sandbox.control.change(table="packages", id=package["PackageId"], PlanId=package["PlanId"])
    made = sandbox.control.add_organization(
        package_id=package["PackageId"], organization_id="private", name="Private", domain="private.example"
    )
    assert made > 0
    remove_exchange.remove_exchange(
        story.SYSTEM, account_id=initech.id, reason="cancelled", is_confirmed=True, now=house.now
    )
    found = house.settle(initech)
    assert "private" in found.words
    assert sandbox.control.organization(organization_id="private") is not None
    assert sandbox.control.user("initold")["UserId"] == user["UserId"]
    operations.look_again(story.SYSTEM, resource_id=_account(house, initech).id, now=house.now, confirm=True)
    house.settle(initech)
    assert sandbox.control.user("initold") is None
