"""The three inputs of planning: desired (manifests), actual (HubSpot), last-applied (state)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from reconcile.model.address import Address


class Location(NamedTuple):
    """A place in a manifest. Lines and columns count from 1; line 0 is the file as a whole."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


NOWHERE = Location("", 0, 0)


@dataclass(frozen=True, slots=True)
class Reference:
    """A manifest's pointer to another record.

    ``by`` is ``key``, ``id``, or a property of the target (``email``); ``label`` is an association
    label's name, empty for the plain association.
    """

    to: str
    by: str
    value: str
    label: str = ""
    location: Location = NOWHERE

    def __str__(self) -> str:
        label = f" ({self.label})" if self.label else ""
        return f"{self.to} {self.by}={self.value}{label}"


class Adoption(NamedTuple):
    """A document's pointer to the existing record that it takes over.

    ``by`` is ``id`` or a property, ``value`` the record's. ``target`` is the one that it is for,
    empty in a project with a single one.
    """

    by: str
    value: str
    target: str = ""
    location: Location = NOWHERE


class Lifecycle(StrEnum):
    """The declared lifecycle state: present, absent (archived), or forget (no longer managed)."""

    PRESENT = "present"
    ABSENT = "absent"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Desired:
    """One record as a manifest declares it.

    ``properties`` are text as written: absent is unmanaged, ``""`` clears. ``at`` maps a property's
    name to the (line, column) of its value. ``ignore`` names properties to leave as they are once
    the record exists. ``protect`` keeps the record from being archived or recreated.
    ``moved_from`` names the record's former key; ``adopt`` the
    existing record that it takes over, on each target. ``exact_lines`` says that an order or cart
    has no other line items than the declared ones. ``lookups`` are the records whose ids are the
    values of properties, by property; the value under ``properties`` is then what names the record.
    A record that is absent or forgotten has no properties and no references. ``pruned`` is true for
    a managed record that no manifest declares any more.

    Values that the document does not give itself are defaults. ``inherited_at`` has the places of
    those of properties, and perhaps of more. ``ignore_at`` is the place of the list of properties
    to ignore.
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
    exact_lines: bool = False
    adopt: tuple[Adoption, ...] = ()
    pruned: bool = False
    ignore_at: Location = NOWHERE
    inherited_at: Mapping[str, Location] = field(default_factory=lambda: MappingProxyType({}))
    lookups: Mapping[str, Reference] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def former(self) -> Address | None:
        """The address that the record had before its key was changed in the manifest."""
        return Address(self.address.kind, self.moved_from.value) if self.moved_from else None

    def adoption(self, target: str) -> Adoption | None:
        """Return the record to adopt on a target, or None."""
        return next((one for one in self.adopt if one.target in ("", target)), None)

    def entry_in(self, last: "Mapping[Address, LastApplied]") -> "LastApplied | None":
        """Return the entry in ``last`` (by folded address) of the record, or of its former key."""
        found = last.get(self.address.folded())
        return found or (last.get(self.former.folded()) if self.former else None)

    def location_of(self, property_name: str) -> Location:
        """Return the location of a property's value, or the record's if that is not known."""
        if looked_up := self.lookups.get(property_name):
            return looked_up.location
        if position := self.at.get(property_name):
            return Location(self.location.file, *position)
        if property_name in self.properties:
            return self.inherited_at.get(property_name, self.location)
        return self.location

    @property
    def ignored_in(self) -> Location:
        """The location of the properties to ignore, or the record's if that is not known."""
        return self.ignore_at if self.ignore_at.file else self.location

    def inherits(self, location: Location) -> bool:
        """Return whether the value at a location is a default: it is not in the record's file."""
        return location.file != self.location.file


@dataclass(frozen=True, slots=True)
class Unit:
    """One order or cart with its line items: the unit of comparing, showing and applying.

    ``root`` is None if the manifests declare only line items, under a parent that they do not
    manage. ``parent`` then refers to that record, which is never written.
    """

    address: Address
    root: Desired | None
    lines: tuple[Desired, ...] = ()
    parent: Reference | None = None

    @property
    def records(self) -> tuple[Desired, ...]:
        """All declared records, the root first."""
        return ((self.root,) if self.root else ()) + self.lines

    @property
    def former(self) -> Address | None:
        """The address that the unit had before its root's key was changed in the manifest."""
        return self.root.former if self.root else None


class Link(NamedTuple):
    """One association of a record: the object (``contact``) and id of the other end, and a type."""

    to: str
    id: str
    type_id: int
    category: str = "HUBSPOT_DEFINED"


AssociationTypes = frozenset[tuple[str, int]]
"""Types of one pair of records: (category, type id)."""


def removable(
    types: AssociationTypes, present: AssociationTypes, plain: tuple[str, int]
) -> AssociationTypes:
    """Return which of our ``types`` can be removed from a pair without removing those of others.

    Removing the unlabelled (``plain``) type removes every label of the pair too (reference §11).
    """
    ours = types & present
    return ours - {plain} if present - ours - {plain} else ours


@dataclass(frozen=True, slots=True)
class Actual:
    """One record as HubSpot returned it. A property without a value is None."""

    id: str
    properties: Mapping[str, str | None]
    archived: bool = False


