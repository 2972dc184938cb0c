"""What to put into the log when something has happened: a run, a refusal, work on the state."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from reconcile.audit.log import AuditLog
from reconcile.errors import GuardRefused, Locked, ReconcileError, StalePlan
from reconcile.model.address import Address
from reconcile.model.audit import Detail, Event, Facts, Head, Origin, Recorded, What
from reconcile.model.outcome import Outcome, Status
from reconcile.model.plan import (
    FieldChange,
    LinkChange,
    Plan,
    PropertyDefine,
    RecordChange,
    TargetPin,
)

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


def record_run(
    audit: AuditLog,
    planned: Plan,
    run: RunFacts,
    outcomes: Iterable[Outcome],
    origin: Origin,
    *,
    after: Head | None = None,
    ended: str = "",
    traces: Mapping[Address, str] = MappingProxyType({}),
) -> Head:
    """Put a run into the log, as far as it has come; the log's new head, for the state to keep.

    ``after`` is the head that the state kept so far, ``ended`` why the run ended where it did not
    try everything, ``traces`` the trace ids that are known. A run that is recorded again (resumed,
    settled, or after a crash in between) is told again in full: of a run's record the last word
    counts. Changes without an outcome are left out.
    """
    found = {outcome.address: outcome for outcome in outcomes}
    event = Event(
        "apply",
        origin,
        run=run.run,
        facts={
            **_target(planned.target),
            "plan": run.plan,
            "since": run.since,
            "allow": tuple(run.allow),
        },
        message=ended,
        records=(
            recorded(change, found[change.address], traces.get(change.address, ""))
            for change in planned.records()
            if change.address in found
        ),
    )
    return audit.append([event], after)


def recorded(change: RecordChange, outcome: Outcome, trace: str = "") -> Recorded:
    """What became of one change. Of one that was never sent, only that and why."""
    touched = outcome.status not in _UNTOUCHED
    marks = {
        "adopts": change.adopts,
        "rekey": change.rekey,
        "recreates": change.recreates,
        "pruned": change.pruned,
        "moved": bool(change.moved_from),
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


def refused(error: ReconcileError, origin: Origin, *, plan: str = "", command: str = "") -> Event:
    """Something was refused before anything was written: by a guard, a lock, or a stale plan."""
    by = {GuardRefused: "guard", StalePlan: "stale plan", Locked: "locked"}
    facts: dict[str, str] = {"refusal": by.get(type(error), "error")}
    facts |= {name: text for name, text in (("plan", plan), ("command", command)) if text}
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
    if touched:
        yield from map(_field, change.fields)
        yield from map(_link, change.links)
    for rewrite in outcome.rewrites:
        values = (rewrite.sent, rewrite.stored)
        yield Detail(What.REWRITE, rewrite.name, values=values, personal=rewrite.personal)
    if outcome.message:
        yield Detail(What.MESSAGE, values=(outcome.message,))


def _field(change: FieldChange) -> Detail:
    values: tuple[str, ...] = (change.before, change.after)
    if change.shown_before or change.shown_after:
        values += (change.shown_before or change.before, change.shown_after or change.after)
    return Detail(What.FIELD, change.name, str(change.reason), values, change.personal)


def _link(change: LinkChange) -> Detail:
    end = change.shown or str(change.address or f"id={change.id}")
    types = ",".join(f"{category}:{number}" for category, number in change.types)
    note = "add" if change.add else "remove"
    return Detail(What.LINK, change.to, note, (end, change.id, types), change.personal)
