"""A run as the lines of its journal have it: how far it came, and what is to be resolved."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconcile.applying.journal_outcomes import decode
from reconcile.audit.chain import origin_of
from reconcile.model.address import Address
from reconcile.model.audit import BEGUN, WRITTEN, Origin
from reconcile.model.outcome import (
    APPLIED_EARLIER,
    MADE_BY_OTHERS,
    Outcome,
    Overwrite,
    Progress,
    Status,
)
from reconcile.model.plan import RecordChange

FORMAT = 2
"""Version of the journal's format. Another one is refused, never guessed at."""

LOGS = "runs/"
"""Where the journals are in the store."""


@dataclass(frozen=True, slots=True)
class RunHead:
    """What a run is about. ``plan`` is the plan's content digest, ``since`` ISO 8601 in UTC.

    ``total`` counts the plan's records; ``allow`` are the guards that were allowed; ``audit`` is
    the number of the audit log's last entry before any of the run.
    """

    run: str
    plan: str
    portal_id: int
    who: str
    since: str
    total: int
    allow: tuple[str, ...] = ()
    audit: int = 0


@dataclass(frozen=True, slots=True)
class Process:
    """A process that wrote to the journal, from its ``line`` on: the run's own, or a later one.

    ``event`` is what it did: ``apply``, ``resume``, or ``recover`` where it resolved writes that a
    process before it had begun; ``resolved_by`` is then the run that did so, or the command.
    """

    line: int
    event: str
    origin: Origin
    since: str = ""
    allow: tuple[str, ...] = ()
    resolved_by: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """A record of which a write was begun and nothing final is known.

    ``id`` is empty where the record was to be created and no answer came; ``answer`` is what the
    call's answer said in so many words, ``status`` what it came to by that answer. ``late`` says
    that the write may have left late, as any may without an answer: its history tells.
    """

    unit: Address
    id: str = ""
    answer: str = ""
    status: Status | None = None
    late: bool = False

    @property
    def may_be_under_way(self) -> bool:
        """Whether HubSpot may still carry the write out: no answer of its own says what it did."""
        return self.status not in (Status.DONE, Status.CONFLICT, Status.FAILED)


UNLINKED = "written, but its associations are still to be made"
"""What is said of a record that a recovery found without its associations."""

_OF_LINKS = ("associate", "dissociate")
"""Calls that write no record's values."""


@dataclass(slots=True)
class Run:
    """A run as its journal has it.

    ``outcomes`` are those of records that came to an end; ``begun`` the records to be resolved by
    reading; ``written`` the ids of those that a recovery found written, but not associated;
    ``undone`` says of others that were begun why nothing was written; ``traces`` are the
    objectWriteTraceIds of their last writes; ``overwrites`` the edits of others that they
    overwrote; ``found`` the properties that others had set as planned, so that they were not sent.

    ``process`` is the one that wrote the last line, ``former`` the one before it. ``touched`` are
    records that lines since then speak of. ``audited`` says that the audit log has everything;
    ``ended`` is why the run ended (empty where it did not say), ``entries`` how many lines the
    journal has, ``intents`` how many calls it announces.
    """

    head: RunHead
    process: Process
    former: Process | None = None
    outcomes: dict[Address, Outcome] = field(default_factory=dict)
    begun: dict[Address, Begun] = field(default_factory=dict)
    written: dict[Address, str] = field(default_factory=dict)
    undone: dict[Address, str] = field(default_factory=dict)
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
        """Whether something is left to resolve or to begin."""
        return bool(self.begun) or len(self.outcomes) < self.head.total

    @property
    def progress(self) -> Progress:
        """How far the run has come, in numbers."""
        return Progress(
            run=self.head.run,
            plan=self.head.plan,
            who=self.head.who,
            since=self.head.since,
            why=self.ended,
            total=self.head.total,
            counts=Counter(outcome.status for outcome in self.outcomes.values()),
            in_doubt=len(self.begun),
        )

    def outcome(self, change: RecordChange) -> Outcome:
        """How far a change of the run's plan has come."""
        end, lost = self._end(change), self.overwrites.get(change.address)
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
        if (begun := self.begun.get(change.address)) is not None:
            why = begun.answer or "the run ended before HubSpot answered"
            if begun.status is Status.DONE:
                why = "written; the run ended before its associations were made and it was read"
            return Outcome(change.address, change.action, Status.UNKNOWN, begun.id, why)
        if (record_id := self.written.get(change.address)) is not None:
            end = Outcome(change.address, change.action, Status.SKIPPED, record_id, UNLINKED)
            return replace(end, written=True)
        return Outcome(change.address, change.action, Status.SKIPPED, message=self.ended)

    def recorded_as(self, change: RecordChange) -> tuple[str, Outcome]:
        """Return what the audit log says of a change that was begun, and what is known of it.

        The first is empty where that is an outcome.
        """
        address, known = change.address, self.outcome(change)
        if address in self.outcomes:
            return "", known
        if address in self.written:
            return WRITTEN, known
        if (begun := self.begun.get(address)) is None:
            return "", replace(known, message=self.undone.get(address, known.message))
        message = begun.answer or "its outcome was not known yet"
        if begun.status is Status.DONE:
            message = "written; it was not associated and read back yet"
        return BEGUN, replace(known, message=message)

    def take(self, position: int, entry: Mapping[str, Any]) -> None:
        """Learn what a line of the journal says.

        Raises KeyError, TypeError or ValueError for one that says nothing.
        """
        if entry["about"] in OPENING:
            self._open(position, entry)
        else:
            _READ[entry["about"]](self, entry)
        self.audited = entry["about"] == "audited"
        self.entries = max(self.entries, position + 1)

    @property
    def records(self) -> set[Address]:
        """Every record of which the journal says something."""
        known = (self.outcomes, self.begun, self.written, self.undone, self.overwrites, self.found)
        return {address for some in known for address in some}

    def forget(self, addresses: Iterable[Address]) -> None:
        """Forget records that came to an end: a long run keeps them in its journal alone."""
        for address in addresses:
            for known in (self.outcomes, self.undone, self.traces, self.overwrites, self.found):
                known.pop(address, None)

    def _open(self, position: int, entry: Mapping[str, Any]) -> None:
        if position:
            self.former, self.process = self.process, process_of(position, entry)


