"""Make hosted things as they are wished, now, without waiting for a worker."""

import click

from postledger import clock
from postledger.accounts.types import Viewer
from postledger.connectors import contract, registry
from postledger.provisioning import queries
from postledger.resources import exchange
from postledger.workflows import preview_changes, publish_zones, reconcile


@click.command()
@click.option("--connection", "connection_id", type=int, help="Only what lies on this connection.")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be changed and what stops it, and change nothing."
)
def command(connection_id: int | None, dry_run: bool) -> None:
    """Work on everything that is due, then say what waits for somebody."""
    if dry_run:
        _preview(connection_id)
        return
    done = reconcile.Round()
    while True:
        batch = reconcile.reconcile(now=clock.now(), connection_id=connection_id)
        done += batch
        if not batch.trees:
            break
    zones = publish_zones.publish_zones(now=clock.now())
    click.echo(
        f"{done.settled} settled, {done.later} left for later, {done.stopped} stopped, {zones} zones published."
    )
    for connection in queries.enabled_connections():
        for found in queries.attention(Viewer.system(), connection.seller_id):
            if found.connection_id == connection.id:
                click.echo(f"{queries.title(found)} ({found.condition}): {found.words}")


def _preview(connection_id: int | None) -> None:
    for connection in queries.enabled_connections():
        is_meant = connection_id is None or connection.id == connection_id
        if not is_meant or exchange.ACCOUNT not in registry.get(connection.connector).kinds:
            continue
        try:
            planned = preview_changes.preview_changes(
                Viewer.system(), connection_id=connection.id, now=clock.now()
            )
        except contract.Failure as error:
            click.echo(f"{connection.name}: {error}")
            continue
        stopped = sum(1 for entry in planned if entry.stop)
        click.echo(f"{connection.name}: {len(planned)} due or stopped, {stopped} of them would not be done.")
        for entry in planned:
            click.echo(f"  {entry.title}: {'; '.join(entry.steps) or 'nothing to change'}")
            if entry.stop:
                click.echo(f"    STOPPED: {entry.stop}")
