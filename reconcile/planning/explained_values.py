"""Where the values of one declared record come from, and what a plan of it does about each."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from reconcile.model.address import Address, fold
from reconcile.model.explained import Applied, ExplainedRecord, ExplainedValue, Fate
from reconcile.model.guarded import guards_of
from reconcile.model.plan import (
    Action,
    LeftAlone,
    LinkChange,
    Plan,
    Reason,
    RecordChange,
    UnitChange,
)
from reconcile.model.policy import HELD
from reconcile.model.records import NOWHERE, Lifecycle, Link, Reference
from reconcile.model.references import association_types, pointer
from reconcile.planning.reasons import differs
from reconcile.planning.record_input import RecordInput
from reconcile.planning.wire_values import display_value

_GUARD_OF = {
    Reason.BOTH: "both",
    Reason.UNSEEN: "adopt-update",
    Reason.UNKNOWN: "unknown",
}
"""The guards that hold back a value for its own sake."""

_Part = TypeVar("_Part", RecordChange, LeftAlone)


def explained(record: RecordInput, plan: Plan) -> ExplainedRecord:
    """Return what is declared of a record, what HubSpot has, and what ``plan`` does about it."""
    unit = next((one for one in plan.units if one.address == record.unit.address), None)
    planned = _Planned(record, unit)
    known = record.recorded
    return ExplainedRecord(
        address=record.address,
        unit=record.unit.address,
        location=record.desired.location,
        id=_id(record),
        run=known.run if known else "",
        managed=known is not None,
        values=(
            *_key(record, planned),
            *_properties(record, planned),
            *_associations(record, planned),
        ),
    )


def _id(record: RecordInput) -> str:
    """Return the record's id in HubSpot. What is to be forgotten is not read, but remembered."""
    if record.actual is not None:
        return record.actual.id
    forget = record.desired.lifecycle is Lifecycle.FORGET
    return record.recorded.id if forget and record.recorded is not None else ""


class _Planned:
    """What the plan does about one record: changes, holds back and leaves alone."""

    def __init__(self, record: RecordInput, unit: UnitChange | None) -> None:
        address = record.address
        self.change = _of(unit.changes if unit else (), address)
        self.held = _of(unit.held if unit else (), address)
        self.left = _of(unit.left_alone if unit else (), address)
        self._guards = guards_of(self.held) if self.held else frozenset()

    def guards(self, fate: Fate, reason: Reason | None) -> tuple[str, ...]:
        """Return the guards that hold back a value that differs for a reason.

        None: it is held back with the rest of the record, or of its order or cart.
        """
        if fate is not Fate.HELD:
            return ()
        whole = self._guards - set(_GUARD_OF.values())
        own = {_GUARD_OF[reason]} if reason in _GUARD_OF else whole
        return tuple(name for name in HELD if name in own)

    def otherwise(self) -> Fate:
        """Return what happens to a value that none of its changes names."""
        conflict = self.change is not None and self.change.action is Action.CONFLICT
        return Fate.CONFLICT if conflict else Fate.NONE

    def sides(self) -> Iterator[tuple[Fate, RecordChange | LeftAlone]]:
        """Yield the parts of the plan that name values of the record."""
        for fate, part in (
            (Fate.WRITE, self.change),
            (Fate.HELD, self.held),
            (Fate.LEFT, self.left),
        ):
            if part is not None:
                yield fate, part

    def field(self, name: str) -> tuple[Fate, Reason | None]:
        """Return what happens to a property, and why it differs."""
        for fate, part in self.sides():
            for one in part.fields:
                if one.name == name:
                    return fate, one.reason
        return self.otherwise(), None

    def link(self, reference: Reference) -> tuple[Fate, Reason | None]:
        """Return what happens to a declared association, and why it differs."""
        wanted = (reference.to, reference.by, reference.value, reference.label)
        for fate, part in self.sides():
            for link in part.links:
                named = {(link.to, one.by, one.value, one.label) for one in link.references}
                if link.add and wanted in named:
                    return fate, link.reason
        return self.otherwise(), None


