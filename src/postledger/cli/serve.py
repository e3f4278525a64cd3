"""Serve the panels and the API."""

import os
import sys

import click
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from postledger.core import errors


class NotMigrated(errors.Refusal):
    """The tables are older than this version, or there are none."""

    reason = "not_migrated"


@click.command(help=__doc__)
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="Address and port, or unix:PATH.")
@click.option(
    "--processes", default=1, show_default=True, help="Server processes; one or two per processor core."
)
@click.option("--threads", default=8, show_default=True, help="Requests each process answers at a time.")
def command(bind: str, processes: int, threads: int) -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotMigrated("The database does not fit this version. Run: postledger database migrate")
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    arguments = [
        sys.executable, "-m", "gunicorn", "postledger.config.wsgi:application",
        f"--bind={bind}", f"--workers={processes}", f"--threads={threads}", "--worker-class=gthread",
        "--no-control-socket", "--graceful-timeout=20", "--log-level=warning",
    ]  # fmt: skip
    os.execv(sys.executable, arguments)
