"""Processes that were started together end together, whatever ends them."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from postledger.cli import _processes

KEEP_TWO_RUNNING = """
    import sys
    from pathlib import Path
    from postledger.cli import _processes

    with _processes.together(logs=Path(sys.argv[1])) as processes:
        processes.start("first", *sys.argv[2:])
        processes.start("second", *sys.argv[2:])
        print("started", flush=True)
        processes.wait()
    print("ended in order", flush=True)
"""
SLEEPER = ("/bin/sh", "-c", "sleep 300 & sleep 300")  # with a child of its own


def sleepers_below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    return psutil.wait_procs(processes, timeout=20)[1] == []


def supervisor(tmp_path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KEEP_TWO_RUNNING), str(tmp_path), *SLEEPER],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_of_them_with_their_children(tmp_path, number):
    with supervisor(tmp_path) as running:
        assert running.stdout.readline() == "started\n"
        below = sleepers_below(running.pid)
        assert len(below) >= 2
        os.kill(running.pid, number)
        assert running.stdout.readline() == "ended in order\n"
        assert running.wait(20) == 0
    assert gone(below)


def test_the_end_of_one_is_told_with_its_last_words(tmp_path):
    with (
        pytest.raises(_processes.ProcessEnded, match="(?s)“web” ended with code 3.*no luck"),
        _processes.together(logs=tmp_path) as processes,
    ):
        processes.start("web", "/bin/sh", "-c", "echo no luck; exit 3")
        processes.wait()


def test_an_error_in_the_block_ends_them_too(tmp_path):
    with pytest.raises(RuntimeError), _processes.together(logs=tmp_path) as processes:
        processes.start("web", *SLEEPER)
        below = psutil.Process().children(recursive=True)
        raise RuntimeError
    assert below
    assert gone(below)
