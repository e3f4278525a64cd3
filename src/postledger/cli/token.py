"""Make, list and revoke the tokens with which programs use the REST API."""

import datetime as dt

import click

from postledger import clock
from postledger.accounts import operations, queries
from postledger.accounts.types import Viewer


@click.group()
def command() -> None:
    """Make, list and revoke the tokens with which programs use the REST API."""


@command.command()
@click.argument("email")
@click.argument("name")
@click.option("--days", type=click.IntRange(1), help="Days until it ends. Default: it does not end.")
def add(email: str, name: str, days: int | None) -> None:
    """Make a token for the user who signs in as EMAIL; NAME is what he will recognise it by.

    The token sees and may do what the user does. It is printed this once and kept nowhere.
    """
    now = clock.now()
    ends = None if days is None else now + dt.timedelta(days=days)
    secret, _ = operations.create_token(_user(email), name=name, expires_at=ends, now=now)
    click.echo(secret)


@command.command("list")
@click.argument("email")
def list_(email: str) -> None:
    """List the tokens of the user who signs in as EMAIL."""
    for token in queries.tokens_of(_user(email)):
        used = f"last used {token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never used"
        state = "revoked" if token.revoked_at else used
        click.echo(f"{token.id}  {token.prefix}…  {token.name}  {state}")


@command.command()
@click.argument("email")
@click.argument("token_id", type=int)
def revoke(email: str, token_id: int) -> None:
    """End the token TOKEN_ID of the user who signs in as EMAIL, at once."""
    operations.revoke_token(_user(email), token_id=token_id, now=clock.now())


def _user(email: str) -> Viewer:
    found = queries.user_by_email(email)
    if found is None:
        raise queries.NotVisible(f"Nobody signs in as {email}.")
    return queries.viewer_of(found.id)
