"""From a plan's unit to items: which of its changes may be carried out, and which are done?"""

from collections.abc import Iterator

from reconcile.applying.entries import Entries, to_remove
from reconcile.applying.item import Item
from reconcile.model.address import Address
from reconcile.model.digest import definitions_digest, state_digest
from reconcile.model.outcome import Status
from reconcile.model.plan import Action, RecordChange, UnitChange
from reconcile.model.records import LastApplied
from reconcile.stores.state import State


def prepare(unit: UnitChange, state: State, entries: Entries) -> Iterator[Item]:
    """One item for each change of the unit.

    Those without a status are to be carried out. Those an earlier run of the same plan has carried
    out are done; where only associations are missing, these are left to make.
    """
    stale = _stale(unit, entries)
    for change in unit.changes:
        entry = _entry(state, unit.address, change)
        item = Item(unit.address, change, id=change.id, unlinked=len(change.links), previous=entry)
        held = entry.links if entry is not None else frozenset()
        item.links = set(change.kept_links) | (to_remove(change) & held)
        if change.action is Action.CONFLICT:
            item.end(Status.CONFLICT, change.why.partition("\n")[0])
        elif state_digest(entry) == change.state:
            if stale:
                item.end(Status.CONFLICT, stale)
        elif entry is not None and _is_written(change, entry, entries):
            item.id = entry.id
            item.end(Status.DONE)
            if _is_linked(change, entry):
                item.recorded, item.unlinked = True, 0
        else:
            item.end(Status.CONFLICT, "the state has moved since planning; plan again")
        yield item


def _entry(state: State, unit: Address, change: RecordChange) -> LastApplied | None:
    """What the state says of a record; a moved line's entry lies under its former unit."""
    entry = state.unit(unit).get(change.address.folded())
    if entry is None and change.state:
        return state.find(change.address)
    return entry


def _is_written(change: RecordChange, entry: LastApplied, entries: Entries) -> bool:
    """Whether an earlier run of the same plan has written the record's values."""
    definitions = entries.definitions.properties[change.address.kind]
    managed = entries.managed(change)
    return (
        not managed.keys() - definitions.keys()
        and entry.whole == entries.hasher.whole(managed, definitions)
        and entry.protect == change.protect
        and change.id in ("", entry.id)
    )


def _is_linked(change: RecordChange, entry: LastApplied) -> bool:
    made = sum(len(link.ours) for link in change.links if link.add)
    return len(entry.links) >= len(change.kept_links) + made and not (
        to_remove(change) & entry.links
    )


def _stale(unit: UnitChange, entries: Entries) -> str:
    try:
        now = definitions_digest(unit.changes, entries.definitions)
    except KeyError as name:
        return f"the property {name} is gone since planning; plan again"
    if now != unit.definitions:
        return "property definitions have changed since planning; plan again"
    return ""
