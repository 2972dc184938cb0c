"""What to put into the log when something has happened: a run, a refusal, work on the state."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Protocol

from reconcile.audit.log import AuditLog
from reconcile.audit.source import planned_at
from reconcile.errors import GuardRefused, Locked, ReconcileError, StalePlan
from reconcile.model.address import Address
from reconcile.model.audit import (
    WRITTEN,
    Detail,
    Event,
    Fact,
    Facts,
    Head,
    Origin,
    Recorded,
    What,
)
from reconcile.model.outcome import ALREADY, Outcome, Status
from reconcile.model.plan import (
    FieldChange,
    LinkChange,
    Plan,
    PropertyDefine,
    RecordChange,
    TargetPin,
)
from reconcile.model.source import Source

_UNTOUCHED = (Status.SKIPPED, Status.CONFLICT)
"""How a change ended of which nothing was sent: its fields did not change."""


class RunFacts(Protocol):
    """What the log tells of a run; the head of its journal has all of it."""

    @property
    def run(self) -> str:
        """Its name."""
        ...

    @property
    def plan(self) -> str:
        """Its plan's content digest."""
        ...

    @property
    def since(self) -> str:
        """When it began: ISO 8601, UTC."""
        ...

    @property
    def allow(self) -> tuple[str, ...]:
        """The guards that were let pass."""
        ...


class RunTelling:
    """Puts a run into the log while it goes on.

    ``after`` is the head that the state kept so far. A run that is recorded again (resumed,
    settled, or after a crash in between) is told again: of a run's record the last word counts.
    """

    def __init__(
        self,
        audit: AuditLog,
        planned: Plan,
        run: RunFacts,
        origin: Origin,
        after: Head | None = None,
    ) -> None:
        origin, source = planned_at(origin, planned.source)
        facts = {
            **_target(planned.target),
            **source,
            "plan": run.plan,
            "since": run.since,
            "allow": tuple(run.allow),
        }
        self._audit = audit
        self._event = Event("apply", origin, run=run.run, facts=facts)
        self._telling = audit.telling(self._event, after)
        self._changes = {change.address: change for change in planned.records()}
        self._told: dict[Address, int] = {}

    def tell(
        self, outcomes: Iterable[Outcome], traces: Mapping[Address, str] = MappingProxyType({})
    ) -> None:
        """What came of records, as far as it was not told just so; ``traces`` of their writes."""
        with self._whole():
            self._telling.add(
                recorded(self._changes[one.address], one, traces.get(one.address, ""))
                for one in outcomes
                if self._is_news(one)
            )

    def end(self, why: str = "") -> Head:
        """The run is over, or ended before it tried everything; the log's new head."""
        with self._whole():
            return self._telling.end(why)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Where telling breaks off, nobody knows what of it is in the log: it begins anew then,
        as another event, for whoever tells everything again from the journal.
        """
        try:
            yield
        except BaseException:
            self._telling = self._audit.telling(self._event, self._telling.head)
            self._told = {}
            raise

    def _is_news(self, outcome: Outcome) -> bool:
        # In place of the outcome itself: a run may have very many.
        mark = hash(outcome)
        if outcome.message == ALREADY or self._told.get(outcome.address) == mark:
            return False
        self._told[outcome.address] = mark
        return True


def recorded(change: RecordChange, outcome: Outcome, trace: str = "") -> Recorded:
    """What became of one change. Of one that was never sent, only that and why."""
    touched = outcome.status not in _UNTOUCHED or outcome.written or bool(outcome.overwrites)
    marks = {
        "adopts": change.adopts,
        "rekey": change.rekey,
        "recreates": change.recreates,
        "pruned": change.pruned,
        "moved": bool(change.moved_from),
        "standing": outcome.standing,
        WRITTEN: outcome.written,
    }
    return Recorded(
        address=change.address,
        action=str(change.action),
        status=str(outcome.status),
        id=outcome.id or change.id,
        parent=change.parent,
        marks=tuple(name for name, is_set in marks.items() if is_set),
        trace=trace,
        details=tuple(_details(change, outcome, touched=touched)),
    )


def refused(
    error: ReconcileError,
    origin: Origin,
    *,
    plan: str = "",
    source: Source | None = None,
    command: str = "",
) -> Event:
    """Something was refused before anything was written: by a guard, a lock, or a stale plan.

    ``plan`` is the content digest of what was refused, ``source`` where it is from.
    """
    by = {GuardRefused: "guard", StalePlan: "stale plan", Locked: "locked"}
    facts: dict[str, Fact] = {"refusal": by.get(type(error), "error")}
    facts |= {name: text for name, text in (("plan", plan), ("command", command)) if text}
    if source is not None:
        origin, more = planned_at(origin, source)
        facts |= more
    return Event("refused", origin, facts=facts, message=str(error))


def lock_broken(origin: Origin, *, number: int, who: str, since: str, doing: str) -> Event:
    """Somebody took the lock from its holder."""
    facts: Facts = {"number": number, "who": who, "since": since, "doing": doing}
    return Event("lock broken", origin, facts=facts)


def surgery(what: str, origin: Origin, *, addresses: Sequence[Address] = ()) -> Event:
    """Somebody changed the state by hand: ``state rm``, ``state push``, ``state pull``."""
    facts: Facts = {"addresses": tuple(map(str, addresses))} if addresses else {}
    return Event(what, origin, facts=facts)


def defined(made: Iterable[PropertyDefine], target: TargetPin, origin: Origin) -> Event:
    """Properties were made in the account."""
    names = tuple(f"{one.kind}.{one.name}" for one in made)
    return Event("define", origin, facts={**_target(target), "properties": names})


def _target(target: TargetPin) -> dict[str, str | int]:
    return {"target": target.name, "account": target.portal_id}


def _details(change: RecordChange, outcome: Outcome, *, touched: bool) -> Iterator[Detail]:
    lost: dict[str, str] = {}
    for one in outcome.overwrites:
        lost.setdefault(one.name, one.value)  # the latest of a property comes first
    if touched:
        yield from (_field(field, lost.get(field.name)) for field in change.fields)
        yield from map(_link, change.links)
    ours = {field.name: field.after for field in change.fields}
    for one in outcome.overwrites:
        note = " ".join(filter(None, (one.source, one.at)))
        values = (one.value, ours.get(one.name, ""))
        yield Detail(What.OVERWRITE, one.name, note, values, one.personal)
    for rewrite in outcome.rewrites:
        values = (rewrite.sent, rewrite.stored)
        yield Detail(What.REWRITE, rewrite.name, values=values, personal=rewrite.personal)
    for warned in outcome.warnings:
        yield Detail(What.WARNING, warned.name, values=(warned.text,), personal=warned.personal)
    if outcome.message:
        yield Detail(What.MESSAGE, values=(outcome.message,))


def _field(change: FieldChange, lost: str | None) -> Detail:
    """A field, before and after; ``lost`` is the value that was really there before."""
    before, shown_before = change.before, change.shown_before
    if lost is not None:
        before, shown_before = lost, ""
    values: tuple[str, ...] = (before, change.after)
    if shown_before or change.shown_after:
        values += (shown_before or before, change.shown_after or change.after)
    return Detail(What.FIELD, change.name, str(change.reason), values, change.personal)


def _link(change: LinkChange) -> Detail:
    end = change.shown or str(change.address or f"id={change.id}")
    types = ",".join(f"{category}:{number}" for category, number in change.types)
    note = "add" if change.add else "remove"
    return Detail(What.LINK, change.to, note, (end, change.id, types), change.personal)
