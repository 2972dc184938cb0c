"""The three inputs of planning: desired (manifests), actual (HubSpot), last-applied (state)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from reconcile.model.address import Address


class Location(NamedTuple):
    """Where something stands in a manifest. Lines and columns count from 1."""

    file: str
    line: int
    column: int


NOWHERE = Location("", 0, 0)


@dataclass(frozen=True, slots=True)
class Reference:
    """A manifest's pointer to another record.

    ``by`` is ``key``, ``id``, or a unique property of the target (``email``); ``label`` is an
    association label's name, empty for the plain association.
    """

    to: str
    by: str
    value: str
    label: str = ""
    location: Location = NOWHERE

    def __str__(self) -> str:
        label = f" ({self.label})" if self.label else ""
        return f"{self.to} {self.by}={self.value}{label}"


class Lifecycle(StrEnum):
    """What a manifest wants of a record: to be there, to be archived, or not to be managed."""

    PRESENT = "present"
    ABSENT = "absent"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Desired:
    """One record as a manifest declares it.

    ``properties`` are text as written: absent is unmanaged, ``""`` clears. ``at`` maps a property's
    name to the (line, column) of its value. ``ignore`` names properties to leave as they are once
    the record exists; ``protect`` keeps the record from ever being archived or made again.
    ``moved_from`` names the key that the record had before. One that is not to be there has no
    properties and no references. ``pruned`` marks a record that no manifest declares any more.
    """

    address: Address
    properties: Mapping[str, str]
    location: Location
    at: Mapping[str, tuple[int, int]] = field(default_factory=lambda: MappingProxyType({}))
    references: tuple[Reference, ...] = ()
    ignore: frozenset[str] = frozenset()
    protect: bool = False
    lifecycle: Lifecycle = Lifecycle.PRESENT
    moved_from: Reference | None = None
    pruned: bool = False

    @property
    def former(self) -> Address | None:
        """The address that the record had before its key was changed in the manifest."""
        return Address(self.address.kind, self.moved_from.value) if self.moved_from else None

    def entry_in(self, last: "Mapping[Address, LastApplied]") -> "LastApplied | None":
        """The record's entry, by folded addresses: under its own one, else under the former."""
        found = last.get(self.address.folded())
        return found or (last.get(self.former.folded()) if self.former else None)

    def location_of(self, property_name: str) -> Location:
        """Where a property's value stands, or the record where that is not known."""
        line, column = self.at.get(property_name, self.location[1:])
        return Location(self.location.file, line, column)


@dataclass(frozen=True, slots=True)
class Unit:
    """One order or cart with its line items: what is diffed, shown and applied together.

    ``root`` is None when the manifests declare only line items under a parent that something else
    owns; ``parent`` then says which record that is, and it is never written.
    """

    address: Address
    root: Desired | None
    lines: tuple[Desired, ...] = ()
    parent: Reference | None = None

    @property
    def records(self) -> tuple[Desired, ...]:
        """Every declared record, the root first."""
        return ((self.root,) if self.root else ()) + self.lines

    @property
    def former(self) -> Address | None:
        """The address that the unit had before its root's key was changed in the manifest."""
        return self.root.former if self.root else None


class Link(NamedTuple):
    """One association of a record: to which object (``contact``), its id, one type of the pair."""

    to: str
    id: str
    type_id: int
    category: str = "HUBSPOT_DEFINED"


AssociationTypes = frozenset[tuple[str, int]]
"""Types of one pair of records: (category, type id)."""


def removable(
    types: AssociationTypes, standing: AssociationTypes, plain: tuple[str, int]
) -> AssociationTypes:
    """Which of our ``types`` can be taken from a pair without taking anything of others.

    Removing the unlabelled (``plain``) type takes every label of the pair along (reference §11).
    """
    ours = types & standing
    return ours - {plain} if standing - ours - {plain} else ours


@dataclass(frozen=True, slots=True)
class Actual:
    """One record as HubSpot answered it. A property HubSpot has no value for is None."""

    id: str
    properties: Mapping[str, str | None]
    archived: bool = False


class Version(NamedTuple):
    """One value that a property had: from when on (HubSpot's ISO text), and what wrote it
    (``CRM_UI``, ``INTEGRATION``, ``CALCULATED`` and others).
    """

    value: str
    at: str
    source: str


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a declared record is not where its key says.

    ``why`` is ``archived``, ``merged`` (into ``into``), or ``gone``. Only records that the state
    knows by id can be missing; all others are simply absent.
    """

    id: str
    why: str
    into: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """What HubSpot holds for one unit.

    ``records`` has an entry for each declared record that exists under its key or under the id in
    state; ``missing`` those that state knows but that are archived, merged or gone; an address in
    neither is absent. ``by_id`` are those that were not under their keys but under the ids in the
    state; ``key_moved`` those whose key now stands on another record than the state's, with the id
    of the state's, which still lives. ``duplicates`` are those that several records under one parent can
    be, with the ids of these. ``links`` are each record's associations of the declared or
    recorded pairs; ``lines`` the ids of the line items that HubSpot shows under the unit.
    ``others`` counts those of them that no manifest declares. ``parent_id`` is the id of a parent
    that something else owns. ``other_parents`` are the records that line items belong to besides their
    declared parents, as (word, id), as far as HubSpot was asked.
    """

    records: Mapping[Address, Actual]
    missing: Mapping[Address, Missing] = field(default_factory=lambda: MappingProxyType({}))
    by_id: frozenset[Address] = frozenset()
    key_moved: Mapping[Address, str] = field(default_factory=lambda: MappingProxyType({}))
    duplicates: Mapping[Address, Sequence[str]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    lines: frozenset[str] = frozenset()
    links: Mapping[Address, frozenset[Link]] = field(default_factory=lambda: MappingProxyType({}))
    others: int = 0
    parent_id: str = ""
    other_parents: Mapping[Address, frozenset[tuple[str, str]]] = field(
        default_factory=lambda: MappingProxyType({})
    )


class ValueHashes(NamedTuple):
    """Keyed hashes of one property's value: as we wrote it, and as HubSpot read it back.

    ``read`` is empty where HubSpot never showed what was written.
    """

    written: str
    read: str

    @property
    def expected(self) -> str:
        """What HubSpot should hold as long as nobody edits it."""
        return self.read or self.written


NO_HASHES = ValueHashes("", "")
"""Of a property whose hashes cannot be compared any more: they were made with another key."""


@dataclass(frozen=True, slots=True)
class LastApplied:
    """What the state knows of one record: no order data, only ids and keyed hashes.

    ``key`` is the key as it was last spelled. ``whole`` covers all managed values as written, so
    that an unchanged record costs one comparison; it is empty where ``marks`` cannot be compared.
    ``links`` are the associations that we made.
    """

    id: str
    key: str = ""
    value_hashes: Mapping[str, ValueHashes] = field(default_factory=lambda: MappingProxyType({}))
    fingerprint: str = ""
    links: frozenset[Link] = frozenset()
    parent: Address | None = None
    protect: bool = False
    run: str = ""

    def with_renamed_parent(self, unit: Address, former: Address | None) -> "LastApplied":
        """The entry of a record whose unit was called ``former`` and is called ``unit`` now."""
        if former is None or self.parent is None or self.parent.folded() != former.folded():
            return self
        return replace(self, parent=unit)
