"""A customer is told what he can act on; what is wrong with a platform is for his seller."""

import pytest

from postledger.accounts import operations as accounts
from postledger.accounts import queries as account_queries
from postledger.accounts.types import Viewer
from postledger.provisioning import operations, queries
from postledger.resources import exchange
from tests.provisioning.conftest import NOW


@pytest.fixture
def customer(house) -> Viewer:
    user = accounts.create_user(Viewer.system(), account_id=house.acme.id, email="a@acme.example", now=NOW)
    return account_queries.viewer_of(user.id)


def _stopped(house, condition: str, words: str) -> None:
    found = operations.declare(
        account_id=house.acme.id,
        connection_id=house.connection.id,
        kind=exchange.ACCOUNT,
        desired=exchange.Account(username="acme"),
        now=NOW,
        actor="test",
    )
    (claim,) = operations.claim_due(now=NOW)
    operations.record_stop(
        claim=claim,
        resource_id=found.id,
        condition=condition,
        words=words,
        generation=found.generation,
        now=NOW,
    )


@pytest.mark.parametrize("condition", ["needs_operator", "drifted"])
def test_what_is_wrong_over_there_is_told_to_the_seller_only(house, customer, condition):
    _stopped(house, condition, "acme belongs to secret@rival.example")
    (told,) = queries.progress(customer, house.acme.id).lines
    assert "rival" not in told.words
    assert "rival" not in queries.resource(customer, told.resource_id).words
    (known,) = queries.progress(Viewer.system(), house.acme.id).lines
    assert "rival" in known.words


def test_a_refusal_is_told_as_it_is(house, customer):
    _stopped(house, "refused", "The user name acme is taken. Choose another one.")
    (told,) = queries.progress(customer, house.acme.id).lines
    assert told.words == "The user name acme is taken. Choose another one."
