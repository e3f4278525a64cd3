"""What the panel takes, what it refuses, and that a refusal leaves nothing half done."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import transaction
from django.test import Client

from postledger.accounts import operations as account_operations
from postledger.accounts import queries as accounts
from postledger.billing import queries as billing
from postledger.catalog import operations as catalog_operations
from postledger.catalog import queries as catalog
from postledger.ledger import queries as ledger
from postledger.payments import operations as collection
from postledger.payments import queries as payments
from postledger.provisioning import operations
from postledger.provisioning import queries as provisioning
from postledger.subscriptions import queries as subscriptions
from postledger.usage import operations as usage
from postledger.usage.types import NewReading
from postledger.workflows import begin_exchange, daily_jobs
from tests.web.conftest import NOW, PASSWORD, SYSTEM

CHARGE = {"c0-measure": "fixed", "c0-name": "Base fee", "c0-recurring": "12.00"}


def confirm(browser, url, given):
    """The change, after its price was shown."""
    shown = browser.post(url, given)
    assert shown.status_code == 200 and shown.context["seen"], shown.content.decode()[:500]
    return shown, browser.post(url, {**given, "seen": shown.context["seen"], "confirm": "yes"})


# --- a customer's plan


def test_quantities_are_changed_at_the_price_that_was_shown(people, at):
    acme = people["acme"]
    browser = people.client("acme")
    at.now = NOW + dt.timedelta(days=11)  # 20 of 31 days are left
    shown, done = confirm(browser, f"/accounts/{acme.id}/plan/quantities/", {"q0": "2"})
    assert "38.71" in shown.content.decode()  # 2 × 30.00 × 20/31
    assert done.status_code == 302
    assert subscriptions.subscription_of(SYSTEM, acme.id).quantities == {"Support hours": 2}
    assert ledger.balance(SYSTEM, acme.id) == -1000 - 3871


def test_showing_a_price_changes_nothing(people):
    acme = people["acme"]
    before = billing.statement(SYSTEM, acme.id)
    people.client("acme").post(f"/accounts/{acme.id}/plan/quantities/", {"q0": "2"})
    assert billing.statement(SYSTEM, acme.id) == before
    assert subscriptions.subscription_of(SYSTEM, acme.id).quantities == {}


def test_a_price_that_has_changed_is_shown_again(people, at):
    acme = people["acme"]
    browser = people.client("acme")
    url, given = f"/accounts/{acme.id}/plan/quantities/", {"q0": "2"}
    seen = browser.post(url, given).context["seen"]
    at.now = NOW + dt.timedelta(days=5)
    again = browser.post(url, {**given, "seen": seen, "confirm": "yes"})
    assert "The price has changed" in again.content.decode()
    assert subscriptions.subscription_of(SYSTEM, acme.id).quantities == {}


def test_more_than_the_plan_allows_is_refused_in_words(people):
    acme = people["acme"]
    response = people.client("acme").post(f"/accounts/{acme.id}/plan/quantities/", {"q0": "6"})
    assert response.status_code == 422
    assert "5" in response.context["form"].non_field_errors()[0]


def test_an_optional_charge_is_switched_on_and_off(people):
    acme = people["acme"]
    browser = people.client("acme")
    confirm(browser, f"/accounts/{acme.id}/plan/switch/Backup/", {})
    assert subscriptions.subscription_of(SYSTEM, acme.id).switched["Backup"]
    assert ledger.balance(SYSTEM, acme.id) == -1400
    confirm(browser, f"/accounts/{acme.id}/plan/switch/Backup/", {})
    assert ledger.balance(SYSTEM, acme.id) == -1000


def test_a_year_and_back_to_the_month_with_the_credit_shown(people, at):
    acme = people["acme"]
    browser = people.client("acme")
    confirm(browser, f"/accounts/{acme.id}/plan/period/", {"months": "12"})
    assert subscriptions.subscription_of(SYSTEM, acme.id).months == 12
    at.now = NOW + dt.timedelta(days=100)
    page = browser.get(f"/accounts/{acme.id}/plan/monthly/")
    move = page.context["move"]
    assert move.refund == 7841 and b"USD 78.41" in page.content  # 108.00 × 265/365
    # nothing was paid yet: 108.00 are owed, less the refund, and 10.00 for the month that opens today
    assert (move.balance, move.credit_lasts_until) == (-10800 + 7841 - 1000, None)
    assert b"the refund pays what is owed" in page.content
    browser.post(f"/accounts/{acme.id}/plan/monthly/", {"seen": page.context["seen"]})
    assert subscriptions.subscription_of(SYSTEM, acme.id).months == 1


def test_a_moved_start_offers_the_credit_for_time_paid_twice(people, at):
    acme = people["acme"]
    url, given = f"/accounts/{acme.id}/plan/start/", {"start": "2027-01-12"}
    seller = people.client("alpha")
    at.now = NOW + dt.timedelta(days=10)  # the 20th: eight days of January are paid twice
    shown = seller.post(url, given)
    text = shown.content.decode()
    assert "Time paid twice" in text and 'value="2.58"' in text  # 10.00 × 8/31
    assert ledger.balance(SYSTEM, acme.id) == -1000
    given = {**given, "seen": shown.context["seen"]}
    bad = seller.post(url, {**given, "confirm": "credit", "credit": "-1", "text": "Sorry"})
    assert bad.status_code == 422 and bad.context["credit"].errors["credit"]
    assert b"Sorry" in bad.content and ledger.balance(SYSTEM, acme.id) == -1000
    seller.post(url, {**given, "confirm": "credit", "credit": "2.58", "text": "Sorry"})
    assert subscriptions.subscription_of(SYSTEM, acme.id).period_start == dt.date(2027, 1, 12)
    kinds = [(line.kind, line.item, line.amount) for line in billing.statement(SYSTEM, acme.id)]
    assert ("credit", "Sorry", -258) in kinds
    assert people.client("acme").get(url).status_code == 404  # the seller's to do


def test_a_start_is_moved_without_a_credit_when_the_seller_wants_none(people, at):
    acme = people["acme"]
    url, given = f"/accounts/{acme.id}/plan/start/", {"start": "2027-01-12"}
    seller = people.client("alpha")
    at.now = NOW + dt.timedelta(days=10)
    seen = seller.post(url, given).context["seen"]
    assert seller.post(url, {**given, "seen": seen, "confirm": "alone"}).status_code == 302
    assert "credit" not in [line.kind for line in billing.statement(SYSTEM, acme.id)]
    assert subscriptions.subscription_of(SYSTEM, acme.id).period_start == dt.date(2027, 1, 12)
    far = seller.post(url, {"start": "2030-01-01"})
    assert far.status_code == 422 and far.context["form"].errors["start"]


def test_a_plan_is_ended_with_its_refund(people):
    acme = people["acme"]
    confirm(people.client("acme"), f"/accounts/{acme.id}/plan/cancel/", {})
    assert subscriptions.subscription_of(SYSTEM, acme.id).status == "closed"
    assert b"No plan any more" in people.client("acme").get(f"/accounts/{acme.id}/plan/").content


# --- Exchange


@pytest.mark.parametrize(
    "domain", ["not a domain", "acme", "-x.example", "a..b", "x" * 64 + ".example", "192.168.0.1"]
)
def test_a_bad_domain_is_refused_beside_its_field(people, domain):
    acme = people["acme"]
    add_platform(people)
    response = people.client("acme").post(
        f"/accounts/{acme.id}/exchange/add/", {"domain": domain, "platform_plan": platform_plan(people), "expected": 5, "confirm": "yes"}
    )  # fmt: skip
    assert response.status_code == 422
    assert response.context["form"].errors["domain"]
    assert provisioning.resources_of(SYSTEM, acme.id) == ()
    assert provisioning.zones_of(SYSTEM, acme.id) == ()


def test_a_plan_without_exchange_says_so(people):
    page = people.client("acme").get(f"/accounts/{people['acme'].id}/exchange/")
    assert b"Your plan has no Exchange" in page.content


def test_the_price_is_shown_for_what_is_expected_and_nothing_is_ordered(people):
    acme = people["acme"]
    add_platform(people)
    page = people.client("acme").post(
        f"/accounts/{acme.id}/exchange/add/", {"domain": "acme.example", "platform_plan": platform_plan(people), "expected": 12}
    )  # fmt: skip
    assert "USD 80.00" in page.content.decode()  # ten above the two included, 8.00 each
    assert provisioning.resources_of(SYSTEM, acme.id) == ()


def test_a_mailbox_is_deleted_only_when_its_address_is_typed(people):
    acme = people["acme"]
    add_platform(people)
    browser = people.client("acme")
    browser.post(
        f"/accounts/{acme.id}/exchange/add/",
        {"domain": "acme.example", "platform_plan": platform_plan(people), "expected": 5, "confirm": "yes"},
    )
    browser.post(
        f"/accounts/{acme.id}/exchange/mailboxes/add/",
        {"name": "ann", "domain": "acme.example", "display_name": "Ann"},
    )
    (box,) = provisioning.resources_of(SYSTEM, acme.id, kind="exchange_mailbox")
    url = f"/accounts/{acme.id}/exchange/mailboxes/{box.id}/delete/"
    assert browser.post(url, {"confirmation": "bob@acme.example"}).status_code == 422
    assert provisioning.resource(SYSTEM, box.id).is_wanted
    assert browser.post(url, {"confirmation": "ann@acme.example"}).status_code == 302
    assert not provisioning.resource(SYSTEM, box.id).is_wanted


@pytest.mark.parametrize("name", ["two words", "a@b", ""])
def test_a_bad_address_is_refused_beside_its_field(people, name):
    acme = people["acme"]
    add_platform(people)
    browser = people.client("acme")
    browser.post(
        f"/accounts/{acme.id}/exchange/add/",
        {"domain": "acme.example", "platform_plan": platform_plan(people), "expected": 5, "confirm": "yes"},
    )
    response = browser.post(
        f"/accounts/{acme.id}/exchange/mailboxes/add/",
        {"name": name, "domain": "acme.example", "display_name": "Ann"},
    )
    assert response.status_code == 422
    assert response.context["form"].errors["name"]
    assert provisioning.resources_of(SYSTEM, acme.id, kind="exchange_mailbox") == ()


# --- a seller's money and customers


def test_a_payment_entered_twice_is_booked_once(people):
    acme = people["acme"]
    browser = people.client("alpha")
    for _ in range(2):
        browser.post(
            f"/accounts/{acme.id}/payment/", {"amount": "10.00", "method": "transfer", "key": "bank 1"}
        )
    assert ledger.balance(SYSTEM, acme.id) == 0


@pytest.mark.parametrize("amount", ["0", "-5", "1.234", "much", ""])
@pytest.mark.parametrize("what", ["payment", "credit", "debit"])
def test_an_amount_that_is_none_is_refused(people, what, amount):
    acme = people["acme"]
    given = {
        "amount": amount,
        "method": "cash",
        "key": "k",
        "reason": "goodwill",
        "text": "t",
        "every": "once",
    }
    response = people.client("alpha").post(f"/accounts/{acme.id}/{what}/", given)
    assert response.status_code == 422
    assert response.context["form"].errors["amount"]
    assert ledger.balance(SYSTEM, acme.id) == -1000


def test_a_credit_and_a_debit_stand_on_the_statement(people):
    acme = people["acme"]
    browser = people.client("alpha")
    browser.post(
        f"/accounts/{acme.id}/credit/", {"amount": "3.50", "reason": "outage", "text": "Sorry for Monday"}
    )
    confirm(
        browser,
        f"/accounts/{acme.id}/debit/",
        {"amount": "20", "text": "Migration", "is_taxed": "on", "every": "once"},
    )
    page = people.client("acme").get(f"/accounts/{acme.id}/statement/").content.decode()
    assert "Sorry for Monday" in page and "Migration" in page
    assert ledger.balance(SYSTEM, acme.id) == -1000 + 350 - 2000


def test_an_account_is_suspended_with_the_reason_and_resumed(people):
    acme = people["acme"]
    browser = people.client("alpha")
    browser.post(f"/accounts/{acme.id}/suspend/", {"reason": "Left no address"})
    assert b"Left no address" in people.client("acme").get("/").content
    browser.post(f"/accounts/{acme.id}/resume/")
    assert subscriptions.subscription_of(SYSTEM, acme.id).status == "active"


def test_a_customer_is_added_and_signs_in(people):
    browser = people.client("alpha")
    response = browser.post(
        "/customers/add/",
        {
            "name": "Zeta Ltd",
            "code": "zeta",
            "email": "zoe@zeta.example",
            "country": "de",
            "password": PASSWORD,
        },
    )
    made = accounts.account_by_code(SYSTEM, seller_id=people["alpha"].id, code="zeta")
    assert response["Location"] == f"/accounts/{made.id}/plan/subscribe/"
    theirs = Client()
    assert theirs.login(email="zoe@zeta.example", password=PASSWORD)
    choice = f"{people.plans['alpha']}-12"
    shown, _ = confirm(theirs, f"/accounts/{made.id}/plan/subscribe/", {"choice": choice})
    assert "108.00" in shown.content.decode()  # 12 × 10.00 less 10 %
    assert subscriptions.subscription_of(SYSTEM, made.id).months == 12


@pytest.mark.parametrize(
    ("given", "field"),
    [({"code": "acme"}, "code"), ({"email": "acme@people.example"}, "email"), ({"email": "x"}, "email"), ({"name": ""}, "name")],
)  # fmt: skip
def test_a_customer_who_cannot_be_is_refused_and_nobody_is_made(people, given, field):
    before = accounts.accounts_visible(SYSTEM)
    wanted = {"name": "Zeta", "code": "zeta", "email": "zoe@zeta.example", "password": PASSWORD, **given}
    response = people.client("alpha").post("/customers/add/", wanted)
    assert response.status_code == 422
    assert response.context["form"].errors[field]
    assert accounts.accounts_visible(SYSTEM) == before


# --- plans


def periods(*rows: tuple[str, str]) -> dict[str, str]:
    """Billing periods as the page sends them: months, and the discount on fees."""
    given = {"periods": str(len(rows))}
    for number, (months, off) in enumerate(rows):
        given |= {f"p{number}-months": months, f"p{number}-recurring": off}
    return given


TERMS = {"effective_from": "2027-01-10", "refund_percent": "100", "money_back_days": "0"}


def sent(editor) -> dict[str, str]:
    """What a browser sends of the page as it stands."""
    given = {
        "rows": len(editor.charges),
        "periods": len(editor.periods),
        "packages": len(editor.packages),
    }
    for part in editor.parts:
        for field in part:
            value = field.value()
            if value is not False and value not in (None, ""):
                given[field.html_name] = "on" if value is True else value
    return given


def publish(browser, plan_id: int, given):
    """The new version, after what it means was shown."""
    url = f"/plans/{plan_id}/edit/"
    shown = browser.post(url, given)
    assert shown.context["meaning"] is not None, [part.errors for part in shown.context["editor"].parts]
    done = browser.post(url, {**given, "seen": shown.context["seen"], "confirm": "yes"})
    assert done.status_code == 302, done.content.decode()[:3000]
    return shown


def test_a_plan_is_added_and_changed_by_a_new_version(people):
    browser = people.client("alpha")
    plan = {**TERMS, "name": "Mail", "code": "mail", **periods(("1", ""), ("12", "10"))}
    usage = {"c1-measure": "metered", "c1-meter": "exchange.mailboxes", "c1-usage": "7.50", "c1-free": "3"}
    response = browser.post("/plans/add/", {**plan, "rows": 2, **CHARGE, **usage})
    assert response.status_code == 302, response.content.decode()
    found = next(
        p for p in catalog.plans(SYSTEM, today=NOW.date(), seller_id=people["alpha"].id) if p.code == "mail"
    )
    assert found.terms.charges["exchange.mailboxes"].cadence == "month"
    assert found.terms.periods[12].recurring == 10
    changed = {**plan, "effective_from": "2027-03-01", "rows": 2, **CHARGE, **usage, "c1-usage": "9"}
    publish(browser, found.id, changed)
    later = catalog.plan(SYSTEM, found.id, today=dt.date(2027, 3, 1))
    assert later.terms.charges["exchange.mailboxes"].usage[1] == 9
    before = catalog.plan(SYSTEM, found.id, today=dt.date(2027, 2, 28))
    assert before.terms.charges["exchange.mailboxes"].usage[1] == 7.5


def test_what_a_version_means_is_shown_and_nothing_is_published_before(people):
    plan_id = people.plans["alpha"]
    browser = people.client("alpha")
    given = sent(browser.get(f"/plans/{plan_id}/edit/").context["editor"]) | {"c0-recurring": "12.00"}
    shown = browser.post(f"/plans/{plan_id}/edit/", given)
    text = shown.content.decode()
    assert shown.status_code == 200 and len(catalog.versions(SYSTEM, plan_id, today=NOW.date())) == 1
    assert "Base fee</b>: Fee" in text and "when their next period opens" in text
    (reached,) = shown.context["meaning"].reached  # Acme, whose next month costs two more
    assert (reached.buyer_id, reached.difference) == (people["acme"].id, 200)
    other = browser.post(
        f"/plans/{plan_id}/edit/",
        {**given, "c0-recurring": "13", "seen": shown.context["seen"], "confirm": "yes"},
    )
    assert "Something was changed since you looked" in other.content.decode()
    assert len(catalog.versions(SYSTEM, plan_id, today=NOW.date())) == 1


def test_usage_by_the_period_is_warned_of_and_saved_only_when_accepted(people):
    plan_id = people.plans["alpha"]
    browser = people.client("alpha")
    given = {
        **TERMS, **periods(("1", ""), ("12", "")), "effective_from": "2027-02-01", "rows": 2, **CHARGE,
        "c1-measure": "metered", "c1-meter": "exchange.mailboxes", "c1-usage": "8", "c1-free": "2", "c1-cadence": "period",
    }  # fmt: skip
    warned = browser.post(f"/plans/{plan_id}/edit/", given)
    text = warned.content.decode()
    assert "billed once for the whole period" in text
    assert (
        "USD 80.00" in text and "USD 960.00" in text
    )  # ten above the two included: by the month, and at once
    pressed = {**given, "seen": warned.context["seen"], "confirm": "yes"}
    again = browser.post(f"/plans/{plan_id}/edit/", pressed)
    assert "Nothing was published" in again.content.decode()
    assert len(catalog.versions(SYSTEM, plan_id, today=NOW.date())) == 1
    browser.post(f"/plans/{plan_id}/edit/", {**pressed, "accepted": "yes"})
    assert len(catalog.versions(SYSTEM, plan_id, today=NOW.date())) == 2


def test_the_warning_compares_what_was_read_last_month(people, at):
    acme, plan_id = people["acme"], people.plans["alpha"]
    begin_exchange.begin_exchange(SYSTEM, buyer_id=acme.id, now=NOW)
    held = subscriptions.subscription_of(SYSTEM, acme.id)
    read = NOW + dt.timedelta(days=10)
    usage.record_readings(
        readings=[NewReading(held.id, "exchange.mailboxes", read, Decimal(7))],
        now=read,
        zones={held.id: dt.UTC},
    )
    at.now = NOW + dt.timedelta(days=29)  # 8 February
    given = {
        **TERMS, **periods(("1", ""), ("12", "")), "effective_from": "2027-03-01", "rows": 1,
        "c0-measure": "metered", "c0-meter": "exchange.mailboxes", "c0-usage": "8", "c0-free": "2", "c0-cadence": "period",
    }  # fmt: skip
    browser = people.client("alpha")
    warned = browser.post("/plans/add/", {**given, "name": "New", "code": "new"})
    assert warned.status_code == 422
    text = browser.post(f"/plans/{plan_id}/edit/", given).content.decode()
    assert "as read in January 2027 for 1 customer)" in text
    assert "USD 40.00" in text and "USD 480.00" in text  # (7 − 2) × 8.00, and × 12
    neighbour = people.client("beta").post("/plans/add/", {**given, "name": "New", "code": "new"})
    assert "January" not in neighbour.content.decode()


EVERYTHING = {
    "periods": {"1": {}, "3": {"setup": "50"}, "12": {"setup": "100", "recurring": "10", "usage": "5"}},
    "refund_percent": "80",
    "money_back_days": 14,
    "trial": {"days": 30, "credit_limit": "20.50"},
    "moderated": True,
    "grandfathered": True,
    "charges": [
        {"name": "Base fee", "measure": "fixed", "setup": "5", "recurring": {"1": "10", "12": "99", "3": "0"}},
        {"name": "Support", "measure": "reserved", "cadence": "month", "recurring": "3", "free": "2", "max": "9", "unit": "h"},
        {"name": "exchange.mailboxes", "measure": "metered", "aggregate": "average", "usage": {"1": "8", "12": "84"},
         "commitment": {"units": "5", "recurring": {"1": "6", "12": "60"}}, "started_unit": True, "activated": False},
        {"name": "exchange.disk", "measure": "metered", "timing": "advance", "cadence": "month", "usage": "1.25",
         "free": "2.5", "unit": "GB", "step": "0.01", "reserved": {"recurring": {"1": "0.75"}}},
        {"name": "exchange.disk_allocated", "measure": "metered", "cadence": "period", "usage": "0.1", "unit": "GB", "step": "0.5"},
    ],
    "packages": [
        {"name": "Many", "setup": "1", "recurring": {"1": "2", "12": "20"},
         "adds": {"Support": "1", "exchange.mailboxes": "2", "exchange.disk": "3", "exchange.disk_allocated": "4"}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("which", ["simple", "everything"])
def test_changing_a_plan_without_changing_anything_keeps_its_terms(people, which):
    plan_id = people.plans["alpha"]
    if which == "everything":
        catalog_operations.change_terms(
            SYSTEM, plan_id=plan_id, terms=EVERYTHING, effective_from=NOW.date(), now=NOW
        )
    browser = people.client("alpha")
    given = sent(browser.get(f"/plans/{plan_id}/edit/").context["editor"])
    shown = browser.post(f"/plans/{plan_id}/edit/", given)
    assert "It changes nothing." in shown.content.decode(), [p.errors for p in shown.context["editor"].parts]
    pressed = {**given, "seen": shown.context["seen"], "confirm": "yes", "accepted": "yes"}
    assert browser.post(f"/plans/{plan_id}/edit/", pressed).status_code == 302
    newer, older = catalog.versions(SYSTEM, plan_id, today=NOW.date())[:2]
    assert newer.document == older.document


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"p1-setup": "25"}, lambda t: t.periods[3].setup == 25),
        ({"p2-usage": "7"}, lambda t: t.periods[12].usage == 7),
        ({"refund_percent": "50"}, lambda t: t.refund_percent == 50),
        ({"money_back_days": "30"}, lambda t: t.money_back_days == 30),
        ({"trial_days": "7", "trial_credit_limit": ""}, lambda t: (t.trial.days, t.trial.credit_limit) == (7, None)),
        ({"trial_days": "", "trial_credit_limit": ""}, lambda t: t.trial is None),
        ({"moderated": None}, lambda t: not t.is_moderated),
        ({"grandfathered": None}, lambda t: not t.is_grandfathered),
        ({"c0-recurring_12": "88"}, lambda t: t.charges["Base fee"].recurring == {1: 10, 3: 0, 12: 88}),
        ({"c0-recurring_3": ""}, lambda t: t.charges["Base fee"].recurring == {1: 10, 12: 99}),
        ({"c0-setup_12": "0"}, lambda t: t.charges["Base fee"].setup == {1: 5, 12: 0}),
        ({"c1-cadence": "period", "c1-max": ""}, lambda t: (t.charges["Support"].cadence, t.charges["Support"].max) == ("period", None)),
        ({"c2-commitment_units": "6", "c2-commitment": "5"}, lambda t: (t.charges["exchange.mailboxes"].commitment_units, t.charges["exchange.mailboxes"].commitment[1]) == (6, 5)),
        ({"c2-commitment_units": "", "c2-commitment": "", "c2-commitment_12": ""}, lambda t: not t.charges["exchange.mailboxes"].commitment),
        ({"c2-aggregate": "peak", "c2-started_unit": None, "c2-optional": None}, lambda t: (t.charges["exchange.mailboxes"].aggregate, t.charges["exchange.mailboxes"].started_unit, t.charges["exchange.mailboxes"].activated) == ("peak", False, True)),
        ({"c3-timing": "arrears", "c3-recurring": "0.50"}, lambda t: (t.charges["exchange.disk"].timing, t.charges["exchange.disk"].recurring[1]) == ("arrears", Fraction(1, 2))),
        ({"c3-step": "0.1", "c3-free": "3"}, lambda t: (t.charges["exchange.disk"].step, t.charges["exchange.disk"].free) == (Fraction(1, 10), 3)),
        ({"c1-place": "5", "c4-place": "1"}, lambda t: next(iter(t.charges)) in ("Base fee", "exchange.disk_allocated") and list(t.charges)[-1] == "Support"),
        ({"c4-remove": "on", "k0-charge3": "", "k0-units3": ""}, lambda t: "exchange.disk_allocated" not in t.charges),
        ({"k0-recurring": "3", "k0-units0": "9"}, lambda t: (t.packages["Many"].recurring[1], t.packages["Many"].adds["Support"]) == (3, 9)),
        ({"k1-name": "Few", "k1-recurring_12": "9", "k1-charge0": "exchange.disk", "k1-units0": "0.5"}, lambda t: t.packages["Few"].adds == {"exchange.disk": Fraction(1, 2)}),
        ({"k0-remove": "on"}, lambda t: not t.packages),
    ],
)  # fmt: skip
def test_every_property_of_a_plan_can_be_changed(people, change, told):
    plan_id = people.plans["alpha"]
    catalog_operations.change_terms(
        SYSTEM, plan_id=plan_id, terms=EVERYTHING, effective_from=NOW.date(), now=NOW
    )
    browser = people.client("alpha")
    given = sent(browser.get(f"/plans/{plan_id}/edit/").context["editor"]) | change
    given = {name: value for name, value in given.items() if value is not None}
    shown = browser.post(f"/plans/{plan_id}/edit/", given)
    meaning = shown.context["meaning"]
    assert meaning is not None and meaning.differences, [
        part.errors for part in shown.context["editor"].parts
    ]
    pressed = {**given, "seen": shown.context["seen"], "confirm": "yes", "accepted": "yes"}
    assert browser.post(f"/plans/{plan_id}/edit/", pressed).status_code == 302
    assert told(catalog.plan(SYSTEM, plan_id, today=NOW.date()).terms)


@pytest.mark.parametrize(
    ("change", "part", "field"),
    [
        ({"p0-months": "0"}, "periods", "months"),
        ({"p0-months": "", "p1-months": "", "p2-months": ""}, "periods", "months"),
        ({"p0-months": "often"}, "periods", "months"),
        ({"p0-months": "12"}, "periods", "months"),
        ({"p3-months": "", "p3-recurring": "5"}, "periods", "months"),
        ({"p0-recurring": "x"}, "periods", "recurring"),
        ({"p0-usage": "101"}, "periods", "usage"),
        ({"trial_days": "0"}, "plan", "trial_days"),
        ({"trial_days": "", "trial_credit_limit": "5"}, "plan", "trial_days"),
        ({"effective_from": "soon"}, "plan", "effective_from"),
        ({"effective_from": "2026-01-01"}, "plan", "effective_from"),
        ({"c0-recurring_12": "-1"}, "charges", "recurring_12"),
        ({"c0-recurring_12": "much"}, "charges", "recurring_12"),
        ({"c0-name": ""}, "charges", "name"),
        ({"c1-name": "Another name"}, "charges", "name"),
        ({"c3-meter": "exchange.mailboxes"}, "charges", "meter"),
        ({"c3-step": "0"}, "charges", "step"),
        ({"c2-commitment_units": ""}, "charges", "commitment_units"),
        ({"c2-commitment": "", "c2-commitment_12": ""}, "charges", "commitment"),
        ({"c5-measure": "", "c5-name": "What?"}, "charges", "measure"),
        ({"k0-charge0": ""}, "packages", "charge0"),
        ({"k0-units1": ""}, "packages", "units1"),
        ({"k0-charge1": "Support"}, "packages", "charge3"),
        ({"k0-name": ""}, "packages", "name"),
        ({"k1-name": "Few"}, "packages", "charge0"),
        ({"k1-name": "Many", "k1-charge0": "Support", "k1-units0": "1"}, "packages", "name"),
        ({"c4-remove": "on"}, "packages", "charge3"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused_beside_the_field_and_nothing_typed_is_lost(
    people, change, part, field
):
    plan_id = people.plans["alpha"]
    catalog_operations.change_terms(
        SYSTEM, plan_id=plan_id, terms=EVERYTHING, effective_from=NOW.date(), now=NOW
    )
    browser = people.client("alpha")
    given = sent(browser.get(f"/plans/{plan_id}/edit/").context["editor"])
    given |= {"p3-months": "24", "c0-name": "Another name"} | change
    response = browser.post(f"/plans/{plan_id}/edit/", given)
    editor = response.context["editor"]
    assert response.status_code == 422 and len(catalog.versions(SYSTEM, plan_id, today=NOW.date())) == 2
    parts = [editor.plan] if part == "plan" else getattr(editor, part)
    assert any(field in row.errors for row in parts), [row.errors for row in editor.parts]
    shown = sent(editor)
    lost = {name: value for name, value in given.items() if name in shown and str(shown[name]) != str(value)}
    assert lost == {}
    assert {name for name, value in given.items() if value not in ("", None)} <= shown.keys()


def test_rows_are_added_without_losing_what_was_typed(people):
    plan_id = people.plans["alpha"]
    browser = people.client("alpha")
    given = sent(browser.get(f"/plans/{plan_id}/edit/").context["editor"])
    for more, part in (("periods", "periods"), ("rows", "charges"), ("packages", "packages")):
        before = len(browser.get(f"/plans/{plan_id}/edit/").context["editor"].__dict__[part])
        page = browser.post(
            f"/plans/{plan_id}/edit/", {**given, "p2-months": "24", "c0-recurring": "oops", "more": more}
        )
        editor = page.context["editor"]
        assert page.status_code == 200 and len(getattr(editor, part)) == before + 2
        assert editor.charges[0]["recurring"].value() == "oops"
        assert "recurring_24" in editor.charges[0].fields  # a price for the period that was just typed
    assert len(catalog.versions(SYSTEM, plan_id, today=NOW.date())) == 1


@pytest.mark.parametrize("months", ["", "often", "0", "121", "1.5"])
def test_a_period_that_is_none_is_refused(people, months):
    given = {**TERMS, "name": "M", "code": "m", **periods((months, ""))}
    response = people.client("alpha").post("/plans/add/", {**given, "rows": 1, **CHARGE})
    assert response.status_code == 422
    assert response.context["editor"].periods[0].errors["months"]


# --- how a seller sells

SELLING = {"name": "Alpha Resell", "email": "alpha@x.example", "address": "3 Low Road", "country": "de"}


def taxes(*rows):
    """Tax rows as the page sends them."""
    given = {"rows": str(len(rows))}
    for number, (name, rate) in enumerate(rows):
        given |= {f"t{number}-name": name, f"t{number}-rate": rate}
    return given


def test_taxes_entered_are_on_the_next_invoice(people):
    browser = people.client("alpha")
    given = {**SELLING, **taxes(("VAT", "19"), ("", ""), ("City", "1.50")), "number_prefix": "A-"}
    assert browser.post("/selling/", given).status_code == 302
    confirm(people.client("acme"), f"/accounts/{people['acme'].id}/plan/package/Five mailboxes/", {})
    newest = billing.invoices(SYSTEM, buyer_id=people["acme"].id)[0]
    assert (newest.subtotal, newest.tax) == (3000, 615)  # 20.5 % of 30.00
    assert newest.number.startswith("A-")
    assert billing.taxes_of(SYSTEM, people["alpha"].id) == [("VAT", "19"), ("City", "1.5")]
    page = browser.get("/selling/").content.decode()
    assert 'value="VAT"' in page and "3 Low Road" in page


def test_a_number_once_given_keeps_its_prefix(people):
    browser = people.client("alpha")
    browser.post("/selling/", {**SELLING, "number_prefix": "A-"})
    confirm(people.client("acme"), f"/accounts/{people['acme'].id}/plan/package/Five mailboxes/", {})
    browser.post("/selling/", {**SELLING, "number_prefix": "B-"})
    numbers = [found.number for found in billing.invoices(SYSTEM, buyer_id=people["acme"].id)]
    assert numbers == ["A-2", "1"]
    assert {line.invoice for line in billing.statement(SYSTEM, people["acme"].id)} == {"A-2", "1"}


def test_a_tax_is_removed_and_rows_are_added_without_saving(people):
    browser = people.client("alpha")
    browser.post("/selling/", {**SELLING, **taxes(("VAT", "19"), ("City", "1"))})
    more = browser.post("/selling/", {**SELLING, **taxes(("VAT", "7")), "more": "yes"})
    assert (more.status_code, len(more.context["taxes"])) == (200, 3)
    assert billing.taxes_of(SYSTEM, people["alpha"].id) == [("VAT", "19"), ("City", "1")]
    browser.post("/selling/", {**SELLING, **taxes(("VAT", "19"), ("City", "1")), "t0-remove": "on"})
    assert billing.taxes_of(SYSTEM, people["alpha"].id) == [("City", "1")]


@pytest.mark.parametrize("row", [("VAT", ""), ("", "19"), ("VAT", "much"), ("VAT", "101"), ("VAT", "-1")])
def test_a_tax_that_is_none_is_refused_and_nothing_is_saved(people, row):
    response = people.client("alpha").post("/selling/", {**SELLING, "name": "Other", **taxes(row)})
    assert response.status_code == 422
    assert response.context["taxes"][0].errors
    assert accounts.account(SYSTEM, people["alpha"].id).name == "Alpha Resell"


def test_two_taxes_of_one_name_are_refused_and_nothing_is_saved(people):
    given = {**SELLING, "name": "Other", **taxes(("VAT", "19"), ("VAT", "7"))}
    response = people.client("alpha").post("/selling/", given)
    assert response.status_code == 422
    assert "same name" in response.content.decode()
    assert accounts.account(SYSTEM, people["alpha"].id).name == "Alpha Resell"


def test_steps_with_debtors_may_be_off_or_on_the_same_day(people):
    steps = {"notice-is_on": "on", "notice-days": "3", "suspension-is_on": "on", "deletion-days": "5"}
    given = {**SELLING, **steps, "mode": "credit_limit"}
    assert people.client("alpha").post("/selling/", given).status_code == 302
    found = payments.collection_of(SYSTEM, people["alpha"].id)
    assert (found.mode, found.dunning) == ("credit_limit", (("notice", 3), ("suspension", 0)))
    page = people.client("alpha").get("/selling/")
    assert [part["is_on"].value() for part in page.context["steps"]] == [True, False, True, False]


def test_steps_switched_off_or_on_later_take_no_step_twice(people):
    acme, alpha = people["acme"], people["alpha"].id  # he owes 10.00

    def step_on(day: int) -> list[str]:
        due = collection.due_steps(seller_id=alpha, today=dt.date(2027, 1, day))
        for step in due:
            with transaction.atomic():
                collection.step_taken(step, now=NOW)
        return [step.step for step in due if step.buyer_id == acme.id]

    def set_steps(*steps: tuple[str, int]) -> None:
        collection.set_policy(SYSTEM, seller_id=alpha, dunning=steps)

    set_steps(("notice", 0), ("pre_suspension", 2), ("suspension", 5))
    assert (step_on(10), step_on(12)) == (["notice"], ["pre_suspension"])
    set_steps(("pre_suspension", 2), ("suspension", 3))  # the notice is switched off
    assert (step_on(14), step_on(15)) == ([], ["suspension"])
    set_steps(("notice", 1), ("suspension", 3), ("deletion", 4))
    assert (step_on(18), step_on(19), step_on(20)) == ([], ["deletion"], [])


# --- how a customer pays


def test_a_customer_pays_by_card_up_to_a_limit_and_a_ceiling(people):
    acme = people["acme"]
    given = {"method": "card", "credit_limit": "50", "ceiling": "25", "ceiling_approved_until": "2027-01-31"}
    assert people.client("alpha").post(f"/accounts/{acme.id}/terms/", given).status_code == 302
    found = payments.terms_of(SYSTEM, acme.id)
    assert (found.method, found.credit_limit, found.ceiling) == ("card", 5000, 2500)
    assert found.ceiling_approved_until == dt.date(2027, 1, 31)
    for who in ("acme", "alpha", "host"):
        page = people.client(who).get(f"/accounts/{acme.id}/").content.decode()
        assert "test gateway" in page and "USD 25.00" in page and "More is approved until" in page
        assert 'id="accrued"' in page  # what came together since the last close
    people.client("alpha").post(f"/accounts/{acme.id}/terms/", {"method": "check"})
    found = payments.terms_of(SYSTEM, acme.id)
    assert (found.credit_limit, found.ceiling, found.ceiling_approved_until) == (None, None, None)


def test_a_month_near_its_ceiling_is_told_and_more_is_approved_with_one_click(people, at):
    acme = people["acme"]
    begin_exchange.begin_exchange(SYSTEM, buyer_id=acme.id, now=NOW)
    held = subscriptions.subscription_of(SYSTEM, acme.id)
    reading = NewReading(held.id, "exchange.mailboxes", NOW, Decimal(6))
    usage.record_readings(readings=[reading], now=NOW, zones={held.id: dt.UTC})
    seller, buyer = people.client("alpha"), people.client("acme")
    seller.post(
        f"/accounts/{acme.id}/terms/", {"ceiling": "40"}
    )  # 4 above the free × 8.00 = 32.00, four fifths
    daily_jobs.daily_jobs(now=NOW)
    assert "near-ceiling" in buyer.get("/").content.decode()
    assert "comes near the ceiling" in seller.get("/").content.decode()
    page = seller.get(f"/accounts/{acme.id}/").content.decode()
    assert "Approve more until 10 Feb 2027" in page
    seller.post(f"/accounts/{acme.id}/approve/", {"until": "2027-02-10"})
    assert payments.terms_of(SYSTEM, acme.id).ceiling_approved_until == dt.date(2027, 2, 10)
    assert "More is approved until" in buyer.get("/").content.decode()
    seller.post(f"/accounts/{acme.id}/approve/", {"until": ""})
    assert payments.terms_of(SYSTEM, acme.id).ceiling_approved_until is None
    assert buyer.post(f"/accounts/{acme.id}/approve/", {"until": "2027-02-10"}).status_code == 404
    assert seller.post(f"/accounts/{acme.id}/approve/", {"until": "soon"}).status_code == 404


def test_a_purchase_above_the_credit_limit_is_refused_in_words(people):
    acme = people["acme"]
    people.client("alpha").post(f"/accounts/{acme.id}/terms/", {"credit_limit": "20"})
    response = people.client("acme").post(f"/accounts/{acme.id}/plan/quantities/", {"q0": "1"})
    assert response.status_code == 422
    assert "limit" in response.context["form"].non_field_errors()[0]
    people.client("alpha").post(f"/accounts/{acme.id}/terms/", {"credit_limit": ""})
    assert people.client("acme").post(f"/accounts/{acme.id}/plan/quantities/", {"q0": "1"}).status_code == 200


def test_a_customer_is_warned_before_his_ceiling_and_told_when_he_is_beyond_it(people):
    acme, alpha = people["acme"], people["alpha"]
    connection = operations.create_connection(
        SYSTEM, seller_id=alpha.id, connector="wsp", name="Exchange",
        values={"url": "http://127.0.0.1:9", "username": "u", "password": "Secret-1"}, now=NOW,
    )  # fmt: skip
    small = {"reference": "7", "name": "Small", "scope": "account", "is_available": True, "description": "", "limits": {}}  # fmt: skip
    operations.record_platform_plans(connection_id=connection.id, plans=[small], now=NOW)
    offered = provisioning.platform_plans(SYSTEM, connection.id)[0].id
    operations.switch_on_platform_plan(
        SYSTEM, seller_id=alpha.id, plan_id=people.plans["alpha"], platform_plan_id=offered, now=NOW
    )
    people.client("alpha").post(f"/accounts/{acme.id}/terms/", {"ceiling": "20"})
    browser = people.client("acme")
    url = f"/accounts/{acme.id}/exchange"
    assert "ceiling agreed" in browser.get(f"{url}/add/").content.decode()  # 3 above the free × 8.00 = 24.00
    given = {"domain": "acme.example", "platform_plan": offered, "expected": "3", "confirm": "yes"}
    assert browser.post(f"{url}/add/", given).status_code == 302
    boxes = f"{url}/mailboxes/add/"
    box = {"domain": "acme.example", "display_name": "Ann"}
    for number in range(4):  # the fourth brings 16.00, four fifths of 20.00
        page = browser.get(boxes).content.decode()
        assert ("ceiling agreed" in page) == (number == 3) and "will be refused" not in page
        assert browser.post(boxes, {**box, "name": f"box{number}"}).status_code == 302
    assert "It will be refused" in browser.get(boxes).content.decode()
    refused = browser.post(boxes, {**box, "name": "box5"})
    assert refused.status_code == 422
    assert "more than the ceiling of 20.00 USD" in refused.content.decode()
    seller = people.client("alpha")
    assert "you may order it for him" in seller.get(boxes).content.decode()
    assert seller.post(boxes, {**box, "name": "box5"}).status_code == 302


# --- looking without touching


def test_who_may_only_look_changes_nothing(people):
    account_operations.create_user(
        SYSTEM,
        account_id=people["acme"].id,
        email="looker@people.example",
        password=PASSWORD,
        role="viewer",
        now=NOW,
    )
    browser = people.client("looker")
    acme = people["acme"].id
    assert browser.get("/").status_code == 200
    assert browser.get(f"/accounts/{acme}/plan/").status_code == 200
    response = browser.post(f"/accounts/{acme}/plan/switch/Backup/", {"confirm": "yes"}, follow=True)
    assert "may look at this account but not change it" in response.content.decode()
    assert not subscriptions.subscription_of(SYSTEM, acme).switched.get("Backup", False)


def test_a_seller_who_may_only_look_opens_his_pages(people):
    account_operations.create_user(
        SYSTEM,
        account_id=people["alpha"].id,
        email="looker@people.example",
        password=PASSWORD,
        role="viewer",
        now=NOW,
    )
    browser = people.client("looker")
    paths = [
        "/",
        "/customers/",
        "/plans/",
        "/connections/",
        "/billing/",
        "/invoices/",
        "/debtors/",
        "/margins/",
    ]
    assert {path: browser.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)


def add_platform(people) -> None:
    connection = operations.create_connection(
        SYSTEM, seller_id=people["alpha"].id, connector="wsp", name="Exchange",
        values={"url": "http://127.0.0.1:9", "username": "u", "password": "Secret-1"}, now=NOW,
    )  # fmt: skip
    plan = {
        "reference": "7",
        "name": "Small",
        "scope": "account",
        "is_available": True,
        "description": "",
        "limits": {},
    }
    operations.record_platform_plans(connection_id=connection.id, plans=[plan], now=NOW)
    there = provisioning.platform_plans(SYSTEM, connection.id)[0]
    operations.switch_on_platform_plan(
        SYSTEM,
        seller_id=people["alpha"].id,
        plan_id=people.plans["alpha"],
        platform_plan_id=there.id,
        now=NOW,
    )


def platform_plan(people) -> int:
    connection = provisioning.connections_of(SYSTEM, people["alpha"].id)[0]
    return provisioning.platform_plans(SYSTEM, connection.id)[0].id
