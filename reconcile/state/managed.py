"""One pass over the state: where it has declared records, and which of its records are undeclared.

Records that are removed without being declared (the lines of an absent order that the state
manages, and with ``prune`` whatever is no longer declared) become desired records with the
lifecycle state ``absent``, so that planning and applying know only one way of removing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from reconcile.model.address import BY_ID, Address, fold
from reconcile.model.records import NOWHERE, Desired, LastApplied, Lifecycle, Reference, Unit
from reconcile.state.state import State


@dataclass(frozen=True, slots=True)
class ManagedRecords:
    """What the state says of all records of a plan.

    ``undeclared`` are the addresses, as last spelled, of managed records that are not declared and
    stay. ``elsewhere`` has, by folded address, entries of declared records that the state has under
    another unit or under their former address; ``sharing_an_id`` the folded addresses of declared
    records that have the same HubSpot id in the state. ``lines`` are undeclared line items to
    remove, by their unit's folded address; ``units`` are undeclared units to remove.
    ``removed_properties`` are the names, by kind, of the properties that were last applied to
    records to be removed. ``managed`` is how many records of each kind the state has.
    ``unit_keys`` are the keys, by kind and id, of units of the kinds that the state has
    associations with.
    """

    undeclared: tuple[Address, ...]
    elsewhere: Mapping[Address, LastApplied]
    sharing_an_id: frozenset[Address]
    lines: Mapping[Address, Sequence[Desired]]
    units: tuple[Unit, ...]
    removed_properties: Mapping[str, frozenset[str]]
    unit_keys: Mapping[tuple[str, str], str]
    managed: Mapping[str, int]

    def with_removals(self, units: Iterable[Unit]) -> tuple[Unit, ...]:
        """Return the units to plan: the declared ones, and what is to be removed besides."""
        return (*(self._with_lines(unit) for unit in units), *self.units)

    def _with_lines(self, unit: Unit) -> Unit:
        more = self.lines.get(unit.address.folded())
        if not more:
            return unit
        return replace(unit, lines=tuple(sorted((*unit.lines, *more), key=lambda x: x.address)))

    def last_applied(self, unit: Unit, state: State) -> Mapping[Address, LastApplied]:
        """Return the state's entries of a unit's records, by folded address, former ones too."""
        here = state.unit(unit.address)
        if not self.elsewhere and unit.former is None:
            return here
        formers = (record.former for record in unit.records if record.former)
        names = (*(record.address for record in unit.records), *formers)
        found = {
            name: self.elsewhere[name]
            for name in (address.folded() for address in names)
            if name in self.elsewhere
        } | dict(here)
        return {
            name: entry.with_renamed_parent(unit.address, unit.former)
            for name, entry in found.items()
        }

    def entry(self, unit: Unit, record: Desired, state: State) -> LastApplied | None:
        """Return the state's entry of one record, under whichever unit and address it is."""
        return record.entry_in(self.last_applied(unit, state))


def find_managed(
    state: State,
    units: Iterable[Unit],
    *,
    prune: bool = False,
    selected: Collection[Address] | None = None,
) -> ManagedRecords:
    """Read the whole state once, a shard at a time; of most entries only the address is kept.

    With ``prune`` undeclared records are to be removed, unless they are protected or in use. Those
    of other units than the ``selected`` ones, by folded address, are passed over.
    """
    ends = frozenset(to for _, to in state.associated())
    collector = _Collector(_Declared(tuple(units)), prune=prune, ends=ends, selected=selected)
    for unit, address, entry in state.entries():
        collector.add(unit, address, entry)
    return collector.result()


class Beside(NamedTuple):
    """What the state adds to declared units, by their folded address.

    ``undeclared`` are managed records that no manifest declares, also those of other units.
    ``moving`` are the units between which a declared line item moves, both ways.
    """

    undeclared: Mapping[Address, Collection[Address]]
    moving: Mapping[Address, Collection[Address]]


