"""Identity collisions: two declared records that resolve to one HubSpot record."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reconcile.model.address import Address, fold
from reconcile.model.explanation import Explanation
from reconcile.model.guarded import may_be_bound_elsewhere
from reconcile.model.identity import Identity
from reconcile.model.plan import Action, LeftAlone, RecordChange, UnitChange
from reconcile.model.policy import DRIFT
from reconcile.model.records import LastApplied
from reconcile.planning.changes import as_conflict, propagate_conflicts

Entries = Iterable[tuple[Address, Address, LastApplied]]
"""The entries of the state: unit and address, both folded, and the entry."""


def mark_collisions(
    units: Sequence[UnitChange],
    identities: Mapping[str, Identity],
    entries: Callable[[], Entries],
) -> Iterator[UnitChange]:
    """Yield the units, with conflicts in place of changes that collide with another record's.

    Records that are found within their parents can collide in units under one parent, in several
    parents of one record, or with an entry of the state that nothing declares any more; records
    that are adopted, with whatever the state or another document is bound to.
    """
    changes = [
        change
        for unit in units
        for change in unit.changes
        if change.action is not Action.CONFLICT
        and (
            identities[change.address.kind].sibling_property
            or may_be_bound_elsewhere(change, identities[change.address.kind])
        )
    ]
    reasons = (
        _same_record(changes)
        | _same_value(changes, identities)
        | _same_as_drift(units, identities)
        | _in_state(changes, entries)
    )
    for unit in units:
        if reasons.keys().isdisjoint(change.address for change in unit.changes):
            yield unit
            continue
        marked = tuple(
            as_conflict(change, reasons[change.address]) if change.address in reasons else change
            for change in unit.changes
        )
        yield replace(unit, changes=propagate_conflicts(unit.address, marked))


def _same_record(changes: Iterable[RecordChange]) -> dict[Address, Explanation]:
    """Return conflicts for adopting a record that another address adopts, or the state has."""
    by_id: dict[tuple[str, str], list[RecordChange]] = defaultdict(list)
    for change in changes:
        if change.id:
            by_id[change.address.kind, change.id].append(change)
    return {
        change.address: Explanation(
            f"record {change.id} is also declared as {_others(change, some)}", _hint()
        )
        for some in by_id.values()
        if len(some) > 1
        for change in some
        if change.adopts
    }


def _same_value(
    changes: Iterable[RecordChange], identities: Mapping[str, Identity]
) -> dict[Address, Explanation]:
    """Return conflicts for records under one parent that would get the same identity value."""
    alike: dict[tuple[str, ...], list[RecordChange]] = defaultdict(list)
    for change in changes:
        kind, name = change.address.kind, identities[change.address.kind].sibling_property
        value = next((field.after for field in change.fields if field.name == name), "")
        if value and change.parent is not None and change.parent_id:
            alike[kind, change.parent.kind, change.parent_id, fold(value)].append(change)
    return {
        change.address: Explanation(
            f"{_others(change, some)} has the same "
            f"{identities[change.address.kind].sibling_property} under the same parent",
            _hint(),
        )
        for some in alike.values()
        if len(some) > 1
        for change in some
    }


def _same_as_drift(
    units: Iterable[UnitChange], identities: Mapping[str, Identity]
) -> dict[Address, Explanation]:
    """Return conflicts for records that would get a value that others gave to one beside them."""
    found: dict[Address, Explanation] = {}
    for unit in (unit for unit in units if unit.left_alone):
        taken = _given_by_others(unit, identities)
        for change in unit.changes:
            name = identities[change.address.kind].sibling_property
            value = next((field.after for field in change.fields if field.name == name), "")
            left = taken.get((change.address.kind, fold(value)))
            if value and left is not None:
                found[change.address] = Explanation(
                    f"others gave this {name} to {left.address}, record {left.id}",
                    f"put that back with --allow {DRIFT}=N, or declare it there",
                )
    return found


def _given_by_others(
    unit: UnitChange, identities: Mapping[str, Identity]
) -> Mapping[tuple[str, str], LeftAlone]:
    """Return the values that others gave to records of a unit, by kind and folded."""
    return {
        (left.address.kind, fold(field.before)): left
        for left in unit.left_alone
        for field in left.fields
        if field.name == identities[left.address.kind].sibling_property
    }


def _in_state(
    changes: Iterable[RecordChange], entries: Callable[[], Entries]
) -> dict[Address, Explanation]:
    """Return conflicts for records to adopt that the state has under another address."""
    adopted: dict[tuple[str, str], list[RecordChange]] = defaultdict(list)
    for change in changes:
        if change.adopts:
            adopted[change.address.kind, change.id].append(change)
    reasons: dict[Address, Explanation] = {}
    for _, address, entry in entries() if adopted else ():
        for change in adopted.get((address.kind, entry.id), ()):
            own = {change.address.folded(), change.former.folded() if change.former else None}
            if address not in own:
                known = f"the state has record {entry.id} as {address.kind}/{entry.key}"
                reasons[change.address] = Explanation(known, _hint(entry.key))
    return reasons


def _hint(key: str = "") -> str:
    moved = f"moved_from: {key}" if key else "moved_from"
    return f"declare {moved} if it is the same record under another name, or remove one of the two"


def _others(change: RecordChange, some: Iterable[RecordChange]) -> str:
    return ", ".join(str(one.address) for one in some if one is not change)
