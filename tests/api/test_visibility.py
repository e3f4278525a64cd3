"""Nobody sees or changes what is not his: every route of the schema, asked as a neighbour about the northern customer."""

import re
from typing import Any

import pytest

from postledger.accounts.types import Viewer
from postledger.billing import queries as billing
from postledger.provisioning import adoption, differences
from postledger.provisioning import queries as hosted
from postledger.subscriptions import queries as subscriptions
from tests.api.conftest import TERMS, Program, routes

ABSENT = 2**40
TERMS_FROM = {"terms": TERMS, "effective_from": "2027-01-01"}
SUM = {"amount": "10.00", "currency": "USD"}
# A body that would do for each route; {name} is filled in with the number of the thing.
BODIES: dict[tuple[str, str], Any] = {
    ("post", "/accounts"): {"kind": "customer", "seller_id": "{seller_id}", "code": "new", "name": "New"},
    ("patch", "/accounts/{account_id}"): {"name": "Renamed"},
    ("post", "/accounts/{account_id}/users"): {"email": "new@mail.example"},
    ("patch", "/users/{user_id}"): {"role": "staff"},
    ("post", "/tokens"): {"name": "mine"},
    ("post", "/plans"): {"seller_id": "{seller_id}", "code": "new", "name": "New", **TERMS_FROM},
    ("patch", "/plans/{plan_id}"): {"is_offered": False},
    ("post", "/plans/{plan_id}/versions"): TERMS_FROM,
    ("post", "/plans/{plan_id}/versions/preview"): TERMS_FROM,
    ("post", "/accounts/{account_id}/subscription"): {"plan_id": "{plan_id}", "months": 1},
    ("post", "/accounts/{account_id}/subscription/quantities"): {"quantities": {"Sites": "3"}},
    ("post", "/accounts/{account_id}/subscription/switches"): {"charge": "Backup", "is_on": True},
    ("post", "/accounts/{account_id}/subscription/packages"): {"package": "More sites"},
    ("post", "/accounts/{account_id}/subscription/plan"): {"plan_id": "{plan_id}"},
    ("post", "/accounts/{account_id}/subscription/period"): {"months": 12},
    ("post", "/accounts/{account_id}/subscription/start"): {"start": "2027-01-01"},
    ("post", "/accounts/{account_id}/subscription/suspend"): {"reason": "test"},
    ("post", "/accounts/{account_id}/expected-usage"): {"more": {"exchange.mailboxes": 3}},
    ("post", "/billing-runs"): {"seller_id": "{seller_id}"},
    ("post", "/accounts/{account_id}/payments"): {**SUM, "method": "check", "reference": "1"},
    ("post", "/accounts/{account_id}/credits"): {**SUM, "text": "credit"},
    ("post", "/accounts/{account_id}/debits"): {**SUM, "text": "debit"},
    ("patch", "/accounts/{account_id}/payment-terms"): {"method": "card", "credit_limit": SUM},
    ("patch", "/sellers/{seller_id}/billing-settings"): {"taxes": [{"name": "VAT", "percent": "20"}]},
    ("patch", "/accounts/{account_id}/ceiling"): {"ceiling": SUM, "approved_until": "2027-02-01"},
    ("post", "/connections"): {
        "seller_id": "{seller_id}",
        "connector": "wsp",
        "name": "New",
        "values": {"url": "http://127.0.0.1:9", "username": "u", "password": "p"},
    },
    ("patch", "/connections/{connection_id}"): {"name": "Renamed"},
    ("post", "/plans/{plan_id}/platform-plans"): {
        "seller_id": "{seller_id}",
        "platform_plan_id": "{platform_plan_id}",
    },
    ("post", "/proposals/{proposal_id}/link"): {"account_id": "{account_id}"},
    ("post", "/proposals/{proposal_id}/customer"): {"plan_id": "{plan_id}"},
    ("post", "/connections/{connection_id}/proposals/link"): {"least": 70},
    ("post", "/connections/{connection_id}/proposals/customers"): {"plan_id": "{plan_id}", "most": 2},
    ("post", "/differences/{difference_id}/ignore"): {"because": "test"},
    ("post", "/connections/{connection_id}/changes/release"): {"count": 1, "because": "test"},
    ("post", "/resources/{resource_id}/release"): {"because": "test"},
    ("post", "/resources/{resource_id}/refuse"): {"because": "test"},
    ("post", "/accounts/{account_id}/exchange"): {"domain": "new.example"},
    ("post", "/accounts/{account_id}/exchange/platform-plan"): {"platform_plan_id": "{platform_plan_id}"},
    ("post", "/accounts/{account_id}/exchange/removal"): {"reason": "test", "is_confirmed": True},
    ("post", "/accounts/{account_id}/exchange/unlink"): {"reason": "test"},
    ("post", "/accounts/{account_id}/exchange/domains"): {"name": "more.example"},
    ("post", "/accounts/{account_id}/exchange/mailboxes"): {"address": "bob@northern.example"},
    ("patch", "/exchange-mailboxes/{resource_id}"): {"display_name": "Ann"},
    ("post", "/accounts/{account_id}/exchange/contacts"): {"address": "bob@other.example"},
    ("patch", "/exchange-contacts/{resource_id}"): {"display_name": "Bob"},
    ("post", "/accounts/{account_id}/exchange/lists"): {"address": "all@northern.example"},
    ("patch", "/exchange-lists/{resource_id}"): {"display_name": "All"},
    ("post", "/exchange-lists/{resource_id}/members"): {"add": ["ann@northern.example"]},
    ("post", "/accounts/{account_id}/exchange/folders"): {"path": "Team"},
    ("patch", "/exchange-folders/{resource_id}"): {"address": ""},
    ("post", "/exchange-mailboxes/{resource_id}/password"): {"password": "Secret-2"},
    ("post", "/resources/{resource_id}/look-again"): {"confirm": False},
    ("post", "/accounts/{account_id}/zones"): {"name": "zone.example"},
    ("put", "/zones/{zone_id}/records"): {"name": "www", "type": "A", "values": ["192.0.2.1"]},
}
QUERIES = {
    "first": "2027-01-01",
    "last": "2027-12-31",
    "confirmation": "ann@northern.example",
    "buyer_id": "{buyer_id}",
    "seller_id": "{seller_id}",
}
# Lists of what the asking program has itself, and routes that make something of its own.
OWN = {
    ("get", "/me"),
    ("get", "/accounts"),
    ("get", "/plans"),
    ("get", "/tokens"),
    ("post", "/tokens"),
    ("get", "/connectors"),
    ("get", "/invoices"),
    ("get", "/parked"),
    ("get", "/billing-runs"),
}
NORTHERN = re.compile(r"north|nora", re.IGNORECASE)


