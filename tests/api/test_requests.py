"""What a request may look like, and how one that cannot be understood is answered."""

import pytest

from postledger.accounts import operations as accounts
from postledger.api import refusals, urls
from postledger.core.errors import Refusal
from tests.api.conftest import Program, routes


def problems(answer) -> dict[str, str]:
    assert (answer.status, answer.body["reason"]) == (422, "invalid_request"), answer.body
    return {field["field"]: field["problem"] for field in answer.body["fields"]}


def test_wrong_fields_are_named(town):
    answer = town.programs["north"].ask("POST", "/accounts", {"kind": "emperor", "code": "x"})
    assert set(problems(answer)) == {"kind", "name"}


def test_a_field_nobody_knows_is_refused_and_not_ignored(town):
    answer = town.programs["north"].ask(
        "POST", "/accounts", {"kind": "customer", "code": "x", "name": "X", "nmae": "Y"}
    )
    assert set(problems(answer)) == {"nmae"}


@pytest.mark.parametrize("amount", [10.0, 10, "10,00", "ten", "1e3", "", None, "NaN"])
def test_an_amount_is_a_decimal_text(town, amount):
    answer = town.programs["north"].ask(
        "POST",
        f"/accounts/{town.id('nora')}/credits",
        {"amount": amount, "currency": "USD", "text": "credit"},
    )
    assert set(problems(answer)) == {"amount"}


@pytest.mark.parametrize("quantity", [2.5, "2,5", True, [], "1e3"])
def test_a_quantity_is_whole_or_a_decimal_text(town, quantity):
    answer = town.programs["nora"].ask(
        "POST", f"/accounts/{town.id('nora')}/subscription/quantities", {"quantities": {"Sites": quantity}}
    )
    assert answer.status == 422
    assert answer.body["fields"][0]["field"].startswith("quantities.Sites")


def test_a_wrong_password_is_not_repeated_in_the_answer(town):
    answer = town.programs["nora"].ask(
        "POST", f"/accounts/{town.id('nora')}/users", {"email": "x@mail.example", "password": "short77"}
    )
    assert set(problems(answer)) == {"password"}
    assert "short77" not in str(answer.body)


@pytest.mark.parametrize("body", [b"{", b"[1, 2", b"\xff", b""])
def test_a_body_that_is_no_json_is_answered_with_words(town, body):
    answer = town.programs["north"].ask("POST", "/accounts", body)
    assert answer.status in (400, 422)
    assert answer.body["message"]


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_a_text_that_cannot_be_stored_is_refused(town, text):
    answer = town.programs["north"].ask("POST", "/accounts", {"kind": "customer", "code": "x", "name": text})
    assert answer.status in (400, 422)


@pytest.mark.parametrize("number", ["0", "-1", str(2**63), "abc"])
def test_a_number_nothing_can_have_is_refused(town, number):
    assert set(problems(town.programs["north"].ask("GET", f"/accounts/{number}"))) == {"account_id"}


def test_an_amount_in_another_currency_is_not_booked(town):
    north = town.programs["north"]
    path = f"/accounts/{town.id('nora')}"
    before = north.get(f"{path}/balance")
    answer = north.ask("POST", f"{path}/credits", {"amount": "10.00", "currency": "EUR", "text": "credit"})
    assert (answer.status, answer.body["reason"]) == (422, "wrong_currency")
    assert north.get(f"{path}/balance") == before


def test_more_decimals_than_the_currency_has_are_refused(town):
    answer = town.programs["north"].ask(
        "POST",
        f"/accounts/{town.id('nora')}/credits",
        {"amount": "10.001", "currency": "USD", "text": "credit"},
    )
    assert (answer.status, answer.body["reason"]) == (422, "bad_amount")


def test_a_refusal_has_its_reason_and_words(town):
    answer = town.programs["north"].ask(
        "POST", "/accounts", {"kind": "customer", "code": "nora", "name": "Second"}
    )
    assert (answer.status, answer.body["reason"]) == (409, "code_taken")
    assert "nora" in answer.body["message"]


def test_an_unknown_address_is_answered_in_the_same_form(town):
    answer = town.programs["north"].ask("GET", "/nowhere")
    assert (answer.status, answer.body["reason"]) == (404, "not_found")


@pytest.mark.parametrize("secret", ["", "pl_wrong", "Bearer", "\x7f"])
def test_a_wrong_token_is_answered_401(town, secret):
    answer = Program(secret, town.programs["north"].viewer).ask("GET", "/me")
    assert (answer.status, answer.body["reason"]) == (401, "unauthorized")
    assert answer.response.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_ends_when_it_is_revoked_when_its_time_is_over_and_with_its_user(town):
    north = town.programs["north"]
    made = north.post("/tokens", {"name": "short", "expires_at": "2027-01-03T00:00:00Z"})
    short = Program(made["secret"], north.viewer)
    assert short.get("/me")["account"]["code"] == "north"
    town.clock.pass_days(3)
    assert short.ask("GET", "/me").status == 401

    other = north.post("/tokens", {"name": "other"})
    north.ask("DELETE", f"/tokens/{other['id']}").good()
    assert Program(other["secret"], north.viewer).ask("GET", "/me").status == 401

    owner = town.programs["host"]
    owner.ask("PATCH", f"/users/{north.viewer.user_id}", {"is_active": False}).good()
    assert north.ask("GET", "/me").status == 401


