"""Run everything on this machine, to try by hand: database, sandbox platform, worker and panels."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import click
from django.conf import settings

from postledger.cli import _processes
from postledger.core import errors

START_S = 60


class PortInUse(errors.Refusal):
    """Something else listens where one of our servers should."""

    reason = "port_in_use"


class NotStarted(errors.Refusal):
    """A part did not come up, so the others were ended."""

    reason = "not_started"


@click.command()
@click.option("--port", default=8000, show_default=True, help="Port of the panels.")
@click.option("--sandbox-port", default=9002, show_default=True, help="Port of the sandbox platform.")
def command(port: int, sandbox_port: int) -> None:
    """Run everything on this machine, to try by hand: database, sandbox platform, worker and panels.

    The first start fills in demo data. What you do is kept until you delete POSTLEDGER_HOME. Ctrl-C ends all of it.
    """
    _require_free(port, option="--port")
    _require_free(sandbox_port, option="--sandbox-port")
    with _processes.together(logs=settings.HOME / "log") as processes:
        _run("database", "migrate")
        state = settings.HOME / "sandbox"
        processes.start(
            "sandbox", *_postledger("sandbox", "--json", f"--port={sandbox_port}", f"--state={state}")
        )
        sandbox = _announced(processes)
        logins = _fill(sandbox)
        processes.start("worker", *_postledger("worker"))
        processes.start("web", *_postledger("serve", f"--bind=127.0.0.1:{port}"))
        address = f"http://127.0.0.1:{port}/"
        _wait_for_answer(processes, address)
        click.echo(logins)
        click.echo(f"Panels    {address}")
        click.echo(f"Platform  {sandbox['portal_url']}")
        click.echo(f"Logs      {processes.logs}")
        click.echo("Ctrl-C ends everything.")
        processes.wait()
        click.echo("\nEnding …")


def _postledger(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "postledger.cli.main", *arguments)


def _run(*arguments: str, is_shown: bool = False) -> str:
    """What a command of ours printed.

    Raises:
        NotStarted: it failed.
    """
    said = []
    with subprocess.Popen(
        _postledger(*arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            said.append(line)
            if is_shown:
                click.echo(line, nl=False)
    if running.returncode:
        raise NotStarted(f"`postledger {' '.join(arguments)}` failed:\n{''.join(said[-20:])}".rstrip())
    return "".join(said)


def _fill(sandbox: dict[str, str]) -> str:
    """Who can sign in to the demo data, which is made where there is none."""
    logins = settings.HOME / "demo-logins.txt"
    marker = "Sign in with"
    is_first = not logins.exists()
    if is_first:
        click.echo("Filling in demo data: two months of a small hosting company (half a minute) …")
    said = _run("demo", "--fill", json.dumps(sandbox), is_shown=is_first)
    if marker in said:
        logins.write_text(said[said.index(marker) :])
        return ""
    return logins.read_text() if logins.exists() else "This installation has data of its own.\n"


def _require_free(port: int, *, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortInUse(
                f"Port {port} cannot be used ({error.strerror}). Choose another one with {option}."
            ) from None


def _announced(processes: _processes.Processes) -> dict[str, str]:
    """The addresses the sandbox prints once it listens."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        processes.check()
        for line in reversed(processes.output_of("sandbox")):
            if line.startswith("{"):
                announced: dict[str, str] = json.loads(line)
                return announced
        time.sleep(0.05)
    raise NotStarted(f"The sandbox did not come up in {START_S} seconds; see {processes.log_of('sandbox')}.")


def _wait_for_answer(processes: _processes.Processes, address: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        processes.check()
        try:
            urllib.request.urlopen(address, timeout=START_S).close()
            return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
            raise NotStarted(f"The panels answer with an error; see {processes.log_of('web')}.") from None
        except OSError:
            time.sleep(0.1)
    raise NotStarted(f"The panels did not come up in {START_S} seconds; see {processes.log_of('web')}.")
