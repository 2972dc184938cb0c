"""The sandbox's one clock: real time, plus what a test has advanced it by.

Timestamps, limits, the search index and everything else that depends on time use it, so that a test
can wait ten seconds, or until tomorrow, without waiting.
"""

import time
from datetime import datetime, timedelta
from threading import Lock

from reconcile.sandbox.wire_format import EPOCH

_LONGEST = timedelta(days=3660)


class Clock:
    """A clock in epoch milliseconds, read and advanced by different threads."""

    def __init__(self, stopped_at: datetime | None = None) -> None:
        """Run with real time, or stand still at a moment until it is advanced."""
        self._lock = Lock()
        self._ahead = 0
        self._stopped: int | None = None
        if stopped_at is not None:
            self._stopped = (stopped_at - EPOCH) // timedelta(milliseconds=1)

    def now_ms(self) -> int:
        """Return the time."""
        start = time.time_ns() // 1_000_000 if self._stopped is None else self._stopped
        return start + self._ahead

    @property
    def ahead(self) -> int:
        """Return by how many milliseconds it was advanced."""
        return self._ahead

    def resume(self, ahead: int) -> None:
        """Advance the clock to be at least so many milliseconds ahead."""
        with self._lock:
            self._ahead = max(self._ahead, ahead)

    def advance(self, seconds: float) -> int:
        """Advance the clock and return the new time; time never goes back."""
        if not 0 <= seconds <= _LONGEST.total_seconds():
            raise ValueError(f"the clock advances by 0 to {_LONGEST.total_seconds():.0f} seconds")
        with self._lock:
            self._ahead += round(seconds * 1000)
        return self.now_ms()
