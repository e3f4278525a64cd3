"""Asking about many accounts at once, of which some fail or hang.

Invariant: one account's misfortune costs the others nothing. What fails in passing is tried again when everybody else had
his turn; a call that hangs gives its place to others; and once every account was asked, what is left shares one time-out.
"""

import collections
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from postledger.connectors import contract
from postledger.connectors.wsp import client as c

TRIES = 4
_POLL_S = 0.2
_OF_THE_CONNECTION = frozenset({"credentials", "no_platform", "redirected", "one_time_password"})

Work = Callable[[contract.Target], contract.UsageOutcome]


@dataclass
class _Entry:
    """An account in the queue, with how its last try ended."""

    target: contract.Target
    tries: int = 0
    last: contract.UsageOutcome | None = None


def gather(
    work: Work, targets: Sequence[contract.Target], *, client: c.Client
) -> Iterator[contract.UsageOutcome]:
    """The outcome of each target as it comes in; the threads end when all is done or the iterator is closed.

    A bug in the work is raised here, in the thread that iterates.
    """
    return _Collection(work, targets, client=client).outcomes()


class _Collection:
    """One round over many accounts; also the patience its calls have."""

    def __init__(self, work: Work, targets: Sequence[contract.Target], *, client: c.Client) -> None:
        self._work = work
        self._client = client
        self._count = len(targets)
        self._width = max(1, min(client.settings.concurrency, len(targets)))
        self._changed = threading.Condition()
        self._waiting = collections.deque(_Entry(target) for target in targets)
        self._running = 0
        self._until: float | None = None
        self._hopeless: Exception | None = None
        self._local = threading.local()
        self._done: queue.Queue[contract.UsageOutcome | BaseException] = queue.Queue(maxsize=2 * self._width)
        self._stop = threading.Event()

    def outcomes(self) -> Iterator[contract.UsageOutcome]:
        """See `gather`."""
        threads = [
            threading.Thread(target=self._run, name=f"wsp-collect-{number}", daemon=True)
            for number in range(self._width if self._count else 0)
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in range(self._count):
                value = self._done.get()
                if isinstance(value, BaseException):
                    raise value
                yield value
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def limit(self, timeout_s: float, *, usual_s: float) -> float:
        """Seconds for the next call of this thread: less than it would have while it can be tried again, unless calls take
        long here; and after the first try never beyond the end of what all share."""
        tries: int = self._local.tries
        if usual_s and tries < TRIES - 1:
            timeout_s = min(timeout_s, max(timeout_s / TRIES, 10 * usual_s))
        if tries and self._until is not None:
            timeout_s = min(timeout_s, max(self._until - time.monotonic(), 0.0))
        return timeout_s

    # --- one thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            try:
                outcome = self._tried(entry)
            except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
                self._put(error)
                return
            self._finish(entry, outcome)

    def _next(self) -> _Entry | None:
        """The next account whose turn it is; None when all is done or nobody wants the rest."""
        with self._changed:
            while not self._stop.is_set():
                if self._waiting:
                    self._running += 1
                    entry = self._waiting.popleft()
                    if self._until is None and not (self._waiting and self._waiting[0].tries == 0):
                        self._until = time.monotonic() + self._client.settings.timeout_s
                    return entry
                if self._running == 0:
                    self._changed.notify_all()
                    return None
                self._changed.wait(_POLL_S)
        return None

    def _tried(self, entry: _Entry) -> contract.UsageOutcome:
        if self._hopeless is not None:
            return entry.last or contract.UsageOutcome(target=entry.target, failure=self._hopeless)
        if entry.last is not None and self._until is not None and time.monotonic() >= self._until:
            return entry.last
        self._local.tries = entry.tries
        with self._client.hurried(self):
            return self._work(entry.target)

    def _finish(self, entry: _Entry, outcome: contract.UsageOutcome) -> None:
        is_tried_again = outcome is not entry.last and self._is_worth_another_try(entry, outcome.failure)
        with self._changed:
            self._running -= 1
            if is_tried_again:
                entry.last = outcome
                self._waiting.append(entry)
            self._changed.notify()
        if not is_tried_again:
            self._put(outcome)

    def _is_worth_another_try(self, entry: _Entry, failure: Exception | None) -> bool:
        if isinstance(failure, contract.PermanentFailure) and failure.reason in _OF_THE_CONNECTION:
            self._hopeless = failure
        if not isinstance(failure, contract.TemporaryFailure) or failure.reason == "vanished":
            return False
        if self._hopeless is not None:
            return False
        if failure.reason == "platform_down":
            if self._client.silent_s > self._client.settings.timeout_s:
                self._hopeless = failure
                return False
            self._stop.wait(min(failure.retry_after_s, 1))
            return True
        entry.tries += 1
        return entry.tries < TRIES

    def _put(self, value: contract.UsageOutcome | BaseException) -> None:
        while not self._stop.is_set():
            try:
                self._done.put(value, timeout=_POLL_S)
                return
            except queue.Full:
                continue
