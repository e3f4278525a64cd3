"""No page shows or changes what belongs to a neighbour, whatever address is typed in.

A company of provider, reseller and customers lives through a month. Beside it stands another reseller with a customer. Both
ask every address of the panels with the ids of what the others have, by GET and by POST.
"""

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from postledger.accounts import operations as accounts
from postledger.cli._story import SYSTEM, Story
from postledger.web import urls
from postledger.workflows import collect_usage, daily_jobs, reconcile
from postledger_sandbox.server import Process

MARKS = ("Acme", "Globex", "Initech", "acme.example", "globex.example", "initech.example", "North Web")
TABLES = {  # what a part of an address is called → table of the things it may name
    "account_id": "accounts.Account",
    "connection_id": "provisioning.Connection",
    "difference_id": "provisioning.Difference",
    "invoice_id": "billing.Invoice",
    "plan_id": "catalog.Plan",
    "proposal_id": "provisioning.Proposal",
    "resource_id": "provisioning.Resource",
    "subscription_id": "subscriptions.Subscription",
    "zone_id": "provisioning.Zone",
    "token_id": "accounts.ApiToken",
    "user_id": "accounts.User",
}
WORDS = {"connector": "wsp", "charge": "Account", "package": "none"}
BEGINS = dt.datetime(2027, 1, 15, 10, tzinfo=dt.UTC)
CLOSES = dt.datetime(2027, 2, 15, 0, 10, tzinfo=dt.UTC)


def addresses(patterns=urls.urlpatterns) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name and parameters of every page of ours; those of the sign-in library are its own affair."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if getattr(pattern.urlconf_name, "__name__", "") != "allauth.urls":
                outer = tuple(pattern.pattern.converters)
                for name, inner in addresses(pattern.url_patterns):
                    yield name, outer + inner
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name, tuple(pattern.pattern.converters)


def settle(now: dt.datetime) -> None:
    while reconcile.reconcile(now=now).trees:
        pass


def ids(parameter: str, strangers: set[int]) -> list[Any]:
    """What to put in the place of a parameter: one of each kind that is none of the strangers' own."""
    if parameter in WORDS:
        return [WORDS[parameter]]
    model = apps.get_model(TABLES[parameter])
    one_of_each = {}
    for row in model.objects.order_by("id"):
        if parameter != "account_id" or row.id not in strangers:
            one_of_each[getattr(row, "kind", row.id)] = row.id
    return list(one_of_each.values())


def rows() -> dict[str, set[tuple[Any, ...]]]:
    """Every row of every table of ours; the strangers' sign-ins write to others."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model.__module__.startswith("postledger.") and model is not get_user_model():
                table = connection.ops.quote_name(model._meta.db_table)
                cursor.execute(f"SELECT md5(t::text) FROM {table} t")
                found[model.__name__] = set(cursor.fetchall())
    return found


@pytest.fixture
def strangers(fresh_db):
    """Users of a reseller and of his customer, beside a company that has lived through a month."""
    with Process("--dialect", "W", "--port", "0", "--delay", "0.1") as sandbox:
        story = Story(
            addresses=sandbox.addresses, control=sandbox.control, now=BEGINS, tell=lambda line: None
        )
        story.open_shop()
        story.take_customers()
        story.order_exchange()
        settle(story.now)
        story.order_mailboxes()
        settle(story.now)
        for held in story.connections.values():
            collect_usage.collect_usage(connection_id=held.id, now=CLOSES, refresh_wait_s=1.0)
        daily_jobs.daily_jobs(now=CLOSES)
        reseller = accounts.create_reseller(
            SYSTEM,
            seller_id=story.provider.id,
            code="south",
            name="South",
            email="billing@south.example",
            country="US",
            now=CLOSES,
        )
        customer = accounts.create_customer(
            SYSTEM,
            seller_id=reseller.id,
            code="neighbour",
            name="Neighbour",
            email="n@neighbour.example",
            country="US",
            now=CLOSES,
        )
        for account in (reseller, customer):
            accounts.create_user(
                SYSTEM,
                account_id=account.id,
                email=f"{account.code}@demo.example",
                name=account.name,
                password="postledger-demo",
                now=CLOSES,
            )
        yield {reseller.id: "south@demo.example", customer.id: "neighbour@demo.example"}


def test_every_parameter_of_an_address_is_known_here():
    unknown = {name for _, parameters in addresses() for name in parameters} - set(TABLES) - set(WORDS)
    assert unknown == set()


def test_no_page_shows_or_changes_what_is_a_neighbours(strangers):
    owner = Client()
    owner.force_login(get_user_model().objects.get(email="acme@demo.example"))
    assert "Acme" in owner.get("/").content.decode(), "the marks are what a page would show"
    before = rows()
    astray = []
    for email in strangers.values():
        client = Client(raise_request_exception=False)
        client.force_login(get_user_model().objects.get(email=email))
        for name, parameters in addresses():
            choices = [ids(parameter, set(strangers)) for parameter in parameters]
            for values in itertools.product(*choices):
                address = reverse(name, kwargs=dict(zip(parameters, values, strict=True)))
                is_strange = any(parameter in TABLES for parameter in parameters)
                for ask in (client.get, client.post) if is_strange else (client.get,):
                    answer = ask(address)
                    shown = b"".join(answer) if answer.streaming else answer.content
                    asked = f"{email} {ask.__name__.upper()} {address}"
                    if is_strange and answer.status_code not in (403, 404, 405):
                        astray.append(f"{asked}: answered {answer.status_code}")
                    astray += [f"{asked}: shows {mark}" for mark in MARKS if mark.encode() in shown]
    assert astray == []
    assert rows() == before
