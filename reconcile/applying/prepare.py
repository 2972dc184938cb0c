"""From a plan's unit to items: which of its changes may be carried out, and which are done?"""

from collections.abc import Iterator

from reconcile.applying.state_entries import Entries, to_remove
from reconcile.applying.task import Item
from reconcile.model.digest import definitions_digest, state_digest
from reconcile.model.explanation import reasons_and_hints
from reconcile.model.identity import Identity
from reconcile.model.kinds import kinds
from reconcile.model.outcome import APPLIED_EARLIER, Status
from reconcile.model.plan import GUARDED, Action, RecordChange, UnitChange
from reconcile.model.records import LastApplied
from reconcile.state.relocation import EntryFinder, left_by

_MOVED = "the state has moved since planning; plan again"


def prepare(
    unit: UnitChange, finder: EntryFinder, entries: Entries, moved: str = ""
) -> Iterator[Item]:
    """One item for each change of the unit; ``moved`` says what the plan was made from that moved.

    Those without a status are to be carried out. Those an earlier run of the same plan has carried
    out are done; where only associations are missing, these are left to make.
    """
    stale = moved or _stale(unit, entries)
    for change in unit.changes:
        found = finder.find(unit, change)
        entry = found.entry if found is not None else None
        item = Item(unit.address, change, id=change.id, unlinked=len(change.links), previous=entry)
        item.places = left_by(unit, change, found)
        if change.address == unit.address:
            item.former, item.others = unit.former, unit.others
        held = entry.links if entry is not None else frozenset()
        item.links = set(change.kept_links) | (to_remove(change) & held)
        if change.action is Action.CONFLICT:
            item.end(Status.CONFLICT, "; ".join(reasons_and_hints(change.why)[0]))
            stood = finder.state.stood(unit.address, unit.manifest)
            item.standing = change.address.folded() in stood
        elif change.action.removes and entry is None:
            _prepare_unknown(item, stale)
        elif state_digest(entry) == change.state:
            identity = entries.identities[change.address.kind]
            if why := stale or _unlike_state(change, entry, finder, identity):
                item.end(Status.CONFLICT, why)
        elif entry is not None and is_written(change, entry, entries):
            item.id = entry.id
            if _is_linked(change, entry):
                item.end(Status.DONE, APPLIED_EARLIER)
                item.recorded, item.unlinked = True, 0
            elif stale:
                item.end(Status.CONFLICT, stale)
            else:
                item.end(Status.DONE)
        else:
            item.end(Status.CONFLICT, _MOVED)
        yield item


def _unlike_state(
    change: RecordChange, entry: LastApplied | None, finder: EntryFinder, identity: Identity
) -> str:
    """Return why a change does not go with what the state says of its record, or nothing."""
    if _is_other(change, entry):
        return _MOVED
    if change.adopts and identity.within_parent and finder.has_otherwise(change):
        return _MOVED
    name = _misstated(change, entry, identity)
    return f"who changed {name} is not what the plan says; plan again" if name else ""


def _is_other(change: RecordChange, entry: LastApplied | None) -> bool:
    """Whether a change is of another record than the state's, and does not adopt it."""
    return entry is not None and not change.adopts and change.id not in ("", entry.id)


def _misstated(change: RecordChange, entry: LastApplied | None, identity: Identity) -> str:
    """Return a property whose value the plan calls known, though the state cannot compare it.

    The guards go by these reasons, so a plan file must not be believed about them.
    """
    if change.action is not Action.UPDATE or entry is None or change.adopts:
        return ""
    for field in change.fields:
        is_known = bool(entry.fingerprint) and field.name in entry.value_hashes
        by_key = identity.unique and field.name == identity.name
        if field.before and not (is_known or by_key) and field.reason not in GUARDED:
            return field.name
    return ""


def _prepare_unknown(item: Item, stale: str) -> None:
    """A record to remove that the state does not know: no more, or not at all.

    Forgotten it is then, by an earlier run of the same plan if by nobody else. Whether it is
    archived HubSpot alone can tell.
    """
    if item.change.action is Action.FORGET:
        item.end(Status.DONE, APPLIED_EARLIER)
        item.recorded = True
    elif stale:
        item.end(Status.CONFLICT, stale)


def is_written(change: RecordChange, entry: LastApplied, entries: Entries) -> bool:
    """Whether an earlier run of the same plan has written the record's values."""
    if change.action.removes:
        return False
    definitions = entries.definitions.properties[change.address.kind]
    managed = entries.managed(change)
    return (
        not managed.keys() - definitions.keys()
        and entry.fingerprint == entries.hasher.fingerprint(managed, definitions)
        and all(marks.read for marks in entry.value_hashes.values())
        and entry.protect == change.protect
        and entry.key == change.address.key
        and change.id in ("", entry.id)
    )


def _is_linked(change: RecordChange, entry: LastApplied) -> bool:
    """Whether the state has every association of the change, and none that it takes away."""
    types = {(link.to, link.id, link.category, link.type_id) for link in entry.links}
    ends = {(to, category, number) for to, _, category, number in types}
    made = all(
        (link.to, link.id, *one) in types if link.id else (link.to, *one) in ends
        for link in change.links
        if link.add
        for one in link.ours
    )
    return (
        made and entry.links.issuperset(change.kept_links) and not (to_remove(change) & entry.links)
    )


def _stale(unit: UnitChange, entries: Entries) -> str:
    try:
        now = definitions_digest(unit.changes, entries.definitions)
    except KeyError as name:
        return f"the property {name} is gone since planning; plan again"
    if now != unit.definitions or any(_hides_otherwise(c, entries) for c in unit.changes):
        return "property definitions have changed since planning; plan again"
    return ""


def _hides_otherwise(change: RecordChange, entries: Entries) -> bool:
    """Whether the plan takes other values for personal data than the account's definitions do."""
    kind, definitions = kinds()[change.address.kind], entries.definitions.properties
    return any(
        field.personal
        != (kind.is_personal(field.name) or definitions[kind.name][field.name].personal)
        for field in change.fields
    )
