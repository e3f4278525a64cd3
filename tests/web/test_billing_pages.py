"""Running the billing from the panel: for oneself, and as the provider for everybody."""

import datetime as dt
import re
from decimal import Decimal

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from postledger.accounts import queries as accounts
from postledger.billing import queries as billing
from postledger.subscriptions import queries as subscriptions
from postledger.usage import operations as usage
from postledger.usage.types import NewReading
from postledger.worker import tasks
from postledger.workflows import begin_exchange
from tests.web.conftest import NOW, SYSTEM

CLOSE = dt.datetime(2027, 2, 10, 12, tzinfo=dt.UTC)


def closes(people) -> dict[str, int]:
    """How many invoices each buyer has."""
    return {
        code: len(billing.invoices(SYSTEM, buyer_id=people[code].id))
        for code in ("acme", "nord", "solo", "alpha")
    }


def test_the_provider_runs_the_billing_of_all_sellers_after_a_dry_run(people, at):
    at.now = CLOSE
    browser = people.client("host")
    before = closes(people)
    assert browser.get("/billing/").context["due"] == 3  # Solo and the two resellers
    page = browser.get("/billing/?all=1&preview=1")
    assert page.context["due"] == page.context["foreseen"].closes == 5
    assert closes(people) == before
    response = browser.post("/billing/start/", {"all": "1"})
    assert "all=1" in response["Location"]
    job = ProcrastinateJob.objects.get(task_name="billing_run")
    assert job.args["seller_id"] is None
    waiting = browser.get(response["Location"]).content.decode()
    assert "waits for a worker" in waiting
    tasks.billing_run(**job.args, now=at.now.isoformat())
    done = browser.get(response["Location"])
    assert "Done: 5 closes" in done.content.decode() and done.context["due"] == 0
    assert closes(people) == {code: count + 1 for code, count in before.items()}


def test_a_reseller_runs_only_what_he_sells_whatever_he_asks_for(people, at):
    at.now = CLOSE
    browser = people.client("alpha")
    assert browser.get("/billing/?all=1").context["due"] == 1
    browser.post("/billing/start/", {"all": "1"})
    job = ProcrastinateJob.objects.get(task_name="billing_run")
    assert job.args["seller_id"] == people["alpha"].id


@pytest.mark.parametrize("who", ["host", "alpha"])
def test_a_parked_account_is_shown_with_its_reason_and_released_when_the_cause_is_gone(people, at, who):
    acme = people["acme"]
    begin_exchange.begin_exchange(SYSTEM, buyer_id=acme.id, now=NOW)
    held = subscriptions.subscription_of(SYSTEM, acme.id)
    bad = NewReading(held.id, "exchange.mailboxes", CLOSE, Decimal(-1))
    at.now = CLOSE
    usage.record_readings(readings=[bad], now=CLOSE, zones={held.id: dt.UTC})
    owner = accounts.users_of(SYSTEM, people[who].id)[0].id
    tasks.billing_run(user_id=owner, seller_id=None, now=at.now.isoformat())
    browser = people.client(who)
    page = browser.get("/billing/?all=1").content.decode()
    assert "Acme Ltd" in page and "less than nothing" in page and ("Alpha Resell" in page)
    seen = {row.buyer_id for row in billing.parked(accounts.viewer_of(owner))}
    assert seen == {acme.id}
    good = NewReading(held.id, "exchange.mailboxes", CLOSE + dt.timedelta(hours=1), Decimal(3))
    usage.record_readings(readings=[good], now=good.taken_at, zones={held.id: dt.UTC})
    response = browser.post(f"/billing/parked/{held.id}/release/", {"all": "1"})
    assert ("all=1" in response["Location"]) == (who == "host")
    tasks.billing_run(user_id=owner, seller_id=None, now=(CLOSE + dt.timedelta(hours=2)).isoformat())
    assert billing.parked(accounts.viewer_of(owner)) == ()
    newest = billing.invoice(SYSTEM, billing.invoices(SYSTEM, buyer_id=acme.id)[0].id)
    assert ("usage", 800) in [(line.kind, line.amount) for line in newest.lines]


def test_a_neighbour_sees_and_releases_no_parked_account(people, at):
    acme = people["acme"]
    held = subscriptions.subscription_of(SYSTEM, acme.id)
    assert people.client("beta").post(f"/billing/parked/{held.id}/release/").status_code == 404


def test_the_menu_marks_where_a_reseller_is(people):
    browser, own, acme = people.client("alpha"), people["alpha"].id, people["acme"].id
    invoice = billing.invoices(SYSTEM, buyer_id=own)[0].id
    for url, marked in (
        (f"/accounts/{own}/", "What you buy"),
        (f"/accounts/{own}/plan/", "What you buy"),
        (f"/accounts/{own}/invoices/", "What you owe"),
        (f"/invoices/{invoice}/", "What you owe"),
        (f"/accounts/{acme}/", "Customers"),
        (f"/accounts/{acme}/plan/", "Customers"),
    ):
        menu = browser.get(url).content.decode().split('class="menu"')[1].split("</nav>")[0]
        marked_here = re.findall(r'aria-current="page"><svg.*?</svg>([^<]*)</a>', menu)
        assert marked_here == [marked], url
