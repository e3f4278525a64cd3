"""A seller and his customer do by program what they do in the panels."""

import re

import pytest
from click.testing import CliRunner

from postledger.accounts.types import Viewer
from postledger.billing import as_json
from postledger.billing import queries as billing
from postledger.cli.main import postledger
from postledger.provisioning import queries as hosted
from postledger.resources import exchange
from tests.api.conftest import TERMS

CHANGES = [
    ("quantities", {"quantities": {"Sites": "3"}}),
    ("switches", {"charge": "Backup", "is_on": True}),
    ("packages", {"package": "More sites"}),
    ("period", {"months": 12}),
    ("cancel", None),
]


def path(town, code: str, *rest: str) -> str:
    return "/".join(("/accounts", str(town.id(code)), *rest))


def amounts(lines) -> list[tuple[str, str, str]]:
    return [(line["kind"], line["item"], line["amount"]) for line in lines]


def without_numbers(proposal):
    """A proposal without what only a booked one has."""
    lines = [{name: value for name, value in line.items() if name != "id"} for line in proposal["lines"]]
    return proposal | {"invoice_ids": None, "lines": lines}


def test_a_seller_makes_a_plan_and_a_customer_subscribes(town):
    south, sam = town.programs["south"], town.programs["sam"]
    plan = south.post(
        "/plans", {"code": "mail", "name": "Mail", "terms": TERMS, "effective_from": "2027-01-01"}
    )
    assert [found["code"] for found in sam.get("/plans")["items"]] == ["mail", "south-office"]
    wish = {"plan_id": plan["id"], "months": 1, "quantities": {"Sites": 2}}
    preview = sam.post(path(town, "sam", "subscription"), wish, preview="true")
    assert sam.ask("GET", path(town, "sam", "subscription")).status == 409  # none yet
    booked = sam.post(path(town, "sam", "subscription"), wish)
    assert without_numbers(booked) == without_numbers(preview)
    assert amounts(booked["lines"]) == [
        ("setup", "Account", "5.00"),
        ("recurring", "Account", "10.00"),
        ("recurring", "Sites", "4.00"),  # 2 × 2.00
    ]
    assert (booked["total"], booked["currency"], len(booked["invoice_ids"])) == ("19.00", "USD", 1)
    held = sam.get(path(town, "sam", "subscription"))
    assert (held["status"], held["quantities"], held["next_close"]) == (
        "active",
        {"Sites": "2"},
        "2027-02-01",
    )


@pytest.mark.parametrize(("change", "body"), CHANGES, ids=[change for change, _ in CHANGES])
def test_the_preview_of_a_change_is_what_it_books(town, change, body):
    nora = town.programs["nora"]
    town.clock.pass_days(10)
    before = nora.get(path(town, "nora", "statement"))
    preview = nora.post(path(town, "nora", "subscription", change), body, preview="true")
    assert nora.get(path(town, "nora", "statement")) == before
    booked = nora.post(path(town, "nora", "subscription", change), body)
    assert without_numbers(booked) == without_numbers(preview)
    assert preview["invoice_ids"] == []
    after = nora.get(path(town, "nora", "statement"))
    assert amounts(after["items"][len(before["items"]) :]) == amounts(booked["lines"])


def test_new_terms_hold_from_their_day_on(town):
    north = town.programs["north"]
    plan = town.plans["north"]
    dearer = {**TERMS, "charges": [{"name": "Account", "measure": "fixed", "recurring": "12.00"}]}
    north.post(f"/plans/{plan}/versions", {"terms": dearer, "effective_from": "2027-02-01"})
    assert north.get(f"/plans/{plan}")["version"] == 1
    town.clock.pass_days(31)
    assert north.get(f"/plans/{plan}")["version"] == 2
    assert [version["number"] for version in north.get(f"/plans/{plan}/versions")] == [2, 1]
    north.ask("PATCH", f"/plans/{plan}", {"is_offered": False}).good()
    assert north.get("/plans", seller_id=town.id("north"))["items"] == []


def test_terms_with_a_broken_number_are_refused_with_words(town):
    broken = {"charges": [{"name": "A", "measure": "fixed", "recurring": 1.5}], "periods": {"1": {}}}
    answer = town.programs["north"].ask(
        "POST", "/plans", {"code": "x", "name": "X", "terms": broken, "effective_from": "2027-01-01"}
    )
    assert (answer.status, answer.body["reason"]) == (422, "bad_terms")
    assert "float" in answer.body["message"]


