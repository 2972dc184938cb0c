"""A run as its journal has it: how far it came, and which of its writes are in doubt."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconcile.applying.journal_outcomes import decode
from reconcile.applying.run_head import OPENING, Process, RunHead, process_of
from reconcile.model.address import Address
from reconcile.model.audit import BEGUN, WRITTEN
from reconcile.model.outcome import (
    APPLIED_EARLIER,
    MADE_BY_OTHERS,
    Outcome,
    Overwrite,
    Progress,
    Status,
)
from reconcile.model.plan import RecordChange


@dataclass(frozen=True, slots=True)
class InDoubtWrite:
    """The write of a record whose final outcome is not known yet.

    ``unit`` is the address of the record's unit. ``id`` is empty if the record was to be created
    and no answer came; ``answer`` is the message of HubSpot's answer, ``status`` the status that it
    led to. ``late`` says that the write may have been sent late, as any without an answer may; the
    property history then shows what it overwrote.
    """

    unit: Address
    id: str = ""
    answer: str = ""
    status: Status | None = None
    late: bool = False

    @property
    def may_be_in_flight(self) -> bool:
        """Whether HubSpot may still carry the write out, because it has not answered."""
        return self.status not in (Status.DONE, Status.CONFLICT, Status.FAILED)


UNLINKED = "written, but its associations are still to be made"
"""The message of a record that recovery found written, but without its associations."""

_OF_LINKS = ("associate", "dissociate")
"""Calls that write no record's values."""


@dataclass(slots=True)
class Run:
    """A run as its journal has it. Mappings are by address.

    ``outcomes`` has the final outcomes; ``in_doubt`` the writes to be resolved by reading;
    ``written`` the ids of records that recovery found written, but not associated; ``not_applied``
    why other writes were not applied; ``traces`` the objectWriteTraceIds of the last writes;
    ``overwrites`` the edits of others that they overwrote; ``found`` the properties that others had
    set as planned, so that they were not sent.

    ``process`` wrote the last line, ``former`` is the process before it. ``touched`` holds the
    records mentioned since the last portion for the audit log. ``audited`` says that the audit log
    has everything; ``ended`` is why the run ended (empty if it gave no reason), ``entries`` the
    number of lines, ``intents`` the number of calls.
    """

    head: RunHead
    process: Process
    former: Process | None = None
    outcomes: dict[Address, Outcome] = field(default_factory=dict)
    in_doubt: dict[Address, InDoubtWrite] = field(default_factory=dict)
    written: dict[Address, str] = field(default_factory=dict)
    not_applied: dict[Address, str] = field(default_factory=dict)
    touched: set[Address] = field(default_factory=set)
    audited: bool = False
    traces: dict[Address, str] = field(default_factory=dict)
    overwrites: dict[Address, tuple[Overwrite, ...]] = field(default_factory=dict)
    found: dict[Address, tuple[str, ...]] = field(default_factory=dict)
    ended: str = ""
    entries: int = 0
    intents: int = 0

    @property
    def open(self) -> bool:
        """Whether writes are left to resolve or to begin."""
        return bool(self.in_doubt) or len(self.outcomes) < self.head.total

    @property
    def progress(self) -> Progress:
        """How far the run has come, in numbers."""
        return Progress(
            run=self.head.run,
            plan=self.head.content,
            who=self.head.who,
            since=self.head.since,
            why=self.ended,
            total=self.head.total,
            counts=Counter(outcome.status for outcome in self.outcomes.values()),
            in_doubt=len(self.in_doubt),
        )

    def outcome(self, change: RecordChange) -> Outcome:
        """Return how far a change of the run's plan has come."""
        end, lost = self._end(change), self.overwrites.get(change.address)
        end = replace(end, remembered=change.is_remembered) if change.is_remembered else end
        if found := self.found.get(change.address):
            is_all = len(found) == len(change.fields) and not change.links
            is_news = end.status is Status.DONE and not end.message
            end = replace(
                end, found=found, message=MADE_BY_OTHERS if is_all and is_news else end.message
            )
        return replace(end, overwrites=lost) if lost else end

    def _end(self, change: RecordChange) -> Outcome:
        if (known := self.outcomes.get(change.address)) is not None:
            return known
        if (write := self.in_doubt.get(change.address)) is not None:
            why = write.answer or "the run ended before HubSpot answered"
            if write.status is Status.DONE:
                why = (
                    "written; the run ended before its associations were made and it was read back"
                )
            return Outcome(change.address, change.action, Status.UNKNOWN, write.id, why)
        if (record_id := self.written.get(change.address)) is not None:
            end = Outcome(change.address, change.action, Status.SKIPPED, record_id, UNLINKED)
            return replace(end, written=True)
        return Outcome(change.address, change.action, Status.SKIPPED, message=self.ended)

    def recorded_as(self, change: RecordChange) -> tuple[str, Outcome]:
        """Return a change's status in the audit log, and its outcome as far as it is known.

        The status is empty if the outcome's own applies.
        """
        address, known = change.address, self.outcome(change)
        if address in self.outcomes:
            return "", known
        if address in self.written:
            return WRITTEN, known
        if (write := self.in_doubt.get(address)) is None:
            return "", replace(known, message=self.not_applied.get(address, known.message))
        message = write.answer or "its outcome was not known yet"
        if write.status is Status.DONE:
            message = "written; not yet associated and read back"
        return BEGUN, replace(known, message=message)

    def take(self, position: int, entry: Mapping[str, Any]) -> None:
        """Apply a line of the journal.

        Raises KeyError, TypeError or ValueError for a line that is not valid.
        """
        if entry["about"] in OPENING:
            self._open(position, entry)
        else:
            _READ[entry["about"]](self, entry)
        self.audited = entry["about"] == "audited"
        self.entries = max(self.entries, position + 1)

    @property
    def records(self) -> set[Address]:
        """The addresses of all records that the journal mentions."""
        known = (
            self.outcomes,
            self.in_doubt,
            self.written,
            self.not_applied,
            self.overwrites,
            self.found,
        )
        return {address for some in known for address in some}

    def forget(self, addresses: Iterable[Address]) -> None:
        """Forget records whose outcome is logged: a long run keeps them in its journal only."""
        for address in addresses:
            for known in (
                self.outcomes,
                self.not_applied,
                self.traces,
                self.overwrites,
                self.found,
            ):
                known.pop(address, None)

    def _open(self, position: int, entry: Mapping[str, Any]) -> None:
        if position:
            self.former, self.process = self.process, process_of(position, entry)


