"""Adopting, deciding about drift and letting changes go on, as a program does it."""

import pytest

from postledger.accounts.types import Viewer
from postledger.billing import queries as billing
from postledger.ledger import queries as ledger
from postledger.provisioning import adoption, differences, operations, queries
from postledger.provisioning.models import Resource

SYSTEM = Viewer.system()


@pytest.fixture
def north(town):
    return town.programs["north"]


@pytest.fixture
def here(town):
    return f"/connections/{town.connection.id}"


def test_an_account_is_linked_once_under_one_key(town, north, here):
    found = north.get(f"{here}/proposals")["items"]
    assert [(row["name"], row["account_id"], row["organizations"]) for row in found] == [
        ("northerner", None, [{"code": "north1", "name": "North One"}])
    ]
    refused = north.ask("POST", f"/proposals/{found[0]['id']}/link", {})
    assert (refused.status, refused.body["reason"]) == (409, "no_customer")
    taken = north.ask("POST", f"/proposals/{found[0]['id']}/link", {"account_id": town.id("nora")})
    assert (taken.status, taken.body["reason"]) == (409, "has_exchange")
    path, wish = f"/proposals/{found[0]['id']}/customer", {"plan_id": town.plans["north"]}
    first = north.ask("POST", path, wish, key="abc")
    assert first.good()["done"] == 1 and first.body["counts"]["linked"] == 1
    assert north.ask("POST", path, wish, key="abc").body == first.body
    assert adoption.proposal(SYSTEM, found[0]["id"]).state == "linked"


def test_an_account_is_unlinked_once_under_one_key_and_at_the_amount_that_was_told(town, north, here):
    (row,) = north.get(f"{here}/proposals")["items"]
    north.post(f"/proposals/{row['id']}/customer", {"plan_id": town.plans["north"]})
    holder = adoption.proposal(SYSTEM, row["id"]).account_id
    path, wish = f"/accounts/{holder}/exchange/unlink", {"reason": "It is another's."}
    told = north.get(path)
    assert (told["name"], told["is_made"], told["amount"], told["currency"]) == (
        "northerner",
        False,
        "0.00",
        "USD",
    )
    other = {**wish, "amount": {"amount": "5.00", "currency": "USD"}}
    refused = north.ask("POST", path, other)
    assert (refused.status, refused.body["reason"]) == (409, "another_amount")
    first = north.ask("POST", path, {**wish, "amount": {"amount": "0.00", "currency": "USD"}}, key="once")
    again = north.ask("POST", path, {**wish, "amount": {"amount": "0.00", "currency": "USD"}}, key="once")
    assert first.good()["name"] == "northerner" and again.body == first.body
    assert (north.ask("POST", path, wish).body["reason"], north.ask("GET", path).status) == (
        "not_linked",
        409,
    )
    assert [one["name"] for one in north.get(f"{here}/proposals")["items"]] == ["northerner"]


def test_a_rejected_account_is_found_among_the_rejected(town, north, here):
    (row,) = north.get(f"{here}/proposals", find="NORTHER")["items"]
    assert north.post(f"/proposals/{row['id']}/reject")["state"] == "rejected"
    assert north.get(f"{here}/proposals")["items"] == []
    assert [one["id"] for one in north.get(f"{here}/proposals", state="rejected")["items"]] == [row["id"]]
    assert north.get(f"{here}/adoption")["counts"]["rejected"] == 1


def test_customers_are_created_in_parts_and_by_rule_nobody_is_linked_without_a_proof(town, north, here):
    assert north.post(f"{here}/proposals/link", {"least": 1})["done"] == 0
    plan = north.ask("POST", f"{here}/proposals/customers", {"plan_id": town.plans["south"]})
    assert plan.status == 404
    done = north.post(f"{here}/proposals/customers", {"plan_id": town.plans["north"], "most": 1}, key="k")
    assert (done["done"], done["refused"], done["counts"]["open"]) == (1, [], 0)


def test_a_walk_is_ordered_and_its_progress_told(town, north, here):
    for kind in ("adoption", "drift"):
        assert north.ask("POST", f"{here}/{kind}/walk").status == 202
    walk = north.get(f"{here}/adoption")["walk"]
    assert (walk["seen"], walk["total"]) == (1, 1) and walk["finished_at"]


