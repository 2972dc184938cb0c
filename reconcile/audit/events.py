"""Make the events of the audit log: changes of a run, refusals, work on the state by hand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconcile.audit.source import planned_at
from reconcile.errors import GuardRefused, Locked, ReconcileError, StalePlan
from reconcile.model.address import Address
from reconcile.model.audit import (
    NOT_NEEDED,
    WRITTEN,
    Detail,
    Event,
    Fact,
    Facts,
    Origin,
    RecordEntry,
    Topic,
)
from reconcile.model.outcome import MADE_BY_OTHERS, Outcome, Status
from reconcile.model.plan import (
    Effect,
    FieldChange,
    LinkChange,
    PropertyDefine,
    TargetPin,
)
from reconcile.model.source import Source

_UNTOUCHED = (Status.SKIPPED, Status.CONFLICT)
"""Outcomes of changes of which nothing was sent, so that their fields did not change."""


def recorded(change: Effect, outcome: Outcome, trace: str = "", *, status: str = "") -> RecordEntry:
    """Return the log's record of one change. One that was never sent has its outcome and no fields.

    ``status`` replaces the outcome's status for a change that has not ended.
    """
    sent = bool(status) or outcome.status not in _UNTOUCHED
    sent = sent or outcome.written or bool(outcome.overwrites)
    flags = {
        "adopts": change.adopts,
        "rekey": change.rekey,
        "recreates": change.recreates,
        "foreign": change.foreign,
        "pruned": change.pruned,
        "moved": bool(change.moved_from),
        "standing": outcome.standing,
        WRITTEN: outcome.written and not status,
        NOT_NEEDED: outcome.message == MADE_BY_OTHERS,
    }
    details = _details(change, outcome, sent=sent, linked=status != WRITTEN)
    return RecordEntry(
        address=change.address,
        action=str(change.action),
        status=status or str(outcome.status),
        id=outcome.id or change.id,
        parent=change.parent,
        flags=tuple(name for name, is_set in flags.items() if is_set),
        trace=trace,
        details=tuple(details),
    )


def refused(
    error: ReconcileError,
    origin: Origin,
    *,
    plan: str = "",
    source: Source | None = None,
    command: str = "",
) -> Event:
    """Return the event of a refusal before anything was written: guard, lock, or stale plan.

    ``plan`` is the content digest of the refused plan, ``source`` its commit.
    """
    by = {GuardRefused: "guard", StalePlan: "stale plan", Locked: "locked"}
    facts: dict[str, Fact] = {"refusal": by.get(type(error), "error")}
    facts |= {name: text for name, text in (("plan", plan), ("command", command)) if text}
    if source is not None:
        origin, more = planned_at(origin, source)
        facts |= more
    return Event("refused", origin, facts=facts, message=str(error))


def lock_broken(origin: Origin, *, fencing_token: int, who: str, since: str, doing: str) -> Event:
    """Return the event of a lock that was broken."""
    facts: Facts = {"fencing_token": fencing_token, "who": who, "since": since, "doing": doing}
    return Event("lock broken", origin, facts=facts)


def state_edited(what: str, origin: Origin, *, addresses: Sequence[Address] = ()) -> Event:
    """Return the event of ``state rm``, ``state push`` or ``state pull``."""
    facts: Facts = {"addresses": tuple(map(str, addresses))} if addresses else {}
    return Event(what, origin, facts=facts)


def values_accepted(
    names: Mapping[Address, Sequence[str]], target: TargetPin, origin: Origin
) -> Event:
    """Return the event of HubSpot's values that manifests took over: which ones, without values."""
    properties = {f"{address.kind}.{one}" for address, found in names.items() for one in found}
    facts: Facts = {
        **target_facts(target),
        "addresses": tuple(map(str, names)),
        "properties": tuple(sorted(properties)),
    }
    return Event("accept", origin, facts=facts)


def defined(made: Iterable[PropertyDefine], target: TargetPin, origin: Origin) -> Event:
    """Return the event of properties that were created in the account."""
    names = tuple(f"{one.kind}.{one.name}" for one in made)
    return Event("define", origin, facts={**target_facts(target), "properties": names})


def target_facts(target: TargetPin) -> dict[str, str | int | tuple[str, ...]]:
    """Return the facts that name the account of an event."""
    return {"target": target.name, "account": target.portal_id}


def _details(change: Effect, outcome: Outcome, *, sent: bool, linked: bool) -> Iterator[Detail]:
    lost: dict[str, str] = {}
    for one in outcome.overwrites:
        lost.setdefault(one.name, one.value)  # the latest of a property comes first
    if sent:
        ours = [field for field in change.fields if field.name not in outcome.found]
        yield from (_field(field, lost.get(field.name)) for field in ours)
        if linked:
            yield from map(_link, change.links)
    wanted = {field.name: field.after for field in change.fields}
    for one in outcome.overwrites:
        note = " ".join(filter(None, (one.source, one.at)))
        values = (one.value, wanted.get(one.name, ""))
        yield Detail(Topic.OVERWRITE, one.name, note, values, one.personal)
    for rewrite in outcome.rewrites:
        values = (rewrite.sent, rewrite.stored)
        yield Detail(Topic.REWRITE, rewrite.name, values=values, personal=rewrite.personal)
    for warned in outcome.warnings:
        yield Detail(Topic.WARNING, warned.name, values=(warned.text,), personal=warned.personal)
    if sent and outcome.found and outcome.message != MADE_BY_OTHERS:
        names = ", ".join(outcome.found)
        text = f"not written, since HubSpot already had the value: {names}"
        yield Detail(Topic.MESSAGE, values=(text,))
    for text in filter(None, (outcome.message, *map(str, outcome.why))):
        yield Detail(Topic.MESSAGE, values=(text,))


def _field(change: FieldChange, lost: str | None) -> Detail:
    """Return a field's detail; ``lost`` is the value that the write overwrote unseen."""
    before, shown_before = change.before, change.shown_before
    if lost is not None:
        before, shown_before = lost, ""
    values: tuple[str, ...] = (before, change.after)
    if shown_before or change.shown_after:
        values += (shown_before or before, change.shown_after or change.after)
    return Detail(Topic.FIELD, change.name, str(change.reason), values, change.personal)


def _link(change: LinkChange) -> Detail:
    end = change.shown or str(change.address or f"id={change.id}")
    types = ",".join(f"{category}:{number}" for category, number in change.types)
    note = "add" if change.add else "remove"
    return Detail(Topic.LINK, change.to, note, (end, change.id, types), change.personal)
