"""Serve the panels and the API."""

import os
import sys

import click
from django.conf import settings
from django.core.management import call_command


@click.command(help=__doc__)
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="Address and port, or unix:PATH.")
@click.option(
    "--processes", default=1, show_default=True, help="Server processes; one or two per processor core."
)
@click.option("--threads", default=8, show_default=True, help="Requests each process answers at a time.")
def command(bind: str, processes: int, threads: int) -> None:
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    arguments = [
        sys.executable, "-m", "gunicorn", "postledger.config.wsgi:application",
        f"--bind={bind}", f"--workers={processes}", f"--threads={threads}", "--worker-class=gthread",
        "--no-control-socket", "--graceful-timeout=20", "--log-level=warning",
    ]  # fmt: skip
    os.execve(
        sys.executable,
        arguments,
        {**os.environ, "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"]},
    )
