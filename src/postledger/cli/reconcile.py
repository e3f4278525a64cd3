"""Make hosted things as they are wished, now, without waiting for a worker."""

import click

from postledger import clock
from postledger.accounts.types import Viewer
from postledger.connectors import contract, registry
from postledger.provisioning import queries, releases
from postledger.resources import exchange
from postledger.workflows import preview_changes, publish_zones, reconcile


@click.command()
@click.option("--connection", "connection_id", type=int, help="Only what lies on this connection.")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be changed and what stops it, and change nothing."
)
@click.option(
    "--force",
    "count",
    type=click.IntRange(min=1),
    metavar="COUNT",
    help="Let the COUNT changes go on that the brake on mass changes has stopped on the connection.",
)
@click.option("--because", default="", metavar="WHY", help="With --force: why; it is kept.")
def command(connection_id: int | None, dry_run: bool, count: int | None, because: str) -> None:
    """Work on everything that is due, then say what waits for somebody.

    With --force and --dry-run nothing is forced: it is said what the brake holds.
    """
    if connection_id is not None:
        queries.connection(Viewer.system(), connection_id)
    if dry_run:
        _preview(connection_id)
        return
    if count is not None:
        if connection_id is None or not because.strip():
            raise click.UsageError("--force needs --connection and --because.")
        let_go = releases.release_all(
            Viewer.system(), connection_id=connection_id, count=count, because=because, now=clock.now()
        )
        click.echo(f"{len(let_go)} changes go on.")
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
        if connection_id is not None and connection.id != connection_id:
            continue
        if connection.condition in ("failing", "blocked"):
            click.echo(f"{connection.name} ({connection.condition}): {connection.words}")
        for found in queries.attention(Viewer.system(), connection.seller_id):
            if found.connection_id == connection.id:
                click.echo(f"{queries.title(found)} ({found.condition}): {found.words}")
        _say_how_to_force(connection.id)


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
        _say_how_to_force(connection.id)


def _say_how_to_force(connection_id: int) -> None:
    held = len(releases.held_back(Viewer.system(), connection_id))
    if held:
        click.echo(
            f"The brake on mass changes holds {held} changes. If all of them are right: postledger reconcile --connection "
            f'{connection_id} --force {held} --because "…"'
        )
