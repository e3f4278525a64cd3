"""The main path, in a real browser against a running panel and a sandbox platform."""

import datetime as dt

import pypdf
import pytest

from postledger.accounts import queries as accounts
from postledger.provisioning import queries
from postledger.worker import tasks
from postledger.workflows import collect_usage, publish_zones, reconcile
from postledger_sandbox.server import Sandbox
from tests.web import live
from tests.web.conftest import NOW, PASSWORD, SYSTEM, People, populate

pytestmark = live.needs_chromium


@pytest.fixture
def sandbox():
    with Sandbox(dialect="S", delay_s=0) as running:
        yield running


@pytest.fixture
def people(fresh_db, at) -> People:
    return populate()


@pytest.fixture
def panel(people):
    with live.panel() as address:
        yield address


@pytest.fixture
def chromium():
    with live.browser() as browser:
        yield browser


def sign_in(browser, panel, code, **options):
    """A page of a browser of its own in which the owner of this account is signed in; it fails on what the page refuses."""
    page = browser.new_context(viewport={"width": 1360, "height": 900}, **options).new_page()
    page.set_default_timeout(10_000)
    page.trouble = []
    page.on("console", lambda message: page.trouble.append(message.text) if is_trouble(message) else None)
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.goto(f"{panel}/sign-in/login/")
    page.get_by_label("Email").fill(f"{code}@people.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{panel}/")
    return page


def is_trouble(message) -> bool:
    """True for what the browser complains of, other than that a form was refused."""
    return message.type == "error" and "status of 422" not in message.text


def work(at) -> None:
    """Workers have had time enough."""
    for _ in range(8):
        reconcile.reconcile(now=at.now)
        at.now += dt.timedelta(minutes=1)
    publish_zones.publish_zones(now=at.now)


@pytest.mark.parametrize("with_script", [True, False], ids=["with scripts", "without scripts"])
def test_from_signing_in_to_the_paid_month(chromium, panel, people, sandbox, at, with_script):
    kept = (lambda page, name: live.picture(page, name)) if with_script else (lambda page, name: None)
    options = {"java_script_enabled": with_script}

    # the reseller connects his platform and offers a plan of it
    seller = sign_in(chromium, panel, "alpha", **options)
    kept(seller, "01-dashboard-empty")
    seller.goto(f"{panel}/connections/add/wsp/")
    seller.get_by_label("Enterprise Server URL").fill(sandbox.url)
    seller.get_by_label("User name").fill("reseller")
    seller.get_by_label("Password").fill("Secret-1")
    seller.get_by_label("Portal URL").fill(sandbox.portal_url)
    seller.get_by_label("MX").fill("10 mx1.host.example\n20 mx2.host.example")
    seller.get_by_label("Autodiscover").fill("autodiscover.host.example")
    seller.get_by_label("SPF").fill("include:spf.host.example")
    kept(seller, "02-connection-form")
    seller.get_by_role("button", name="Connect and check").click()
    seller.get_by_text("The connection works.").wait_for()
    seller.get_by_role("button", name="Exchange Small with Office").click()
    seller.get_by_text("Exchange Small is now offered with Office.").wait_for()
    kept(seller, "03-connection")

    # his customer adds Exchange and sees the price first
    customer = sign_in(chromium, panel, "acme", **options)
    kept(customer, "04-customer-home")
    customer.goto(f"{panel}/accounts/{people['acme'].id}/exchange/")
    kept(customer, "05-exchange-none")
    customer.get_by_role("link", name="Add Exchange").click()
    customer.get_by_label("Mail domain").fill("not a domain")
    customer.get_by_role("button", name="Add Exchange").click()
    customer.locator("#id_domain_error").wait_for()
    assert queries.resources_of(SYSTEM, people["acme"].id) == ()
    kept(customer, "06-exchange-refused")
    customer.get_by_label("Mail domain").fill("acme.example")
    customer.get_by_role("button", name="Show the price").click()
    customer.get_by_text("USD 24.00").first.wait_for()  # five expected, two included, 8.00 each
    kept(customer, "07-exchange-add")
    customer.get_by_role("button", name="Add Exchange").click()
    customer.get_by_role("heading", name="Being set up").wait_for()
    kept(customer, "08-exchange-progress")
    work(at)
    if with_script:
        customer.wait_for_url(f"{panel}/accounts/{people['acme'].id}/exchange/")  # by itself
    else:
        customer.get_by_role("link", name="Refresh").click()
        customer.get_by_role("link", name="To Exchange").click()
    customer.get_by_text("All mail").or_(customer.get_by_role("heading", name="Mailboxes")).first.wait_for()

    # mailboxes
    for number, name in enumerate(("ann", "bob", "cy")):
        customer.goto(f"{panel}/accounts/{people['acme'].id}/exchange/mailboxes/add/")
        if number == 2:
            kept(customer, "09-mailbox-add")
            assert "USD 8.00" in customer.locator("#price").inner_text()
        customer.get_by_label("Address").fill(name)
        customer.get_by_label("Name", exact=False).last.fill(f"{name.capitalize()} Smith")
        customer.get_by_role("button", name="Add mailbox").click()
        customer.get_by_text("is being made").wait_for()
    work(at)
    organization = queries.organization_of(SYSTEM, people["acme"].id)
    assert len([r for r in queries.resources_of(SYSTEM, people["acme"].id) if r.is_settled]) == 6
    assert organization.is_settled

    # usage so far
    connection = queries.connections_of(SYSTEM, people["alpha"].id)[0]
    for days in range(3):
        at.now = NOW + dt.timedelta(days=2 + days)
        collect_usage.collect_usage(connection_id=connection.id, now=at.now)
        sandbox.control.grow_disk("ann@acme.example", 900 * (days + 1))
    customer.goto(f"{panel}/accounts/{people['acme'].id}/exchange/")
    assert "USD 8.00" in customer.locator("#so-far").inner_text()
    kept(customer, "10-exchange")
    customer.get_by_role("link", name="Records of acme.example").click()
    customer.get_by_text("mx1.host.example").wait_for()
    kept(customer, "11-domain")

    # one click to the platform's own pages
    customer.goto(f"{panel}/accounts/{people['acme'].id}/exchange/")
    customer.get_by_role("link", name="Open Exchange").click()
    kept(customer, "12-open")
    with customer.context.expect_page() as opened:
        customer.get_by_role("button", name="Open Exchange").click()
    portal = opened.value
    if not with_script:
        portal.get_by_role("button", name="Open Exchange").click()
    portal.locator("#signed-in").wait_for()
    assert "acme" in portal.locator("#signed-in").inner_text()
    assert portal.url.startswith(sandbox.portal_url)
    kept(portal, "13-portal")

    # the month closes; the reseller runs the billing
    at.now = dt.datetime(2027, 2, 10, 1, tzinfo=dt.UTC)
    collect_usage.collect_usage(connection_id=connection.id, now=at.now)
    seller.goto(f"{panel}/billing/?preview=1")
    kept(seller, "14-billing-preview")
    assert "USD 18.00" in seller.locator("#start").inner_text()  # 10.00 and a mailbox above the two included
    seller.get_by_role("button", name="Start the billing run").click()
    seller.get_by_text("waits for a worker").wait_for()
    kept(seller, "15-billing-waits")
    tasks.billing_run(user_id=_user(people, "alpha"), seller_id=people["alpha"].id, now=at.now.isoformat())
    if not with_script:
        seller.get_by_role("link", name="Refresh").click()
    seller.get_by_text("Done: 1 close").wait_for()
    kept(seller, "16-billing-done")
    seller.goto(f"{panel}/")
    kept(seller, "17-dashboard")
    seller.goto(f"{panel}/customers/")
    kept(seller, "18-customers")
    seller.goto(f"{panel}/accounts/{people['acme'].id}/")
    kept(seller, "19-customer-detail")

    # the invoice, on screen and as a file
    customer.goto(f"{panel}/accounts/{people['acme'].id}/invoices/")
    customer.locator("tbody a").first.click()
    customer.get_by_text("Exchange mailboxes – usage").wait_for()
    customer.locator("details.why summary").first.click()
    kept(customer, "20-invoice")
    href = customer.get_by_role("link", name="PDF").get_attribute("href")
    answer = customer.request.get(f"{panel}{href}")
    assert answer.headers["content-type"] == "application/pdf"
    kept_as = live.PICTURES / "invoice.pdf"
    kept_as.parent.mkdir(parents=True, exist_ok=True)
    kept_as.write_bytes(answer.body())
    assert "Exchange mailboxes" in pypdf.PdfReader(kept_as).pages[0].extract_text()
    customer.goto(f"{panel}/accounts/{people['acme'].id}/statement/")
    kept(customer, "21-statement")
    customer.goto(f"{panel}/accounts/{people['acme'].id}/plan/")
    kept(customer, "22-plan")
    assert seller.trouble == [] and customer.trouble == []