def test_the_way_from_a_run_to_an_explained_line(town):
    north, nora = town.programs["north"], town.programs["nora"]
    town.clock.pass_days(31)
    foreseen = nora.get(path(town, "nora", "next-invoice"))["invoice"]
    dry = north.post("/billing-runs", {"dry_run": True})
    assert (dry["closes"], dry["totals"]) == (1, {"USD": "17.00"})  # 10.00 + the debit of 7.00
    assert north.get("/billing-runs") == []
    wet = north.post("/billing-runs", {})
    assert wet == {**dry, "dry_run": False}
    assert north.post("/billing-runs", {})["closes"] == 0
    (run,) = north.get("/billing-runs")
    assert (run["closes"], run["totals"]) == (1, {"USD": "17.00"})

    newest = nora.get("/invoices", buyer_id=town.id("nora"))["items"][0]
    invoice = nora.get(f"/invoices/{newest['id']}")
    assert invoice["total"] == "17.00"
    assert amounts(invoice["lines"]) == amounts(foreseen["lines"])
    line = invoice["lines"][0]
    told = nora.get(f"/lines/{line['id']}/explanation")
    printed = CliRunner().invoke(postledger, ["explain", str(line["id"])], standalone_mode=False).output
    assert told["sentences"]
    assert [text.strip() for text in printed.splitlines()[2:]] == told["sentences"]
    assert told["line"] == line


def test_lines_have_the_form_that_everything_here_writes(town):
    nora = town.programs["nora"]
    found = billing.statement(Viewer.system(), town.id("nora"))
    told = nora.get(path(town, "nora", "statement"))["items"]
    for view, line in zip(found, told, strict=True):
        written = as_json.statement_line(view)
        assert {name: line[name] for name in written} == written


def test_an_invoice_is_also_a_pdf(town):
    nora = town.programs["nora"]
    answer = nora.ask("GET", f"/invoices/{town.ids['invoice_id']}/pdf")
    assert answer.status == 200
    assert answer.response.headers["Content-Type"] == "application/pdf"
    assert answer.response.content.startswith(b"%PDF")
    whole = nora.ask("GET", path(town, "nora", "statement", "pdf"))
    assert whole.response.content.startswith(b"%PDF")


def test_what_has_accrued_is_what_was_booked_since_the_last_close(town):
    nora = town.programs["nora"]
    town.clock.pass_days(10)
    before = nora.get(path(town, "nora", "accrued"))
    booked = nora.post(path(town, "nora", "subscription", "quantities"), {"quantities": {"Sites": "3"}})
    after = nora.get(path(town, "nora", "accrued"))
    assert (after["since"], after["closes_on"]) == ("2027-01-01", "2027-02-01")
    assert amounts(after["booked"][len(before["booked"]) :]) == amounts(booked["lines"])


def test_what_mailboxes_will_cost_is_told_before_they_are_ordered(town):
    nora = town.programs["nora"]
    told = nora.post(path(town, "nora", "expected-usage"), {"more": {"exchange.mailboxes": 4}})
    assert told["difference"] == "24.00"  # 1 + 4 mailboxes, 2 free, 3 × 8.00


def test_moving_to_monthly_shows_how_long_the_credit_lasts(town):
    dora = town.programs["dora"]
    dora.post(path(town, "dora", "subscription"), {"plan_id": town.plans["host"], "months": 12})
    town.programs["host"].post(
        path(town, "dora", "payments"),
        {"amount": "113.00", "currency": "USD", "method": "check", "reference": "1"},
    )  # setup 5.00 + 12 × 10.00 × 90 %
    town.clock.pass_days(181)  # 1 July: 184 of 365 days are left
    preview = dora.post(path(town, "dora", "subscription", "monthly"), preview="true")
    assert dora.get(path(town, "dora", "subscription"))["months"] == 12
    move = dora.post(path(town, "dora", "subscription", "monthly"))
    assert move | {"proposal": None} == preview | {"proposal": None}
    # 108.00 × 184/365 = 54.44 back, 10.00 for July: 44.44 left, which pays 4 months more
    assert (move["balance"], move["monthly_cost"]) == ("44.44", "10.00")
    assert move["credit_lasts_until"] == "2027-12-01"
    held = dora.get(path(town, "dora", "subscription"))
    assert (held["months"], held["next_close"]) == (1, "2027-08-01")
    assert dora.get(path(town, "dora", "balance"))["balance"] == "44.44"


