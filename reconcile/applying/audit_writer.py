"""Writing a run's journal into the audit log, so that each of its lines is there exactly once.

How far the log has got is what its own last entry of the run says. A process that dies between two
entries leaves nothing undecided: whoever reads the journal next writes the rest.
"""

from collections.abc import Iterator

from reconcile.applying.audit_portions import Portion, Portions
from reconcile.applying.journal import Journal
from reconcile.applying.journal_reader import replay
from reconcile.applying.run_log import Run, RunHead
from reconcile.audit.events import recorded, target_facts
from reconcile.audit.log import AuditLog
from reconcile.audit.source import planned_at
from reconcile.model.audit import Detail, Entry, Event, Fact, Head, RecordEntry, Span, Topic
from reconcile.model.plan import Plan

NOT_LOGGED = "not yet, read from the journal"
"""The fact ``logged`` of what a journal says and the log does not."""


class RunLog:
    """The part of the audit log that belongs to one run; ``after`` is the head the state keeps."""

    def __init__(self, audit: AuditLog, plan: Plan, after: Head | None) -> None:
        self._audit = audit
        self._plan = plan
        self._changes = list(plan.records())
        self._order = {change.address: place for place, change in enumerate(self._changes)}
        self._portions = Portions(self._order)
        self._span: Span | None = None
        self._behind = False
        self.head = after or self._audit.tail()

    def write(self, journal: Journal) -> None:
        """Log what of a run that goes on has come to an end.

        Where a line is not surely in the journal, or an earlier attempt failed, it is left to
        ``catch_up``.
        """
        run = journal.so_far
        with journal.lock:
            length = journal.length
            self._behind = self._behind or length is None
            portion = None if length is None or self._behind else self._portions.ended(run, length)
        if portion is not None:
            self._behind = True
            self._write(run, portion)
            self._behind = False
            run.forget(portion.records)

    def catch_up(self, name: str) -> Run | None:
        """Log all that a run's journal says and the log does not; the run as it is now.

        What was begun by a process that may still be at work is not logged. Returns None where the
        journal says nothing.
        """
        last: Run | None = None
        for run, portion in self._read(name):
            if portion is not None:
                self._write(run, portion)
            last = run
        rest = self._portions.ended(last, last.entries) if last is not None else None
        if last is not None and rest is not None:
            self._write(last, rest)
        self._behind = False
        return last

    def unlogged(self, name: str) -> Iterator[Entry]:
        """Yield all that a run's journal says and the log does not, as entries numbered 0."""
        last: Run | None = None
        for run, portion in self._read(name):
            if portion is not None:
                yield self._entry(run, portion)
            last = run
        rest = self._portions.rest(last) if last is not None else None
        if last is not None and rest is not None:
            yield self._entry(last, rest)

    def _read(self, name: str) -> Iterator[tuple[Run, Portion | None]]:
        """Yield the run after each line of its journal, and what is to be logged then."""
        begins = True
        for run, position, entry in replay(self._audit.store, name):
            if begins:
                begins = False
                self._find_end(run.head)
            yield run, self._portions.after(run, position, entry)

    def _find_end(self, head: RunHead) -> None:
        """Learn how far the log has got with the run, and where it ends."""
        known = self.head.number if self._span is not None else 0
        span, end = self._audit.covered(head.run, max(known, head.audit))
        self._span = span or self._span
        self._portions = Portions(self._order, self._span)
        if end is not None and end.number > self.head.number:
            self.head = end

    def _write(self, run: Run, portion: Portion) -> None:
        self.head = self._audit.append([self._event(run, portion)], self.head)
        self._span = portion.span._replace(last=portion.span.total)

    def _entry(self, run: Run, portion: Portion) -> Entry:
        event = self._event(run, portion)
        message = Detail(Topic.MESSAGE, values=(event.message,)) if event.message else None
        return Entry(
            number=0,
            time=self._audit.now(),
            id=event.id,
            event=event.event,
            origin=event.origin,
            run=event.run,
            facts={**event.facts, "logged": NOT_LOGGED},
            message=message,
            records=tuple(event.records),
            values="",
            journal=portion.span,
        )

    def _event(self, run: Run, portion: Portion) -> Event:
        process, head = portion.process, run.head
        origin, source = planned_at(process.origin, self._plan.source)
        facts: dict[str, Fact] = {
            **target_facts(self._plan.target),
            **source,
            "plan": head.plan,
            "since": process.since,
        }
        facts |= {"resolved_by": by} if (by := process.resolved_by) else {"allow": process.allow}
        return Event(
            process.event,
            origin,
            run=head.run,
            facts=facts,
            message=portion.message,
            records=self._records(run, portion),
            id=f"{head.run}-{process.line}",
            journal=portion.span,
        )

    def _records(self, run: Run, portion: Portion) -> Iterator[RecordEntry]:
        for address in portion.records:
            change = self._changes[self._order[address]]
            status, outcome = run.recorded_as(change)
            yield recorded(change, outcome, run.traces.get(address, ""), status=status)