def test_a_secret_is_shown_once(town):
    north = town.programs["north"]
    secret = north.post("/tokens", {"name": "new"})["secret"]
    assert secret.startswith("pl_")
    assert all("secret" not in token for token in north.get("/tokens"))
    assert secret not in str(north.get("/tokens"))


def test_the_last_use_of_a_token_is_remembered(town):
    north = town.programs["north"]
    town.clock.pass_days(1)
    north.get("/me")
    assert north.get("/tokens")[0]["last_used_at"] == "2027-01-02T12:00:00Z"


def test_lists_come_in_pages(town):
    north = town.programs["north"]
    for number in range(4):
        accounts.create_customer(
            town.programs["north"].viewer,
            seller_id=town.id("north"),
            code=f"c{number}",
            name=f"C{number}",
            now=town.clock.at,
        )
    names, offset = [], 0
    while offset is not None:
        page = north.get("/accounts", limit=2, offset=offset)
        names += [account["code"] for account in page["items"]]
        offset = page["next_offset"]
    assert names == ["c0", "c1", "c2", "c3", "nora", "north"]


def test_every_kind_of_refusal_has_a_reason_of_its_own():
    def all_below(kind):
        for below in kind.__subclasses__():
            yield below
            yield from all_below(below)

    nameless = [
        f"{kind.__module__}.{kind.__name__}"
        for kind in all_below(Refusal)
        if kind.reason == Refusal.reason and kind.__module__.startswith("postledger.")
    ]
    assert nameless == []


def test_reasons_that_are_wrong_by_themselves_exist():
    def all_below(kind):
        for below in kind.__subclasses__():
            yield below
            yield from all_below(below)

    assert refusals.WRONG_BY_ITSELF - {kind.reason for kind in all_below(Refusal)} == set()


def test_the_schema_is_open_and_names_every_route(town):
    schema = Program("", town.programs["north"].viewer).get("/openapi.json")
    assert len(schema["paths"]) == len({path for _, path, _ in routes()})
    assert schema["info"]["title"] == urls.api.title


def test_no_number_with_a_point_is_in_the_schema():
    def numbers(part):
        if isinstance(part, dict):
            if part.get("type") == "number":
                yield part
            for inner in part.values():
                yield from numbers(inner)
        elif isinstance(part, list | tuple):
            for inner in part:
                yield from numbers(inner)

    assert list(numbers(urls.api.get_openapi_schema(path_prefix="/"))) == []


@pytest.mark.parametrize(
    "terms",
    [
        {"charges": [{"name": "A", "measure": "fixed", "recurring": "1e99999999"}], "periods": {"1": {}}},
        {"charges": [{"name": "A", "measure": "fixed"}], "periods": {"0": {}}},
        {"charges": [{"name": "A", "measure": "fixed"}], "periods": {"1": {"recurring": 150}}},
        {"charges": [{"name": "A", "measure": "fixed"}], "periods": {"1": {}}, "trial": {"days": 10**12}},
        {"charges": [{"name": "A", "measure": "fixed"}] * 2, "periods": {"1": {}}},
        {"charges": [1], "periods": {"1": {}}},
        {"charges": {}, "periods": []},
        {},
    ],
    ids=[
        "endless number",
        "no months",
        "discount",
        "endless trial",
        "name twice",
        "no charge",
        "shape",
        "nothing",
    ],
)
def test_terms_nothing_could_be_billed_by_are_refused(town, terms):
    answer = town.programs["north"].ask(
        "POST", "/plans", {"code": "x", "name": "X", "terms": terms, "effective_from": "2027-01-01"}
    )
    assert (answer.status, answer.body["reason"]) == (422, "bad_terms")


@pytest.mark.parametrize("quantity", [10**30, "999999999999", "0.0000001"])
def test_a_quantity_that_cannot_be_kept_is_refused(town, quantity):
    answer = town.programs["nora"].ask(
        "POST", f"/accounts/{town.id('nora')}/subscription/quantities", {"quantities": {"Sites": quantity}}
    )
    assert (answer.status, answer.body["reason"]) == (422, "invalid_request")


@pytest.mark.parametrize("percent", ["-5", "0", "500"])
def test_a_promotion_is_a_percentage(town, percent):
    answer = town.programs["host"].ask(
        "POST",
        f"/accounts/{town.id('dora')}/subscription",
        {"plan_id": town.plans["host"], "months": 1, "promotions": [percent]},
    )
    assert (answer.status, answer.body["reason"]) == (422, "bad_quantity")


@pytest.mark.parametrize(
    "instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2027-02-01T00:00:00"]
)
def test_an_instant_that_cannot_be_read_back_is_refused(town, instant):
    answer = town.programs["north"].ask("POST", "/tokens", {"name": "x", "expires_at": instant})
    assert set(problems(answer)) == {"expires_at"}


def test_two_taxes_of_one_name_are_refused(town):
    taxes = [{"name": "VAT", "percent": "20"}, {"name": "VAT", "percent": "5"}]
    answer = town.programs["north"].ask(
        "PATCH", f"/sellers/{town.id('north')}/billing-settings", {"taxes": taxes}
    )
    assert (answer.status, answer.body["reason"]) == (422, "bad_amount")
