"""Make hosted things as they are wished, now, without waiting for a worker."""

import click

from postledger import clock
from postledger.accounts.types import Viewer
from postledger.provisioning import queries
from postledger.workflows import publish_zones, reconcile


@click.command()
@click.option("--connection", "connection_id", type=int, help="Only what lies on this connection.")
def command(connection_id: int | None) -> None:
    """Work on everything that is due, then say what waits for somebody."""
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
