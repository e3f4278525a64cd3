"""Add, check and list connections to platforms."""

import click

from postledger import clock
from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.provisioning import operations, queries
from postledger.workflows import check_connection, refresh_platform_plans


class BadValue(Refusal):
    """A value on the command line has not the form NAME=VALUE."""

    reason = "bad_value"


@click.group()
def command() -> None:
    """Add, check and list connections to platforms."""


@command.command("list")
def list_() -> None:
    """List every connection and how it stands."""
    sellers = {found.id: found for found in accounts.accounts_visible(Viewer.system())}
    for connection in queries.enabled_connections():
        line = f"{connection.id}  {sellers[connection.seller_id].code}  {connection.connector}  {connection.name}"
        click.echo(f"{line}  {connection.condition}{': ' + connection.words if connection.words else ''}")


@command.command()
@click.argument("seller")
@click.argument("connector")
@click.argument("name")
@click.option("--set", "values", multiple=True, metavar="NAME=VALUE", help="A setting of the connector.")
@click.option("--ask", "asked", multiple=True, metavar="NAME", help="A setting to be typed in unseen.")
def add(seller: str, connector: str, name: str, values: tuple[str, ...], asked: tuple[str, ...]) -> None:
    """Add a connection for the account with the code SELLER, check it, and read its plans."""
    viewer = Viewer.system()
    found = [account for account in accounts.accounts_visible(viewer) if account.code == seller.lower()]
    if not found:
        raise accounts.NotVisible(f"There is no account {seller}.")
    given = {}
    for value in values:
        key, separator, text = value.partition("=")
        if not separator:
            raise BadValue(f"“{value}” has to be NAME=VALUE.")
        given[key] = text
    for key in asked:
        given[key] = click.prompt(key, hide_input=True)
    now = clock.now()
    connection = operations.create_connection(
        viewer, seller_id=found[0].id, connector=connector, name=name, values=given, now=now
    )
    if _show(check_connection.check_connection(viewer, connection_id=connection.id, now=now)):
        for plan in refresh_platform_plans.refresh_platform_plans(
            viewer, connection_id=connection.id, now=now
        ):
            click.echo(f"  plan {plan.id}: {plan.name} ({plan.scope})")


@command.command()
@click.argument("connection_id", type=int)
def check(connection_id: int) -> None:
    """Check the connection CONNECTION_ID and say what is wrong with it."""
    _show(check_connection.check_connection(Viewer.system(), connection_id=connection_id, now=clock.now()))


def _show(connection) -> bool:
    click.echo(f"{connection.id}  {connection.name}: {connection.condition}  {connection.report['product']}")
    for line in connection.report["lines"]:
        click.echo(f"  {line['state']:8}{line['text']}")
    return connection.condition == "ok"
