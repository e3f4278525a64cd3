"""Find the customers of accounts that were on a platform before us, and link them."""

import click

from postledger import clock
from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.catalog import queries as catalog
from postledger.connectors import contract
from postledger.core.errors import NeedsOperator
from postledger.provisioning import adoption, queries
from postledger.provisioning.types import Walk
from postledger.workflows import adopt_by_rule, create_customers_from_platform, propose_adoptions, unlink

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
@click.option(
    "--unlink", "login", metavar="LOGIN", help="Take the link of this account to its customer back."
)
@click.option("--because", default="", metavar="WHY", help="With --unlink: why; it is kept.")
@click.option(
    "--bill", is_flag=True, help="With --unlink: bill what was used up to today. Otherwise it is not."
)
@click.option("--anew", is_flag=True, help="Walk from the beginning, although a walk was interrupted.")
def command(
    connection_id: int,
    dry_run: bool,
    link_above: int | None,
    create: bool,
    plan_code: str | None,
    months: int,
    login: str | None,
    because: str,
    bill: bool,
    anew: bool,
) -> None:
    """Walk over the platform of CONNECTION and propose whose each account there is.

    A walk that was interrupted goes on where it was. Nothing is ever changed on the platform. Without --link-above and
    --create the proposals wait for a decision in the panel. With --unlink nothing is walked over: one account, linked to
    the wrong customer, is nobody's again; with --dry-run it is only said what that does.
    """
    viewer = Viewer.system()
    if plan_code and not create:
        raise click.UsageError("--plan needs --create.")
    if login is None and (because or bill):
        raise click.UsageError("--because and --bill need --unlink.")
    if login is not None:
        if link_above is not None or create or anew:
            raise click.UsageError("--unlink does nothing else in the same call.")
        if not dry_run and not because.strip():
            raise click.UsageError("Say why with --because.")
        _unlink(viewer, connection_id, login, because, bill, dry_run)
        return
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


def _unlink(
    viewer: Viewer, connection_id: int, login: str, because: str, is_billed: bool, dry_run: bool
) -> None:
    found = adoption.holder(viewer, connection_id=connection_id, name=login)
    name = accounts.account(viewer, found.account_id).name
    done = unlink.unlink(
        viewer,
        account_id=found.account_id,
        reason=because,
        is_billed=is_billed,
        preview=dry_run,
        now=clock.now(),
    )
    if dry_run:
        click.echo(f"{done.name} would be unlinked from {name}, {done.things} things in all.")
    else:
        click.echo(f"{done.name} was unlinked from {name}, {done.things} things in all.")
    click.echo(
        "Nothing is changed on the platform, and DNS records stay as they are. It can be adopted again."
    )
    if not is_billed:
        click.echo("What was used and not billed yet is not billed.")
    elif dry_run and done.is_metered and not done.is_read:
        click.echo("Its usage was not read today; it is read before it is billed.")
    if done.amount:
        click.echo(f"Booked to {name}, before tax: {done.amount_text} {done.currency}.")


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