def test_money_that_comes_in_is_entered_once_per_reference(town):
    north, nora = town.programs["north"], town.programs["nora"]
    owed = nora.get(path(town, "nora", "balance"))["owed"]
    wish = {"amount": owed, "currency": "USD", "method": "transfer", "reference": "bank 77"}
    first = north.post(path(town, "nora", "payments"), wish)
    assert north.post(path(town, "nora", "payments"), wish) == first
    answer = north.ask("POST", path(town, "nora", "payments"), {**wish, "amount": "1.00"})
    assert (answer.status, answer.body["reason"]) == (422, "bad_payment")
    (payment,) = nora.get(path(town, "nora", "payments"))["items"]
    assert (payment["amount"], payment["reference"]) == (owed, "bank 77")
    assert nora.get(path(town, "nora", "balance")) == {"currency": "USD", "balance": "0.00", "owed": "0.00"}


def test_a_credit_below_zero_is_refused(town):
    answer = town.programs["north"].ask(
        "POST", path(town, "nora", "credits"), {"amount": "-1.00", "currency": "USD", "text": "x"}
    )
    assert (answer.status, answer.body["reason"]) == (422, "negative_credit")


def test_a_repeating_debit_ends(town):
    north = town.programs["north"]
    (debit,) = north.get(path(town, "nora", "debits"))
    assert (debit["amount"], debit["every"]) == ("7.00", "month")
    north.ask("DELETE", f"/debits/{debit['id']}").good()
    assert north.get(path(town, "nora", "debits")) == []


def test_a_credit_limit_refuses_a_purchase_and_is_lifted(town):
    north, nora = town.programs["north"], town.programs["nora"]
    limit = {"amount": "15.00", "currency": "USD"}
    north.ask("PATCH", path(town, "nora", "payment-terms"), {"credit_limit": limit}).good()
    wish = {"quantities": {"Sites": "50"}}
    answer = nora.ask("POST", path(town, "nora", "subscription", "quantities"), wish)
    assert (answer.status, answer.body["reason"]) == (409, "credit_limit")
    north.ask("PATCH", path(town, "nora", "payment-terms"), {"credit_limit": None}).good()
    nora.post(path(town, "nora", "subscription", "quantities"), wish)


def test_a_reseller_is_suspended_with_his_customers(town):
    host = town.programs["host"]
    host.post(path(town, "north", "subscription"), {"plan_id": town.plans["host"], "months": 1})
    done = host.post(path(town, "north", "subscription", "suspend"), {"reason": "review"})
    assert sorted(done["account_ids"]) == sorted([town.id("north"), town.id("nora")])
    assert town.programs["nora"].get(path(town, "nora", "subscription"))["status"] == "suspended"
    host.post(path(town, "north", "subscription", "resume"))
    assert town.programs["nora"].get(path(town, "nora", "subscription"))["status"] == "active"


def test_a_secret_of_a_connection_is_written_and_never_read(town):
    north = town.programs["north"]
    connection = town.ids["connection_id"]
    north.ask("PATCH", f"/connections/{connection}", {"values": {"password": "Secret-99"}}).good()
    told = north.get(f"/connections/{connection}")
    assert "password" not in told["settings"]
    assert "Secret" not in str(told)
    assert hosted.credentials(connection).values["password"] == "Secret-99"
    assert "password" in {
        setting["name"]
        for connector in north.get("/connectors")
        if connector["code"] == "wsp"
        for setting in connector["settings"]
        if setting["is_secret"]
    }


def test_settings_a_connection_cannot_have_are_refused(town):
    wish = {"connector": "wsp", "name": "Two", "values": {"url": "http://127.0.0.1:9"}}
    answer = town.programs["north"].ask("POST", "/connections", wish)
    assert (answer.status, answer.body["reason"]) == (422, "invalid_settings")


