"""Nothing of one seller's customers can be seen or changed by another's: every route answers as if it were not there.

The routes are read from the URL configuration, so a new page is tested from its first day.
"""

import re

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver

from postledger.accounts import operations as account_operations
from postledger.accounts import queries as accounts
from postledger.billing import queries as billing
from postledger.provisioning import adoption, differences, queries
from postledger.provisioning import operations as provisioning
from postledger.provisioning.types import NewDifference
from postledger.resources import exchange
from postledger.subscriptions import queries as subscriptions
from postledger.web import urls
from postledger.workflows import add_exchange
from tests.web.conftest import NOW, SYSTEM

ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")


def routes(patterns=None, before=""):
    """(route, name) of every page of the panel itself; allauth's are about who signs in and nobody else."""
    for pattern in urls.urlpatterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if not route.startswith("sign-in/"):
                yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.name


ROUTES = sorted(routes())
ABOUT_SOMETHING = [
    (route, name) for route, name in ROUTES if ARGUMENT.search(route) and "connector>" not in route
]


@pytest.fixture
def belongings(people):
    """Ids of everything Acme and his seller have, under the names routes use for them."""
    seller, acme = people["alpha"], people["acme"]
    connection = provisioning.create_connection(
        SYSTEM, seller_id=seller.id, connector="wsp", name="Exchange",
        values={"url": "http://127.0.0.1:9", "username": "u", "password": "Secret-1", "portal_url": "http://127.0.0.1:9/p"},
        now=NOW,
    )  # fmt: skip
    plan = {
        "reference": "7",
        "name": "Small",
        "scope": "account",
        "is_available": True,
        "description": "",
        "limits": {},
    }
    provisioning.record_platform_plans(connection_id=connection.id, plans=[plan], now=NOW)
    there = queries.platform_plans(SYSTEM, connection.id)[0]
    provisioning.switch_on_platform_plan(
        SYSTEM, seller_id=seller.id, plan_id=people.plans["alpha"], platform_plan_id=there.id, now=NOW
    )
    box = exchange.Mailbox(address="ann@acme.example", display_name="Ann")
    add_exchange.add_exchange(SYSTEM, account_id=acme.id, domain="acme.example", mailboxes=[box], now=NOW)
    things = queries.resources_of(SYSTEM, acme.id)
    differences.record(
        connection_id=connection.id,
        found=[
            NewDifference(code="unlinked", kind=exchange.ACCOUNT, name="old", words="It is nobody's here.")
        ],
        now=NOW,
    )
    walk = adoption.begin_walk(connection_id=connection.id, now=NOW)
    row = {"reference_key": "user 7", "reference": {"user": 7}, "name": "old", "account_id": acme.id}
    adoption.record_page(walk=walk, rows=[row], cursor=None, seen=1, total=1, now=NOW)
    return {
        "account_id": acme.id,
        "invoice_id": billing.invoices(SYSTEM, buyer_id=acme.id)[0].id,
        "plan_id": people.plans["alpha"],
        "connection_id": connection.id,
        "subscription_id": subscriptions.subscription_of(SYSTEM, acme.id).id,
        "mailbox": next(found.id for found in things if found.kind == exchange.MAILBOX),
        "domain": next(found.id for found in things if found.kind == exchange.DOMAIN),
        "charge": "Backup",
        "user_id": accounts.users_of(SYSTEM, acme.id)[0].id,
        "token_id": account_operations.create_token(
            accounts.viewer_of(accounts.users_of(SYSTEM, acme.id)[0].id), name="shop", now=NOW
        )[1].id,
        "package": "Five mailboxes",
        "platform_plan": there.id,
        "difference_id": differences.differences_of(SYSTEM, connection.id)[0].id,
        "proposal_id": adoption.proposals_of(SYSTEM, connection.id)[0].id,
    }


def address(route, belongings):
    kind = "mailbox" if "mailboxes" in route else "domain"
    given = {**belongings, "resource_id": belongings[kind]}
    return "/" + ARGUMENT.sub(lambda found: str(given[found.group(1)]), route)


