"""Keys for records that get a document: from a property, and each only once."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from reconcile.manifests.field_reader import name_fault
from reconcile.model.address import BY_ID, fold

Holders = Callable[[Sequence[str]], Mapping[str, str]]
"""Returns the ids of the records that have some keys in HubSpot already, by key."""


class Wish(NamedTuple):
    """The key that a record should have, and the one for a record without: ``otherwise``."""

    record_id: str
    wanted: str
    otherwise: str


class Keys:
    """Chooses keys that nothing else has.

    ``taken`` are those that documents and the state have, and ``holders`` finds those that records
    in HubSpot have. ``repeated`` has the keys that records wanted and something else has, with the
    ids of these records, and ``lacking`` counts the records that have nothing to make a key of.
    """

    def __init__(self, taken: Iterable[str], holders: Holders = lambda _: {}) -> None:
        self._taken = {fold(key) for key in taken}
        self._holders = holders
        self._held: set[str] = set()
        self.repeated: dict[str, list[str]] = {}
        self.lacking = 0

    def choose(self, wishes: Iterable[Wish]) -> dict[str, str]:
        """Return keys by record id: as wanted, else with the id behind it, else the id.

        A record without a key, or with one that cannot be a key, gets ``otherwise`` in its place.
        """
        chosen: dict[str, str] = {}
        first: dict[str, str] = {}
        left: dict[str, Iterator[str]] = {}
        for wish in wishes:
            left[wish.record_id] = _candidates(wish)
            first[wish.record_id] = next(_candidates(wish))
            self.lacking += bool(key_fault(wish.wanted.strip()))
        while left:
            tried = {one: next(filter(self._reserve, keys)) for one, keys in left.items()}
            left = {one: left[one] for one in self._held_by_others(tried)}
            chosen |= {one: key for one, key in tried.items() if one not in left}
        for one, key in first.items():
            if chosen[one] != key:
                self.repeated.setdefault(key, []).append(one)
        return chosen

    def take(self, key: str) -> bool:
        """Return whether no document and no state has a key, and reserve it."""
        is_free = fold(key) not in self._taken
        self._taken.add(fold(key))
        return is_free

    def _reserve(self, key: str) -> bool:
        return fold(key) not in self._held and self.take(key)

    def _held_by_others(self, tried: Mapping[str, str]) -> list[str]:
        """Return the records whose key another one has; it is reserved for that one."""
        holders = self._holders(list(tried.values()))
        others = [one for one, key in tried.items() if holders.get(key, one) != one]
        for one in others:
            self._held.add(fold(tried[one]))
            self._taken.discard(fold(tried[one]))
        return others


def key_fault(key: str) -> str:
    """Return why a text cannot be the key of a document, or empty text."""
    return name_fault(key) or ("has a reserved prefix" if key.casefold().startswith(BY_ID) else "")


def line_key(
    parent: str, record_id: str, properties: Mapping[str, str | None], names: Iterable[str]
) -> str:
    """Return a line item's key: its order's, and the first of its values that can be part of one.

    A value is taken from among these ``names``; without any it is the record's id.
    """
    values = (properties.get(name) or "" for name in names)
    own = next((value for value in values if value and not name_fault(value)), record_id)
    return f"{parent}:{own}"


def _candidates(wish: Wish) -> Iterator[str]:
    """Yield keys that a document can have, without end. An id always can be one."""
    own = wish.record_id
    for key in (wish.wanted.strip(), wish.otherwise):
        if not key_fault(key):
            yield from (one for one in (key, f"{key}-{own}") if not key_fault(one))
    yield own
    yield from (f"{own}-{number}" for number in count(2))
