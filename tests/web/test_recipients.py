"""The pages of contacts, distribution lists and public folders: few queries for many things, and every step in a browser."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from postledger.provisioning import operations as provisioning
from postledger.provisioning import queries
from postledger.resources import exchange
from postledger.workflows import add_exchange, reconcile, refresh_platform_plans
from postledger_sandbox.server import Sandbox
from tests.web import conftest, live
from tests.web.conftest import NOW, SYSTEM, TERMS
from tests.web.test_browser import sign_in

PRICED = {
    **TERMS,
    "charges": [
        *TERMS["charges"],
        {"name": "exchange.contacts", "measure": "metered", "usage": "0.50"},
        {"name": "exchange.lists", "measure": "metered", "usage": "2.00"},
        {"name": "exchange.folders", "measure": "metered", "usage": "3.00"},
    ],
}


def with_exchange(people, url="http://127.0.0.1:9", *, is_live=False):
    """Acme with Exchange ordered at his reseller's platform."""
    seller, acme = people["alpha"], people["acme"]
    held = provisioning.create_connection(
        SYSTEM,
        seller_id=seller.id,
        connector="wsp",
        name="Exchange",
        values={"url": url, "username": "reseller", "password": "Secret-1", "portal_url": f"{url}/p"},
        now=NOW,
    )
    if is_live:
        refresh_platform_plans.refresh_platform_plans(SYSTEM, connection_id=held.id, now=NOW)
    else:
        plan = {"reference": "7", "name": "Exchange Large", "scope": "account", "is_available": True}
        provisioning.record_platform_plans(
            connection_id=held.id, plans=[{**plan, "description": "", "limits": {}}], now=NOW
        )
    there = next(plan for plan in queries.platform_plans(SYSTEM, held.id) if plan.name == "Exchange Large")
    provisioning.switch_on_platform_plan(
        SYSTEM, seller_id=seller.id, plan_id=people.plans["alpha"], platform_plan_id=there.id, now=NOW
    )
    box = exchange.Mailbox(address="ann@acme.example", display_name="Ann Smith")
    add_exchange.add_exchange(SYSTEM, account_id=acme.id, domain="acme.example", mailboxes=[box], now=NOW)
    return queries.organization_of(SYSTEM, acme.id)


def fill(organization, *, mailboxes, members, others):
    """So many mailboxes, a list with members, and so many contacts and folders."""

    def declared(kind, desired):
        return provisioning.declare(
            account_id=organization.account_id,
            connection_id=organization.connection_id,
            parent_id=organization.id,
            kind=kind,
            desired=desired,
            now=NOW,
            actor="test",
        )

    names = [f"user{number:03}@acme.example" for number in range(mailboxes)]
    for number, name in enumerate(names):
        declared(exchange.MAILBOX, exchange.Mailbox(address=name, display_name=f"User {number:03}"))
    for number in range(others):
        contact = exchange.Contact(
            address=f"partner{number:03}@other.example", display_name=f"Partner {number:03}"
        )
        declared(exchange.CONTACT, contact)
        declared(exchange.PUBLIC_FOLDER, exchange.PublicFolder(path=f"Folder {number:03}"))
    wanted = exchange.DistributionList(
        address="all@acme.example",
        display_name="All staff",
        manager="ann@acme.example",
        members=frozenset(names[:members]),
        is_open=False,
    )
    return declared(exchange.DISTRIBUTION_LIST, wanted)


def asked(browser, path) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200, path
    return len(captured)


@pytest.mark.parametrize("code", ["acme", "alpha"])
def test_more_things_ask_no_more_of_the_database(people, code):
    organization = with_exchange(people)
    everybody = fill(organization, mailboxes=2, members=1, others=1)
    browser = people.client(code)
    here = f"/accounts/{people['acme'].id}/exchange/"
    paths = [
        here + path
        for path in (
            "",
            "mailboxes/",
            "contacts/",
            "lists/",
            "folders/",
            f"lists/{everybody.id}/",
            "lists/add/",
        )
    ]
    for path in paths:
        browser.get(path)
    before = {path: asked(browser, path) for path in paths}
    fill(organization, mailboxes=70, members=60, others=70)
    assert {path: asked(browser, path) for path in paths} == before


