"""The command `postledger`. Each module beside this one is a command: its docstring is the help, `command` the code.

Modules are loaded only when their command is asked for, so that `--help` is quick and needs no database. Nothing is
imported from `config`: Django finds its settings by name, and the settings hand over the database server to start.
"""

import ast
import functools
import importlib
import os
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import django
import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, OperationalError, ProgrammingError, connection, connections

from postledger.core import errors

SETTINGS = "postledger.config.settings"
WITHOUT_SETTINGS = frozenset({"sandbox"})  # commands that touch nothing of the house
WITHOUT_DATABASE = frozenset({"sandbox", "database"})  # need no server, or start it themselves
TRIALS = frozenset({"run", "demo", "bench"})  # leave no server behind that did not run before


class Commands(click.Group):
    """The group of all commands, loaded one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(
            module.name.replace("_", "-")
            for module in pkgutil.iter_modules([str(Path(__file__).parent)])
            if module.name != "main" and not module.name.startswith("_")
        )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        if cmd_name not in WITHOUT_SETTINGS:
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
            django.setup()
        command: click.Command = importlib.import_module(
            f"postledger.cli.{cmd_name.replace('-', '_')}"
        ).command
        if cmd_name not in WITHOUT_DATABASE:
            _give_database(command, is_trial=cmd_name in TRIALS)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(name)) for name in self.list_commands(ctx)])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="postledger")
def postledger() -> None:
    """Billing and provisioning for hosted Exchange."""


def main() -> None:
    """Runs the command line; what the user can act on becomes a sentence and exit code 1, a bug stays a traceback."""
    try:
        postledger(prog_name="postledger")
    except (errors.Refusal, errors.NeedsOperator) as refusal:
        _end(refusal.message)
    except ImproperlyConfigured as error:
        _end(str(error))
    except (OperationalError, psycopg.OperationalError) as error:
        _end(f"The database does not answer: {str(error).strip()}\nCheck POSTLEDGER_DATABASE_URL.")
    except ProgrammingError as error:
        if not _is_missing_table(error):
            raise
        _end("The database does not fit this version. Run: postledger database migrate")


def _end(message: str) -> None:
    click.echo(message, err=True)
    sys.exit(1)


def _is_missing_table(error: DatabaseError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) in (
        "42P01",
        "42703",
    )  # undefined table, undefined column


def _summary(name: str) -> str:
    """The first sentence of the command's module, read without running it."""
    source = (Path(__file__).parent / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").split("\n\n", 1)[0].replace("\n", " ")


def _give_database(command: click.Command, *, is_trial: bool) -> None:
    """Lets the command, or each one below it, start the built-in database and see that it answers before it runs."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _give_database(inner, is_trial=is_trial)
    elif command.callback is not None:
        command.callback = _with_database(command.callback, is_trial=is_trial)


def _with_database(callback: Callable[..., Any], *, is_trial: bool) -> Callable[..., Any]:
    @functools.wraps(callback)
    def run(*arguments: Any, **options: Any) -> Any:
        server = settings.DATABASE_SERVER
        is_ours_to_stop = is_trial and server is not None and not server.is_running()
        if server:
            server.start()
        try:
            connection.ensure_connection()
            return callback(*arguments, **options)
        finally:
            if is_ours_to_stop:
                connections.close_all()
                server.stop()

    return run


if __name__ == "__main__":
    main()
