"""How often one token may ask: so many requests a minute of each server process.

Counted in the memory of the process, because a count in the database would cost a write for every request and make requests
of one token wait for each other. A program that runs wild is slowed down; nobody is billed by this count.
"""

import threading
import time

from django.conf import settings

from postledger.core.errors import Refusal

WINDOW_S = 60


class TooManyRequests(Refusal):
    """The token has asked too often in this minute."""

    reason = "too_many_requests"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Counter:
    """Requests by token in the running minute; a new minute forgets the one before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = 0
        self._counts: dict[str, int] = {}

    def count(self, token: str, *, most: int, now_s: float) -> None:
        """Nothing, while the token stays below `most` (0: no limit).

        Raises:
            TooManyRequests: it does not; the message says when to ask again.
        """
        if most <= 0:
            return
        window = int(now_s // WINDOW_S)
        with self._lock:
            if window != self._window:
                self._window, self._counts = window, {}
            count = self._counts[token] = self._counts.get(token, 0) + 1
        if count > most:
            left = WINDOW_S - int(now_s % WINDOW_S)
            raise TooManyRequests(
                f"This token may ask {most} times a minute. Nothing was done. Ask again in {left} seconds.",
                retry_after_s=left,
            )


_counter = Counter()
_clock = time.monotonic


def count(token: str) -> None:
    """One more request of a token, refused where it is one too many."""
    _counter.count(token, most=settings.API_RATE, now_s=_clock())
