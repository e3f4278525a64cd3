"""The command line frame: quick help, sentences instead of tracebacks."""

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from postledger.cli.main import postledger

NOWHERE = "postgresql://nobody:hunter2@127.0.0.1:1/nothing"


def run(*arguments, **variables):
    return subprocess.run(
        [sys.executable, "-m", "postledger.cli.main", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def names(command, *path):
    """All commands below `command`, as words."""
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        yield from names(command.get_command(context, name), *path, name)


ALL = list(names(postledger))


def test_help_lists_the_commands_without_loading_them(tmp_path):
    shown = run("--help", POSTLEDGER_HOME=str(tmp_path / "untouched"), POSTLEDGER_DATABASE_URL=NOWHERE)
    assert shown.returncode == 0
    for command in ("database", "serve"):
        assert command in shown.stdout
    assert not (tmp_path / "untouched").exists()


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_help_without_a_database(path):
    shown = CliRunner().invoke(postledger, [*path, "--help"])
    assert shown.exit_code == 0, shown.output
    first = shown.output.split("\n\n")[1].strip()
    assert first
    assert not first.startswith("Options")


def test_a_database_that_does_not_answer_is_a_sentence_without_the_password():
    shown = run("serve", POSTLEDGER_DATABASE_URL=NOWHERE)
    assert shown.returncode == 1
    assert "does not answer" in shown.stderr
    assert "POSTLEDGER_DATABASE_URL" in shown.stderr
    assert "Traceback" not in shown.stderr
    assert "hunter2" not in shown.stderr


def test_a_server_of_ones_own_is_not_ours_to_stop():
    shown = run("database", "stop", POSTLEDGER_DATABASE_URL=NOWHERE)
    assert shown.returncode == 1
    assert "a server of your own" in shown.stderr


def test_an_unknown_command_is_a_usage_error():
    shown = run("sell-everything")
    assert shown.returncode == 2
    assert "No such command" in shown.stderr