def test_a_platform_plan_is_switched_on_and_off(town):
    north = town.programs["north"]
    platform_plan = town.ids["platform_plan_id"]
    more = north.post(
        "/plans", {"code": "more", "name": "More", "terms": TERMS, "effective_from": "2027-01-01"}
    )["id"]
    north.post(f"/plans/{more}/platform-plans", {"platform_plan_id": platform_plan})
    (found,) = north.get(f"/connections/{town.ids['connection_id']}/plans")
    assert found["offered_with"] == sorted([town.plans["north"], more])
    north.ask("DELETE", f"/plans/{more}/platform-plans/{platform_plan}").good()
    (offer,) = town.programs["nora"].get(path(town, "nora", "exchange", "platform-plans"))
    assert (offer["name"], offer["is_default"]) == ("Small", True)


def test_a_plan_of_another_seller_is_not_offered_with_ones_own(town):
    answer = town.programs["north"].ask(
        "POST",
        f"/plans/{town.plans['south']}/platform-plans",
        {"platform_plan_id": town.ids["platform_plan_id"]},
    )
    assert answer.status == 404


def test_exchange_is_ordered_changed_and_removed(town):
    nora = town.programs["nora"]
    here = path(town, "nora", "exchange")
    assert nora.get(here)["is_settled"] is False
    nora.post(f"{here}/domains", {"name": "second.example"})
    box = nora.post(
        f"{here}/mailboxes",
        {"address": "bob@second.example", "quota_mib": 500, "aliases": ["b@second.example"]},
    )
    assert box["desired"]["quota_mib"] == 500
    changed = nora.ask("PATCH", f"/exchange-mailboxes/{box['id']}", {"quota_mib": -1, "is_enabled": False})
    assert (changed.good()["desired"]["quota_mib"], changed.body["desired"]["is_enabled"]) == (-1, False)

    boxes = nora.get(f"{here}/resources", kind="exchange_mailbox")["items"]
    assert [found["key"] for found in boxes] == ["ann@northern.example", "bob@second.example"]
    refused = nora.ask("DELETE", f"/exchange-mailboxes/{box['id']}", confirmation="ann@northern.example")
    assert (refused.status, refused.body["reason"]) == (422, "not_confirmed")
    gone = nora.ask("DELETE", f"/exchange-mailboxes/{box['id']}", confirmation="bob@second.example").good()
    assert gone["is_wanted"] is False
    nora.post(f"{here}/removal", {"reason": "no more", "is_confirmed": True})
    assert not any(found.is_wanted for found in hosted.resources_of(Viewer.system(), town.id("nora")))


def test_contacts_lists_and_folders_are_ordered_changed_and_removed(town):
    nora = town.programs["nora"]
    here = path(town, "nora", "exchange")
    bob = nora.post(f"{here}/contacts", {"address": "bob@other.example", "display_name": "Bob"}, key="once")
    assert (
        nora.post(f"{here}/contacts", {"address": "bob@other.example", "display_name": "Bob"}, key="once")
        == bob
    )
    changed = nora.ask("PATCH", f"/exchange-contacts/{bob['id']}", {"is_hidden": True}).good()
    assert changed["desired"] == {"address": "bob@other.example", "display_name": "Bob", "is_hidden": True}

    everybody = nora.post(
        f"{here}/lists",
        {"address": "all@northern.example", "members": ["ann@northern.example", "bob@other.example"]},
    )
    assert everybody["desired"]["manager"] == "ann@northern.example"
    nora.ask("PATCH", f"/exchange-lists/{everybody['id']}", {"is_open": True, "display_name": "All"}).good()
    told = nora.post(f"/exchange-lists/{everybody['id']}/members", {"remove": ["bob@other.example"]})
    assert (told["desired"]["members"], told["desired"]["is_open"]) == (["ann@northern.example"], True)
    refused = nora.ask("POST", f"/exchange-lists/{everybody['id']}/members", {"add": ["no@body.example"]})
    assert (refused.status, refused.body["reason"]) == (409, "no_such_member")

    nora.post(f"{here}/folders", {"path": "Team"})
    sales = nora.post(f"{here}/folders", {"path": "Team/Sales", "address": "sales@northern.example"})
    assert sales["key"] == "\\Team\\Sales"
    nora.ask("PATCH", f"/exchange-folders/{sales['id']}", {"address": ""}).good()

    refused = nora.ask("DELETE", f"/exchange-contacts/{everybody['id']}")
    assert (refused.status, refused.body["reason"]) == (409, "wrong_kind")
    refused = nora.ask("DELETE", f"/exchange-folders/{sales['id']}", confirmation="Marketing")
    assert (refused.status, refused.body["reason"]) == (422, "not_confirmed")
    for gone in (
        nora.ask("DELETE", f"/exchange-contacts/{bob['id']}"),
        nora.ask("DELETE", f"/exchange-lists/{everybody['id']}"),
        nora.ask("DELETE", f"/exchange-folders/{sales['id']}", confirmation="Sales"),
    ):
        assert gone.good()["is_wanted"] is False