def request(program: Program, method: str, path: str, said: dict, ids: dict[str, int], *, about: bool = True):
    """The route asked with the numbers of these things; `about`: also in parameters that may be left out."""

    def filled(value: Any) -> Any:
        match value:
            case str() if value.startswith("{"):
                return ids[value[1:-1]]
            case dict():
                return {name: filled(part) for name, part in value.items()}
        return value

    body = filled(BODIES[method, path]) if "requestBody" in said else None
    query = {
        parameter["name"]: filled(QUERIES[parameter["name"]])
        for parameter in said.get("parameters", [])
        if parameter["in"] == "query" and (parameter["required"] or (about and parameter["name"] in QUERIES))
    }
    return program.ask(method, path.format(**ids), body, **query)


def test_every_route_that_takes_a_body_has_one_here():
    assert {(method, path) for method, path, said in routes() if "requestBody" in said} == set(BODIES)


def test_no_route_answers_without_a_token(town):
    stranger = Program("", Viewer.system())
    answers = {
        (method, path): request(stranger, method, path, said, town.ids).status
        for method, path, said in routes()
    }
    assert {route: status for route, status in answers.items() if status != 401} == {}


@pytest.mark.parametrize("neighbour", ["south", "sam", "dora"])
def test_a_neighbour_is_told_that_there_is_no_such_thing(town, neighbour):
    before = _state(town)
    astray = {}
    for method, path, said in routes():
        answer = request(town.programs[neighbour], method, path, said, town.ids)
        is_own = (method, path) in OWN and not {"buyer_id", "seller_id"} & _parameters(said)
        if is_own:
            right = answer.status in (200, 201) and not NORTHERN.search(str(answer.body))
        elif (method, path) in OWN:
            right = answer.status == 404 or (answer.status == 200 and answer.body["items"] == [])
        else:
            right = answer.status == 404 and set(answer.body) == {"reason", "message"}
        if not right:
            astray[method, path] = (answer.status, answer.body)
    assert astray == {}
    assert _state(town) == before


@pytest.mark.parametrize("neighbour", ["south", "sam", "dora"])
def test_lists_of_ones_own_hold_nothing_of_a_neighbour(town, neighbour):
    for method, path, said in routes():
        if (method, path) in OWN:
            answer = request(town.programs[neighbour], method, path, said, town.ids, about=False)
            assert answer.status in (200, 201), (path, answer.body)
            assert not NORTHERN.search(str(answer.body)), path


def test_what_is_not_his_is_answered_like_what_does_not_exist(town):
    absent = {name: ABSENT for name in town.ids}
    differing = {}
    for method, path, said in routes():
        if (method, path) in OWN:
            continue
        theirs = request(town.programs["south"], method, path, said, town.ids)
        nobodys = request(town.programs["south"], method, path, said, absent)
        if (theirs.status, _plain(theirs)) != (nobodys.status, _plain(nobodys)):
            differing[method, path] = (theirs.body, nobodys.body)
    assert differing == {}


