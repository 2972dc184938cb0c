"""Counts that outlive a server: the day's calls, and how far ahead its clock is.

An account's day does not restart with a server, and its time never goes back, or records would
lie in the future. The rolling windows are not saved: they end in ten seconds. If two servers share
a database, the last one to write wins.
"""

import sqlite3
from contextlib import suppress
from typing import Any

from reconcile.sandbox.clock import Clock
from reconcile.sandbox.rules.rate_limits import Limits
from reconcile.sandbox.storage.side_file import SideFile

_DAY, _AHEAD, _USED = "day", "ahead", "used:"


class PersistedCounts:
    """Saves the counts of one server to the file beside the database, and loads them."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        """Keep the limits and the clock whose counts are saved."""
        self._limits = limits
        self._clock = clock
        self._written = self._now()

    def load(self, file: SideFile, *, with_clock: bool) -> None:
        """Continue the last server's counts; a clock that a test provides stays as it is."""
        kept: dict[str, Any] = {}
        with suppress(sqlite3.OperationalError):  # another process has the file
            kept = dict(file.read("SELECT name, value FROM kept"))
        # Damaged counts restart from zero, as the whole file does.
        used = {
            name.removeprefix(_USED): value
            for name, value in kept.items()
            if name.startswith(_USED) and isinstance(value, int)
        }
        if used:
            self._limits.resume(str(kept.get(_DAY, "")), used)
        if with_clock:
            ahead = kept.get(_AHEAD, 0)
            self._clock.resume(ahead if isinstance(ahead, int) else 0)
        self._written = self._now()

    def have_changed(self) -> bool:
        """Return whether there is anything to save."""
        return self._now() != self._written

    def write(self, connection: sqlite3.Connection) -> None:
        """Save all counts."""
        self._written = self._now()
        connection.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", self._written.items())

    def _now(self) -> dict[str, str | int]:
        day, used = self._limits.of_the_day()
        counts: dict[str, str | int] = {f"{_USED}{name}": number for name, number in used.items()}
        return {_DAY: day, _AHEAD: self._clock.ahead, **counts}