def test_what_a_difference_is_worth_is_a_decimal_text_with_its_currency(town, north, here):
    told = north.get(f"{here}/drift")
    worth = {"amount": "6.00", "currency": "USD"}
    assert (told["count"], told["worth"], told["lines"][0]["worth"]) == (1, [worth], worth)
    assert told["by_code"] == [{"code": "unbilled", "count": 1, "worth": [worth]}]
    assert north.get(f"{here}/drift", code="missing")["lines"] == []
    assert north.ask("GET", f"{here}/drift", code="nonsense").status == 422
    assert north.get(f"/differences/{told['lines'][0]['id']}") == told["lines"][0]


def test_a_difference_is_ignored_with_a_reason_and_heeded_again(town, north, here):
    path = f"/differences/{town.ids['difference_id']}"
    for empty in ({"because": " "}, {}):
        assert north.ask("POST", f"{path}/ignore", empty).status == 422
    ignored = north.post(f"{path}/ignore", {"because": "our own"})
    assert ignored["ignored_because"] == "our own" and ignored["ignored_by"]
    assert north.get(f"{here}/drift")["count"] == 0
    assert len(north.get(f"{here}/drift", with_ignored="true")["lines"]) == 1
    refused = north.ask("POST", f"{path}/act")
    assert (refused.status, refused.body["reason"]) == (409, "nothing_to_do")
    assert north.post(f"{path}/heed")["ignored_at"] is None


def test_a_difference_is_billed_once(town, north):
    nora = town.id("nora")
    path = f"/differences/{town.ids['difference_id']}/act"
    before = ledger.balance(SYSTEM, nora)
    first = north.ask("POST", path, key="abc")
    assert first.good()["message"] == "USD 6.00 were debited." and first.body["difference"]["settled_at"]
    assert north.ask("POST", path, key="abc").body == first.body
    again = north.ask("POST", path)
    assert (again.status, again.body["reason"]) == (409, "nothing_to_do")
    assert ledger.balance(SYSTEM, nora) == before - 600
    assert [line.amount for line in billing.statement(SYSTEM, nora) if "further" in (line.item or "")] == [
        600
    ]


def _stop(town, reason: str, *, is_root: bool = False) -> Resource:
    row = Resource.objects.get(pk=town.ids["resource_id"])
    row = row.root if is_root else row
    Resource.objects.filter(pk=row.pk).update(
        condition="needs_operator", reason=reason, words="Too much.", due_at=None, observed=row.desired
    )
    return row


def test_changes_are_shown_with_what_stops_them_and_go_on_by_their_number(town, north, here):
    box = _stop(town, "mass_change", is_root=True)
    told = north.get(f"{here}/changes")
    assert told["held_back"] == 1
    (entry,) = [one for one in told["changes"] if one["resource_id"] == box.pk]
    assert (entry["reason"], entry["stop"], entry["is_decidable"]) == ("mass_change", "Too much.", True)
    path = f"{here}/changes/release"
    wrong = north.ask("POST", path, {"count": 2, "because": "checked"})
    assert (wrong.status, wrong.body["reason"]) == (409, "others_stopped") and "1 changes" in wrong.body[
        "message"
    ]
    assert north.ask("POST", path, {"count": 1, "because": ""}).status == 422
    assert north.post(path, {"count": 1, "because": "checked"}) == {"released": 1}
    assert queries.resource(SYSTEM, box.pk).is_confirmed


def test_a_stop_with_a_cause_is_not_talked_away(town, north):
    box = _stop(town, "no_such_plan")
    answer = north.ask("POST", f"/resources/{box.pk}/release", {"because": "go"})
    assert (answer.status, answer.body["reason"]) == (409, "not_decidable")


def test_a_deletion_nobody_ordered_is_refused_through_the_api(town, north):
    box = _stop(town, "unexpected_deletion")
    operations.withdraw(resource_id=box.pk, reason="", now=town.clock.at, actor="system")
    Resource.objects.filter(pk=box.pk).update(condition="needs_operator", reason="unexpected_deletion")
    done = north.post(f"/resources/{box.pk}/refuse", {"because": "a mistake"})
    assert done["is_wanted"] and done["reason"] == ""
    again = north.ask("POST", f"/resources/{box.pk}/refuse", {"because": "again"})
    assert (again.status, again.body["reason"]) == (409, "not_stopped")


def test_a_provider_sees_his_resellers_platform_and_a_neighbour_does_not(town, here):
    assert town.programs["host"].get(f"{here}/drift")["count"] == 1
    assert town.programs["south"].ask("GET", f"{here}/drift").status == 404
    assert differences.difference(SYSTEM, town.ids["difference_id"]).settled_at is None
