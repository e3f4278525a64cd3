"""Find the customers of accounts that were on a platform before us, and link them."""

import click

from postledger import clock
from postledger.accounts.types import Viewer
from postledger.catalog import queries as catalog
from postledger.connectors import contract
from postledger.core.errors import NeedsOperator
from postledger.provisioning import adoption, queries
from postledger.provisioning.types import Walk
from postledger.workflows import adopt_by_rule, create_customers_from_platform, propose_adoptions

_SHOWN = 20


@click.command()
@click.argument("connection_id", metavar="CONNECTION", type=int)
@click.option(
    "--dry-run", is_flag=True, help="Propose and say what would be linked or created, and do no more."
)
@click.option(
    "--link-above",
    type=click.IntRange(1, 100),
    metavar="SCORE",
    help="Link proved, unique matches of at least this score.",
)
@click.option("--create", is_flag=True, help="Create a customer for each account for which nobody speaks.")
@click.option("--plan", "plan_code", metavar="CODE", help="With --create: the plan they are subscribed to.")
@click.option("--months", type=int, default=1, show_default=True, help="With --plan: the billing period.")
@click.option("--anew", is_flag=True, help="Walk from the beginning, although a walk was interrupted.")
def command(
    connection_id: int,
    dry_run: bool,
    link_above: int | None,
    create: bool,
    plan_code: str | None,
    months: int,
    anew: bool,
) -> None:
    """Walk over the platform of CONNECTION and propose whose each account there is.

    A walk that was interrupted goes on where it was. Nothing is ever changed on the platform. Without --link-above and
    --create the proposals wait for a decision in the panel.
    """
    viewer = Viewer.system()
    if plan_code and not create:
        raise click.UsageError("--plan needs --create.")
    held = queries.connection(viewer, connection_id)
    plan_id = catalog.plan_by_code(held.seller_id, plan_code) if plan_code else None
    before = adoption.walk_of(viewer, connection_id)
    if before is not None and before.finished_at is None and before.seen and not anew:
        click.echo(f"Going on after {before.seen} of {before.total} accounts.")
    try:
        with click.progressbar(length=100, label="Looking at the platform") as bar:

            def tell(walk: Walk) -> None:
                bar.update(100 * walk.seen // max(1, walk.total) - bar.pos)

            propose_adoptions.propose_adoptions(
                viewer, connection_id=connection_id, now=clock.now(), tell=tell, anew=anew
            )
    except contract.Failure as error:
        raise NeedsOperator(f"{error} Start the command again to go on.", reason=error.reason) from error
    counts = adoption.counts(viewer, connection_id)
    click.echo(
        f"{counts.open - counts.further} accounts to decide: {counts.matched} may belong to a customer, {counts.unmatched} to nobody "
        f"here. {counts.linked} linked before, {counts.rejected} rejected."
    )
    if counts.further:
        click.echo(
            f"{counts.further} are further subscriptions of a login whose Exchange is in another one; they are left alone."
        )
    for found in adoption.proposals_of(viewer, connection_id, is_matched=True, most=_SHOWN):
        click.echo(f"  {found.score:3}  {found.name}: {'; '.join(found.reasons)}.")
    if counts.matched > _SHOWN:
        click.echo(f"  … and {counts.matched - _SHOWN} more, in the panel.")
    if link_above is not None:
        _link(viewer, connection_id, link_above, dry_run)
    if create:
        _create(viewer, connection_id, plan_id, months, dry_run)


def _link(viewer: Viewer, connection_id: int, least: int, dry_run: bool) -> None:
    planned = adopt_by_rule.adopt_by_rule(
        viewer, connection_id=connection_id, least=least, now=clock.now(), is_preview=True
    )
    if dry_run:
        click.echo(f"{planned.linked} accounts would be linked.")
        return
    with click.progressbar(length=planned.linked, label="Linking") as bar:
        done = adopt_by_rule.adopt_by_rule(
            viewer,
            connection_id=connection_id,
            least=least,
            now=clock.now(),
            tell=lambda linked: bar.update(1),
        )
    click.echo(f"{done.linked} accounts linked.")
    _say(done.refused)


def _create(viewer: Viewer, connection_id: int, plan_id: int | None, months: int, dry_run: bool) -> None:
    count = adoption.counts(viewer, connection_id).unmatched
    if dry_run:
        click.echo(f"{count} customers would be created.")
        return
    with click.progressbar(length=count, label="Creating customers") as bar:
        done = create_customers_from_platform.create_customers_from_platform(
            viewer,
            connection_id=connection_id,
            plan_id=plan_id,
            months=months,
            now=clock.now(),
            tell=lambda created: bar.update(1),
        )
    click.echo(f"{done.customers} customers created and linked.")
    _say(done.refused)


def _say(refused: tuple[tuple[str, str], ...]) -> None:
    for name, words in refused[:_SHOWN]:
        click.echo(f"  {name}: {words}", err=True)
    if len(refused) > _SHOWN:
        click.echo(f"  … and {len(refused) - _SHOWN} more that were refused.", err=True)
