"""`postledger database`: from nothing to tables, and back from a copy."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def home():
    directory = Path(tempfile.mkdtemp(prefix="postledger-"))
    directory.chmod(0o755)
    yield directory
    database(directory, "stop")
    shutil.rmtree(directory)


def database(home, *arguments, check=True):
    return subprocess.run(
        [sys.executable, "-m", "postledger.cli.main", "database", *arguments],
        env={**os.environ, "POSTLEDGER_HOME": str(home)},
        capture_output=True,
        text=True,
        check=check,
        stdin=subprocess.DEVNULL,
    )


def ask(home, statement):
    return database(home, "shell", "--no-psqlrc", "-Atc", statement).stdout.strip()


def test_what_was_dumped_can_be_restored(home, tmp_path):
    copy = tmp_path / "copy.dump"
    database(home, "migrate")
    ask(home, "CREATE TABLE kept AS SELECT 7 AS number")
    database(home, "dump", str(copy))
    assert copy.stat().st_mode & 0o077 == 0
    ask(home, "UPDATE kept SET number = 8")
    database(home, "restore", "--yes", str(copy))
    assert ask(home, "SELECT number FROM kept") == "7"
    assert database(home, "dump", str(copy), check=False).returncode != 0, (
        "an older copy is never overwritten"
    )


@pytest.mark.parametrize("command", [["connection", "list"], ["serve"]], ids=" ".join)
def test_a_database_without_tables_is_a_sentence(home, command):
    shown = subprocess.run(
        [sys.executable, "-m", "postledger.cli.main", *command],
        env={**os.environ, "POSTLEDGER_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 1
    assert "postledger database migrate" in shown.stderr
    assert "Traceback" not in shown.stderr
