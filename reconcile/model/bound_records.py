"""The records that documents are bound to: no other address may archive or orphan them.

A document is bound to a record by the state's entry of its address or former address, by its key,
or by what it adopts. All documents of the project count, whatever a plan selects of them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from reconcile.model.address import Address, fold
from reconcile.model.identity import Identity
from reconcile.model.kinds import kinds
from reconcile.model.records import Actual, Desired, LastApplied, Lifecycle, Unit

RecordId = tuple[str, str]
"""A record: its kind and its id."""

Entries = Iterable[tuple[Address, Address, LastApplied]]
"""The entries of the state: unit and address, both folded, and the entry."""


class Claim(NamedTuple):
    """A document that is bound to what has a value.

    ``parent_id`` is the order or cart of its line item, if that is known and matters. One that
    ``adopts`` may mean a line item that somebody has moved to another parent.
    """

    address: Address
    parent_id: str = ""
    adopts: bool = False

    def means(self, parent_id: str, *, managed: bool) -> bool:
        """Return whether it may be the document of a record with its value, under a parent.

        A record that the state has is where it belongs, and is not found by a value that it shares
        with others there.
        """
        if managed:
            return not self.parent_id or (self.adopts and self.parent_id == parent_id)
        return self.adopts or self.parent_id in ("", parent_id)


@dataclass(frozen=True, slots=True)
class BoundRecords:
    """What documents and the state's entries are bound to.

    - ``managed``: the state's records, with their addresses as last spelled
    - ``removed``: the folded addresses that a plan removes, former ones too
    - ``present``: the documents of records that are to exist, by folded address and former one
    - ``named``: those that adopt a record by its id, or whose key is the id
    - ``claims``: those with a key; of what the state does not have yet, those that adopt by a
      property, or whose line item is found within its parent: by kind, property and folded value
    """

    managed: Mapping[RecordId, Address] = field(default_factory=dict)
    removed: Collection[Address] = ()
    present: Mapping[Address, Address] = field(default_factory=dict)
    named: Mapping[RecordId, Address] = field(default_factory=dict)
    claims: Mapping[str, Mapping[str, Mapping[str, Sequence[Claim]]]] = field(default_factory=dict)

    def properties(self, kind: str) -> frozenset[str]:
        """Return the properties that lead documents to records of a kind."""
        return frozenset(self.claims.get(kind, ()))

    def names(self) -> dict[str, set[str]]:
        """Return the properties that lead documents to records, by kind."""
        return {kind: set(found) for kind, found in self.claims.items()}

    def document(self, record: RecordId) -> Address | None:
        """Return the address that is bound to a record by the state or by its id, if any is."""
        return self.managed.get(record) or self.named.get(record)

    def line(self, record: RecordId, actual: Actual | None, parent_id: str) -> Address | None:
        """Return the address that is bound to a line item under a parent, if any is."""
        found = self._by_value(record[0], actual, parent_id, managed=False)
        return self.document(record) or next(found, None)

    def other(self, address: Address, actual: Actual, parent_id: str) -> Address | None:
        """Return what else is bound to a record, which may then not be archived as ``address``."""
        record = address.kind, actual.id
        known = self.managed.get(record)
        if known is not None and known.folded() not in self.removed:
            return self.present.get(known.folded(), known)
        values = self._by_value(address.kind, actual, parent_id, managed=known is not None)
        others = (one for one in values if one.folded() != address.folded())
        return self.present.get(address.folded()) or self.named.get(record) or next(others, None)

    def _by_value(
        self, kind: str, actual: Actual | None, parent_id: str, *, managed: bool
    ) -> Iterator[Address]:
        """Yield the addresses of documents that are bound to a record by its values."""
        properties = actual.properties if actual is not None else {}
        for name, claims in sorted(self.claims.get(kind, {}).items()):
            value = fold(properties.get(name) or "")
            for claim in claims.get(value, ()) if value else ():
                if claim.means(parent_id, managed=managed):
                    yield claim.address


def bound_records(
    entries: Entries,
    units: Iterable[Unit],
    *,
    removed: Collection[Address],
    identities: Mapping[str, Identity],
    target: str,
) -> BoundRecords:
    """Return what the state's entries and all declared ``units`` are bound to on a target."""
    managed: dict[RecordId, Address] = {}
    ids: dict[Address, str] = {}
    for _, address, entry in entries:
        record = address.kind, entry.id
        ids[address] = entry.id
        if record not in managed or managed[record].folded() in removed:
            managed[record] = Address(address.kind, entry.key)
    found = _Documents(identities, target, ids)
    for unit in units:
        parent_id = found.id_of_root(unit)
        for one in unit.records:
            found.add(one, parent_id)
    return BoundRecords(managed, removed, found.present, found.named, found.claims)


class _Documents:
    """Gathers what documents are bound to. ``ids`` are those in the state by folded address."""

    def __init__(
        self, identities: Mapping[str, Identity], target: str, ids: Mapping[Address, str]
    ) -> None:
        self._identities = identities
        self._target = target
        self._ids = ids
        self.present: dict[Address, Address] = {}
        self.named: dict[RecordId, Address] = {}
        self.claims: dict[str, dict[str, dict[str, list[Claim]]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(list))
        )

    def id_of_root(self, unit: Unit) -> str:
        """Return the id of a unit's order or cart, empty if it is found by a key or a property."""
        if unit.root is not None:
            return self._known_id(unit.root) or self._declared_id(unit.root)
        if unit.parent is not None and unit.parent.by == "id":
            return unit.parent.value
        return self._ids.get(unit.address.folded(), "")

    def add(self, record: Desired, parent_id: str) -> None:
        """Add one document; ``parent_id`` is the id of a line item's parent, if it is known."""
        address, identity = record.address, self._identities[record.address.kind]
        former = record.former
        if key := identity.key_property:
            self._claim(address, key, address.key)
            if former is not None:
                self._claim(address, key, former.key)
        if record.lifecycle is not Lifecycle.PRESENT:
            return
        self.present[address.folded()] = address
        if former is not None:
            self.present.setdefault(former.folded(), address)
        if own := self._declared_id(record):
            self.named[address.kind, own] = address
        if not self._known_id(record):
            self._add_unknown(record, parent_id)

    def _add_unknown(self, record: Desired, parent_id: str) -> None:
        """Add what leads a document to a record that the state does not have."""
        adoption = record.adoption(self._target)
        if adoption is not None and adoption.by != "id":
            own = "" if kinds()[record.address.kind].is_unit else parent_id
            self._claim(record.address, adoption.by, adoption.value, own, adopts=True)
        name = self._identities[record.address.kind].sibling_property
        if name and parent_id:
            self._claim(record.address, name, record.properties.get(name, ""), parent_id)

    def _claim(
        self, address: Address, name: str, value: str, parent_id: str = "", *, adopts: bool = False
    ) -> None:
        claim = Claim(address, parent_id, adopts)
        self.claims[address.kind][name][fold(value)].append(claim)

    def _known_id(self, record: Desired) -> str:
        """Return the id that the state has of a record."""
        own = self._ids.get(record.address.folded(), "")
        return own or (self._ids.get(record.former.folded(), "") if record.former else "")

    def _declared_id(self, record: Desired) -> str:
        """Return the id of the record that a document names, empty if it names none by id."""
        if self._identities[record.address.kind].key_is_id:
            return record.address.folded().key
        adoption = record.adoption(self._target)
        return adoption.value if adoption is not None and adoption.by == "id" else ""