def _intent(run: Run, entry: Mapping[str, Any]) -> None:
    run.intents += 1
    for text, unit, record_id, trace in entry["records"]:
        address = Address.parse(text)
        former = run.in_doubt.get(address)
        late = former is not None and former.late if entry["call"] in _OF_LINKS else True
        for known in (run.outcomes, run.written, run.not_applied):
            known.pop(address, None)
        run.in_doubt[address] = InDoubtWrite(Address.parse(unit), record_id, late=late)
        run.touched.add(address)
        if trace:
            run.traces[address] = trace


def _answer(run: Run, entry: Mapping[str, Any]) -> None:
    for text, message, record_id, status, late in entry["records"]:
        address = Address.parse(text)
        if address in run.in_doubt:
            write = run.in_doubt[address]
            end = Status(status) if status else None
            run.in_doubt[address] = InDoubtWrite(
                write.unit, record_id or write.id, message, end, late
            )
            run.touched.add(address)


def _outcomes(run: Run, entry: Mapping[str, Any]) -> None:
    for raw in entry["records"]:
        outcome = decode(raw)
        unfinished = (run.in_doubt, run.written, run.not_applied)
        was_begun = [known.pop(outcome.address, None) is not None for known in unfinished]
        run.outcomes[outcome.address] = outcome
        if outcome.message != APPLIED_EARLIER or any(was_begun):
            run.touched.add(outcome.address)


def _overwrote(run: Run, entry: Mapping[str, Any]) -> None:
    for text, overwrites in entry["records"]:
        address = Address.parse(text)
        run.overwrites[address] = tuple(Overwrite(*one) for one in overwrites)
        run.touched.add(address)


def _found(run: Run, entry: Mapping[str, Any]) -> None:
    """Keep the names for a later outcome: nothing has happened to these records yet."""
    run.found |= {Address.parse(text): tuple(names) for text, names in entry["records"]}


def _not_applied(run: Run, entry: Mapping[str, Any]) -> None:
    for text in entry["records"]:
        address = Address.parse(text)
        run.in_doubt.pop(address, None)
        run.outcomes.pop(address, None)
        run.not_applied[address] = entry["why"]
        run.touched.add(address)


def _written(run: Run, entry: Mapping[str, Any]) -> None:
    for text, record_id in entry["records"]:
        address = Address.parse(text)
        run.in_doubt.pop(address, None)
        run.outcomes.pop(address, None)
        run.written[address] = record_id
        run.touched.add(address)


def _nothing(run: Run, entry: Mapping[str, Any]) -> None:
    """Ignore a line that names no records."""


def _end(run: Run, entry: Mapping[str, Any]) -> None:
    run.ended = entry["why"]


_READ: Mapping[str, Callable[[Run, Mapping[str, Any]], None]] = {
    "intent": _intent,
    "answer": _answer,
    "outcomes": _outcomes,
    "overwrote": _overwrote,
    "found": _found,
    "not_applied": _not_applied,
    "written": _written,
    "resolved": _nothing,
    "audited": _nothing,
    "end": _end,
}
