"""Resolve references to record ids, and find records that refer to each other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from reconcile.errors import CallRefused
from reconcile.fetching.found_by_property import find_by_property
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address, fold
from reconcile.model.identity import Identity
from reconcile.model.kinds import is_custom_object, kinds, referred
from reconcile.model.records import Lifecycle, Reference, Unit
from reconcile.model.references import Bindings, Bound, Pointer, Unresolved, pointer
from reconcile.state.managed import ManagedRecords
from reconcile.state.state import State


class Resolved(NamedTuple):
    """The ids of the records that references point at, and why others lead to none, if known.

    A reference to a record that does not exist is in neither.
    """

    ids: Mapping[Pointer, str]
    unresolved: Mapping[Pointer, Unresolved]


def resolve(
    hubspot: HubSpot, identities: Mapping[str, Identity], references: Iterable[Reference]
) -> Resolved:
    """Find the records that references point at."""
    wanted: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for reference in references:
        wanted[reference.to, reference.by][fold(reference.value)] = reference.value
    ids: dict[Pointer, str] = {}
    unresolved: dict[Pointer, Unresolved] = {}
    for (to, by), values in wanted.items():
        found = _find(hubspot, identities, to, by, list(values.values()))
        for value, one in found.items():
            if isinstance(one, Unresolved):
                unresolved[to, by, fold(value)] = one
            else:
                ids[to, by, fold(value)] = one
    return Resolved(ids, unresolved)


def _find(
    hubspot: HubSpot, identities: Mapping[str, Identity], to: str, by: str, values: Sequence[str]
) -> Mapping[str, str | Unresolved]:
    try:
        if by in ("id", "key", *referred(to).by):
            return _read(hubspot, identities, to, by, values)
        return find_by_property(hubspot, referred(to), by, values)
    except CallRefused as error:
        if not is_custom_object(to):
            raise
        hint = "write the id of its type in this account, as its address in HubSpot has it"
        return dict.fromkeys(values, Unresolved(f"{to} cannot be read: {error}", hint))


def _read(
    hubspot: HubSpot, identities: Mapping[str, Identity], to: str, by: str, values: Sequence[str]
) -> Mapping[str, str]:
    """Return the ids of the records with these keys, ids or addresses, as far as they exist."""
    answer = hubspot.records.read(
        _target(to),
        values,
        [],
        id_property=_id_property(identities, to, by),
        secondary=referred(to).secondary.get(by, "") if by not in ("id", "key") else "",
    )
    return {value: actual.id for value, actual in answer.items()}


def _id_property(identities: Mapping[str, Identity], to: str, by: str) -> str | None:
    """Return the property that a kind of reference names its record by; None for the id."""
    if by == "id":
        return None
    if by == "key":
        return identities[to].key_property or None
    return by


def _target(to: str) -> str:
    """Return HubSpot's name of the object that a kind of reference points at."""
    kind = kinds().get(to)
    return kind.object if kind is not None else referred(to).object


class Found(NamedTuple):
    """What references point at, why some point at nothing, and the parents of units by address."""

    bindings: Bindings
    unresolved: Mapping[Pointer, Unresolved]
    parents: Mapping[Address, str]


def bind(
    hubspot: HubSpot,
    identities: Mapping[str, Identity],
    units: Sequence[Unit],
    *,
    everything: Sequence[Unit],
    state: State,
    known: ManagedRecords,
    recreate: frozenset[Address],
) -> Found:
    """Find what references point at, and the parents that no manifest declares.

    ``everything`` are all declared units, ``units`` those that are planned. References and parents
    whose record does not exist are omitted.
    """
    references = [
        r
        for unit in units
        for record in unit.records
        for r in (*record.references, *record.lookups.values())
    ]
    between = list(_between_units(everything))
    outside = {unit.address: unit.parent for unit in units if unit.root is None and unit.parent}
    roots = {
        unit.address.folded(): unit
        for unit in everything
        if unit.root and unit.root.lifecycle is Lifecycle.PRESENT
    }
    formers = [unit.root.moved_from for unit in roots.values() if unit.root and unit.former]
    found, unresolved = resolve(
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
    gone = _gone(hubspot, bindings, found, units)
    bindings = {end: bound for end, bound in bindings.items() if end not in gone}
    parents = {a: found[pointer(r)] for a, r in outside.items() if pointer(r) in found}
    return Found(bindings, {**unresolved, **gone}, parents)


def _between_units(units: Iterable[Unit]) -> Iterator[Reference]:
    """Yield the references that lead to an order or cart."""
    for record in (record for unit in units for record in unit.records):
        yield from (r for r in record.references if r.to in kinds())


def _gone(
    hubspot: HubSpot, bindings: Bindings, found: Mapping[Pointer, str], units: Iterable[Unit]
) -> Mapping[Pointer, Unresolved]:
    """Return why some references lead to no live record, of ids that the state has.

    Those of planned ``units`` are looked up with these.
    """
    planned = {unit.address.folded() for unit in units}
    by_kind: dict[str, dict[Pointer, str]] = defaultdict(dict)
    for end, bound in bindings.items():
        if bound.id and end not in found and Address(end[0], end[2]) not in planned:
            by_kind[end[0]][end] = bound.id
    gone: dict[Pointer, Unresolved] = {}
    for name, ends in sorted(by_kind.items()):
        alive = hubspot.records.read(kinds()[name].object, sorted({*ends.values()}), [])
        gone |= {
            end: Unresolved(
                f"record {id_} of {name}/{end[2]} is not in HubSpot any more",
                "plan it too, with a selection that takes it in: that says what became of it",
            )
            for end, id_ in ends.items()
            if id_ not in alive
        }
    return gone


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
) -> Iterator[tuple[tuple[str, str, str, str], bool]]:
    """Yield declared associations of known records, seen from their other end; see Context.

    With each is whether it was applied.
    """
    for unit, record in ((one, record) for one in units for record in one.records):
        ends = [r for r in record.references if r.to in kinds()]
        entry = known.entry(unit, record, state) if ends else None
        if entry is None:
            continue
        had = {(link.to, link.id) for link in entry.links}
        bound = ((r.to, bindings[pointer(r)].id) for r in ends if pointer(r) in bindings)
        yield from (((*end, record.address.kind, entry.id), end in had) for end in bound)
