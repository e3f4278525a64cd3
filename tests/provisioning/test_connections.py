"""Connections: whose they are, that their secrets are sealed, and when they are left alone."""

import datetime as dt

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.db import connection as database

from postledger.accounts import operations as accounts
from postledger.accounts import queries as account_queries
from postledger.accounts.types import Viewer
from postledger.catalog import operations as catalog
from postledger.connectors import registry
from postledger.core.errors import NeedsOperator
from postledger.provisioning import operations, queries
from tests.provisioning.conftest import NOW, PASSWORD


def _viewer(account_id: int) -> Viewer:
    user = accounts.create_user(
        Viewer.system(), account_id=account_id, email=f"u{account_id}@x.example", now=NOW
    )
    return account_queries.viewer_of(user.id)


def _plan(seller_id: int) -> int:
    return catalog.publish_plan(
        Viewer.system(),
        seller_id=seller_id,
        code="office",
        name="Office",
        terms={
            "charges": [{"name": "Account", "measure": "fixed", "recurring": "1.00"}],
            "periods": {"1": {}},
        },
        effective_from=NOW.date(),
        now=NOW,
    )


def _everything_stored() -> str:
    with database.cursor() as cursor:
        cursor.execute(
            "select string_agg(t::text, ' ') from (select to_jsonb(c) as t from provisioning_connection c "
            "union all select to_jsonb(e) from events_event e) all_rows"
        )
        return cursor.fetchone()[0]


def test_the_password_is_not_readable_in_the_database_nor_in_a_view(house):
    assert PASSWORD not in _everything_stored()
    shown = queries.connection(Viewer.system(), house.connection.id)
    assert PASSWORD not in repr(shown)
    access = queries.credentials(house.connection.id)
    assert PASSWORD not in repr(access)
    assert access.values["password"] == PASSWORD


def test_a_new_key_in_front_still_opens_old_secrets_and_a_lost_one_says_so(house, monkeypatch):
    old = settings.ENCRYPTION_KEYS
    monkeypatch.setattr(settings, "ENCRYPTION_KEYS", [Fernet.generate_key().decode(), *old])
    assert queries.credentials(house.connection.id).values["password"] == PASSWORD
    monkeypatch.setattr(settings, "ENCRYPTION_KEYS", [Fernet.generate_key().decode()])
    with pytest.raises(NeedsOperator) as stop:
        queries.credentials(house.connection.id)
    assert stop.value.reason == "encryption_key_missing"


def test_a_secret_left_empty_on_change_stays(house):
    operations.change_connection(
        Viewer.system(),
        connection_id=house.connection.id,
        values={"username": "other", "password": ""},
        now=NOW,
    )
    access = queries.credentials(house.connection.id)
    assert (access.values["username"], access.values["password"]) == ("other", PASSWORD)


def test_only_its_seller_and_the_provider_above_him_see_a_connection(house):
    north = _viewer(house.north.id)
    with pytest.raises(account_queries.NotVisible):
        queries.connection(north, house.connection.id)
    for customer in (house.acme.id, house.globex.id):
        viewer = _viewer(customer)
        with pytest.raises(account_queries.NotVisible):
            queries.connection(viewer, house.connection.id)
        with pytest.raises(account_queries.NotVisible):
            queries.connections_of(viewer, house.provider.id)
    assert queries.connections_of(_viewer(house.provider.id), house.provider.id)


def test_missing_settings_are_named(house):
    with pytest.raises(registry.InvalidSettings, match="Password"):
        operations.create_connection(
            Viewer.system(),
            seller_id=house.provider.id,
            connector="wsp",
            name="Other",
            values={"url": "http://x", "username": "u"},
            now=NOW,
        )


def test_after_three_failures_in_a_row_a_platform_is_left_alone_for_a_growing_while(house):
    found = []
    for _ in range(4):
        operations.record_connection_failure(
            connection_id=house.connection.id, words="no answer", is_permanent=False, now=NOW
        )
        found.append(queries.connection(Viewer.system(), house.connection.id).retry_at)
    assert found == [None, None, NOW + dt.timedelta(minutes=1), NOW + dt.timedelta(minutes=2)]
    operations.record_connection_ok(connection_id=house.connection.id)
    assert queries.connection(Viewer.system(), house.connection.id).condition == "ok"


def test_a_platform_plan_is_offered_only_on_ones_own_connection(house):
    operations.record_platform_plans(
        connection_id=house.connection.id,
        plans=[
            {
                "reference": "7",
                "name": "Gold",
                "scope": "account",
                "is_available": True,
                "description": "",
                "limits": {"exchange.mailboxes": 10},
            }
        ],
        now=NOW,
    )
    (plan,) = queries.platform_plans(Viewer.system(), house.connection.id)
    office, other = (_plan(seller) for seller in (house.provider.id, house.north.id))
    with pytest.raises(operations.NotOffered):
        operations.switch_on_platform_plan(
            Viewer.system(), seller_id=house.north.id, plan_id=other, platform_plan_id=plan.id, now=NOW
        )
    offer = operations.switch_on_platform_plan(
        Viewer.system(), seller_id=house.provider.id, plan_id=office, platform_plan_id=plan.id, now=NOW
    )
    assert offer.is_default
    assert queries.offers_for(Viewer.system(), account_id=house.acme.id, plan_id=office) == (offer,)
    assert queries.offers_for(Viewer.system(), account_id=house.acme.id, plan_id=other) == ()
