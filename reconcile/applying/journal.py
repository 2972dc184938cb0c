"""The journal of a run: what is about to be sent, and what came of it, durable before going on.

A log in the store, one line for each call's intent, one for its outcome, one for what each slice's
records came to. A run that died is settled from it, and the summary that users see is read from
it, so that neither depends on what a process remembered.
"""

import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from reconcile.applying.item import Item
from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.digest import canonical
from reconcile.model.outcome import ALREADY, Outcome, Progress, Rewrite, Status
from reconcile.model.plan import Action, RecordChange
from reconcile.stores.contract import Store

FORMAT = 1
"""Version of the journal's format. A newer one is refused, never guessed at."""

_LOGS = "runs/"


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
    call's answer said in so many words, ``status`` what it came to by that answer.
    """

    unit: Address
    id: str = ""
    answer: str = ""
    status: Status | None = None


@dataclass(slots=True)
class Run:
    """A run as its journal tells it.

    ``outcomes`` are those of records that came to an end; ``begun`` the records to be settled by
    reading; ``unaudited`` those of which the audit log does not have the last word; ``traces`` the
    objectWriteTraceIds of their last writes; ``ended`` is why the run ended (empty where it did not
    say), ``entries`` how many lines the journal has.
    """

    head: RunHead
    outcomes: dict[Address, Outcome] = field(default_factory=dict)
    begun: dict[Address, Begun] = field(default_factory=dict)
    unaudited: set[Address] = field(default_factory=set)
    traces: dict[Address, str] = field(default_factory=dict)
    ended: str = ""
    entries: int = 0

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
        if (known := self.outcomes.get(change.address)) is not None:
            return known
        if (begun := self.begun.get(change.address)) is not None:
            why = begun.answer or "the run ended before HubSpot answered"
            return Outcome(change.address, change.action, Status.UNKNOWN, begun.id, why)
        return Outcome(change.address, change.action, Status.SKIPPED, message=self.ended)


class Journal:
    """Writes one run's journal. Several threads may write at a time.

    ``check`` is asked before every intent, and raises where nothing may be sent any more.
    ``so_far`` is the run where it is gone on with.
    """

    def __init__(
        self, store: Store, run: str, check: Callable[[], None], so_far: Run | None = None
    ) -> None:
        self.store = store
        self.run = run
        self._check = check
        self._known = dict(so_far.outcomes) if so_far else {}
        position = so_far.entries if so_far else 0
        self._positions = itertools.count(position)
        self._calls = itertools.count(position)
        self._numbering = threading.Lock()

    def begin(self, head: RunHead) -> None:
        """The first line."""
        self._append("run", format=FORMAT, **asdict(head))

    def intend(self, call: str, items: Iterable[Item]) -> int:
        """Say which records a call is about to write; the call's number. Nothing is sent before.

        Raises LockLost where the lock is not surely ours any more, and what the store raises.
        """
        self._check()
        items = list(items)
        with self._numbering:
            for item in items:
                self._known.pop(item.change.address, None)
        number = next(self._calls)
        records = [
            [str(item.change.address), str(item.unit), item.id, item.trace] for item in items
        ]
        self._append("intent", call=call, number=number, records=records)
        self._check()
        return number

    def answered(self, number: int, items: Iterable[Item], *, of_records: bool = False) -> None:
        """Say what a call came to, as HubSpot answered; ``of_records`` where it wrote records."""
        records = [
            [
                str(item.change.address),
                item.message,
                item.id,
                str(item.status or "") if of_records else "",
            ]
            for item in items
        ]
        self._append("answer", number=number, records=records)

    def decided(self, outcomes: Sequence[Outcome]) -> None:
        """Say what records came to in the end: read back and recorded in the state."""
        news = [
            one
            for one in outcomes
            if (known := self._known.get(one.address)) is None
            or (known != one and one.message != ALREADY)
        ]
        if news:
            self._append("outcomes", records=[_encode(outcome) for outcome in news])

    def undone(self, addresses: Sequence[Address]) -> None:
        """Say that writes that were begun were not carried out."""
        if addresses:
            self._append("undone", records=[str(address) for address in addresses])

    def audited(self) -> None:
        """Say that the audit log has all that the journal tells so far."""
        self._append("audited")

    def end(self, why: str) -> None:
        """The last line of a run that can write it; ``why`` is empty where all was tried."""
        self._append("end", why=why)

    def _append(self, about: str, **more: Any) -> None:
        with self._numbering:
            position = next(self._positions)
        self.store.append(_LOGS + self.run, position, canonical({"about": about, **more}))


def open_runs(store: Store) -> list[str]:
    """The runs whose journals are still there, oldest first."""
    return [log.removeprefix(_LOGS) for log in store.logs(_LOGS)]


def drop_run(store: Store, run: str) -> None:
    """Remove a journal that nothing is left to learn from."""
    store.drop(_LOGS + run)


def read_run(store: Store, run: str) -> Run | None:
    """A run from its journal; None where it died before it said what it was about.

    Raises UsageError for a journal that cannot be understood.
    """
    found: Run | None = None
    for position, line in store.entries(_LOGS + run):
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
    for text, unit, record_id, trace in entry["records"]:
        address = Address.parse(text)
        run.begun[address] = Begun(Address.parse(unit), record_id)
        run.outcomes.pop(address, None)
        run.unaudited.add(address)
        if trace:
            run.traces[address] = trace


def _answer(run: Run, entry: Mapping[str, Any]) -> None:
    for text, message, record_id, status in entry["records"]:
        address = Address.parse(text)
        if address in run.begun:
            begun = run.begun[address]
            end = Status(status) if status else None
            run.begun[address] = Begun(begun.unit, record_id or begun.id, message, end)


def _outcomes(run: Run, entry: Mapping[str, Any]) -> None:
    for raw in entry["records"]:
        outcome = _decode(raw)
        run.outcomes[outcome.address] = outcome
        run.begun.pop(outcome.address, None)
        run.unaudited.add(outcome.address)


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
    "undone": _undone,
    "audited": _audited,
    "end": _end,
}


def _encode(outcome: Outcome) -> list[Any]:
    rewrites = [[r.name, r.sent, r.stored, r.personal] for r in outcome.rewrites]
    return [
        str(outcome.address),
        str(outcome.action),
        str(outcome.status),
        outcome.id,
        outcome.message,
        rewrites,
    ]


def _decode(raw: Sequence[Any]) -> Outcome:
    address, action, status, record_id, message, rewrites = raw
    return Outcome(
        Address.parse(address),
        Action(action),
        Status(status),
        record_id,
        message,
        tuple(Rewrite(*rewrite) for rewrite in rewrites),
    )