def test_the_walk_finds_the_routes():
    names = {name for _, name in ROUTES}
    assert {
        "account",
        "exchange-mailbox-delete",
        "invoice-pdf",
        "plans-edit",
        "connections-offer",
        "billing-release",
    } <= names
    assert len(ABOUT_SOMETHING) > 35


@pytest.mark.parametrize("who", ["beta", "nord", "solo"])
def test_what_is_acmes_does_not_exist_for_his_neighbours(people, belongings, who):
    before = state(people, belongings)
    browser = people.client(who)
    form = {
        "confirm": "yes", "seen": "", "confirmation": "ann@acme.example", "domain": "x.example", "name": "x",
        "amount": "5", "reason": "goodwill", "text": "t", "method": "cash", "key": "k", "why": "w", "months": "12",
        "plan": people.plans["alpha"], "platform_plan": belongings["platform_plan"], "choice": f"{people.plans['alpha']}-1",
        "password": "Gritty-Otter-43", "again": "Gritty-Otter-43", "accepted": "yes",
    }  # fmt: skip
    seen = {}
    for route, _ in ABOUT_SOMETHING:
        url = address(route, belongings)
        for method, given in (("get", {}), ("post", form)):
            response = getattr(browser, method)(url, given)
            if response.status_code not in (404, 405) or (method == "get" and b"Acme" in response.content):
                seen[f"{method} {url}"] = response.status_code
    assert seen == {}
    assert state(people, belongings) == before


def test_a_customer_does_not_see_what_his_seller_has(people, belongings):
    browser = people.client("acme")
    selling = (
        "plans",
        "connections",
        "billing",
        "customers",
        "debtors",
        "margins",
        "money",
        "selling",
        "account-edit",
    )
    mine = ("account-suspend", "account-resume", "account-activate")
    seen = {}
    for route, name in ROUTES:
        if name.startswith((*selling, *mine)):
            url = "/" + route.replace("<slug:connector>", "wsp")
            url = address(url[1:], belongings)
            for method in ("get", "post"):
                status = getattr(browser, method)(url).status_code
                if status not in (404, 405):
                    seen[f"{method} {url}"] = status
    assert seen == {}


def test_a_seller_cannot_offer_plans_with_anothers_platform(people, belongings):
    browser = people.client("beta")
    browser.post(
        f"/connections/{belongings['connection_id']}/offer/",
        {"plan": people.plans["beta"], "platform_plan": belongings["platform_plan"]},
    )
    assert queries.offered_plan_ids(SYSTEM, seller_id=people["beta"].id) == frozenset()


def test_strangers_are_sent_to_the_entrance_from_every_page(db):
    belongings = dict.fromkeys(
        "account_id invoice_id plan_id connection_id subscription_id mailbox domain charge package "
        "difference_id proposal_id user_id token_id".split(),
        1,
    )
    browser = Client()
    for route, _ in ROUTES:
        url = address(route.replace("<slug:connector>", "wsp"), belongings)
        for method in ("get", "post"):
            response = getattr(browser, method)(url)
            assert response.status_code == 302 and "/sign-in/login/" in response["Location"], url


def test_a_change_needs_the_token_of_its_form(people, belongings):
    browser = people.client("acme", enforce_csrf_checks=True)
    url = f"/accounts/{belongings['account_id']}/exchange/mailboxes/{belongings['mailbox']}/delete/"
    assert browser.post(url, {"confirmation": "ann@acme.example"}).status_code == 403
    assert queries.resource(SYSTEM, belongings["mailbox"]).is_wanted


def state(people, belongings):
    acme = belongings["account_id"]
    return (
        accounts.accounts_visible(SYSTEM),
        subscriptions.subscription_of(SYSTEM, acme),
        billing.statement(SYSTEM, acme),
        queries.resources_of(SYSTEM, acme),
        queries.connection(SYSTEM, belongings["connection_id"]),
        queries.offered_plan_ids(SYSTEM, seller_id=people["alpha"].id),
        accounts.users_of(SYSTEM, acme),
    )
