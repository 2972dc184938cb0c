"""Write a run's journal to the audit log, so that the log covers each line exactly once.

The log's last entry of the run says how far it has got. After a process dies between two entries,
the next one that reads the journal writes the rest.
"""

from collections.abc import Iterator

from reconcile.applying.audit_portions import Portion, Portions
from reconcile.applying.journal import Journal
from reconcile.applying.journal_reader import replay
from reconcile.applying.run_head import RunHead
from reconcile.applying.run_log import Run
from reconcile.audit.events import recorded, target_facts
from reconcile.audit.log import AuditLog
from reconcile.audit.source import planned_at
from reconcile.model.audit import Detail, Entry, Event, Fact, Head, RecordEntry, Span, Topic
from reconcile.model.plan import Plan

NOT_LOGGED = "not yet, read from the journal"
"""Value of the fact ``logged`` for entries that are still missing from the log."""


class AuditWriter:
    """Writes the audit entries of one run; ``after`` is the log's head that the state remembers."""

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
        """Log the outcomes that have become final in a run that goes on.

        Log nothing while a line may not be in the journal yet, or after an earlier attempt failed:
        ``catch_up`` logs it then.
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
        """Log what the log lacks of a run's journal, and return the run as the journal has it.

        In-doubt writes of a process that may still be at work are not logged. Return None if the
        journal is empty.
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
        """Yield what the log lacks of a run's journal, as entries numbered 0."""
        last: Run | None = None
        for run, portion in self._read(name):
            if portion is not None:
                yield self._entry(run, portion)
            last = run
        rest = self._portions.rest(last) if last is not None else None
        if last is not None and rest is not None:
            yield self._entry(last, rest)

    def _read(self, name: str) -> Iterator[tuple[Run, Portion | None]]:
        """Yield the run after each line of its journal, with the portion to log at that point."""
        begins = True
        for run, position, entry in replay(self._audit.store, name):
            if begins:
                begins = False
                self._find_end(run.head)
            yield run, self._portions.after(run, position, entry)

    def _find_end(self, head: RunHead) -> None:
        """Read from the log how far it covers the run, and where the log ends."""
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
            "plan": head.content,
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
