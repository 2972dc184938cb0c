"""How long a call may take, and what is said while one takes long.

A call that waits cannot speak for itself, nor end itself while its answer drips in. So one thread
watches all calls of the process, to HubSpot and to shared stores. What is said goes to the logger
``reconcile.call_watchdog``; the command line shows it on stderr.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

CALL_LIMIT = 30.0
"""Seconds that one call may take in all, from connecting to the last byte of its answer."""

NOTICE_INTERVAL = 10.0
"""Seconds after which it is said what a call waits for, and again each time."""

LOGGER = "reconcile.call_watchdog"
"""The logger's name."""

_LOG = logging.getLogger(LOGGER)


def log_notice(text: str) -> None:
    """Say what the program waits for to whoever watches it."""
    _LOG.info("%s", text)


@contextmanager
def watched(
    what: str, *, limit: float = inf, cut: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Watch a call: say what it waits for while it takes long, and ``cut`` it at its limit.

    ``cut`` comes from another thread, once, and never after the block has ended.
    """
    call = _Call(what, time.monotonic(), limit, cut)
    _WATCH.add(call)
    try:
        yield
    finally:
        _WATCH.remove(call)


@dataclass(eq=False, slots=True)
class _Call:
    """A call that is going on. ``said`` counts the lines about it."""

    what: str
    begun: float
    limit: float
    cut: Callable[[], None]
    said: int = 0

    @property
    def due(self) -> float:
        """When something is to be done about it."""
        return self.begun + min((self.said + 1) * NOTICE_INTERVAL, self.limit)

    def look(self, now: float) -> str:
        """Cut it if its time is up. Return what is to be said of it, if anything."""
        waited = now - self.begun
        if waited >= self.limit:
            self.limit = inf
            self.cut()
        if waited < (self.said + 1) * NOTICE_INTERVAL:
            return ""
        self.said = int(waited // NOTICE_INTERVAL)
        return f"waiting for {self.what}, {waited:.0f} s so far"


class _Watch:
    """The thread that watches, from the first call on. It sleeps until a call is due."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: set[_Call] = set()
        self._wakes = inf
        self._thread: threading.Thread | None = None

    def add(self, call: _Call) -> None:
        with self._changed:
            self._calls.add(call)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="waiting", daemon=True)
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
            for line in filter(None, lines):  # outside: whoever listens may be slow
                log_notice(line)

    def _next(self) -> list[str]:
        """Wait for the first calls that are due, and look at them."""
        while True:
            now = time.monotonic()
            due = [call for call in self._calls if call.due <= now]
            if due:
                return [call.look(now) for call in due]
            self._wakes = min((call.due for call in self._calls), default=inf)
            self._changed.wait(min(self._wakes - now, threading.TIMEOUT_MAX))


_WATCH = _Watch()
