"""Re-read records just before writing: are they still as the plan found them?

HubSpot has neither transactions nor If-Match (reference §6), so somebody can still write between
the re-check and the write. Reading back afterwards shows that (``verify``).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconcile.fetching.find import Lookup, find
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address, fold
from reconcile.model.bound_records import BoundRecords
from reconcile.model.definitions import Property, editable
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind
from reconcile.model.plan import Effect, FieldChange, Reason, Refresh
from reconcile.model.records import Actual
from reconcile.model.values import same

_CHANGED = "changed in HubSpot since planning: "


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of re-checking one record.

    ``fields`` still have to be written; ``conflict`` is why nothing may be written, if so; ``key``
    is the record's key as HubSpot has it; ``gone`` says that the record is archived.
    """

    change: Effect
    fields: tuple[FieldChange, ...] = ()
    conflict: str = ""
    key: str = ""
    gone: bool = False


def recheck_absent(
    hubspot: HubSpot,
    kind: Kind,
    identity: Identity,
    changes: Sequence[Effect],
    wanted: Sequence[Lookup],
    *,
    planned_ids: Collection[str] = (),
) -> list[Checked]:
    """Re-check records to create: they must still be absent.

    ``planned_ids`` holds the ids of other records of the plan.
    """
    what = identity.sibling_property or "key"
    found = find(hubspot, kind, identity, wanted, (), without=planned_ids)
    return [
        Checked(change, conflict=f"record {there[0].id} with this {what} appeared since planning")
        if there
        else Checked(change, fields=change.fields)
        for change, there in zip(changes, found, strict=True)
    ]


def recheck_present(
    hubspot: HubSpot,
    kind: Kind,
    identity: Identity,
    definitions: Mapping[str, Property],
    changes: Sequence[Effect],
    *,
    refreshes: Sequence[Refresh],
) -> list[Checked]:
    """Re-check records to update or adopt: id, key and changed fields must be as planned.

    ``refreshes`` are those of ``changes``, in the same order.
    """
    names = {field.name for change in changes for field in change.fields}
    names.update(identity.properties)
    names.update(change.adopted_by[0] for change in changes if change.adopted_by)
    there = hubspot.records.read(kind.object, [change.id for change in changes], sorted(names))
    return [
        _compare(change, refresh, there.get(change.id), identity, definitions)
        for change, refresh in zip(changes, refreshes, strict=True)
    ]


def _compare(
    change: Effect,
    refresh: Refresh,
    actual: Actual | None,
    identity: Identity,
    definitions: Mapping[str, Property],
) -> Checked:
    if actual is None:
        return Checked(change, conflict="archived, merged or deleted since planning")
    held = actual.properties.get(identity.name) or ""
    if name := _identified_otherwise(change, refresh, actual, identity):
        return Checked(change, conflict=f"its {name} was changed in HubSpot since planning")
    left: list[FieldChange] = []
    moved: list[str] = []
    for field in change.fields:
        now = actual.properties.get(field.name) or ""
        definition = definitions[field.name]
        if same(now, field.after, definition) and not field.is_restated:
            continue
        left.append(field)
        if not same(now, field.before, definition):
            moved.append(_moved(field, now))
    if moved:
        return Checked(change, conflict=_CHANGED + "; ".join(moved))
    if all(field.is_restated for field in left):
        left = []  # what HubSpot would have copied values with has been written by others
    return Checked(change, fields=tuple(left), key=held)


def _identified_otherwise(
    change: Effect, refresh: Refresh, actual: Actual, identity: Identity
) -> str:
    """Return what identifies the record and has another value now, if anything has."""
    held = actual.properties.get(identity.name) or ""
    # A key that is to be written is compared like every other field.
    written = any(field.name == identity.name for field in change.fields)
    lacks = not held and identity.may_lack_key
    if identity.key_property and not (written or lacks) and fold(held) != fold(change.address.key):
        return "key"
    if name := _found_otherwise(change, actual):
        return name
    found_by = dict(refresh.keep).get(identity.name, held)
    if identity.sibling_property and change.adopts and fold(held) != fold(found_by):
        return identity.name
    return ""


def _found_otherwise(change: Effect, actual: Actual) -> str:
    """Return the property by which a record is adopted, if it has another value now.

    One that is written is compared with the other fields.
    """
    name, value = change.adopted_by or ("", "")
    if any(field.name == name for field in change.fields):
        return ""
    return name if fold(actual.properties.get(name) or "") != fold(value) else ""


def recheck_standing(
    hubspot: HubSpot,
    kind: Kind,
    definitions: Mapping[str, Property],
    changes: Sequence[Effect],
    bound: BoundRecords,
) -> list[Checked]:
    """Re-check records to archive: their values must be as planned, if they still exist.

    Nothing else may be bound to them by now.
    """
    fields = [
        (*change.fields, *_without_value(change, kind, definitions))
        if change.foreign
        else change.fields
        for change in changes
    ]
    names = {field.name for some in fields for field in some} | bound.properties()[kind.name]
    there = hubspot.records.read(kind.object, [change.id for change in changes], sorted(names))
    lost = [change.id for change in changes if change.id not in there]
    archived = hubspot.records.read(kind.object, lost, [], archived=True) if lost else {}
    return [
        _standing(change, some, there[change.id], definitions, bound)
        if change.id in there
        else Checked(change, gone=True)
        if change.id in archived
        else Checked(change, conflict="merged or deleted since planning")
        for change, some in zip(changes, fields, strict=True)
    ]


def _without_value(
    change: Effect, kind: Kind, definitions: Mapping[str, Property]
) -> Iterator[FieldChange]:
    """Yield the properties that had no value when a line item was planned to be archived."""
    given = {field.name for field in change.fields}
    for name in sorted(editable(definitions, kind.computed) - given):
        personal = kind.is_personal(name) or definitions[name].personal
        yield FieldChange(name, "", "", Reason.CHANGE, personal=personal)


def _standing(
    change: Effect,
    fields: Sequence[FieldChange],
    actual: Actual,
    definitions: Mapping[str, Property],
    bound: BoundRecords,
) -> Checked:
    other = bound.other(change.address, actual, change.parent_id)
    if other is not None:
        return Checked(change, conflict=_bound_since(other, change.address))
    now = {field.name: actual.properties.get(field.name) or "" for field in fields}
    moved = [
        _edited(field, now[field.name])
        for field in fields
        if not same(now[field.name], field.before, definitions[field.name])
    ]
    return Checked(change, conflict=_CHANGED + "; ".join(moved) if moved else "")


def _bound_since(other: Address, own: Address) -> str:
    """Return why a record may not be archived: a document is bound to it by now."""
    if other.folded() == own.folded():
        return "it has been declared since planning; plan again"
    return f"{other} is bound to it since planning; plan again"


def _moved(field: FieldChange, now: str) -> str:
    if field.personal:
        return field.name
    return f"{_edited(field, now)}, planned {field.after!r}"


def _edited(field: FieldChange, now: str) -> str:
    return field.name if field.personal else f"{field.name} was {field.before!r}, is {now!r}"
