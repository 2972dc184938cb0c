"""Where the state has the entry of a record whose key, or whose unit, is another one now.

The state lies in shards by unit, and two shards are not written at once. So what moves is written
to its new place first, durably, and only then taken from the old one: a run that dies in between
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
class Place:
    """Where an entry lies: under which unit, and under which of the record's addresses."""

    unit: Address
    address: Address


@dataclass(frozen=True, slots=True)
class Found:
    """An entry as it is to be read under the unit's present name, and the place where it lies."""

    place: Place
    entry: LastApplied


class EntryFinder:
    """Finds entries in the state, also where it has them under a former name."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._homes: dict[Address, Address] | None = None
        self._ids: dict[tuple[str, str], set[Address]] | None = None

    def find(self, unit: UnitChange, change: RecordChange) -> Found | None:
        """A record's entry: as it is to be read under the unit's present name, and its place."""
        for place in places(unit, change):
            entry = self._at(place)
            if entry is not None:
                return Found(place, entry.with_renamed_parent(unit.address, unit.former))
        return self._find_anywhere(unit, change) if change.state else None

    def has_otherwise(self, change: RecordChange) -> bool:
        """Whether the state has a change's record under a name that is none of its own."""
        if self._ids is None:
            self._ids = defaultdict(set)
            for _, address, entry in self.state.entries():
                self._ids[address.kind, entry.id].add(address)
        own = {change.address.folded(), change.former.folded() if change.former else None}
        return bool(self._ids.get((change.address.kind, change.id), set()) - own)

    def _find_anywhere(self, unit: UnitChange, change: RecordChange) -> Found | None:
        """A line item that had another parent: nothing says which, so the state is gone through."""
        if self._homes is None:
            self._homes = {address: home for home, address, _ in self.state.entries()}
        for address in {place.address.folded() for place in places(unit, change)}:
            home = self._homes.get(address)
            if home is not None and (entry := self._at(place := Place(home, address))) is not None:
                return Found(place, entry)
        return None

    def _at(self, place: Place) -> LastApplied | None:
        return self.state.unit(place.unit).get(place.address.folded())


def places(unit: UnitChange, change: RecordChange) -> Iterator[Place]:
    """Everywhere a record's entry can lie while its unit and itself are being renamed."""
    for over in (unit.address, unit.former):
        for address in (change.address, change.former):
            if over is not None and address is not None:
                yield Place(over, address)


def follow(state: State, former: Address, unit: Address) -> list[Place]:
    """Put the entries of a renamed unit's other records under its new name; the old places."""
    there, here = state.unit(former), state.unit(unit)
    moved: list[Place] = []
    for address, entry in there.items():
        if address == former.folded():
            continue
        if address not in here:
            state.put(unit, address, entry.with_renamed_parent(unit, former))
        moved.append(Place(former, address))
    return moved


def leave(state: State, old: Iterable[Place]) -> None:
    """Take entries away from where they were; what took their place must be durable by now."""
    dropped = [state.drop(place.unit, place.address) for place in old]
    if any(dropped):
        state.flush()


def left_by(unit: UnitChange, change: RecordChange, found: Found | None) -> tuple[Place, ...]:
    """The places that a record's entry is to be taken away from once it is in its own."""
    here = Place(unit.address, change.address)
    old = dict.fromkeys((*places(unit, change), *((found.place,) if found else ())))
    return tuple(
        place
        for place in old
        if (place.unit.folded(), place.address.folded())
        != (here.unit.folded(), here.address.folded())
    )
