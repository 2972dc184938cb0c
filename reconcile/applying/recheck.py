"""Just before writing: is the record still as the plan found it?

HubSpot has neither transactions nor If-Match (reference §6), so a moment remains in which
somebody can write in between; what was read back afterwards tells (``verify``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconcile.hubspot.client import HubSpot
from reconcile.model.address import fold
from reconcile.model.definitions import Property
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind
from reconcile.model.plan import FieldChange, RecordChange
from reconcile.model.records import Actual
from reconcile.model.values import same


@dataclass(frozen=True, slots=True)
class Checked:
    """``fields`` are those that still need writing; ``conflict`` says why nothing may be; ``key``
    is the record's key as HubSpot has it.
    """

    change: RecordChange
    fields: tuple[FieldChange, ...] = ()
    conflict: str = ""
    key: str = ""


def recheck_absent(
    hubspot: HubSpot, kind: Kind, identity: Identity, changes: Sequence[RecordChange]
) -> list[Checked]:
    """Records to create must still be absent."""
    keys = [change.address.key for change in changes]
    there = hubspot.read(kind.object, keys, [identity.name], id_property=identity.name)
    return [
        Checked(change, conflict=f"record {found.id} with this key appeared since planning")
        if (found := there.get(change.address.key))
        else Checked(change, fields=change.fields)
        for change in changes
    ]


def recheck_present(
    hubspot: HubSpot,
    kind: Kind,
    identity: Identity,
    definitions: Mapping[str, Property],
    changes: Sequence[RecordChange],
) -> list[Checked]:
    """Records to update or adopt must be what the plan found: by id, key and changed fields."""
    names = {field.name for change in changes for field in change.fields}
    if identity.unique:
        names.add(identity.name)
    there = hubspot.read(kind.object, [change.id for change in changes], sorted(names))
    return [_compare(change, there.get(change.id), identity, definitions) for change in changes]


def _compare(
    change: RecordChange,
    actual: Actual | None,
    identity: Identity,
    definitions: Mapping[str, Property],
) -> Checked:
    if actual is None:
        return Checked(change, conflict="archived, merged or gone since planning")
    held = actual.properties.get(identity.name) or ""
    if identity.unique and not change.rekey and fold(held) != fold(change.address.key):
        return Checked(change, conflict="its key was changed in HubSpot since planning")
    left: list[FieldChange] = []
    moved: list[str] = []
    for field in change.fields:
        now = actual.properties.get(field.name) or ""
        definition = definitions[field.name]
        if same(now, field.after, definition):
            continue
        left.append(field)
        if not same(now, field.before, definition):
            moved.append(_moved(field, now))
    if moved:
        return Checked(change, conflict="changed in HubSpot since planning: " + "; ".join(moved))
    return Checked(change, fields=tuple(left), key=held)


def _moved(field: FieldChange, now: str) -> str:
    if field.personal:
        return field.name
    return f"{field.name} was {field.before!r}, is {now!r}, planned {field.after!r}"
