"""The pages on which a seller decides what on his platform is whose, and what is right."""

import pytest
from django.test import Client
from django.urls import reverse

from postledger import clock
from postledger.accounts import operations as accounts
from postledger.provisioning import adoption, differences, operations, queries
from postledger.resources import exchange
from postledger.workflows import find_drift, propose_adoptions
from postledger_sandbox.server import Sandbox
from tests.workflows import story

SYSTEM = story.SYSTEM


@pytest.fixture
def house(fresh_db, monkeypatch):
    with Sandbox(dialect="S", delay_s=0, estate=(4, 2, 4)) as sandbox:
        made = story.build(sandbox)
        monkeypatch.setattr(clock, "now", lambda: made.now)
        yield made


@pytest.fixture
def browse(house):
    """A browser at which somebody of an account is signed in."""

    def signed_in(account, role="owner"):
        email = f"{role}@{account.code}.example"
        accounts.create_user(
            SYSTEM, account_id=account.id, email=email, password="Gritty-Otter-42", role=role, now=house.now
        )
        client = Client()
        assert client.login(email=email, password="Gritty-Otter-42")
        return client

    return signed_in


def _proposals(house):
    propose_adoptions.propose_adoptions(SYSTEM, connection_id=house.connection.id, now=house.now)
    return {found.name: found for found in adoption.proposals_of(SYSTEM, house.connection.id)}


def test_accounts_are_linked_rejected_and_created_from_the_list(house, browse):
    acme = house.customer("acme", email="customer00001@hosted.example")
    house.customer("other", email="customer00002@hosted.example")
    found = _proposals(house)
    panel = browse(house.provider)
    shown = panel.get(reverse("adoption-proposals", args=[house.connection.id])).content.decode()
    assert "Acme Ltd" in shown and "is his confirmed one" in shown
    panel.post(reverse("adoption-link", args=[found["customer00001"].id]))
    panel.post(reverse("adoption-reject", args=[found["customer00002"].id]))
    panel.post(reverse("adoption-create", args=[found["customer00003"].id]), {"plan": house.plan_id})
    panel.post(reverse("adoption-rule", args=[house.connection.id]), {"least": "70"})
    assert queries.account_resource(SYSTEM, acme.id).key == "customer00001"
    counts = adoption.counts(SYSTEM, house.connection.id)
    assert (counts.linked, counts.rejected) == (2, 1)
    for state in ("open", "linked", "rejected"):
        address = reverse("adoption-proposals", args=[house.connection.id])
        assert panel.get(address, {"state": state}).status_code == 200


def test_drift_is_acted_on_and_ignored_with_a_reason(house, browse):
    acme = house.customer("acme")
    house.order(acme)
    assert house.settle(acme).is_settled
    house.sandbox.control.set_status(username="acme", status_id=2)
    lines = {
        line.code: line for line in find_drift.find_drift(connection_id=house.connection.id, now=house.now)
    }
    panel = browse(house.provider)
    address = reverse("adoption-drift", args=[house.connection.id])
    assert "suspended on the platform" in panel.get(address).content.decode()
    panel.post(reverse("adoption-act", args=[lines["wrong_status"].id]))
    assert differences.difference(SYSTEM, lines["wrong_status"].id).settled_at
    panel.post(reverse("adoption-ignore", args=[lines["unlinked"].id]), {"because": "our own"})
    assert differences.difference(SYSTEM, lines["unlinked"].id).ignored_because == "our own"
    assert "our own" in panel.get(address).content.decode()
    panel.post(reverse("adoption-heed", args=[lines["unlinked"].id]))
    assert differences.difference(SYSTEM, lines["unlinked"].id).ignored_at is None


def test_changes_are_shown_and_a_stopped_one_is_released(house, browse):
    acme = house.customer("acme")
    house.order(acme)
    assert house.settle(acme).is_settled
    box = queries.find(connection_id=house.connection.id, kind=exchange.MAILBOX, key="m0@acme.example")
    operations.withdraw(resource_id=box.id, reason="", now=house.now, actor="system")
    panel = browse(house.provider)
    address = reverse("adoption-changes", args=[house.connection.id])
    for query in ({}, {"live": "1"}):
        shown = panel.get(address, query).content.decode()
        assert "no subscription was cancelled" in shown and "Delete mailbox m0@acme.example" in shown
    panel.post(reverse("adoption-release", args=[box.id]), {"because": "asked for"})
    house.work()
    assert queries.resource(SYSTEM, box.id).condition == "gone"


def test_who_only_reads_changes_nothing(house, browse):
    house.customer("acme", email="customer00001@hosted.example")
    found = _proposals(house)
    panel = browse(house.provider, role="viewer")
    assert panel.get(reverse("adoption-proposals", args=[house.connection.id])).status_code == 200
    panel.post(reverse("adoption-link", args=[found["customer00001"].id]))
    panel.post(reverse("adoption-rule", args=[house.connection.id]), {"least": "1"})
    assert adoption.counts(SYSTEM, house.connection.id).linked == 0


@pytest.mark.parametrize("who", ["reseller", "customer"])
def test_to_neighbours_the_pages_do_not_exist(house, browse, who):
    acme = house.customer("acme", email="customer00001@hosted.example")
    found = _proposals(house)
    line = find_drift.find_drift(connection_id=house.connection.id, now=house.now)[0]
    north = accounts.create_reseller(
        SYSTEM, seller_id=house.provider.id, code="north", name="North", now=house.now
    )
    panel = browse(north if who == "reseller" else acme)
    number = house.connection.id
    for name in ("adoption-proposals", "adoption-drift", "adoption-changes"):
        assert panel.get(reverse(name, args=[number])).status_code == 404
    for name in ("adoption-walk", "adoption-rule", "adoption-drift-walk"):
        assert panel.post(reverse(name, args=[number]), {"least": "70"}).status_code == 404
    for name in ("adoption-link", "adoption-reject", "adoption-create"):
        assert panel.post(reverse(name, args=[found["customer00001"].id])).status_code == 404
    for name in ("adoption-act", "adoption-ignore", "adoption-heed"):
        assert panel.post(reverse(name, args=[line.id]), {"because": "x"}).status_code == 404


def test_a_walk_ordered_from_the_page_waits_for_a_worker_once(house, browse):
    panel = browse(house.provider)
    for _ in range(2):
        answer = panel.post(reverse("adoption-walk", args=[house.connection.id]))
        assert answer.status_code == 302
        assert panel.post(reverse("adoption-drift-walk", args=[house.connection.id])).status_code == 302
    assert panel.get(reverse("adoption")).status_code == 200