def test_nothing_is_answered_with_a_bug_even_to_the_one_who_owns_it(town):
    broken = {}
    for method, path, said in routes():
        answer = request(town.programs["north"], method, path, said, town.ids)
        if answer.status == 500:
            broken[method, path] = answer.body
    assert broken == {}


def test_a_login_that_may_only_look_changes_nothing(town):
    looking = town.program("north", role="viewer")
    before = _state(town)
    of_his_own = {("post", "/tokens"), ("delete", "/tokens/{token_id}")}
    asking = {
        ("post", "/accounts/{account_id}/expected-usage"),
        ("post", "/accounts/{account_id}/exchange/reading"),
        ("post", "/zones/{zone_id}/check"),
    }
    astray = {}
    for method, path, said in routes():
        if method == "get" or (method, path) in of_his_own | asking:
            continue
        answer = request(looking, method, path, said, town.ids)
        if answer.status != 403:
            astray[method, path] = (answer.status, answer.body)
    assert astray == {}
    assert _state(town) == before


def test_a_buyer_does_not_act_as_his_seller(town):
    nora = town.programs["nora"]
    sellers = [
        ("post", "/accounts/{account_id}/payments"),
        ("post", "/accounts/{account_id}/credits"),
        ("post", "/accounts/{account_id}/debits"),
        ("patch", "/accounts/{account_id}/payment-terms"),
        ("patch", "/accounts/{account_id}/ceiling"),
        ("post", "/accounts/{account_id}/subscription/suspend"),
        ("post", "/accounts/{account_id}/subscription/resume"),
        ("post", "/accounts/{account_id}/subscription/start"),
        ("post", "/accounts/{account_id}/subscription/activate"),
        ("delete", "/debits/{debit_id}"),
        ("post", "/parked/{subscription_id}/release"),
        ("post", "/billing-runs"),
        ("get", "/sellers/{seller_id}/connections"),
        ("get", "/connections/{connection_id}"),
        ("get", "/connections/{connection_id}/adoption"),
        ("get", "/connections/{connection_id}/proposals"),
        ("get", "/connections/{connection_id}/drift"),
        ("get", "/connections/{connection_id}/changes"),
        ("get", "/proposals/{proposal_id}"),
        ("get", "/differences/{difference_id}"),
        ("post", "/connections/{connection_id}/adoption/walk"),
        ("post", "/connections/{connection_id}/drift/walk"),
        ("post", "/connections/{connection_id}/proposals/link"),
        ("post", "/connections/{connection_id}/proposals/customers"),
        ("post", "/connections/{connection_id}/changes/release"),
        ("post", "/proposals/{proposal_id}/link"),
        ("post", "/proposals/{proposal_id}/reject"),
        ("post", "/proposals/{proposal_id}/customer"),
        ("get", "/accounts/{account_id}/exchange/unlink"),
        ("post", "/accounts/{account_id}/exchange/unlink"),
        ("post", "/differences/{difference_id}/act"),
        ("post", "/differences/{difference_id}/ignore"),
        ("post", "/differences/{difference_id}/heed"),
        ("post", "/resources/{resource_id}/release"),
        ("post", "/resources/{resource_id}/refuse"),
    ]
    known = {(method, path): said for method, path, said in routes()}
    before = _state(town)
    answers = {route: request(nora, *route, known[route], town.ids).status for route in sellers}
    assert {route: status for route, status in answers.items() if status != 404} == {}
    assert _state(town) == before


def test_a_buyer_gives_himself_no_promotion(town):
    answer = town.programs["dora"].ask(
        "POST",
        f"/accounts/{town.id('dora')}/subscription",
        {"plan_id": town.plans["host"], "months": 1, "promotions": ["90"]},
    )
    assert (answer.status, answer.body["reason"]) == (403, "not_allowed")


def test_a_customer_starts_no_billing_run(town):
    assert town.programs["nora"].ask("POST", "/billing-runs", {}).status == 404


def _state(town) -> Any:
    nora = town.id("nora")
    viewer = Viewer.system()
    return (
        adoption.proposal(viewer, town.ids["proposal_id"]),
        differences.difference(viewer, town.ids["difference_id"]),
        hosted.resource(viewer, town.ids["resource_id"]),
        billing.statement(viewer, nora),
        subscriptions.subscription_of(viewer, nora),
        billing.repeating_debits(viewer, nora),
        billing.taxes_of(viewer, town.id("north")),
    )


def _parameters(said: dict) -> set[str]:
    return {parameter["name"] for parameter in said.get("parameters", [])}


def _plain(answer) -> str:
    return re.sub(r"\d+", "#", str(answer.body))