def test_a_mailbox_outside_ones_domains_is_refused(town):
    answer = town.programs["nora"].ask(
        "POST", path(town, "nora", "exchange", "mailboxes"), {"address": "ann@elsewhere.example"}
    )
    assert (answer.status, answer.body["reason"]) == (422, "wrong_domain")


def test_a_platform_that_cannot_be_reached_is_told_in_words(town):
    """The connection leads to a closed port."""
    checked = town.programs["north"].post(f"/connections/{town.ids['connection_id']}/check")
    assert checked["condition"] == "failing"
    assert checked["words"]
    answer = town.programs["north"].ask("POST", f"/connections/{town.ids['connection_id']}/plans/refresh")
    assert answer.status == 503
    assert int(answer.response.headers["Retry-After"]) > 0
    assert answer.body["message"]


def test_records_of_a_zone_are_entered_and_removed(town):
    nora = town.programs["nora"]
    zone = nora.post(path(town, "nora", "zones"), {"name": "web.example"})
    records = f"/zones/{zone['id']}/records"
    wish = {"name": "www.web.example", "type": "A", "values": ["192.0.2.1"]}
    held = nora.ask("PUT", records, wish).good()
    assert [record["data"] for record in held["records"] if record["name"] == "www.web.example"] == [
        ["192.0.2.1"]
    ]
    held = nora.ask("PUT", records, {**wish, "values": []}).good()
    assert held["records"] == zone["records"]
    answer = nora.ask("PUT", records, {**wish, "values": ["not an address"]})
    assert (answer.status, answer.body["reason"]) == (422, "invalid_record")


def test_a_reseller_sees_his_margin(town):
    host, north = town.programs["host"], town.programs["north"]
    host.post(path(town, "north", "subscription"), {"plan_id": town.plans["host"], "months": 1})
    rows = north.get(f"/sellers/{town.id('north')}/margins", first="2027-01-01", last="2027-01-31")
    account = next(row for row in rows if row["item"] == "Account" and row["customer"] == "Nora Ltd")
    assert re.fullmatch(r"-?\d+\.\d\d", account["margin"])
    assert account["retail"] == "15.00"


def test_what_happened_to_an_account_is_listed(town):
    kinds = [event["kind"] for event in town.programs["nora"].get(path(town, "nora", "events"))]
    assert "account.created" in kinds


def test_things_of_every_kind_are_listed(town):
    kinds = {
        thing["kind"]
        for thing in town.programs["nora"].get(path(town, "nora", "exchange", "resources"))["items"]
    }
    assert kinds == {exchange.ACCOUNT, exchange.ORGANIZATION, exchange.DOMAIN, exchange.MAILBOX}


def test_a_ceiling_is_set_approved_and_taken_away(town):
    north, ceiling = town.programs["north"], path(town, "nora", "ceiling")
    sum_of = {"amount": "50.00", "currency": "USD"}
    told = north.ask("PATCH", ceiling, {"ceiling": sum_of, "approved_until": "2027-02-01"}).good()
    assert (told["ceiling"], told["ceiling_approved_until"]) == ("50.00", "2027-02-01")
    told = north.ask("PATCH", ceiling, {"approved_until": None}).good()
    assert (told["ceiling"], told["ceiling_approved_until"]) == ("50.00", None)
    told = north.ask("PATCH", ceiling, {"ceiling": {**sum_of, "amount": "0"}}).good()
    assert told["ceiling"] is None
    assert town.programs["nora"].get(path(town, "nora", "payment-terms")) == told


