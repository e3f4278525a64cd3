"""Measure this installation on this machine."""

import json

import click

from postledger.cli import _bench_billing, _bench_platform


@click.group()
def command() -> None:
    """Build an estate of its own, measure, and tell the figures. Real data is never touched."""


@command.command()
@click.option(
    "--subscriptions", type=click.IntRange(100), default=10_000, show_default=True, help="Accounts to close."
)
@click.option(
    "--charges", type=click.IntRange(3, 12), default=6, show_default=True, help="Charges of each plan."
)
@click.option(
    "--workers", type=click.IntRange(1, 8), default=1, show_default=True, help="Processes that share the run."
)
@click.option("--batch", type=click.IntRange(10), default=None, help="Accounts in one transaction.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def billing(subscriptions: int, charges: int, workers: int, batch: int | None, as_json: bool) -> None:
    """Close a month of a realistic estate, and have PostgreSQL COPY the same rows for comparison."""
    figures = _bench_billing.measure(
        subscriptions=subscriptions,
        charges=charges,
        workers=workers,
        batch=batch,
        say=lambda words: click.echo(words, err=True),
    )
    if as_json:
        click.echo(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            click.echo(f"{name:>22}  {value}")


@command.command()
@click.option(
    "--organizations",
    type=click.IntRange(10),
    default=5_000,
    show_default=True,
    help="Organizations to read.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 128),
    default=32,
    show_default=True,
    help="Calls at the same time.",
)
@click.option(
    "--dialect",
    type=click.Choice(["W", "S"]),
    default="W",
    show_default=True,
    help="WebsitePanel or SolidCP.",
)
@click.option(
    "--rounds", type=click.IntRange(1, 9), default=3, show_default=True, help="The best one counts."
)
@click.option(
    "--failing",
    type=click.FloatRange(0, 50),
    default=5,
    show_default=True,
    help="Percent of the calls that fail or hang in a last round; 0 leaves it out.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.IntRange(1, 600),
    default=60,
    show_default=True,
    help="Time limit of a call in seconds.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def platform(
    organizations: int,
    concurrency: int,
    dialect: str,
    rounds: int,
    failing: float,
    timeout_s: int,
    as_json: bool,
) -> None:
    """Read the usage of many organizations from a sandbox, send the same requests without us for comparison, and read once
    more while some calls fail or hang."""
    figures = _bench_platform.measure(
        organizations=organizations,
        concurrency=concurrency,
        dialect=dialect,
        rounds=rounds,
        failing=failing,
        timeout_s=timeout_s,
        say=lambda words: click.echo(words, err=True),
    )
    if as_json:
        click.echo(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            click.echo(f"{name:>24}  {value}")