def test_the_panel_on_a_telephone(chromium, panel, people):
    page = sign_in(chromium, panel, "acme")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{panel}/accounts/{people['acme'].id}/plan/")
    live.picture(page, "30-telephone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("summary.menu-toggle").click()
    page.locator("details.narrow").get_by_role("link", name="Invoices").click()
    page.get_by_role("heading", name="Invoices").wait_for()
    live.picture(page, "31-telephone-invoices")
    assert page.trouble == []


def test_every_input_has_a_label_and_every_page_a_heading(chromium, panel, people):
    page = sign_in(chromium, panel, "alpha")
    plan = people.plans["alpha"]
    for path in (
        "/", "/customers/", "/customers/add/", "/plans/", f"/plans/{plan}/", f"/plans/{plan}/edit/", "/connections/",
        "/connections/add/", "/connections/add/wsp/", "/connections/add/powerdns/", "/billing/", "/invoices/", "/debtors/",
        "/margins/", "/selling/", "/you/", "/sign-in/password/change/",
    ):  # fmt: skip
        page.goto(panel + path)
        assert page.locator("h1").count() == 1, path
        nameless = page.evaluate(
            "[...document.querySelectorAll('input:not([type=hidden]),select,textarea')]"
            ".filter(e => !e.labels.length && !e.getAttribute('aria-label')).map(e => e.name)"
        )
        assert nameless == [], path
    for name, path in (("40-plans", "/plans/"), ("41-plan", f"/plans/{plan}/"), ("42-plan-edit", f"/plans/{plan}/edit/"),
                       ("43-customer-add", "/customers/add/"), ("44-margins", "/margins/"), ("45-you", "/you/"),
                       ("46-connections", "/connections/"), ("47-invoices", "/invoices/")):  # fmt: skip
        page.goto(panel + path)
        live.picture(page, name)
    for name, path in (
        ("48-selling", "/selling/"),
        ("49-second-factor", "/sign-in/2fa/"),
        ("50-app", "/sign-in/2fa/totp/activate/"),
    ):
        page.goto(panel + path)
        live.picture(page, name)
    assert page.trouble == []
    page.context.clear_cookies()
    page.goto(f"{panel}/sign-in/login/")
    live.picture(page, "51-sign-in")


def _user(people: People, code: str) -> int:
    return accounts.users_of(SYSTEM, people[code].id)[0].id
