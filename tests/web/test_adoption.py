"""The pages on which a seller decides what on his platform is whose, and what is right."""

import pytest
from django.test import Client
from django.urls import reverse

from postledger import clock
from postledger.accounts import operations as accounts
from postledger.provisioning import adoption, differences, operations, queries
from postledger.provisioning.models import Resource
from postledger.provisioning.types import NewDifference
from postledger.resources import exchange
from postledger.workflows import adopt, find_drift, propose_adoptions
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
    house.work()
    shown = panel.get(address).content.decode()
    assert "Leave it as it is" in shown and "Let it go on" in shown
    panel.post(reverse("adoption-refuse", args=[box.id]), {"because": "a mistake"})
    assert queries.resource(SYSTEM, box.id).is_wanted
    operations.withdraw(resource_id=box.id, reason="", now=house.now, actor="system")
    house.work()
    panel.post(reverse("adoption-release", args=[box.id]), {"because": "asked for"})
    house.work()
    assert queries.resource(SYSTEM, box.id).condition == "gone"


def test_what_the_mass_brake_holds_goes_on_when_its_number_is_entered(house, browse):
    acme = house.customer("acme")
    house.order(acme)
    assert house.settle(acme).is_settled
    account = queries.account_resource(SYSTEM, acme.id)
    Resource.objects.filter(pk=account.id).update(
        condition="needs_operator",
        reason="mass_change",
        words="12 of 12 accounts would be suspended.",
        due_at=None,
    )
    panel = browse(house.provider)
    address = reverse("adoption-changes", args=[house.connection.id])
    shown = panel.get(address).content.decode()
    assert "The brake on mass changes holds 1 change." in shown and "12 of 12 accounts" in shown
    for wrong in ("", "x", "2", "²", "9" * 30):
        told = panel.post(
            reverse("adoption-release-all", args=[house.connection.id]),
            {"count": wrong, "because": "checked"},
            follow=True,
            headers={"referer": f"http://testserver{address}"},
        ).content.decode()
        assert "Enter how many" in told or "holds 1 changes and not 2" in told, wrong
    assert queries.account_resource(SYSTEM, acme.id).condition == "needs_operator"
    panel.post(
        reverse("adoption-release-all", args=[house.connection.id]), {"count": "1", "because": "checked"}
    )
    assert queries.account_resource(SYSTEM, acme.id).is_confirmed


def test_a_stop_whose_cause_has_to_be_put_right_is_tried_again_and_not_let_go(house, browse):
    acme = house.customer("acme")
    house.order(acme)
    assert house.settle(acme).is_settled
    account = queries.account_resource(SYSTEM, acme.id)
    Resource.objects.filter(pk=account.id).update(
        condition="needs_operator", reason="no_such_plan", words="The plan is gone there.", due_at=None
    )
    panel = browse(house.provider)
    shown = panel.get(reverse("adoption-changes", args=[house.connection.id])).content.decode()
    assert "The plan is gone there." in shown and "Try again" in shown and "Let it go on" not in shown
    panel.post(reverse("exchange-again", args=[acme.id, account.id]))
    assert queries.account_resource(SYSTEM, acme.id).condition == "waiting"


def test_many_differences_come_in_pages_and_by_kind(house, browse):
    lines = [
        NewDifference(
            code="unlinked" if number % 2 else "unbilled",
            kind=exchange.ACCOUNT,
            name=f"stranger{number:03} (org{number})",
            words="Nobody's.",
            worth=number,
            currency="USD",
            action="adopt",
        )
        for number in range(120)
    ]
    differences.record(connection_id=house.connection.id, found=lines, now=house.now)
    panel = browse(house.provider)
    address = reverse("adoption-drift", args=[house.connection.id])
    first = panel.get(address).content.decode()
    assert "120 differences" in first and "stranger119" in first and "stranger001" not in first
    assert "find=stranger119" in first and "Unlinked: 60" in first
    last = panel.get(address, {"code": "unlinked", "page": "1"}).content.decode()
    assert "stranger001" in last and "stranger119" not in last and "stranger000" not in last
    for nonsense in ({"page": "x"}, {"page": "²"}, {"page": "9" * 40}, {"code": "<b>"}):
        assert panel.get(address, nonsense).status_code == 200
    card = panel.get(reverse("connections-one", args=[house.connection.id])).content.decode()
    assert f'href="{address}"' in card and "Decide about all 120" in card


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
    for name in ("adoption-walk", "adoption-rule", "adoption-drift-walk", "adoption-release-all"):
        given = {"least": "70", "count": "1", "because": "x"}
        assert panel.post(reverse(name, args=[number]), given).status_code == 404
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


@pytest.fixture
def acme(house):
    """A customer to whom an account on the platform was linked."""
    made = house.customer("acme", email="customer00001@hosted.example")
    adopt.adopt(SYSTEM, proposal_id=_proposals(house)["customer00001"].id, account_id=made.id, now=house.now)
    assert house.settle(made).is_settled
    return made


def test_a_wrong_link_is_taken_back_from_the_page_with_its_price_before_the_click(house, browse, acme):
    panel = browse(house.provider)
    address = reverse("exchange-unlink", args=[acme.id])
    listed = panel.get(reverse("adoption-proposals", args=[house.connection.id]), {"state": "linked"})
    assert address in listed.content.decode()
    assert address in panel.get(reverse("exchange", args=[acme.id])).content.decode()
    shown = panel.get(address).content.decode()
    assert "Nothing is changed on the platform" in shown and "Do not bill it" in shown
    assert "Bill what was used" not in shown  # nothing was read today
    panel.post(address, {"read": "yes"})
    shown = panel.get(address).content.decode()
    assert "Bill what was used up to today: nothing" in shown
    assert panel.post(address, {"because": "", "bill": "no 0"}).status_code == 422
    assert panel.post(address, {"because": "x", "bill": "no 500"}).status_code == 422
    assert queries.account_resource(SYSTEM, acme.id) is not None
    answer = panel.post(address, {"because": "It is Beta's.", "bill": "no 0"})
    assert answer.status_code == 302
    assert queries.account_resource(SYSTEM, acme.id) is None
    assert panel.get(address).status_code == 404
    assert "customer00001" in {
        found.name for found in adoption.proposals_of(SYSTEM, house.connection.id, state="open")
    }


def test_a_page_says_why_something_cannot_be_unlinked_now(house, browse, acme):
    operations.look_again(
        SYSTEM, resource_id=queries.account_resource(SYSTEM, acme.id).id, now=house.now, confirm=True
    )
    panel = browse(house.provider)
    answer = panel.get(reverse("exchange-unlink", args=[acme.id]), follow=True)
    assert answer.redirect_chain and "half done" in answer.content.decode()


def test_nobody_but_the_seller_unlinks(house, browse, acme):
    address = reverse("exchange-unlink", args=[acme.id])
    his = browse(acme)
    assert address not in his.get(reverse("exchange", args=[acme.id])).content.decode()
    assert his.get(address).status_code == 404
    assert his.post(address, {"because": "x", "bill": "no 0"}).status_code == 404
    looking = browse(house.provider, role="viewer")
    looking.post(address, {"because": "x", "bill": "no 0"})
    assert queries.account_resource(SYSTEM, acme.id) is not None