def test_a_long_list_is_shown_in_pages_and_searched(people):
    everybody = fill(with_exchange(people), mailboxes=130, members=120, others=60)
    browser = people.client("acme")
    here = f"/accounts/{people['acme'].id}/exchange/"

    def page(path):
        answer = browser.get(here + path)
        assert answer.status_code == 200
        return answer.content.decode()

    first, second = page("mailboxes/"), page("mailboxes/?page=1")
    assert "user010@" in first and "user060@" not in first
    assert "user060@" in second and "user010@" not in second
    assert "131 in all" in first
    found = page("mailboxes/?find=User+077")
    assert "user077@" in found and "user078@" not in found
    assert "All 131 mailboxes" in page("")
    assert "partner055@" in page("contacts/?page=1") and "Folder 059" in page("folders/?find=059")
    assert "Nothing with" in page("contacts/?find=nobody")
    members = page(f"lists/{everybody.id}/?page=2")
    assert "user110@" in members and "user010@" not in members
    chosen = page(f"lists/{everybody.id}/?who=partner+007&find=user003")
    assert "partner007@" in chosen and "partner008@" not in chosen and "user004@" not in chosen


def test_what_is_refused_is_said_beside_the_field_and_nothing_typed_is_lost(people):
    everybody = fill(with_exchange(people), mailboxes=1, members=1, others=1)
    browser = people.client("acme")
    here = f"/accounts/{people['acme'].id}/exchange/"
    pasted = "partner000@other.example\nno@body.example"
    answer = browser.post(f"{here}lists/{everybody.id}/", {"what": "add", "addresses": pasted})
    assert answer.status_code == 422
    assert "no@body.example cannot be in" in answer.content.decode() and pasted in answer.content.decode()
    answer = browser.post(f"{here}contacts/add/", {"display_name": "Ann", "address": "ann@acme.example"})
    assert answer.status_code == 422 and b"already" in answer.content
    answer = browser.post(f"{here}folders/add/", {"name": "a\\b", "above": "", "mail_name": ""})
    assert answer.status_code == 422 and b"slash" in answer.content


@pytest.mark.parametrize("dialect", ["W", "S"])
def test_services_of_a_mailbox_are_switched_on_after_their_price_was_shown(
    fresh_db, at, monkeypatch, dialect
):
    priced = [*TERMS["charges"], {"name": "exchange.ocs", "measure": "metered", "usage": "5.00"}]
    monkeypatch.setattr(conftest, "TERMS", {**TERMS, "charges": priced})
    people = conftest.populate()
    with Sandbox(dialect=dialect, delay_s=0) as sandbox:
        with_exchange(people, sandbox.url, is_live=True)
        for _ in range(3):
            reconcile.reconcile(now=at.now)
        (box,) = queries.resources_of(SYSTEM, people["acme"].id, kind=exchange.MAILBOX)
        assert box.is_settled, box.words
        browser = people.client("acme")
        path = f"/accounts/{people['acme'].id}/exchange/mailboxes/{box.id}/"
        first = browser.get(path).content.decode()
        assert "Office Communications" in first
        assert ("ActiveSync" in first) == (dialect == "W")  # later generations decide it by mailbox plan
        assert ("Skype" in first) == (dialect == "S")
        kept = sorted(set(box.observed["features"]) & {"activesync", "owa", "mapi", "pop", "imap"})
        wish = {
            "display_name": "Ann Lee",
            "aliases": "info@acme.example",
            "is_enabled": "on",
            "services": [*(kept if dialect == "W" else []), "ocs"],
        }
        asked_for = browser.post(path, wish)
        assert asked_for.status_code == 200
        told = asked_for.content.decode()
        assert "5.00" in told and "Save at this price" in told
        assert queries.one(box.id).generation == box.generation
        seen = " ".join(sorted(wish["services"]))
        assert f'value="{seen}"' in told
        done = browser.post(path, {**wish, "seen": seen})
        assert done.status_code == 302
        for _ in range(3):
            reconcile.reconcile(now=at.now)
        after = queries.one(box.id)
        assert after.is_settled, after.words
        assert set(after.observed["features"]) == {*box.observed["features"], "ocs"}
        assert (after.observed["display_name"], after.observed["aliases"]) == (
            "Ann Lee",
            ["info@acme.example"],
        )
        assert "is_enabled" not in after.desired


# --- in a browser ---------------------------------------------------------------------------------------------------


@pytest.fixture
def sandbox():
    with Sandbox(dialect="S", delay_s=0) as running:
        yield running


@pytest.fixture
def chromium():
    with live.browser() as browser:
        yield browser