def test_a_seller_reads_back_how_he_bills(town):
    north = town.programs["north"]
    where = f"/sellers/{town.id('north')}/billing-settings"
    wish = {
        "taxes": [{"name": "VAT", "percent": "20"}, {"name": "City", "percent": "1.5"}],
        "number_prefix": "N-",
        "charge_cards": "credit_limit",
        "steps": [{"step": "notice", "days": 3}, {"step": "suspension", "days": 0}],
    }
    north.ask("PATCH", where, wish).good()
    told = north.get(where)
    assert {name: told[name] for name in wish} == wish
    north.ask("PATCH", where, {"steps": []}).good()
    assert north.get(where) == {**told, "steps": []}
    backwards = {
        "number_prefix": "X",
        "steps": [{"step": "deletion", "days": 1}, {"step": "notice", "days": 1}],
    }
    assert north.ask("PATCH", where, backwards).status == 422
    assert north.get(where)["number_prefix"] == "N-"


def test_a_mailbox_beyond_the_ceiling_is_refused_with_its_reason(town):
    town.programs["north"].ask(
        "PATCH", path(town, "nora", "ceiling"), {"ceiling": {"amount": "0.01", "currency": "USD"}}
    ).good()
    nora, boxes = town.programs["nora"], path(town, "nora", "exchange/mailboxes")
    asked = nora.ask("POST", boxes, {"address": "one@northern.example"})
    while asked.status == 201:  # two mailboxes are free
        asked = nora.ask("POST", boxes, {"address": f"more{asked.body['id']}@northern.example"})
    assert (asked.status, asked.body["reason"]) == (409, "ceiling")
    assert "Ask your provider to approve it" in asked.body["message"]


def test_a_moved_start_tells_what_is_paid_twice_and_books_the_credit_that_is_given(town, now):
    now.pass_days(20)
    north, where = town.programs["north"], path(town, "nora", "subscription/start")
    told = north.post(where, {"start": "2027-01-11"}, preview="true")
    assert told["paid_twice"] == "3.23" and told["credit_id"] is None  # 10.00 × 10/31
    credit = {"amount": told["paid_twice"], "currency": "USD"}
    booked = north.post(where, {"start": "2027-01-11", "credit": credit, "credit_text": "Twice"})
    assert booked["credit_id"]
    lines = town.programs["nora"].get(path(town, "nora", "statement"))["items"]
    assert [(line["item"], line["amount"]) for line in lines if line["kind"] == "credit"] == [
        ("Twice", "-3.23")
    ]


def test_expected_usage_tells_how_it_stands_against_the_ceiling(town):
    nora, where = town.programs["nora"], path(town, "nora", "expected-usage")
    assert nora.post(where, {"more": {"exchange.mailboxes": 3}})["ceiling"] is None
    sum_of = {"amount": "20.00", "currency": "USD"}
    ceiling = path(town, "nora", "ceiling")
    town.programs["north"].ask("PATCH", ceiling, {"ceiling": sum_of}).good()
    told = nora.post(where, {"more": {"exchange.mailboxes": 4}})
    assert told["ceiling"] == {
        "ceiling": "20.00", "expected": told["monthly"], "is_near": True, "is_beyond": True, "is_approved": False,
        "needs_approval": True,
    }  # fmt: skip
    approved = {"approved_until": town.clock.at.date().isoformat()}
    town.programs["north"].ask("PATCH", ceiling, approved).good()
    told = nora.post(where, {"more": {"exchange.mailboxes": 4}})["ceiling"]
    assert (told["is_approved"], told["needs_approval"]) == (True, False)


def test_what_new_terms_mean_is_told_before_they_are_published(town):
    north, plan_id = town.programs["north"], town.plans["north"]
    before = north.get(f"/plans/{plan_id}/versions")
    terms = before[0]["terms"]
    charges = [dict(charge) for charge in terms["charges"]]
    account = next(charge for charge in charges if charge["name"] == "Account")
    account["recurring"] = {"1": "12.50"}
    wish = {"terms": {**terms, "charges": charges}, "effective_from": town.clock.at.date().isoformat()}
    told = north.post(f"/plans/{plan_id}/versions/preview", wish)
    (change,) = told["differences"]
    assert (change["item"], change["what"], change["before"], change["after"]) == (
        "Account",
        "Fee",
        "10",
        "12.5",
    )
    (nora,) = told["reached"]
    assert nora["buyer_id"] == town.id("nora")
    assert float(nora["after"]) - float(nora["before"]) == 2.5
    assert north.get(f"/plans/{plan_id}/versions") == before
    assert town.programs["south"].ask("POST", f"/plans/{plan_id}/versions/preview", wish).status == 404