def beside(state: State, units: Iterable[Unit]) -> Beside:
    """Return what a selection of units takes from the state, which is read once more."""
    declared = _Declared(tuple(units))
    undeclared: dict[Address, list[Address]] = defaultdict(list)
    moving: dict[Address, set[Address]] = defaultdict(set)
    for unit, address, entry in state.entries():
        here = declared.unit_now(unit)
        there = declared.unit_of.get(declared.formers.get(address, address))
        if there is None:
            undeclared[here].append(Address(address.kind, entry.key))
        elif there != here:
            moving[here].add(there)
            moving[there].add(here)
    return Beside(undeclared, moving)


class _Declared:
    """The unit of each declared record. All addresses are folded ones.

    ``used`` are the records that declared ones refer to: (kind, ``key`` or ``id``, folded value).
    """

    def __init__(self, units: Sequence[Unit]) -> None:
        self.unit_of: dict[Address, Address] = {}
        self.formers: dict[Address, Address] = {}
        self.units: dict[Address, Unit] = {}
        self.lifecycles: dict[Address, Lifecycle] = {}
        self.used: set[tuple[str, str, str]] = set()
        for unit in units:
            if unit.parent:
                self.used.add(_pointer(unit.parent))
            unit_address = unit.address.folded()
            self.units[unit_address] = unit
            if unit.former:
                self.units.setdefault(unit.former.folded(), unit)
            for record in unit.records:
                self.used.update(map(_pointer, record.references))
                name = record.address.folded()
                self.unit_of[name] = unit_address
                if record.lifecycle is not Lifecycle.PRESENT:
                    self.lifecycles[name] = record.lifecycle
                if record.former:
                    self.formers[record.former.folded()] = name

    def unit_now(self, unit: Address) -> Address:
        """Return the address that a unit of the state has now."""
        over = self.units.get(unit)
        return over.address.folded() if over else unit


@dataclass(frozen=True, slots=True)
class _Undeclared:
    """A managed record that is not declared: its unit's folded address, its own as last spelled."""

    unit: Address
    address: Address
    id: str
    parent: Address | None
    protect: bool
    names: tuple[str, ...]


