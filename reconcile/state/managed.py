"""What the state says of the declared records as a whole, and which others to plan besides.

Records that are removed without being declared (the lines of an absent order that the state
manages, and with ``prune`` whatever nothing declares any more) become desired records that are not
to be there, so that nothing further down knows a second way of removing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from reconcile.model.address import BY_ID, Address, fold
from reconcile.model.records import NOWHERE, Desired, LastApplied, Lifecycle, Reference, Unit
from reconcile.state.state import State


@dataclass(frozen=True, slots=True)
class Survey:
    """``undeclared`` are managed records, as last spelled, that stay though nothing declares them.

    ``elsewhere`` has, by folded address, entries of declared records that the state has under
    another unit or under their former address; ``shared`` the folded addresses of declared
    records that the state has under one and the same id. ``lines`` are further line items to
    remove, by their unit's folded address, ``units`` further units; ``managed`` names the
    properties, by kind, that were last applied to records which are to be removed; ``keys`` are the
    keys, by kind and id, of units of the kinds that the state has associations with.
    """

    undeclared: tuple[Address, ...]
    elsewhere: Mapping[Address, LastApplied]
    shared: frozenset[Address]
    lines: Mapping[Address, Sequence[Desired]]
    units: tuple[Unit, ...]
    managed: Mapping[str, frozenset[str]]
    keys: Mapping[tuple[str, str], str]

    def whole(self, units: Iterable[Unit]) -> tuple[Unit, ...]:
        """The units to plan: the declared ones with all that is to be removed under them."""
        return (*(self._with_lines(unit) for unit in units), *self.units)

    def _with_lines(self, unit: Unit) -> Unit:
        more = self.lines.get(unit.address.folded())
        if not more:
            return unit
        return replace(unit, lines=tuple(sorted((*unit.lines, *more), key=lambda x: x.address)))

    def last(self, unit: Unit, state: State) -> Mapping[Address, LastApplied]:
        """The state's entries of a unit's records, by folded address, former ones too."""
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
        """The state's entry of one record, wherever it lies."""
        return record.entry_in(self.last(unit, state))


def survey(state: State, units: Iterable[Unit], *, prune: bool = False) -> Survey:
    """Go through the state once, a shard at a time; of most entries only the address is held."""
    ends = frozenset(to for _, to in state.linked())
    seen = _Seen(_Declared(tuple(units)), prune=prune, ends=ends)
    for unit, address, entry in state.entries():
        seen.take(unit, address, entry)
    return seen.survey()


class _Declared:
    """Where the declared records are at home. All addresses are folded ones.

    ``used`` are the records that declared ones point at: (kind, ``key`` or ``id``, folded value).
    """

    def __init__(self, units: Sequence[Unit]) -> None:
        self.homes: dict[Address, Address] = {}
        self.formers: dict[Address, Address] = {}
        self.units: dict[Address, Unit] = {}
        self.lives: dict[Address, Lifecycle] = {}
        self.used: set[tuple[str, str, str]] = set()
        for unit in units:
            if unit.parent:
                self.used.add(_pointer(unit.parent))
            home = unit.address.folded()
            self.units[home] = unit
            if unit.former:
                self.units.setdefault(unit.former.folded(), unit)
            for record in unit.records:
                self.used.update(map(_pointer, record.references))
                name = record.address.folded()
                self.homes[name] = home
                if record.lifecycle is not Lifecycle.PRESENT:
                    self.lives[name] = record.lifecycle
                if record.former:
                    self.formers[record.former.folded()] = name


