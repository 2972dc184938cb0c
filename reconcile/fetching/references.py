"""Resolve references to record ids, and find records that refer to each other."""

from collections.abc import Iterable, Mapping, Sequence

from reconcile.fetching.actual import Fetcher
from reconcile.model.address import Address, fold
from reconcile.model.kinds import kinds
from reconcile.model.records import Lifecycle, Unit
from reconcile.model.references import Bindings, Bound, pointer
from reconcile.state.managed import ManagedRecords
from reconcile.state.state import State


def bind(
    fetcher: Fetcher,
    units: Sequence[Unit],
    everything: Sequence[Unit],
    state: State,
    known: ManagedRecords,
    *,
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
    found = fetcher.resolve(
        [*references, *between, *outside.values(), *(former for former in formers if former)]
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
