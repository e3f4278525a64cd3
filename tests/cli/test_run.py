"""`postledger run` brings up everything and leaves nothing behind."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from postledger.config import embedded


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def home():
    directory = Path(tempfile.mkdtemp(prefix="postledger-"))
    directory.chmod(0o755)
    yield directory
    embedded.Server(directory).stop()
    shutil.rmtree(directory)


@contextlib.contextmanager
def started(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "postledger.cli.main",
            "run",
            f"--port={port}",
            f"--sandbox-port={free_port()}",
        ],
        env={**os.environ, "POSTLEDGER_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield running
    finally:
        running.terminate()
        running.communicate(timeout=60)


def said_until(running: subprocess.Popen[str], words: str) -> str:
    said = ""
    for line in running.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def test_it_serves_the_panels_and_ends_with_everything_it_started(home):
    port = free_port()
    with started(home, port) as running:
        said = said_until(running, "Ctrl-C ends everything")
        assert f"http://127.0.0.1:{port}/" in said
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
            assert page.status == 200
        below = psutil.Process(running.pid).children(recursive=True)
        os.kill(running.pid, signal.SIGTERM)
        assert running.wait(60) == 0
    assert psutil.wait_procs(below, timeout=20)[1] == []
    assert not embedded.Server(home).is_running()


def test_a_port_in_use_is_said_before_anything_starts(home):
    with socket.create_server(("127.0.0.1", 0)) as other:
        with started(home, other.getsockname()[1]) as running:
            said = running.stdout.read()
        assert running.returncode == 1
    assert "Choose another one with --port" in said
