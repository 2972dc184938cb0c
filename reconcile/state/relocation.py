"""Where the state has the entry of a record whose key, or whose unit, is another one now.

The state lies in shards by unit, and two shards are not written at once. So what moves is written
to its new location first, durably, and only then taken from the old one: a run that dies in between
leaves an entry twice, and never none.
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
    """Where an entry lies: under which unit, and under which of the record's addresses."""

    unit: Address
    address: Address


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """An entry as it is to be read under the unit's present name, and the location where it lies."""

    location: EntryLocation
    entry: LastApplied


class EntryFinder:
    """Finds entries in the state, also where it has them under a former name."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._unit_of: dict[Address, Address] | None = None
        self._ids: dict[tuple[str, str], set[Address]] | None = None

    def find(self, unit: UnitChange, change: RecordChange) -> FoundEntry | None:
        """A record's entry: as it is to be read under the unit's present name, and its location."""
        for location in entry_locations(unit, change):
            entry = self._at(location)
            if entry is not None:
                return FoundEntry(location, entry.under(unit.address, unit.former))
        return self._find_anywhere(unit, change) if change.state else None

    def knows_otherwise(self, change: RecordChange) -> bool:
        """Whether the state has a change's record under a name that is none of its own."""
        if self._ids is None:
            self._ids = defaultdict(set)
            for _, address, entry in self.state.entries():
                self._ids[address.kind, entry.id].add(address)
        own = {change.address.folded(), change.former.folded() if change.former else None}
        return bool(self._ids.get((change.address.kind, change.id), set()) - own)

    def _find_anywhere(self, unit: UnitChange, change: RecordChange) -> FoundEntry | None:
        """A line item that had another parent: nothing says which, so the state is gone through."""
        if self._unit_of is None:
            self._unit_of = {
                address: unit_address for unit_address, address, _ in self.state.entries()
            }
        for address in {location.address.folded() for location in entry_locations(unit, change)}:
            unit_address = self._unit_of.get(address)
            if (
                unit_address is not None
                and (entry := self._at(location := EntryLocation(unit_address, address)))
                is not None
            ):
                return FoundEntry(location, entry)
        return None

    def _at(self, location: EntryLocation) -> LastApplied | None:
        return self.state.unit(location.unit).get(location.address.folded())


def entry_locations(unit: UnitChange, change: RecordChange) -> Iterator[EntryLocation]:
    """Everywhere a record's entry can lie while its unit and itself are being renamed."""
    for over in (unit.address, unit.former):
        for address in (change.address, change.former):
            if over is not None and address is not None:
                yield EntryLocation(over, address)


def move_entries(state: State, former: Address, unit: Address) -> list[EntryLocation]:
    """Put the entries of a renamed unit's other records under its new name; the old places."""
    there, here = state.unit(former), state.unit(unit)
    moved: list[EntryLocation] = []
    for address, entry in there.items():
        if address == former.folded():
            continue
        if address not in here:
            state.put(unit, address, entry.under(unit, former))
        moved.append(EntryLocation(former, address))
    return moved


def drop_entries(state: State, old: Iterable[EntryLocation]) -> None:
    """Take entries away from where they were; what took their location must be durable by now."""
    dropped = [state.drop(location.unit, location.address) for location in old]
    if any(dropped):
        state.flush()


def stale_locations(
    unit: UnitChange, change: RecordChange, found: FoundEntry | None
) -> tuple[EntryLocation, ...]:
    """The places that a record's entry is to be taken away from once it is in its own."""
    here = EntryLocation(unit.address, change.address)
    old = dict.fromkeys((*entry_locations(unit, change), *((found.location,) if found else ())))
    return tuple(
        location
        for location in old
        if (location.unit.folded(), location.address.folded())
        != (here.unit.folded(), here.address.folded())
    )
