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
    """A document that is bound to what has a value, of what the state does not have yet.

    ``parent_id`` is the order or cart of its line item, as far as it is known. One that ``adopts``
    may mean a line item that somebody has moved to another parent.
    """

    address: Address
    parent_id: str
    adopts: bool

    def means(self, parent_id: str, *, managed: bool) -> bool:
        """Return whether it may be the document of a record with its value, under a parent.

        A record that the state has is where it belongs, and is not found within its parent.
        """
        if managed:
            return self.adopts and self.parent_id == parent_id
        return self.adopts or self.parent_id == parent_id


@dataclass(frozen=True, slots=True)
class BoundRecords:
    """What documents and the state's entries are bound to.

    - ``managed``: the state's records, with their addresses as last spelled
    - ``removed``: the folded addresses that a plan removes, former ones too
    - ``documents``: the addresses that are declared, by folded address and former one
    - ``gone``: those of ``documents`` that are declared absent or forgotten, folded
    - ``named``: the documents that adopt a record by its id, or whose key is the id
    - ``keys``: the properties that hold the keys of documents, by kind
    - ``claims``: what else leads documents to records: by kind, property and folded value
    """

    managed: Mapping[RecordId, Address] = field(default_factory=dict)
    removed: Collection[Address] = ()
    documents: Mapping[Address, Address] = field(default_factory=dict)
    gone: Collection[Address] = ()
    named: Mapping[RecordId, Address] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, Mapping[str, Mapping[str, Sequence[Claim]]]] = field(default_factory=dict)

    def properties(self) -> dict[str, set[str]]:
        """Return the properties that lead documents to records, by kind."""
        return {
            kind: {*self.claims.get(kind, ()), *filter(None, [self.keys.get(kind)])}
            for kind in kinds()
        }

    def document(self, record: RecordId) -> Address | None:
        """Return the address that is bound to a record by the state or by its id, if any is."""
        return self.managed.get(record) or self.named.get(record)

    def line(self, record: RecordId, actual: Actual | None, parent_id: str) -> Address | None:
        """Return the address that is bound to a line item under a parent, if any is."""
        found = self._by_value(record[0], actual, parent_id, managed=False)
        return self.document(record) or next(found, None)

    def other(self, address: Address, actual: Actual, parent_id: str) -> Address | None:
        """Return what else is bound to a record, which may then not be archived as ``address``."""
        own, record = address.folded(), (address.kind, actual.id)
        known = self.managed.get(record)
        if known is not None and known.folded() not in self.removed:
            return self._present(known.folded()) or known
        values = self._by_value(address.kind, actual, parent_id, managed=known is not None)
        others = (one for one in values if one.folded() != own)
        return self._present(own) or self.named.get(record) or next(others, None)

    def _present(self, address: Address) -> Address | None:
        """Return the document of a record that is to exist, by its folded address or former one."""
        found = self.documents.get(address)
        return found if found is not None and found.folded() not in self.gone else None

    def _by_value(
        self, kind: str, actual: Actual | None, parent_id: str, *, managed: bool
    ) -> Iterator[Address]:
        """Yield the addresses of documents that are bound to a record by its values."""
        properties = actual.properties if actual is not None else {}
        key = fold(properties.get(self.keys.get(kind, "")) or "")
        if (document := self.documents.get(Address(kind, key))) is not None:
            yield document
        for name, claims in sorted(self.claims.get(kind, {}).items()):
            value = fold(properties.get(name) or "")
            for claim in claims.get(value, ()) if value else ():
                if claim.means(parent_id, managed=managed):
                    yield claim.address


def bound_records(
    entries: Entries,
    units: Collection[Unit],
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
        found.add(unit)
    return BoundRecords(
        managed,
        removed,
        found.documents,
        found.gone,
        found.named,
        {kind: one.key_property for kind, one in identities.items()} if units else {},
        found.claims,
    )


class _Documents:
    """Gathers what documents are bound to. ``ids`` are those in the state by folded address."""

    def __init__(
        self, identities: Mapping[str, Identity], target: str, ids: Mapping[Address, str]
    ) -> None:
        self._identities = identities
        self._target = target
        self._ids = ids
        self.documents: dict[Address, Address] = {}
        self.gone: set[Address] = set()
        self.named: dict[RecordId, Address] = {}
        self.claims: dict[str, dict[str, dict[str, list[Claim]]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(list))
        )

    def add(self, unit: Unit) -> None:
        """Add the documents of a unit."""
        for record in unit.records:
            own = record.address.folded()
            former = record.former.folded() if record.former is not None else None
            self.documents[own] = record.address
            if former is not None:
                self.documents.setdefault(former, record.address)
            if record.lifecycle is not Lifecycle.PRESENT:
                self.gone.add(own)
                continue
            if named := self._named_id(record):
                self.named[own.kind, named] = record.address
            if own not in self._ids and former not in self._ids:
                self._add_unknown(record, "" if record is unit.root else self._id_of_root(unit))

    def _add_unknown(self, record: Desired, parent_id: str) -> None:
        """Add what leads a document to a record that the state does not have."""
        adoption = record.adoption(self._target)
        if adoption is not None and adoption.by != "id":
            claim = Claim(record.address, parent_id, adopts=True)
            self.claims[record.address.kind][adoption.by][fold(adoption.value)].append(claim)
        name = self._identities[record.address.kind].sibling_property
        if name and parent_id:
            value = fold(record.properties.get(name, ""))
            claim = Claim(record.address, parent_id, adopts=False)
            self.claims[record.address.kind][name][value].append(claim)

    def _id_of_root(self, unit: Unit) -> str:
        """Return the id of a unit's order or cart, empty if only HubSpot knows it."""
        if unit.parent is not None and unit.parent.by == "id":
            return unit.parent.value
        former = unit.former.folded() if unit.former is not None else unit.address
        known = self._ids.get(unit.address.folded()) or self._ids.get(former, "")
        return known or (self._named_id(unit.root) if unit.root is not None else "")

    def _named_id(self, record: Desired) -> str:
        """Return the id of the record that a document names, empty if it names none by id."""
        if self._identities[record.address.kind].key_is_id:
            return record.address.folded().key
        adoption = record.adoption(self._target)
        return adoption.value if adoption is not None and adoption.by == "id" else ""
