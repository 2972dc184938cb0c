"""Turn a plan's unit into tasks: which of its changes may be carried out, and which are done."""

from collections.abc import Iterator

from reconcile.applying.state_entries import Entries, removed_links
from reconcile.applying.task import ChangeTask
from reconcile.model.digest import definitions_digest, state_digest
from reconcile.model.guarded import may_be_bound_elsewhere
from reconcile.model.identity import Identity
from reconcile.model.kinds import kinds
from reconcile.model.line_parent import left_by
from reconcile.model.outcome import APPLIED_EARLIER, Status
from reconcile.model.plan import GUARDED, Action, Effect, RecordChange, UnitChange
from reconcile.model.records import NO_HASHES, LastApplied
from reconcile.state.relocation import EntryFinder, stale_locations

_MOVED = "the state has changed since planning; plan again"


def prepare(
    unit: UnitChange, finder: EntryFinder, entries: Entries, moved: str = ""
) -> Iterator[ChangeTask]:
    """Yield one task for each change of a unit; ``moved`` is why the unit is stale, if it is.

    A task that is still prepared is to be carried out. One that an earlier run of the same plan
    carried out is verified; if only associations are missing, these are left to make.
    """
    stale = moved or _stale(unit, entries)
    for change in unit.changes:
        found = finder.find(unit, change)
        entry = found.entry if found is not None else None
        task = ChangeTask(
            unit.address,
            change.effect,
            change.refresh,
            id=change.id,
            unlinked=len(change.links),
            previous=entry,
            shown_parent="" if change.gets_parent else change.parent_id,
            leaving=set(left_by(change)),
        )
        task.old_locations = stale_locations(unit, change, found)
        if change.address == unit.address:
            task.former, task.others = unit.former, unit.others
        held = entry.links if entry is not None else frozenset()
        task.links = set(change.kept_links) | (removed_links(change) & held)
        if change.action is Action.CONFLICT:
            task.end(Status.CONFLICT, "")
            task.why = change.why
            stood = finder.state.standing(unit.address, unit.manifest)
            task.standing = stood.get(change.address.folded()) == Action.CONFLICT
        elif change.action.removes and entry is None:
            _prepare_unknown(task, stale)
        elif state_digest(entry) == change.state:
            identity = entries.identities[change.address.kind]
            if why := stale or _unlike_state(change, entry, finder, identity):
                task.end(Status.CONFLICT, why)
        elif entry is not None and is_written(change, entry, entries):
            task.id = entry.id
            if _is_linked(change, entry):
                task.unlinked = 0
                task.accept(APPLIED_EARLIER)
                task.verify()
            elif stale:
                task.end(Status.CONFLICT, stale)
            else:
                task.accept()
        else:
            task.end(Status.CONFLICT, _MOVED)
        yield task


def _unlike_state(
    change: RecordChange, entry: LastApplied | None, finder: EntryFinder, identity: Identity
) -> str:
    """Return why a change does not match the state's entry for its record, or ``""``."""
    if _is_other(change, entry):
        return _MOVED
    if may_be_bound_elsewhere(change, identity) and finder.knows_otherwise(change):
        return _MOVED
    new = entry is None and change.action is Action.CREATE
    if new and identity.sibling_property and finder.is_elsewhere(change):
        return _MOVED  # under another parent, where the look for it before creating does not lead
    name = _misstated(change, entry, identity)
    return f"the plan and the state disagree about who changed {name}; plan again" if name else ""


def _is_other(change: RecordChange, entry: LastApplied | None) -> bool:
    """Return whether a change is for another record than the state has, and does not adopt it."""
    return entry is not None and not change.adopts and change.id not in ("", entry.id)


def _misstated(change: RecordChange, entry: LastApplied | None, identity: Identity) -> str:
    """Return a property that the plan calls changed by somebody, though the state cannot know.

    Guards depend on a change's reason, so that a plan file's word for it is not enough.
    """
    if change.action is not Action.UPDATE or entry is None or change.adopts:
        return ""
    for field in change.fields:
        is_known = bool(entry.value_hashes.get(field.name, NO_HASHES).written)
        is_known = is_known or field.name in entry.accepted
        is_key = field.name == identity.key_property
        guarded = field.reason in GUARDED or field.is_restated
        if field.before and not (is_known or is_key or guarded):
            return field.name
    return ""


def _prepare_unknown(task: ChangeTask, stale: str) -> None:
    """Prepare the removal of a record that the state does not have.

    There is nothing left to forget. Whether it is archived, only HubSpot knows.
    """
    if task.change.action is Action.FORGET:
        task.accept(APPLIED_EARLIER)
    elif stale:
        task.end(Status.CONFLICT, stale)


def is_written(change: RecordChange, entry: LastApplied, entries: Entries) -> bool:
    """Return whether an earlier run of the same plan has written the record's values."""
    if change.action.removes:
        return False
    definitions = entries.definitions.properties[change.address.kind]
    managed = entries.managed(change, change.refresh)
    written = {field.name for field in change.fields}
    return (
        not managed.keys() - definitions.keys()
        and entry.fingerprint == entries.hasher.fingerprint(managed, definitions)
        and all(one.read for name, one in entry.value_hashes.items() if name in written)
        and entry.protect == change.protect
        and entry.key == change.address.key
        and change.id in ("", entry.id)
    )


def _is_linked(change: RecordChange, entry: LastApplied) -> bool:
    """Return whether the state has every association of the change, and none that it removes."""
    types = {(link.to, link.id, link.category, link.type_id) for link in entry.links}
    ends = {(to, category, number) for to, _, category, number in types}
    made = all(
        (link.to, link.id, *one) in types if link.id else (link.to, *one) in ends
        for link in change.links
        if link.add
        for one in link.ours
    )
    return (
        made
        and (change.parent is None or _is_under_parent(change, entry))
        and entry.links.issuperset(change.kept_links)
        and not (removed_links(change) & entry.links)
    )


def _is_under_parent(change: Effect, entry: LastApplied) -> bool:
    """Return whether the state says that a line item is under its parent, and has left others."""
    left = {id_ for _, id_ in left_by(change)}
    if left:
        return entry.parent_id not in left | {""} and not entry.leaving
    return bool(entry.parent_id) or not change.gets_parent


def _stale(unit: UnitChange, entries: Entries) -> str:
    try:
        now = definitions_digest(unit.changes, entries.definitions)
    except KeyError as name:
        return f"the property {name} was removed since planning; plan again"
    if now != unit.definitions or any(_hides_otherwise(c, entries) for c in unit.changes):
        return "property definitions have changed since planning; plan again"
    return ""


def _hides_otherwise(change: RecordChange, entries: Entries) -> bool:
    """Return whether the plan and the account disagree about which values are personal."""
    kind, definitions = kinds()[change.address.kind], entries.definitions.properties
    return any(
        field.personal
        != (kind.is_personal(field.name) or definitions[kind.name][field.name].personal)
        for field in change.fields
    )
