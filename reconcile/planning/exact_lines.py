"""Line items that others added to an order or cart whose manifest says ``lines: exact``."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reconcile.model.address import BY_ID, Address
from reconcile.model.definitions import editable
from reconcile.model.explanation import Explanation
from reconcile.model.kinds import kinds
from reconcile.model.line_parent import describe_parents
from reconcile.model.plan import Action, FieldChange, Reason, RecordChange, UnitChange
from reconcile.model.records import Actual, Observed, Unit
from reconcile.planning.changes import as_conflict
from reconcile.planning.record_input import Context


def foreign_removals(unit: Unit, observed: Observed, context: Context) -> Iterator[RecordChange]:
    """Yield the changes that archive them. Each is held back until it is allowed by its number.

    One that belongs to another record as well is in conflict: that would lose it.
    """
    root = observed.records.get(unit.address)
    for address, actual in observed.foreign.items() if root is not None else ():
        others = observed.other_parents.get(address)
        title = actual.properties.get(kinds()[address.kind].title) or ""
        fields = tuple(_fields(address, actual, context))
        change = RecordChange(
            address,
            Action.ARCHIVE,
            actual.id,
            fields=fields,
            parent=unit.address,
            parent_id=root.id if root is not None else "",
            adopts=True,
            foreign=True,
            title=title,
        )
        yield _in_conflict(change, describe_parents(others)) if others else change


def once(units: Iterable[UnitChange]) -> Iterator[UnitChange]:
    """Yield the units; a foreign line item under several of them is a conflict of the first one."""
    units = sorted(units, key=lambda unit: unit.address)
    over: dict[Address, list[Address]] = defaultdict(list)
    for unit in units:
        for change in unit.changes:
            if change.parent is not None and change.address.key.startswith(BY_ID):
                over[change.address].append(unit.address)
    several = {line: found for line, found in over.items() if len(found) > 1}
    if not several:
        yield from units
        return
    for unit in units:
        changes = tuple(_once(unit, several))
        if changes or unit.left_alone:
            yield replace(unit, changes=changes)


def _once(unit: UnitChange, several: Mapping[Address, Sequence[Address]]) -> Iterator[RecordChange]:
    """Yield the changes of a unit without those that are shown elsewhere."""
    for change in unit.changes:
        first, *others = several.get(change.address, (unit.address,))
        if first == unit.address:
            yield _shared(change, others) if others else change


def _shared(change: RecordChange, others: Iterable[Address]) -> RecordChange:
    if change.action is Action.CONFLICT:
        return change
    return as_conflict(change, _belongs(", ".join(map(str, others))))


def _fields(address: Address, actual: Actual, context: Context) -> Iterator[FieldChange]:
    """Yield its key and all values that people gave it, which are compared before it is archived.

    What the plan does not show has no value.
    """
    kind, known = kinds()[address.kind], context.definitions.properties[address.kind]
    if key := context.identities[address.kind].key_property:
        yield FieldChange(key, actual.properties.get(key) or "", "", Reason.CHANGE)
    for name in sorted(editable(known, kind.computed) - {key}):
        if value := actual.properties.get(name):
            personal = kind.is_personal(name) or known[name].personal
            yield FieldChange(name, value, "", Reason.CHANGE, personal=personal)


def _in_conflict(change: RecordChange, owners: str) -> RecordChange:
    return RecordChange(
        change.address,
        Action.CONFLICT,
        change.id,
        parent=change.parent,
        parent_id=change.parent_id,
        title=change.title,
        why=(_belongs(owners),),
    )


def _belongs(owners: str) -> Explanation:
    return Explanation(
        f"others added it, and it belongs to {owners} too",
        f"remove it from {owners} in HubSpot, or write lines: open",
    )