@dataclass(frozen=True, slots=True)
class _Left:
    """A record that nothing declares: its unit's folded address, and itself as last spelled."""

    unit: Address
    address: Address
    id: str
    parent: Address | None
    protect: bool
    names: tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    declared: _Declared
    prune: bool
    ends: frozenset[str]
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    elsewhere: dict[Address, LastApplied] = field(default_factory=dict)
    owned: set[Address] = field(default_factory=set)
    by_id: dict[tuple[str, str], set[Address]] = field(default_factory=lambda: defaultdict(set))
    left: dict[Address, _Left] = field(default_factory=dict)
    lines: dict[Address, list[Desired]] = field(default_factory=lambda: defaultdict(list))
    managed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def take(self, unit: Address, address: Address, entry: LastApplied) -> None:
        """Note one entry of the state, under its folded addresses."""
        if unit == address and address.kind in self.ends:
            self.keys[address.kind, entry.id] = entry.key
        home = self.declared.homes.get(address)
        now = address if home else self.declared.formers.get(address)
        if now is None:
            self._take_undeclared(unit, address, entry)
            return
        life = self.declared.lives.get(now, Lifecycle.PRESENT)
        if life is not Lifecycle.FORGET:
            self.by_id[address.kind, entry.id].add(now)
        if life is Lifecycle.ABSENT:
            self.managed[address.kind].update(entry.value_hashes)
        if home == unit:
            self.owned.add(address)
        else:
            self.elsewhere[address] = entry

    def _take_undeclared(self, unit: Address, address: Address, entry: LastApplied) -> None:
        spelled = Address(address.kind, entry.key)
        over = self.declared.units.get(unit)
        root = over.root if over else None
        if over and root and root.lifecycle is not Lifecycle.PRESENT:
            home = over.address.folded()
            self.lines[home].append(_unwanted(spelled, root.lifecycle, pruned=False))
            self._keep(home, unit, address, entry)
            return
        names = tuple(entry.value_hashes) if self.prune else ()
        self.left[address] = _Left(unit, spelled, entry.id, entry.parent, entry.protect, names)
        if self.prune and over and over.address.folded() != unit and not entry.protect:
            self._keep(over.address.folded(), unit, address, entry)

    def _keep(self, home: Address, unit: Address, address: Address, entry: LastApplied) -> None:
        self.managed[address.kind].update(entry.value_hashes)
        if home != unit:
            self.elsewhere[address] = entry

    def survey(self) -> Survey:
        units = tuple(self._pruned()) if self.prune else ()
        return Survey(
            undeclared=tuple(one.address for one in self.left.values()),
            elsewhere={a: entry for a, entry in self.elsewhere.items() if a not in self.owned},
            shared=frozenset(a for same in self.by_id.values() if len(same) > 1 for a in same),
            lines=self.lines,
            units=units,
            managed={kind: frozenset(names) for kind, names in self.managed.items()},
            keys=self.keys,
        )

    def _pruned(self) -> Iterator[Unit]:
        """Move what may be removed from ``left`` to ``lines``, and to units of its own.

        A unit that nothing declares goes as a whole or, where anything in it is protected, not at
        all: an order without some of its lines is nothing anybody asked for. Nor does one that
        a declared record points at, or a declared line stands under.
        """
        groups: dict[Address, list[_Left]] = defaultdict(list)
        for one in self.left.values():
            groups[one.unit].append(one)
        for unit, group in groups.items():
            over = self.declared.units.get(unit)
            if over is not None:
                going = [one for one in group if not (one.protect or _is_root(one))]
                self.lines[over.address.folded()] += map(self._unwanted, going)
            elif any(one.protect or self._in_use(one) for one in group):
                continue
            else:
                going = group
                yield _unit(unit, group, self._unwanted)
            for one in going:
                del self.left[one.address.folded()]
                self.managed[one.address.kind].update(one.names)

    def _unwanted(self, one: _Left) -> Desired:
        # What a declared record is known by too must not be archived under another name.
        shared = (one.address.kind, one.id) in self.by_id
        return _unwanted(one.address, Lifecycle.FORGET if shared else Lifecycle.ABSENT, pruned=True)

    def _in_use(self, one: _Left) -> bool:
        kind, key = one.address.folded()
        return not self.declared.used.isdisjoint(((kind, "key", key), (kind, "id", one.id)))


def _pointer(reference: Reference) -> tuple[str, str, str]:
    return reference.to, reference.by, fold(reference.value)


def _is_root(one: _Left) -> bool:
    return one.address.folded() == one.unit


def _unit(unit: Address, group: Sequence[_Left], unwanted: Callable[[_Left], Desired]) -> Unit:
    roots = [one for one in group if _is_root(one)]
    lines = sorted((one for one in group if one not in roots), key=lambda one: one.address)
    nested = tuple(map(unwanted, lines))
    if roots:
        return Unit(roots[0].address, unwanted(roots[0]), nested)
    where = lines[0].parent or unit
    by, value = "key", where.key
    if value.startswith(BY_ID):
        by, value = "id", value.removeprefix(BY_ID)
    return Unit(where, None, nested, Reference(where.kind, by, value))


def _unwanted(address: Address, life: Lifecycle, *, pruned: bool) -> Desired:
    return Desired(address, MappingProxyType({}), NOWHERE, lifecycle=life, pruned=pruned)