def _of(parts: Iterable[_Part], address: Address) -> _Part | None:
    return next((one for one in parts if one.address == address), None)


def _key(record: RecordInput, planned: _Planned) -> Iterator[ExplainedValue]:
    """Yield the property that holds the record's key, if any does."""
    name = record.identity.key_property
    held = record.held_key(record.actual) if record.actual else None
    if not name or (held == "" and record.identity.may_lack_key):
        return
    fate, reason = planned.field(name)
    if held is None or record.last is None:
        applied = Applied.NEVER
    else:
        applied = Applied.SAME if fold(held) == fold(record.last.key) else Applied.CHANGED
    yield ExplainedValue(
        name,
        record.address.key,
        record.desired.location,
        default=False,
        now=held,
        applied=applied,
        fate=fate,
        reason=reason,
        guards=planned.guards(fate, reason),
    )


def _properties(record: RecordInput, planned: _Planned) -> Iterator[ExplainedValue]:
    desired = record.desired
    for name, text in desired.properties.items():
        fate, reason = planned.field(name)
        if fate is Fate.NONE and record.actual is not None and name in desired.ignore:
            fate = Fate.IGNORED
        location = desired.location_of(name)
        definition = record.definitions.get(name)
        yield ExplainedValue(
            name,
            text,
            location,
            desired.inherits(location),
            _now(record, name),
            _applied(record, name),
            fate,
            reason,
            planned.guards(fate, reason),
            record.kind.is_personal(name) or (definition is not None and definition.personal),
        )


def _now(record: RecordInput, name: str) -> str | None:
    if record.actual is None:
        return None
    stored = record.actual.properties.get(name) or ""
    if name not in record.definitions:
        return stored
    return display_value(record.kind, record.context.definitions, name, stored)


def _applied(record: RecordInput, name: str) -> Applied:
    if record.last is None or record.actual is None or name not in record.definitions:
        return Applied.NEVER
    hashes = record.last.value_hashes.get(name)
    if hashes is None:
        return Applied.NEVER
    if not hashes.written:
        return Applied.UNKNOWN
    now = record.actual.properties.get(name) or ""
    return Applied.CHANGED if differs(record, name, now, hashes) else Applied.SAME


def _associations(record: RecordInput, planned: _Planned) -> Iterator[ExplainedValue]:
    desired = record.desired
    for reference in desired.references:
        fate, reason = planned.link(reference)
        place = reference.location if reference.location.file else desired.location
        yield ExplainedValue(
            reference.to,
            str(reference),
            place,
            desired.inherits(place),
            *_link_now(record, reference),
            fate,
            reason,
            planned.guards(fate, reason),
            personal=reference.by not in ("key", "id"),
            association=True,
        )
    for fate, part in planned.sides():
        for link in part.links:
            if not link.add or link.is_to_parent:
                yield ExplainedValue(
                    link.to,
                    link.shown if link.add else None,
                    desired.location if link.add else NOWHERE,
                    default=False,
                    now="" if link.add else link.shown,
                    applied=_of_link(link),
                    fate=fate,
                    reason=link.reason,
                    guards=planned.guards(fate, link.reason),
                    association=True,
                )


def _of_link(link: LinkChange) -> Applied:
    """Return what became of the association with a line item's parent, or of one to remove."""
    if not link.add:
        return Applied.SAME
    return Applied.NEVER if link.reason is Reason.CHANGE else Applied.CHANGED


def _link_now(record: RecordInput, reference: Reference) -> tuple[str | None, Applied]:
    """Return the association as HubSpot has it, and whether it is ours."""
    if record.actual is None:
        return None, Applied.NEVER
    bound = record.context.bindings.get(pointer(reference))
    types = association_types(reference, record.kind, record.context.definitions)
    links = {
        Link(reference.to, bound.id if bound else "", number, category)
        for category, number in types
    }
    there = bool(links) and links <= record.links
    ours = bool(links) and record.last is not None and links <= record.last.links
    applied = Applied.NEVER if not ours else Applied.SAME if there else Applied.CHANGED
    return (f"record {bound.id}" if there and bound else ""), applied
