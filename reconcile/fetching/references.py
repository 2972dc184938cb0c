"""Resolve references to record ids, and find records that refer to each other."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address, fold
from reconcile.model.identity import Identity
from reconcile.model.kinds import Association, kinds
from reconcile.model.records import Lifecycle, Reference, Unit
from reconcile.model.references import Bindings, Bound, pointer
from reconcile.state.managed import ManagedRecords
from reconcile.state.state import State


def resolve(
    hubspot: HubSpot, identities: Mapping[str, Identity], references: Iterable[Reference]
) -> Mapping[tuple[str, str, str], str]:
    """Return the ids of the records that references point at, by (to, by, folded value).

    A reference whose record does not exist is omitted.
    """
    wanted: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    for reference in references:
        target = _target(reference)
        wanted[reference.to, reference.by, target][fold(reference.value)] = reference.value
    found: dict[tuple[str, str, str], str] = {}
    for (to, by, target), values in wanted.items():
        answer = hubspot.records.read(
            target,
            list(values.values()),
            [],
            id_property=_id_property(identities, to, by),
            secondary=_association(to).secondary.get(by, "") if by not in ("id", "key") else "",
        )
        for value, actual in answer.items():
            found[to, by, fold(value)] = actual.id
    return found


def _id_property(identities: Mapping[str, Identity], to: str, by: str) -> str | None:
    """Return the property that a kind of reference names its record by; None for the id."""
    if by == "id":
        return None
    if by == "key":
        return identities[to].key_property or None
    return by


def _target(reference: Reference) -> str:
    """Return HubSpot's name of the object that a reference points at."""
    kind = kinds().get(reference.to)
    return kind.object if kind is not None else _association(reference.to).object


def _association(to: str) -> Association:
    """Return any association with a kind of object: all describe its other end equally."""
    return next(kind.associations[to] for kind in kinds().values() if to in kind.associations)


def bind(
    hubspot: HubSpot,
    identities: Mapping[str, Identity],
    units: Sequence[Unit],
    *,
    everything: Sequence[Unit],
    state: State,
    known: ManagedRecords,
    recreate: frozenset[Address],
) -> tuple[Bindings, Mapping[Address, str]]:
    """Return what references point at, and the ids of parents that no manifest declares, by unit.

    ``everything`` are all declared units, ``units`` those that are planned. References and parents
    whose record does not exist are omitted.
    """
    references = [r for unit in units for record in unit.records for r in record.references]
    between = [
        r
        for unit in everything
        for record in unit.records
        for r in record.references
        if r.to in kinds()
    ]
    outside = {unit.address: unit.parent for unit in units if unit.root is None and unit.parent}
    roots = {
        unit.address.folded(): unit
        for unit in everything
        if unit.root and unit.root.lifecycle is Lifecycle.PRESENT
    }
    formers = [unit.root.moved_from for unit in roots.values() if unit.root and unit.former]
    found = resolve(
        hubspot,
        identities,
        [*references, *between, *outside.values(), *(former for former in formers if former)],
    )
    bindings: dict[tuple[str, str, str], Bound] = {}
    for reference in dict.fromkeys([*references, *between]):
        end = pointer(reference)
        if end in found:
            bindings[end] = Bound(id=found[end])
        elif reference.by == "key" and (
            unit := roots.get(Address(reference.to, fold(reference.value)))
        ):
            id_ = _known_id(unit, state, known, found, recreate)
            bindings[end] = Bound(id=id_) if id_ else Bound(address=unit.address)
    return bindings, {a: found[pointer(r)] for a, r in outside.items() if pointer(r) in found}


def _known_id(
    unit: Unit,
    state: State,
    known: ManagedRecords,
    found: Mapping[tuple[str, str, str], str],
    recreate: frozenset[Address],
) -> str:
    """Return the id of a declared root that was not found by key; empty if it will be created."""
    if unit.root is None or unit.address.folded() in recreate:
        return ""
    entry = known.entry(unit, unit.root, state)
    if entry is not None:
        return entry.id
    return found.get(pointer(unit.root.moved_from), "") if unit.root.moved_from else ""


def mutual_links(
    units: Iterable[Unit], state: State, known: ManagedRecords, bindings: Bindings
) -> Iterable[tuple[str, str, str, str]]:
    """Yield declared associations of known records, seen from their other end; see Context."""
    for unit in units:
        for record in unit.records:
            ends = [r for r in record.references if r.to in kinds()]
            if ends and (entry := known.entry(unit, record, state)):
                for reference in ends:
                    if other := bindings.get(pointer(reference)):
                        yield reference.to, other.id, record.address.kind, entry.id
