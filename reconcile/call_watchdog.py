"""A watchdog for calls that wait: it reports long ones, and cuts those that reach their limit.

A blocked call can neither report nor end itself while its response drips in. So one thread watches
all calls of the process, to HubSpot and to shared stores. It reports to the logger
``reconcile.call_watchdog``, which the command line shows on stderr.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

CALL_LIMIT = 30.0
"""Seconds that one call may take in all, from connecting to the last byte of its response."""

NOTICE_INTERVAL = 10.0
"""Seconds between two reports on a call that is still waiting."""

LOGGER = "reconcile.call_watchdog"
"""The logger's name."""

_LOG = logging.getLogger(LOGGER)


def log_notice(text: str) -> None:
    """Report to the user what the program waits for."""
    _LOG.info("%s", text)


@contextmanager
def watched(
    what: str, *, limit: float = inf, cut: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Watch the block: report ``what`` it waits for, and call ``cut`` when it reaches its limit.

    ``limit`` is in seconds. ``cut`` is called from another thread, at most once, and never after
    the block has ended.
    """
    call = _Call(what, time.monotonic(), limit, cut)
    _WATCHDOG.add(call)
    try:
        yield
    finally:
        _WATCHDOG.remove(call)


@dataclass(eq=False, slots=True)
class _Call:
    """A call in progress. ``reports`` counts the lines that were logged about it."""

    what: str
    begun: float
    limit: float
    cut: Callable[[], None]
    reports: int = 0

    @property
    def due(self) -> float:
        """When it must be looked at next: to report it or to cut it."""
        return self.begun + min((self.reports + 1) * NOTICE_INTERVAL, self.limit)

    def look(self, now: float) -> str:
        """Cut the call if it reached its limit. Return the line to log, or ``""`` for none."""
        waited = now - self.begun
        if waited >= self.limit:
            self.limit = inf
            self.cut()
        if waited < (self.reports + 1) * NOTICE_INTERVAL:
            return ""
        self.reports = int(waited // NOTICE_INTERVAL)
        return f"waiting for {self.what}, {waited:.0f} s so far"


class _Watchdog:
    """The watching thread, started by the first call. It sleeps until a call is due."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: set[_Call] = set()
        self._wakes = inf
        self._thread: threading.Thread | None = None

    def add(self, call: _Call) -> None:
        with self._changed:
            self._calls.add(call)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="call-watchdog", daemon=True)
                self._thread.start()
            elif call.due < self._wakes:
                self._changed.notify()

    def remove(self, call: _Call) -> None:
        with self._changed:
            self._calls.discard(call)

    def _run(self) -> None:
        while True:
            with self._changed:
                lines = self._next()
            for line in filter(None, lines):  # without the lock: a log handler may be slow
                log_notice(line)

    def _next(self) -> list[str]:
        """Wait until a call is due. Return the lines to log."""
        while True:
            now = time.monotonic()
            due = [call for call in self._calls if call.due <= now]
            if due:
                return [call.look(now) for call in due]
            self._wakes = min((call.due for call in self._calls), default=inf)
            self._changed.wait(min(self._wakes - now, threading.TIMEOUT_MAX))


_WATCHDOG = _Watchdog()
