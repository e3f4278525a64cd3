"""Processes that live and end together."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from postledger.core import errors

GRACE_S = 30


class ProcessEnded(errors.Refusal):
    """One of the processes ended by itself, so the others were ended too."""

    reason = "process_ended"


class _Told(Exception):
    """A signal asked us to end."""


@dataclass
class Processes:
    """Runs commands, each in a process group of its own, with its output in a file.

    Args:
        logs: directory of the output files.
    """

    logs: Path
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str) -> None:
        """Starts a command under a name of ours."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with open(self.log_of(name), "wb") as log:
            self._running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that Ctrl-C reaches us alone, and we end them in order
            )

    def log_of(self, name: str) -> Path:
        """The file with the output of a process."""
        return self.logs / f"{name}.log"

    def output_of(self, name: str) -> list[str]:
        """The finished lines of a process's output so far."""
        written = self.log_of(name).read_text(errors="replace")
        return written[: written.rfind("\n") + 1].splitlines()

    def check(self) -> None:
        """Sees that all are running.

        Raises:
            ProcessEnded: one is not; the message holds the end of its output.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                last = self.output_of(name)[-10:]
                raise ProcessEnded(
                    f"The process “{name}” ended with code {process.returncode}. Its last words in {self.log_of(name)}:\n"
                    + "\n".join(last)
                )

    def wait(self) -> None:
        """Returns when a signal asks us to end (Ctrl-C, SIGTERM).

        Raises:
            ProcessEnded: one of them ended first.
        """
        with contextlib.suppress(_Told):
            while True:
                self.check()
                time.sleep(0.3)

    def stop(self) -> None:
        """Ends all of them, the last started first; whoever does not end in time is killed with its whole group."""
        for process in reversed(self._running.values()):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + GRACE_S
        for process in reversed(self._running.values()):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._running.clear()


@contextlib.contextmanager
def together(*, logs: Path) -> Iterator[Processes]:
    """Processes that are ended when the block is left, however it is left."""

    def told(number, frame):
        raise _Told

    processes = Processes(logs)
    before = {
        number: signal.signal(number, told) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    }
    try:
        with contextlib.suppress(_Told):
            yield processes
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of them behind
        processes.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
