"""Move the state's entry of a record whose key or unit has changed.

The state lies in shards by unit, and two shards cannot be written at once. So an entry is written
to its new location first, durably, and only then dropped from the old one: a run that dies in
between leaves the entry in both, and never in none.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconcile.model.address import Address
from reconcile.model.plan import RecordChange, UnitChange
from reconcile.model.records import LastApplied
from reconcile.state.state import State


@dataclass(frozen=True, slots=True)
class EntryLocation:
    """Where the state has an entry: under which unit, and under which address of the record."""

    unit: Address
    address: Address


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """An entry, with its addresses as under the unit's present name, and where it was found."""

    location: EntryLocation
    entry: LastApplied


class EntryFinder:
    """Finds entries in the state, also those under a former key or unit."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._unit_of: dict[Address, Address] | None = None
        self._addresses_by_id: dict[tuple[str, str], set[Address]] | None = None

    def find(self, unit: UnitChange, change: RecordChange) -> FoundEntry | None:
        """Return the entry of a record and its location, or None where the state has none."""
        for location in entry_locations(unit, change):
            entry = self._at(location)
            if entry is not None:
                return FoundEntry(location, entry.with_renamed_parent(unit.address, unit.former))
        return self._find_anywhere(unit, change) if change.state else None

    def knows_otherwise(self, change: RecordChange) -> bool:
        """Return whether the state has the change's record under an address that is not its own."""
        if self._addresses_by_id is None:
            self._addresses_by_id = defaultdict(set)
            for _, address, entry in self.state.entries():
                self._addresses_by_id[address.kind, entry.id].add(address)
        own = {change.address.folded(), change.former.folded() if change.former else None}
        return bool(self._addresses_by_id.get((change.address.kind, change.id), set()) - own)

    def is_elsewhere(self, change: RecordChange) -> bool:
        """Return whether the state has the change's address, under whatever unit."""
        return change.address.folded() in self._units()

    def _units(self) -> dict[Address, Address]:
        if self._unit_of is None:
            self._unit_of = {address: over for over, address, _ in self.state.entries()}
        return self._unit_of

    def _find_anywhere(self, unit: UnitChange, change: RecordChange) -> FoundEntry | None:
        """Search all units: a line item that had another parent does not say which one."""
        for address in {location.address.folded() for location in entry_locations(unit, change)}:
            over = self._units().get(address)
            if over is None:
                continue
            location = EntryLocation(over, address)
            entry = self._at(location)
            if entry is not None:
                return FoundEntry(location, entry)
        return None

    def _at(self, location: EntryLocation) -> LastApplied | None:
        return self.state.unit(location.unit).get(location.address.folded())


def entry_locations(unit: UnitChange, change: RecordChange) -> Iterator[EntryLocation]:
    """Yield where a record's entry can be while the record or its unit is being renamed."""
    for over in (unit.address, unit.former):
        for address in (change.address, change.former):
            if over is not None and address is not None:
                yield EntryLocation(over, address)


def move_entries(state: State, former: Address, unit: Address) -> list[EntryLocation]:
    """Copy the entries of a renamed unit's other records to its new name.

    Return their old locations, to drop once the copies are durable.
    """
    there, here = state.unit(former), state.unit(unit)
    moved: list[EntryLocation] = []
    for address, entry in there.items():
        if address == former.folded():
            continue
        if address not in here:
            state.put(unit, address, entry.with_renamed_parent(unit, former))
        moved.append(EntryLocation(former, address))
    return moved


def drop_entries(state: State, old: Iterable[EntryLocation]) -> None:
    """Drop entries from their old locations. The copies at the new ones must be durable."""
    dropped = [state.drop(location.unit, location.address) for location in old]
    if any(dropped):
        state.flush()


def stale_locations(
    unit: UnitChange, change: RecordChange, found: FoundEntry | None
) -> tuple[EntryLocation, ...]:
    """Return where a record's entry is to be dropped once it is at its own location."""
    here = EntryLocation(unit.address, change.address)
    old = dict.fromkeys((*entry_locations(unit, change), *((found.location,) if found else ())))
    return tuple(
        location
        for location in old
        if (location.unit.folded(), location.address.folded())
        != (here.unit.folded(), here.address.folded())
    )