class Version(NamedTuple):
    """One value in a property's history.

    ``at`` is when it was set, as HubSpot's ISO text; ``source`` is what set it: ``CRM_UI``,
    ``INTEGRATION``, ``CALCULATED`` and others. ``source_id``, ``label`` and ``user`` say which one
    of these, as far as HubSpot does; ``user`` is the id of a user, who may also be an owner.
    """

    value: str
    at: str
    source: str
    source_id: str = ""
    label: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """A declared record that the state knows by id and that HubSpot no longer has.

    ``why`` is ``archived``, ``merged`` (into ``into``) or ``gone``.
    """

    id: str
    why: str
    into: str = ""


class NotAdopted(NamedTuple):
    """Why no record was adopted: what was found is not exactly one live record.

    ``why`` is ``none``, ``several``, ``archived``, ``merged`` (into the last of ``ids``),
    ``unknown``: the account has no such property, ``refused``: HubSpot did not take the value and
    ``ids`` says why, or ``other``: the key or the state leads to the first of ``ids``, and adopt to
    the second.
    """

    why: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """What HubSpot holds for one unit.

    ``records`` has the declared records that exist, found by key or by the id in the state.
    ``missing`` has those that the state knows but that are archived, merged or gone. An address in
    neither is absent.

    - ``by_id``: the records that were found by the id in the state, not by key
    - ``key_moved``: records whose key another record has now, with the id of the record in the
      state, which still exists
    - ``duplicates``: records that several records under one parent match, with the ids of these
    - ``adopted``: the records that were found by what their documents adopt
    - ``not_adopted``: why others were not
    - ``lines``: the ids of all line items under the unit; ``others`` counts the undeclared ones
    - ``foreign``: those that others added to an order or cart with exact lines, by an address that
      their id makes
    - ``bound_lines``: those, by kind and id, that documents are bound to which neither the plan nor
      the state has: their addresses
    - ``links``: each record's associations, for the pairs that are declared or in the state
    - ``parent_id``: the id of a parent that the manifests do not manage
    - ``other_parents``: the records that line items belong to besides their declared parents, as
      (word, id), as far as they were looked up
    """

    records: Mapping[Address, Actual]
    missing: Mapping[Address, Missing] = field(default_factory=lambda: MappingProxyType({}))
    by_id: frozenset[Address] = frozenset()
    key_moved: Mapping[Address, str] = field(default_factory=lambda: MappingProxyType({}))
    duplicates: Mapping[Address, Sequence[str]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    adopted: frozenset[Address] = frozenset()
    not_adopted: Mapping[Address, NotAdopted] = field(default_factory=lambda: MappingProxyType({}))
    lines: frozenset[str] = frozenset()
    links: Mapping[Address, frozenset[Link]] = field(default_factory=lambda: MappingProxyType({}))
    others: int = 0
    foreign: Mapping[Address, Actual] = field(default_factory=lambda: MappingProxyType({}))
    bound_lines: Mapping[tuple[str, str], Address] = field(
        default_factory=lambda: MappingProxyType({})
    )
    parent_id: str = ""
    other_parents: Mapping[Address, frozenset[tuple[str, str]]] = field(
        default_factory=lambda: MappingProxyType({})
    )


class ValueHashes(NamedTuple):
    """Keyed hashes of one property's value: as we wrote it, and as HubSpot returned it.

    ``read`` is empty if HubSpot never returned what was written.
    """

    written: str
    read: str

    @property
    def expected(self) -> str:
        """The hash of what HubSpot holds as long as nobody edits it."""
        return self.read or self.written


NO_HASHES = ValueHashes("", "")
"""The hashes of a property that cannot be compared.

They were made with another key, or no read showed the record after it was written.
"""


@dataclass(frozen=True, slots=True)
class LastApplied:
    """A record's entry in the state: no order data, only ids and keyed hashes.

    ``key`` is the key as last spelled. ``fingerprint`` is the hash of all managed values as
    written, so that an unchanged record costs one comparison; it is empty if some of them have no
    ``value_hashes`` to compare with. ``links`` are the associations that we made. ``parent_id``
    is the record under which a line item was shown, empty if that is not known. ``leaving``
    are former parents of a moved line item, (kind, id), that it has still to leave.

    ``accepted`` are keyed hashes of values that were taken over from HubSpot into a manifest and
    not applied since, the newest last. One counts only for a manifest that has this value: others,
    such as those of a branch without it, still declare what was written last or accepted before.
    """

    id: str
    key: str = ""
    value_hashes: Mapping[str, ValueHashes] = field(default_factory=lambda: MappingProxyType({}))
    fingerprint: str = ""
    links: frozenset[Link] = frozenset()
    parent: Address | None = None
    parent_id: str = ""
    leaving: frozenset[tuple[str, str]] = frozenset()
    protect: bool = False
    run: str = ""
    accepted: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def base(self, name: str, declared: str) -> ValueHashes | None:
        """Return what a property is compared with, None if nothing is known of it.

        ``declared`` is the hash of the value that the manifest has.
        """
        last = self.value_hashes.get(name)
        if (last is None or last.written != declared) and declared in self.accepted.get(name, ()):
            return ValueHashes(declared, declared)
        return last

    def with_renamed_parent(self, unit: Address, former: Address | None) -> "LastApplied":
        """Return the entry with ``unit`` in place of ``former``, the unit's old name, as parent."""
        if former is None or self.parent is None or self.parent.folded() != former.folded():
            return self
        return replace(self, parent=unit)
