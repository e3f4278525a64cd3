"""A customer adds Exchange and it is made on the platform, in the seller's reseller account."""

import pytest

from postledger.accounts.types import Viewer
from postledger.provisioning import queries
from postledger_sandbox.server import Sandbox
from tests.workflows import story


@pytest.fixture(params=["W", "S"])
def sandbox(request):
    with Sandbox(dialect=request.param, delay_s=0) as running:
        yield running


@pytest.fixture
def house(sandbox, fresh_db):
    return story.build(sandbox)


def test_everything_ordered_is_made_once_and_shown_in_words(house, sandbox):
    acme = house.customer("acme")
    assert house.order(acme).words.startswith("0 of 5 done.")
    found = house.settle(acme)
    assert found.words == "Everything is set up."
    user = sandbox.control.user("acme")
    assert [package["StatusId"] for package in user["packages"]] == [1]
    organization = sandbox.control.organization("acme")
    assert "acme.example" in organization["domains"]
    boxes = {row["PrimaryEmailAddress"] for row in organization["accounts"] if row["AccountType"] == 1}
    assert boxes == {"m0@acme.example", "m1@acme.example"}
    zone = queries.zone_for(domain="acme.example")
    assert {record.type for record in zone.records} == {"MX", "CNAME", "TXT"}


def test_a_second_round_calls_nothing_that_changes(house, sandbox):
    acme = house.customer("acme")
    house.order(acme)
    house.settle(acme)
    calls = queries.calls_of(Viewer.system(), house.connection.id)
    house.order(acme)
    house.settle(acme)
    assert queries.calls_of(Viewer.system(), house.connection.id) == calls
