"""Which lines of a run's journal make which entries of the audit log: each line is in it once.

A pure function of the journal's lines and of the span that the log's last entry of the run names.
While a run goes on, what came to an end is logged; what was begun and is not known to have ended
is logged only when its process has ended, or when another one begins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from reconcile.applying.run_log import CLOSING, OPENING, Process, Run
from reconcile.model.address import Address
from reconcile.model.audit import Span


@dataclass(frozen=True, slots=True)
class Portion:
    """What the log is to get of some lines: records, and why their process ended.

    ``span`` counts the records that the log has already as its ``last``.
    """

    process: Process
    span: Span
    records: tuple[Address, ...]
    message: str = ""


class Portions:
    """Divides one run's journal. ``order`` are the plan's records; ``logged`` is the log's span."""

    def __init__(self, order: Mapping[Address, int], logged: Span | None = None) -> None:
        self._order = order
        self._logged = logged
        self._start = logged.start if logged is not None else 0

    def after(self, run: Run, position: int, entry: Mapping[str, Any]) -> Portion | None:
        """Return what is to be logged after a line that ``run`` has just taken."""
        about, stop = entry["about"], position + 1
        if about in CLOSING:
            return self._cut(run, run.process, stop, everything=True, end=entry)
        if about in OPENING and run.former is not None:
            return self._cut(run, run.former, stop, everything=True)
        if self._logged is not None and stop in (self._logged.start, self._logged.stop):
            return self.ended(run, stop)
        return None

    def ended(self, run: Run, stop: int) -> Portion | None:
        """Return what came to an end in the lines before ``stop``; the others of the run go on."""
        return self._cut(run, run.process, stop, everything=False)

    def rest(self, run: Run) -> Portion | None:
        """Return all that is not logged, what was begun and is not known to have ended too."""
        return self._cut(run, run.process, run.entries, everything=True)

    def _cut(
        self,
        run: Run,
        process: Process,
        stop: int,
        *,
        everything: bool,
        end: Mapping[str, Any] = MappingProxyType({}),
    ) -> Portion | None:
        ended = (one for one in run.touched if everything or one not in run.in_doubt)
        names = tuple(sorted(ended, key=self._order.__getitem__))
        run.touched.difference_update(names)
        start, logged = self._start, 0
        if self._logged is not None and stop <= self._logged.stop:
            if stop < self._logged.stop:
                return None
            self._start, logged = stop, self._logged.last
            if self._logged.complete:
                return None
        message = end.get("why", "")
        is_first_end = end.get("about") == "end" and not start
        if not (names or message or is_first_end):
            return None
        self._start = stop
        return Portion(process, Span(start, stop, 0, logged, len(names)), names[logged:], message)