@live.needs_chromium
@pytest.mark.parametrize("with_script", [True, False], ids=["with scripts", "without scripts"])
def test_a_customer_keeps_his_address_book_in_order(
    chromium, fresh_db, at, sandbox, monkeypatch, with_script
):
    monkeypatch.setattr(conftest, "TERMS", PRICED)
    people = conftest.populate()
    organization = with_exchange(people, sandbox.url, is_live=True)
    kept = (lambda page, name: live.picture(page, f"recipients-{name}")) if with_script else (lambda *_: None)
    with live.panel() as panel:
        page = sign_in(chromium, panel, "acme", java_script_enabled=with_script)
        here = f"{panel}/accounts/{people['acme'].id}/exchange/"
        page.goto(here)
        kept(page, "01-exchange")
        page.get_by_role("link", name="Add contact").click()
        kept(page, "02-add-contact")
        assert "0.50" in page.locator("#price").inner_text()
        page.get_by_label("Name").fill("Bob Jones")
        page.get_by_label("Address", exact=True).fill("bob@partner.example")
        page.get_by_role("button", name="Add contact").click()
        page.get_by_text("bob@partner.example is being added").wait_for()
        kept(page, "03-contacts")

        page.goto(here)
        page.get_by_role("link", name="Add list").click()
        page.get_by_label("Address", exact=True).fill("all")
        page.get_by_label("Name").fill("All staff")
        page.get_by_label("Members").fill("ann@acme.example")
        page.get_by_label("Everybody").check()
        assert "2.00" in page.locator("#price").inner_text()
        kept(page, "04-add-list")
        page.get_by_role("button", name="Add list").click()
        page.get_by_text("all@acme.example is being made").wait_for()
        page.get_by_role("link", name="all@acme.example", exact=True).click()
        page.get_by_label("bob@partner.example Bob Jones").check()
        page.get_by_role("button", name="Add members").click()
        page.get_by_text("1 member is being put in").wait_for()
        kept(page, "05-list")

        page.goto(f"{here}folders/")
        kept(page, "06-no-folders")
        page.get_by_role("link", name="Add folder").first.click()
        page.get_by_label("Name").fill("Team")
        page.get_by_label("Mail address").fill("team")
        assert "3.00" in page.locator("#price").inner_text()
        kept(page, "07-add-folder")
        page.get_by_role("button", name="Add folder").click()
        page.get_by_text("\\Team is being made").wait_for()

        for _ in range(3):
            reconcile.reconcile(now=at.now)
        there = sandbox.control.organization("acme")["accounts"]
        assert {row["PrimaryEmailAddress"] for row in there if row["AccountType"] in (2, 3, 4)} == {
            "bob@partner.example",
            "all@acme.example",
            "team@acme.example",
        }
        page.goto(f"{here}lists/")
        kept(page, "08-lists")
        page.get_by_role("link", name="Members").click()
        page.get_by_label("ann@acme.example").check()
        page.get_by_role("button", name="Take out those chosen").click()
        page.get_by_text("1 member is being taken out").wait_for()
        page.get_by_role("link", name="Change", exact=True).click()
        page.get_by_label("Hide it from the address book").check()
        kept(page, "09-change-list")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("all@acme.example is being changed").wait_for()

        page.goto(f"{here}folders/")
        page.get_by_role("link", name="Delete").click()
        page.get_by_label("Type Team to confirm").fill("team")
        kept(page, "10-delete-folder")
        page.get_by_role("button", name="Delete folder").click()
        page.goto(f"{here}contacts/")
        page.get_by_role("link", name="Remove").click()
        page.get_by_role("button", name="Remove").click()
        page.get_by_text("bob@partner.example is being removed").wait_for()
        for _ in range(3):
            reconcile.reconcile(now=at.now)
        (left,) = (
            row for row in sandbox.control.organization("acme")["accounts"] if row["AccountType"] in (2, 3, 4)
        )
        assert (left["PrimaryEmailAddress"], left["Members"], left["HideFromAddressBook"]) == (
            "all@acme.example",
            [],
            True,
        )
        assert page.trouble == []
        fill(organization, mailboxes=500, members=200, others=80)
        seller = sign_in(chromium, panel, "alpha", java_script_enabled=with_script)
        seller.goto(here)
        kept(seller, "11-seller-exchange")
        for name in ("mailboxes", "contacts", "folders"):
            seller.goto(f"{here}{name}/")
            kept(seller, f"12-seller-{name}")
        seller.goto(f"{here}lists/")
        seller.get_by_role("link", name="Members").click()
        kept(seller, "13-seller-list")
        assert seller.trouble == []