@dataclass(slots=True)
class _Collector:
    declared: _Declared
    prune: bool
    ends: frozenset[str]
    selected: Collection[Address] | None = None
    unit_keys: dict[tuple[str, str], str] = field(default_factory=dict)
    managed: Counter[str] = field(default_factory=Counter)
    elsewhere: dict[Address, LastApplied] = field(default_factory=dict)
    owned: set[Address] = field(default_factory=set)
    by_id: dict[tuple[str, str], set[Address]] = field(default_factory=lambda: defaultdict(set))
    undeclared: dict[Address, _Undeclared] = field(default_factory=dict)
    lines: dict[Address, list[Desired]] = field(default_factory=lambda: defaultdict(list))
    removed_properties: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, unit: Address, address: Address, entry: LastApplied) -> None:
        """Add one entry of the state, under its folded addresses."""
        self.managed[address.kind] += 1
        if unit == address and address.kind in self.ends:
            self.unit_keys[address.kind, entry.id] = entry.key
        unit_address = self.declared.unit_of.get(address)
        now = address if unit_address else self.declared.formers.get(address)
        if now is None:
            self._add_undeclared(unit, address, entry)
            return
        life = self.declared.lifecycles.get(now, Lifecycle.PRESENT)
        if life is not Lifecycle.FORGET:
            self.by_id[address.kind, entry.id].add(now)
        if life is Lifecycle.ABSENT:
            self.removed_properties[address.kind].update(entry.value_hashes)
        if unit_address == unit:
            self.owned.add(address)
        else:
            self.elsewhere[address] = entry

    def _add_undeclared(self, unit: Address, address: Address, entry: LastApplied) -> None:
        spelled = Address(address.kind, entry.key)
        over = self.declared.units.get(unit)
        root = over.root if over else None
        if over and root and root.lifecycle is not Lifecycle.PRESENT:
            unit_address = over.address.folded()
            self.lines[unit_address].append(_removal(spelled, root.lifecycle, pruned=False))
            self._keep(unit_address, unit, address, entry)
            return
        if self.selected is not None and self.declared.unit_now(unit) not in self.selected:
            return
        names = tuple(entry.value_hashes) if self.prune else ()
        self.undeclared[address] = _Undeclared(
            unit, spelled, entry.id, entry.parent, entry.protect, names
        )
        if self.prune and over and over.address.folded() != unit and not entry.protect:
            self._keep(over.address.folded(), unit, address, entry)

    def _keep(self, over: Address, unit: Address, address: Address, entry: LastApplied) -> None:
        self.removed_properties[address.kind].update(entry.value_hashes)
        if over != unit:
            self.elsewhere[address] = entry

    def result(self) -> ManagedRecords:
        units = tuple(self._pruned()) if self.prune else ()
        return ManagedRecords(
            undeclared=tuple(one.address for one in self.undeclared.values()),
            elsewhere={a: entry for a, entry in self.elsewhere.items() if a not in self.owned},
            sharing_an_id=frozenset(
                a for same in self.by_id.values() if len(same) > 1 for a in same
            ),
            lines=self.lines,
            units=units,
            removed_properties={
                kind: frozenset(names) for kind, names in self.removed_properties.items()
            },
            unit_keys=self.unit_keys,
            managed=self.managed,
        )

    def _pruned(self) -> Iterator[Unit]:
        """Move what may be removed from ``undeclared`` to ``lines``; yield the undeclared units.

        An undeclared unit is removed as a whole or not at all, since nobody asked for an order
        without some of its lines. It stays where anything in it is protected, where a declared
        record refers to it, or where it is the parent of a declared line.
        """
        groups: dict[Address, list[_Undeclared]] = defaultdict(list)
        for one in self.undeclared.values():
            groups[one.unit].append(one)
        for unit, group in groups.items():
            over = self.declared.units.get(unit)
            if over is not None:
                going = [one for one in group if not (one.protect or _is_root(one))]
                self.lines[over.address.folded()] += map(self._removal, going)
            elif any(one.protect or self._in_use(one) for one in group):
                continue
            else:
                going = group
                yield _unit(unit, group, self._removal)
            for one in going:
                del self.undeclared[one.address.folded()]
                self.removed_properties[one.address.kind].update(one.names)

    def _removal(self, one: _Undeclared) -> Desired:
        # Another address of a declared record: archiving it would archive that record.
        shared = (one.address.kind, one.id) in self.by_id
        return _removal(one.address, Lifecycle.FORGET if shared else Lifecycle.ABSENT, pruned=True)

    def _in_use(self, one: _Undeclared) -> bool:
        kind, key = one.address.folded()
        return not self.declared.used.isdisjoint(((kind, "key", key), (kind, "id", one.id)))


def _pointer(reference: Reference) -> tuple[str, str, str]:
    return reference.to, reference.by, fold(reference.value)


def _is_root(one: _Undeclared) -> bool:
    return one.address.folded() == one.unit


def _unit(
    unit: Address, group: Sequence[_Undeclared], removal: Callable[[_Undeclared], Desired]
) -> Unit:
    roots = [one for one in group if _is_root(one)]
    lines = sorted((one for one in group if one not in roots), key=lambda one: one.address)
    nested = tuple(map(removal, lines))
    if roots:
        return Unit(roots[0].address, removal(roots[0]), nested)
    where = lines[0].parent or unit
    by, value = "key", where.key
    if value.startswith(BY_ID):
        by, value = "id", value.removeprefix(BY_ID)
    return Unit(where, None, nested, Reference(where.kind, by, value))


def _removal(address: Address, life: Lifecycle, *, pruned: bool) -> Desired:
    return Desired(address, MappingProxyType({}), NOWHERE, lifecycle=life, pruned=pruned)
