"""Divide a run's journal into portions, one for each entry of the audit log. No I/O.

Every line is in exactly one portion, decided by the journal's lines and by the span that the
log's last entry of the run names. While a run goes on, final outcomes are logged; in-doubt writes
are logged only once their process has ended or another process begins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from reconcile.applying.run_head import CLOSING, OPENING, Process
from reconcile.applying.run_log import Run
from reconcile.model.address import Address
from reconcile.model.audit import Span


@dataclass(frozen=True, slots=True)
class Portion:
    """Records to log for a span of lines, and why their process ended.

    ``span.last`` counts the records of the span that the log already has.
    """

    process: Process
    span: Span
    records: tuple[Address, ...]
    message: str = ""


class Portions:
    """Divides one run's journal.

    ``order`` gives the position of each record in the plan; ``logged`` is the span of the run that
    the log has last.
    """

    def __init__(self, order: Mapping[Address, int], logged: Span | None = None) -> None:
        self._order = order
        self._logged = logged
        self._start = logged.start if logged is not None else 0

    def after(self, run: Run, position: int, entry: Mapping[str, Any]) -> Portion | None:
        """Return what to log after a line that ``run`` has just taken; None if there is nothing."""
        about, stop = entry["about"], position + 1
        if about in CLOSING:
            return self._cut(run, run.process, stop, everything=True, end=entry)
        if about in OPENING and run.former is not None:
            return self._cut(run, run.former, stop, everything=True)
        if self._logged is not None and stop in (self._logged.start, self._logged.stop):
            return self.ended(run, stop)
        return None

    def ended(self, run: Run, stop: int) -> Portion | None:
        """Return the records that became final in the lines before ``stop``."""
        return self._cut(run, run.process, stop, everything=False)

    def rest(self, run: Run) -> Portion | None:
        """Return everything that is not logged yet, in-doubt writes included."""
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