def process_of(position: int, entry: Mapping[str, Any]) -> Process:
    """Return the process that a line opens the work of."""
    return Process(
        position,
        OPENING[entry["about"]],
        origin_of(entry),
        entry["since"],
        tuple(entry.get("allow", ())),
        entry.get("by", ""),
    )


def _intent(run: Run, entry: Mapping[str, Any]) -> None:
    run.intents += 1
    for text, unit, record_id, trace in entry["records"]:
        address = Address.parse(text)
        former = run.begun.get(address)
        late = former is not None and former.late if entry["call"] in _OF_LINKS else True
        for known in (run.outcomes, run.written, run.undone):
            known.pop(address, None)
        run.begun[address] = Begun(Address.parse(unit), record_id, late=late)
        run.touched.add(address)
        if trace:
            run.traces[address] = trace


def _answer(run: Run, entry: Mapping[str, Any]) -> None:
    for text, message, record_id, status, late in entry["records"]:
        address = Address.parse(text)
        if address in run.begun:
            begun = run.begun[address]
            end = Status(status) if status else None
            run.begun[address] = Begun(begun.unit, record_id or begun.id, message, end, late)
            run.touched.add(address)


def _outcomes(run: Run, entry: Mapping[str, Any]) -> None:
    for raw in entry["records"]:
        outcome = decode(raw)
        unfinished = (run.begun, run.written, run.undone)
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
    """Learn it for the outcome that comes: by itself nothing has happened to these records."""
    run.found |= {Address.parse(text): tuple(names) for text, names in entry["records"]}


def _undone(run: Run, entry: Mapping[str, Any]) -> None:
    for text in entry["records"]:
        address = Address.parse(text)
        run.begun.pop(address, None)
        run.outcomes.pop(address, None)
        run.undone[address] = entry["why"]
        run.touched.add(address)


def _written(run: Run, entry: Mapping[str, Any]) -> None:
    for text, record_id in entry["records"]:
        address = Address.parse(text)
        run.begun.pop(address, None)
        run.outcomes.pop(address, None)
        run.written[address] = record_id
        run.touched.add(address)


def _nothing(run: Run, entry: Mapping[str, Any]) -> None:
    """Some lines say nothing of records."""


def _end(run: Run, entry: Mapping[str, Any]) -> None:
    run.ended = entry["why"]


OPENING: Mapping[str, str] = {"run": "apply", "resumed": "resume", "recovery": "recover"}
"""Lines with which a process begins its work, and what that work is called in the audit log."""

CLOSING = frozenset({"end", "resolved"})
"""Lines with which a process that was not killed ends it."""

_READ: Mapping[str, Callable[[Run, Mapping[str, Any]], None]] = {
    "intent": _intent,
    "answer": _answer,
    "outcomes": _outcomes,
    "overwrote": _overwrote,
    "found": _found,
    "undone": _undone,
    "written": _written,
    "resolved": _nothing,
    "audited": _nothing,
    "end": _end,
}
