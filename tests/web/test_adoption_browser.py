"""Adopting, drift and changes in a real browser, with scripts and without."""

import pytest
from django.db import connections

from postledger import clock
from postledger.accounts import operations as accounts
from postledger.provisioning import adoption, differences, operations, queries
from postledger.resources import exchange
from postledger.workflows import find_drift, propose_adoptions
from postledger_sandbox.server import Sandbox
from tests.web import live
from tests.web.conftest import PASSWORD
from tests.web.test_browser import is_trouble
from tests.workflows import story

pytestmark = live.needs_chromium
SYSTEM = story.SYSTEM


@pytest.fixture
def house(fresh_db, monkeypatch):
    with Sandbox(dialect="S", delay_s=0, estate=(4, 2, 4)) as sandbox:
        made = story.build(sandbox)
        monkeypatch.setattr(clock, "now", lambda: made.now)
        yield made


@pytest.fixture
def seller(house):
    """How the provider's owner gets a page of a browser in which he is signed in."""
    accounts.create_user(
        SYSTEM, account_id=house.provider.id, email="owner@host.example", password=PASSWORD, now=house.now
    )
    with live.panel() as address, live.browser() as browser:
        connections.close_all()  # the browser's loop has connections of its own, of the test before

        def signed_in(**options):
            page = browser.new_context(viewport={"width": 1360, "height": 900}, **options).new_page()
            page.set_default_timeout(60_000)
            page.trouble = []
            page.on("console", lambda said: page.trouble.append(said.text) if is_trouble(said) else None)
            page.goto(f"{address}/sign-in/login/")
            page.get_by_label("Email").fill("owner@host.example")
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in", exact=True).click()
            page.wait_for_url(f"{address}/")
            page.panel = address
            return page

        yield signed_in


@pytest.mark.parametrize("with_script", [True, False], ids=["with scripts", "without scripts"])
def test_an_estate_is_adopted_compared_and_put_right(house, seller, with_script):
    kept = live.picture if with_script else (lambda page, name: None)
    acme = house.customer("acme", email="customer00001@hosted.example")
    beta = house.customer("beta")
    house.order(beta)
    assert house.settle(beta).is_settled
    propose_adoptions.propose_adoptions(SYSTEM, connection_id=house.connection.id, now=house.now)
    page = seller(java_script_enabled=with_script)

    # what is there, from the connection's page
    page.goto(f"{page.panel}/connections/{house.connection.id}/")
    kept(page, "60-connection")
    page.get_by_role("link", name="Adopt accounts").click()
    kept(page, "61-proposals")
    page.get_by_role("button", name="Link customer00001 to Acme Ltd").click()
    page.get_by_text("customer00001 is linked.").first.wait_for()
    assert queries.account_resource(SYSTEM, acme.id).key == "customer00001"
    assert house.settle(acme).is_settled
    assert adoption.counts(SYSTEM, house.connection.id).linked == 1

    # what is otherwise
    house.sandbox.control.set_status(username="beta", status_id=2)
    find_drift.find_drift(connection_id=house.connection.id, now=house.now)
    page.goto(f"{page.panel}/connections/{house.connection.id}/")
    kept(page, "62-connection-with-drift")
    page.get_by_role("link", name="Decide about all").click()
    kept(page, "63-drift")
    page.get_by_role("link", name="Wrong status: 1").click()
    page.get_by_role("button", name="Correct the platform").click()
    page.get_by_text("being put right").first.wait_for()
    assert house.settle(beta).is_settled
    assert house.sandbox.control.user("beta")["StatusId"] == 1
    page.goto(f"{page.panel}/adoption/{house.connection.id}/drift/")
    row = page.get_by_role("row").filter(has_text="customer00003")
    row.locator("summary").click()
    row.get_by_label("Why it is right as it is").fill("our own test account")
    row.get_by_role("button", name="Ignore it").click()
    kept(page, "64-drift-ignored")
    page.get_by_text("our own test account").first.wait_for()

    # what is about to be changed, and why it is not
    box = queries.find(connection_id=house.connection.id, kind=exchange.MAILBOX, key="m0@beta.example")
    operations.withdraw(resource_id=box.id, reason="", now=house.now, actor="system")
    house.work()
    page.goto(f"{page.panel}/adoption/{house.connection.id}/changes/")
    page.get_by_role("link", name="Compare with the platform now").click()
    kept(page, "65-changes")
    page.get_by_label("Why you decide so about Mailbox m0@beta.example").fill("nobody ordered it")
    page.get_by_role("button", name="Leave it as it is").click()
    page.get_by_text("m0@beta.example stays as it is.").first.wait_for()
    assert queries.resource(SYSTEM, box.id).is_wanted
    assert differences.summary(SYSTEM, house.connection.id).ignored == 1
    assert page.trouble == []
