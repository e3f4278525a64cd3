# SPDX-License-Identifier: Apache-2.0
"""`postledger sandbox`: run a sandbox until interrupted."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path

import click

from postledger_sandbox import contract, verify
from postledger_sandbox.server import Sandbox
from postledger_sandbox.state.tables import WrongState


def run(
    *,
    dialect: str = "W",
    release: str = "",
    port: int = 9002,
    state: Path | str | None = None,
    estate: tuple[int, int, int] = (0, 0, 0),
    anonymous_organizations: bool = False,
    delay_s: float = 0.3,
    zone: str = "America/New_York",
    as_json: bool = False,
) -> None:
    """Run a sandbox; prints one line with its addresses once it listens, and returns when told to stop."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    sandbox = Sandbox(
        dialect=dialect,
        release=release,
        port=port,
        state=state,
        estate=estate,
        anonymous_organizations=anonymous_organizations,
        delay_s=delay_s,
        zone=zone,
    )
    sandbox.start()
    addresses = sandbox.addresses
    if as_json:
        click.echo(json.dumps(addresses))
    else:
        click.echo(
            f"Sandbox ({dialect}): services {addresses['url']}, portal {addresses['portal_url']}/Default.aspx?pid=Login,"
            f" control {addresses['control_url']}/ ; sign in as {addresses['username']} / {addresses['password']}"
        )
    stopped.wait()
    sandbox.stop()


@click.group("sandbox", invoke_without_command=True)
@click.option(
    "--dialect", type=click.Choice(["W", "S", "F"]), default="W", help="WebsitePanel, SolidCP or FuseCP."
)
@click.option(
    "--release",
    type=click.Choice(contract.RELEASES),
    default=contract.RELEASES[0],
    help="Of WebsitePanel; later ones have a few more operations and members.",
)
@click.option("--port", type=int, default=9002, show_default=True, help="0 picks a free port.")
@click.option("--state", type=click.Path(path_type=Path), help="Keep everything in this file.")
@click.option(
    "--estate",
    type=int,
    nargs=3,
    default=(0, 0, 0),
    metavar="USERS ORGANIZATIONS MAILBOXES",
    help="Make so many below the first reseller.",
)
@click.option(
    "--anonymous-organizations",
    is_flag=True,
    help="Ask no credentials for organizations, OCS, Lync, as the original servers do.",
)
@click.option("--delay", "delay_s", type=float, default=0.3, help="Seconds that background work takes.")
@click.option("--zone", default="America/New_York", show_default=True, help="The server's time zone.")
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as JSON.")
@click.pass_context
def command(
    context: click.Context,
    dialect: str,
    release: str,
    port: int,
    state: Path | None,
    estate: tuple[int, int, int],
    anonymous_organizations: bool,
    delay_s: float,
    zone: str,
    as_json: bool,
) -> None:
    """Run a sandbox of the Enterprise Server and its portal, for trials and tests."""
    if context.invoked_subcommand is not None:
        return
    try:
        run(
            dialect=dialect,
            release=release,
            port=port,
            state=state,
            estate=estate,
            anonymous_organizations=anonymous_organizations,
            delay_s=delay_s,
            zone=zone,
            as_json=as_json,
        )
    except (WrongState, OSError) as error:
        raise click.ClickException(str(error)) from error


@command.command("verify")
@click.argument("url")
@click.option("--username", required=True, help="A reseller's account on the server.")
@click.option(
    "--password",
    envvar="POSTLEDGER_VERIFY_PASSWORD",
    prompt=True,
    hide_input=True,
    help="His password; better asked for, or in POSTLEDGER_VERIFY_PASSWORD.",
)
@click.option("--insecure", is_flag=True, help="Do not check the TLS certificate.")
@click.option("--write", "writes", is_flag=True, help="Also make a user, change him and delete him.")
def verify_command(url: str, username: str, password: str, insecure: bool, writes: bool) -> None:
    """Check how the Enterprise Server at URL compares with what the sandbox takes for granted; reads only."""
    try:
        differences = verify.run(
            url, username, password, writes=writes, checks_tls=not insecure, show=click.echo
        )
    except verify.Unreachable as error:
        raise click.ClickException(str(error)) from error
    if differences:
        raise SystemExit(1)
