"""A run, read back from its journal: how far it came, and what is to be settled."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.outcome import Outcome, Overwrite, Progress, Rewrite, Status, Warned
from reconcile.model.plan import Action, RecordChange
from reconcile.stores.contract import Store
from reconcile.stores.names import is_log

FORMAT = 1
"""Version of the journal's format. A newer one is refused, never guessed at."""

LOGS = "runs/"
"""Where the journals are in the store."""


@dataclass(frozen=True, slots=True)
class RunHead:
    """What a run is about. ``plan`` is the plan's content digest, ``since`` ISO 8601 in UTC.

    ``total`` counts the plan's records; ``allow`` are the guards that were let pass.
    """

    run: str
    plan: str
    portal_id: int
    who: str
    since: str
    total: int
    allow: tuple[str, ...] = ()


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


_OF_LINKS = ("associate", "dissociate")
"""Calls that write no record's values."""


@dataclass(slots=True)
class Run:
    """A run as its journal tells it.

    ``outcomes`` are those of records that came to an end; ``begun`` the records to be settled by
    reading; ``unaudited`` those of which the audit log does not have the last word; ``traces`` the
    objectWriteTraceIds of their last writes; ``overwrites`` the edits of others that they
    overwrote; ``ended`` is why the run ended (empty where it did not say), ``entries`` how many
    lines the journal has, ``intents`` how many calls it announces.
    """

    head: RunHead
    outcomes: dict[Address, Outcome] = field(default_factory=dict)
    begun: dict[Address, Begun] = field(default_factory=dict)
    unaudited: set[Address] = field(default_factory=set)
    traces: dict[Address, str] = field(default_factory=dict)
    overwrites: dict[Address, tuple[Overwrite, ...]] = field(default_factory=dict)
    ended: str = ""
    entries: int = 0
    intents: int = 0

    @property
    def open(self) -> bool:
        """Whether something is left to settle or to begin."""
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
            unsettled=len(self.begun),
        )

    def outcome(self, change: RecordChange) -> Outcome:
        """How far a change of the run's plan has come."""
        end = self._end(change)
        return replace(end, overwrites=self.overwrites.get(change.address, ()))

    def _end(self, change: RecordChange) -> Outcome:
        if (known := self.outcomes.get(change.address)) is not None:
            return known
        if (begun := self.begun.get(change.address)) is not None:
            why = begun.answer or "the run ended before HubSpot answered"
            if begun.status is Status.DONE:
                why = "written; the run ended before its associations were made and it was read"
            return Outcome(change.address, change.action, Status.UNKNOWN, begun.id, why)
        return Outcome(change.address, change.action, Status.SKIPPED, message=self.ended)


def open_runs(store: Store) -> list[str]:
    """The runs whose journals are still there, oldest first."""
    return [log.removeprefix(LOGS) for log in store.logs(LOGS) if is_log(log)]


def drop_run(store: Store, run: str) -> None:
    """Remove a journal that nothing is left to learn from."""
    store.drop(LOGS + run)


def read_run(store: Store, run: str) -> Run | None:
    """A run from its journal; None where it died before it said what it was about.

    Raises UsageError for a journal that cannot be understood.
    """
    found: Run | None = None
    for position, line in store.entries(LOGS + run):
        try:
            entry = json.loads(line)
            if entry["about"] == "run":
                found = found or Run(_head(entry, run))
            elif found is not None:
                _READ[entry["about"]](found, entry)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"the journal of run {run} is damaged in line {position + 1}",
                hint="bring it back from a backup; without it, records are found by their keys",
            ) from error
        if found is not None:
            found.entries = position + 1
    return found


def _head(entry: Mapping[str, Any], run: str) -> RunHead:
    if entry["format"] > FORMAT:
        raise UsageError(
            f"the journal of run {run} has format {entry['format']}; this version reads {FORMAT}",
            hint="use the version of reconcile that wrote it, or a newer one",
        )
    names = RunHead.__dataclass_fields__
    values = {name: value for name, value in entry.items() if name in names}
    return RunHead(**values | {"allow": tuple(entry["allow"])})


def _intent(run: Run, entry: Mapping[str, Any]) -> None:
    run.intents += 1
    for text, unit, record_id, trace in entry["records"]:
        address = Address.parse(text)
        former = run.begun.get(address)
        late = former is not None and former.late if entry["call"] in _OF_LINKS else True
        run.begun[address] = Begun(Address.parse(unit), record_id, late=late)
        run.outcomes.pop(address, None)
        run.unaudited.add(address)
        if trace:
            run.traces[address] = trace


def _answer(run: Run, entry: Mapping[str, Any]) -> None:
    for text, message, record_id, status, late in entry["records"]:
        address = Address.parse(text)
        if address in run.begun:
            begun = run.begun[address]
            end = Status(status) if status else None
            run.begun[address] = Begun(begun.unit, record_id or begun.id, message, end, late)


def _outcomes(run: Run, entry: Mapping[str, Any]) -> None:
    for raw in entry["records"]:
        outcome = _decode(raw)
        run.outcomes[outcome.address] = outcome
        run.begun.pop(outcome.address, None)
        run.unaudited.add(outcome.address)


def _overwrote(run: Run, entry: Mapping[str, Any]) -> None:
    for text, overwrites in entry["records"]:
        address = Address.parse(text)
        run.overwrites[address] = tuple(Overwrite(*one) for one in overwrites)
        run.unaudited.add(address)


def _undone(run: Run, entry: Mapping[str, Any]) -> None:
    for text in entry["records"]:
        run.begun.pop(Address.parse(text), None)
        run.outcomes.pop(Address.parse(text), None)


def _audited(run: Run, _: Mapping[str, Any]) -> None:
    run.unaudited.clear()


def _end(run: Run, entry: Mapping[str, Any]) -> None:
    run.ended = entry["why"]


_READ: Mapping[str, Callable[[Run, Mapping[str, Any]], None]] = {
    "intent": _intent,
    "answer": _answer,
    "outcomes": _outcomes,
    "overwrote": _overwrote,
    "undone": _undone,
    "audited": _audited,
    "end": _end,
}


def _decode(raw: Sequence[Any]) -> Outcome:
    address, action, status, record_id, message, rewrites, not_persisted, *flags, warnings = raw
    written, standing = flags
    return Outcome(
        Address.parse(address),
        Action(action),
        Status(status),
        record_id,
        message,
        tuple(Rewrite(*rewrite) for rewrite in rewrites),
        not_persisted=tuple(not_persisted),
        written=written,
        standing=standing is True,
        warnings=tuple(Warned(*warned) for warned in warnings),
    )
