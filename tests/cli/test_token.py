"""The operator makes the first token of a program."""

import datetime as dt

import pytest
from click.testing import CliRunner

from postledger.accounts import operations, queries
from postledger.accounts.types import Viewer
from postledger.cli.main import postledger

NOW = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(postledger, ["token", *arguments], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output.strip()


@pytest.fixture
def robot(db):
    provider = operations.create_provider(code="host", name="Host", currency="USD", now=NOW)
    return operations.create_user(
        Viewer.system(), account_id=provider.id, email="robot@host.example", now=NOW
    )


def test_a_token_is_made_listed_and_revoked(robot):
    secret = run("add", robot.email, "Order system")
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - the command reads the real clock
    assert queries.viewer_of_token(secret, now).user_id == robot.id
    listed = run("list", robot.email)
    assert "Order system" in listed
    assert secret not in listed
    run("revoke", robot.email, listed.split()[0])
    with pytest.raises(queries.NotVisible):
        queries.viewer_of_token(secret, now)


def test_a_token_can_be_made_to_end(robot):
    secret = run("add", robot.email, "Short", "--days", "2")
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - the command reads the real clock
    queries.viewer_of_token(secret, now + dt.timedelta(days=1))
    with pytest.raises(queries.NotVisible):
        queries.viewer_of_token(secret, now + dt.timedelta(days=3))


def test_nobody_of_that_name_is_told(robot):
    with pytest.raises(queries.NotVisible, match=r"Nobody signs in as x@y\.example"):
        run("add", "x@y.example", "Order system")
