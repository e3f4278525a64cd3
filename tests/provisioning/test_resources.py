"""Wishes, leases and findings of hosted things."""

import datetime as dt
import threading

import pytest
from django.db import connections

from postledger.accounts.types import Viewer
from postledger.provisioning import operations, queries
from postledger.resources import exchange
from tests.provisioning.conftest import NOW, House, build


def _account(house: House, **changes) -> object:
    wish = exchange.Account(username="acme", plan="7", status="active", **changes)
    return operations.declare(
        account_id=house.acme.id,
        connection_id=house.connection.id,
        kind=exchange.ACCOUNT,
        desired=wish,
        now=NOW,
        actor="test",
    )


def _inside(house: House, parent, kind, wish, account=None):
    return operations.declare(
        account_id=(account or house.acme).id,
        connection_id=house.connection.id,
        parent_id=parent.id,
        kind=kind,
        desired=wish,
        now=NOW,
        actor="test",
    )


def test_the_same_wish_again_is_the_same_thing(house):
    first = _account(house)
    again = _account(house)
    assert (again.id, again.generation) == (first.id, first.generation)
    other = _account(house, company="Acme Ltd")
    assert (other.id, other.generation) == (first.id, first.generation + 1)


def test_a_name_serves_one_customer(house):
    _account(house)
    with pytest.raises(operations.NameTaken):
        operations.declare(
            account_id=house.globex.id,
            connection_id=house.connection.id,
            kind=exchange.ACCOUNT,
            desired=exchange.Account(username="ACME"),
            now=NOW,
            actor="test",
        )


def test_a_mail_domain_serves_one_organization_whoever_sells_it(house):
    other = operations.create_connection(
        Viewer.system(),
        seller_id=house.north.id,
        connector="wsp",
        name="Exchange",
        values={"url": "http://127.0.0.1:9", "username": "north", "password": "x"},
        now=NOW,
    )
    _inside(house, _account(house), exchange.DOMAIN, exchange.OrganizationDomain(name="acme.example"))
    with pytest.raises(operations.NameTaken) as refusal:
        operations.declare(
            account_id=house.globex.id,
            connection_id=other.id,
            kind=exchange.DOMAIN,
            desired=exchange.OrganizationDomain(name="ACME.example."),
            now=NOW,
            actor="test",
        )
    assert "Acme" not in str(refusal.value)


def test_a_tree_is_given_to_one_worker_and_after_a_lapsed_lease_to_another(house):
    root = _account(house)
    (claim,) = operations.claim_due(now=NOW, lease_s=60)
    assert operations.claim_due(now=NOW, lease_s=60) == ()
    operations.renew(claim=claim, lease_s=-1)
    (second,) = operations.claim_due(now=NOW, lease_s=60)
    assert second.root_id == claim.root_id == root.id
    with pytest.raises(operations.LostLease):
        operations.record_retry(claim=claim, resource_id=root.id, words="late", now=NOW)
    with pytest.raises(operations.LostLease):
        operations.renew(claim=claim)
    operations.release(claim=claim)
    operations.record_retry(claim=second, resource_id=root.id, words="in time", now=NOW)


def test_a_due_branch_makes_its_tree_due(house):
    root = _account(house)
    (claim,) = operations.claim_due(now=NOW)
    operations.record_stop(
        claim=claim, resource_id=root.id, condition="refused", words="no", generation=root.generation, now=NOW
    )
    operations.release(claim=claim)
    assert operations.claim_due(now=NOW) == ()
    _inside(house, root, exchange.ORGANIZATION, exchange.Organization(code="acme"))
    assert [found.root_id for found in operations.claim_due(now=NOW)] == [root.id]


def test_a_wish_changed_while_the_old_one_was_worked_on_stays_due(house):
    root = _account(house)
    (claim,) = operations.claim_due(now=NOW)
    newer = operations.change_wish(
        resource_id=root.id,
        desired=exchange.Account(username="acme", plan="8"),
        now=NOW,
        actor="test",
    )
    operations.record_found(
        claim=claim,
        resource_id=root.id,
        generation=root.generation,
        observed=exchange.Account(username="acme", plan="7"),
        reference={"user": 5},
        now=NOW,
    )
    found = queries.resource(Viewer.system(), root.id)
    assert (found.observed_generation, found.generation) == (root.generation, newer.generation)
    assert not found.is_settled and found.due_at == NOW


def test_delays_grow_and_never_fall_below_what_the_platform_asked_for(house):
    root = _account(house)
    waits = []
    for _ in range(5):
        (claim,) = operations.claim_due(now=NOW + dt.timedelta(days=1))
        operations.record_retry(claim=claim, resource_id=root.id, words="x", now=NOW, retry_after_s=45)
        operations.release(claim=claim)
        waits.append((queries.resource(Viewer.system(), root.id).due_at - NOW).total_seconds())
    assert waits == [45, 60, 120, 240, 480]


def test_a_connection_that_is_left_alone_gives_no_work(house):
    _account(house)
    operations.record_connection_failure(
        connection_id=house.connection.id, words="wrong password", is_permanent=True, now=NOW
    )
    assert operations.claim_due(now=NOW) == ()
    operations.record_check(connection_id=house.connection.id, product="W", lines=[], now=NOW)
    assert operations.claim_due(now=NOW)


def test_withdrawing_takes_everything_inside_with_it(house):
    root = _account(house)
    organization = _inside(house, root, exchange.ORGANIZATION, exchange.Organization(code="acme"))
    _inside(house, organization, exchange.DOMAIN, exchange.OrganizationDomain(name="acme.example"))
    operations.withdraw(resource_id=root.id, reason="subscription cancelled", now=NOW, actor="test")
    found = queries.resources_of(Viewer.system(), house.acme.id)
    assert [(entry.is_wanted, entry.removal_reason) for entry in found] == [
        (False, "subscription cancelled")
    ] * 3
    with pytest.raises(operations.StillInUse):
        operations.change_wish(
            resource_id=root.id, desired=exchange.Account(username="acme"), now=NOW, actor="test"
        )


def test_many_workers_claiming_at_once_share_the_trees_without_overlap(fresh_db):
    house = build()
    for number in range(40):
        operations.declare(
            account_id=house.acme.id,
            connection_id=house.connection.id,
            kind=exchange.ACCOUNT,
            desired=exchange.Account(username=f"acme{number}"),
            now=NOW,
            actor="test",
        )
    taken: list[int] = []
    start = threading.Barrier(6)

    def claim() -> None:
        start.wait()
        while True:
            claims = operations.claim_due(now=NOW, most=3)
            if not claims:
                break
            taken.extend(found.root_id for found in claims)
        connections.close_all()

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 40
