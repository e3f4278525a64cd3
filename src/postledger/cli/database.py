"""Start, stop, migrate, back up and look into the database."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from django.conf import settings
from django.core.management import call_command

from postledger.core import errors


class NotOurDatabase(errors.Refusal):
    """The database is not the built-in one, so it is not ours to start or stop."""

    reason = "not_our_database"


@click.group()
def command() -> None:
    """Start, stop, migrate, back up and look into the database."""


@command.command()
def start() -> None:
    """Start the built-in database, unless it runs. Print its address."""
    click.echo(_own_server().start())


@command.command()
def stop() -> None:
    """Stop the built-in database. Open transactions are rolled back."""
    click.echo("Stopped." if _own_server().stop() else "It was not running.")


@command.command()
def url() -> None:
    """Print the address of the database, with its password if it has one."""
    click.echo(settings.DATABASE_URL)


@command.command()
def migrate() -> None:
    """Bring the tables to this version. Safe to repeat."""
    _ready()
    call_command("migrate", interactive=False, verbosity=1)


@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def shell(arguments: tuple[str, ...]) -> None:
    """Open psql on the database; ARGUMENTS go to psql, for example -c 'SELECT 1'."""
    _ready()
    os.execve(_program("psql"), ["psql", *arguments], _environment())


@command.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def dump(file: Path) -> None:
    """Write a consistent copy of the whole database into FILE, in PostgreSQL's custom format."""
    _ready()
    file.touch(mode=0o600, exist_ok=False)
    try:
        _run("pg_dump", "--format=custom", "--no-owner", f"--file={file}")
    except subprocess.CalledProcessError as error:
        file.unlink()
        sys.exit(error.returncode)
    click.echo(f"Wrote {file} ({file.stat().st_size:,} bytes).")


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.confirmation_option(prompt="Everything in the database is replaced by the copy. Go on?")
def restore(file: Path) -> None:
    """Replace the whole database by the copy in FILE, made with `dump`."""
    _ready()
    try:
        _run(
            "pg_restore",
            "--clean",
            "--if-exists",
            "--no-owner",
            "--single-transaction",
            f"--dbname={_name()}",
            str(file),
        )
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    click.echo("Restored.")


def _ready() -> None:
    if settings.DATABASE_SERVER:
        settings.DATABASE_SERVER.start()


def _own_server() -> Any:
    if settings.DATABASE_SERVER is None:
        raise NotOurDatabase(
            "POSTLEDGER_DATABASE_URL names a server of your own; start and stop it with its own tools."
        )
    return settings.DATABASE_SERVER


def _name() -> str:
    return settings.DATABASES["default"]["NAME"]


def _program(name: str) -> str:
    return str(settings.DATABASE_SERVER.program(name)) if settings.DATABASE_SERVER else name


def _environment() -> dict[str, str]:
    """The environment in which PostgreSQL's programs find the database; a password on a command line can be seen."""
    address = settings.DATABASES["default"]
    values = {
        "PGDATABASE": address["NAME"],
        "PGUSER": address["USER"],
        "PGPASSWORD": address["PASSWORD"],
        "PGHOST": address["HOST"],
        "PGPORT": address["PORT"],
        "PGSSLMODE": address["OPTIONS"].get("sslmode", ""),
        "PGSSLROOTCERT": address["OPTIONS"].get("sslrootcert", ""),
    }
    return {**os.environ, **{name: value for name, value in values.items() if value}}


def _run(program: str, *arguments: str) -> None:
    try:
        subprocess.run([_program(program), *arguments], env=_environment(), check=True)
    except FileNotFoundError:
        raise click.ClickException(
            f"{program} is not installed; it comes with PostgreSQL's client tools."
        ) from None
