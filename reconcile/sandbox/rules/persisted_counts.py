"""What of the limits and the clock outlives a server: the day's calls, and the time it is there.

An account's day does not begin anew with a server, and its time never goes back, or records would
lie in the future. The rolling windows are not kept: they are over in ten seconds. Of two servers on
one database the last to write has the say.
"""

import sqlite3
from contextlib import suppress
from typing import Any

from reconcile.sandbox.clock import Clock
from reconcile.sandbox.rules.call_limits import Limits
from reconcile.sandbox.storage.side_file import SideFile

_DAY, _AHEAD, _USED = "day", "ahead", "used:"


class PersistedCounts:
    """Keeps them in the file beside the database."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        """Remember whose."""
        self._limits = limits
        self._clock = clock
        self._written = self._now()

    def load(self, file: SideFile, *, with_clock: bool) -> None:
        """Go on where the last server ended; a clock that a test brings stays as it is."""
        kept: dict[str, Any] = {}
        with suppress(sqlite3.OperationalError):  # another process has the file
            kept = dict(file.read("SELECT name, value FROM kept"))
        # Like the whole file: what is damaged counts from zero.
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
        """Tell whether there is anything that is not written."""
        return self._now() != self._written

    def write(self, connection: sqlite3.Connection) -> None:
        """Write all of it."""
        self._written = self._now()
        connection.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", self._written.items())

    def _now(self) -> dict[str, str | int]:
        day, used = self._limits.of_the_day()
        counts: dict[str, str | int] = {f"{_USED}{name}": number for name, number in used.items()}
        return {_DAY: day, _AHEAD: self._clock.ahead, **counts}
