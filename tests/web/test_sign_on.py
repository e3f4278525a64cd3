"""Signing on to the platform: the fresh password is in one page, once, and nowhere else."""

import datetime as dt
import re
import urllib.parse
import urllib.request

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from postledger.provisioning import operations, queries
from postledger.workflows import add_exchange, check_connection, reconcile, refresh_platform_plans
from postledger_sandbox.server import Sandbox
from tests.web.conftest import NOW, SYSTEM, People, populate

FIELD = re.compile(r'<input type="hidden" name="password" value="([^"]+)">')


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(dialect="W", delay_s=0) as running:
        yield running


@pytest.fixture
def people(fresh_db, at, sandbox) -> People:
    """Everybody, and Acme has Exchange that is set up."""
    people = populate()
    sandbox.control.clear_calls()
    made = operations.create_connection(
        SYSTEM, seller_id=people["alpha"].id, connector="wsp", name="Exchange",
        values={"url": sandbox.url, "username": "reseller", "password": "Secret-1", "portal_url": sandbox.portal_url},
        now=NOW,
    )  # fmt: skip
    check_connection.check_connection(SYSTEM, connection_id=made.id, now=NOW)
    plans = refresh_platform_plans.refresh_platform_plans(SYSTEM, connection_id=made.id, now=NOW)
    small = next(plan for plan in plans if plan.name == "Exchange Small")
    operations.switch_on_platform_plan(
        SYSTEM,
        seller_id=people["alpha"].id,
        plan_id=people.plans["alpha"],
        platform_plan_id=small.id,
        now=NOW,
    )
    add_exchange.add_exchange(SYSTEM, account_id=people["acme"].id, domain="acme.example", now=NOW)
    for minutes in range(8):
        reconcile.reconcile(now=NOW + dt.timedelta(minutes=minutes))
    assert queries.progress(SYSTEM, people["acme"].id).is_settled
    return people


def open_exchange(people: People, browser: Client, **given):
    return browser.post(f"/accounts/{people['acme'].id}/exchange/open/", given)


def test_the_password_is_in_one_page_and_nowhere_else(people, sandbox, caplog):
    browser = people.client("acme")
    with caplog.at_level("DEBUG"):
        response = open_exchange(people, browser)
    (password,) = FIELD.findall(response.content.decode())
    assert len(password) >= 12
    assert found_in_database(password) == []
    assert password not in caplog.text
    acme = people["acme"].id
    for path in ("/", f"/accounts/{acme}/", f"/accounts/{acme}/history/", f"/accounts/{acme}/exchange/", f"/accounts/{acme}/exchange/open/"):  # fmt: skip
        assert password not in browser.get(path).content.decode()
    seller = people.client("alpha")
    there = queries.connections_of(SYSTEM, people["alpha"].id)[0]
    assert password not in seller.get(f"/connections/{there.id}/").content.decode()
    mails = settings.HOME / "mail"
    assert not any(password in file.read_text() for file in mails.glob("*")) if mails.exists() else True
    assert not any(password in str(call.get("url", "")) for call in sandbox.control.calls())


def test_the_page_is_kept_by_nobody_and_may_only_post_to_the_portal(people, sandbox):
    response = open_exchange(people, people.client("acme"))
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"
    policy = response["Content-Security-Policy"]
    assert f"form-action {sandbox.url}" in policy
    assert "default-src 'none'" in policy and "unsafe" not in policy
    nonce = re.search(r"'nonce-([^']+)'", policy).group(1)
    page = response.content.decode()
    assert page.count("<script") == 1 and f'<script nonce="{nonce}">' in page
    assert '<form id="sign-on" method="post"' in page
    assert '<button class="btn btn-primary" type="submit">' in page  # for those without scripts


def test_what_the_page_posts_signs_on_and_the_next_one_holds_another_password(people, sandbox):
    browser = people.client("acme")
    pages = [open_exchange(people, browser).content.decode() for _ in range(2)]
    first, second = (FIELD.findall(page)[0] for page in pages)
    assert first != second
    assert not signs_on(sandbox, "acme", first)
    assert signs_on(sandbox, "acme", second)


def test_looking_at_the_page_that_asks_sets_no_password(people, sandbox):
    sandbox.control.clear_calls()
    page = people.client("acme").get(f"/accounts/{people['acme'].id}/exchange/open/")
    assert page.status_code == 200
    assert sandbox.control.calls() == []


def test_a_seller_says_why_and_his_customer_can_read_it(people):
    seller = people.client("alpha")
    assert open_exchange(people, seller, why="").status_code == 422
    assert FIELD.search(open_exchange(people, seller, why="Ticket 7: calendar").content.decode())
    history = people.client("acme").get(f"/accounts/{people['acme'].id}/history/").content.decode()
    assert "Ticket 7: calendar" in history


def test_when_the_platform_does_not_answer_it_is_said_in_words(people, sandbox):
    sandbox.control.inject(
        "unavailable" if "unavailable" in sandbox.control.kinds() else next(iter(sandbox.control.kinds()))
    )
    try:
        response = open_exchange(people, people.client("acme"))
    finally:
        sandbox.control.clear_faults()
    assert response.status_code == 422
    assert not FIELD.search(response.content.decode())
    assert response.context["form"].non_field_errors()


def found_in_database(text: str) -> list[str]:
    """The tables with a row that holds this text anywhere."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        tables = [row[0] for row in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table} AS t WHERE position(%s in t::text) > 0", [text])
            if cursor.fetchone()[0]:
                found.append(table)
    assert tables
    return found


def signs_on(sandbox, user: str, password: str) -> bool:
    data = urllib.parse.urlencode({"user": user, "password": password}).encode()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(f"{sandbox.portal_url}/Default.aspx?pid=Login", data, timeout=20) as answer:
        return b"signed-in" in answer.read()


def test_the_search_of_the_database_finds(people):
    assert "accounts_account" in found_in_database("Acme Ltd")
