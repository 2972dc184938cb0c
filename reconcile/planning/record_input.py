"""The inputs of planning: what all units share, and one declared record with its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconcile.model.address import Address
from reconcile.model.bound_records import BoundRecords
from reconcile.model.definitions import Definitions, Property
from reconcile.model.digest import Hasher
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind
from reconcile.model.line_parent import Parent
from reconcile.model.policy import Policy
from reconcile.model.records import Actual, Adoption, Desired, LastApplied, Link, Observed, Unit
from reconcile.model.references import Bindings, Pointer, Unresolved
from reconcile.model.suggestions import Suggestions


@dataclass(frozen=True, slots=True)
class Context:
    """What all units of one plan share.

    - ``bindings``: the records that references point at
    - ``unresolved``: why others point at nothing, where more is known than that none was found
    - ``declared``: the folded keys of all declared records, by kind
    - ``recreate``: the addresses to create again if their records are archived, merged or gone
    - ``shared_ids``: the folded addresses of declared records that have the same id in the state
    - ``reverse_associations``: associations that are declared from their other end, as (kind, id,
      other kind, other id); those of ``applied_from_other_end`` were applied
    - ``referred``: the property by which a reference leads to an order or cart, by kind and id,
      where it is neither its key nor its id
    - ``keys``: the keys that the state has of associated orders and carts, by kind and id
    - ``suggestions``: corrections for mistyped words
    - ``policy``: what is put back, and which guards are allowed
    - ``bound``: what documents are bound to, if anything may be archived
    - ``target``: the target's name, which adoptions may be for
    - ``incomplete``: some manifests could not be read, and may declare what no other one does
    """

    definitions: Definitions
    identities: Mapping[str, Identity]
    hasher: Hasher
    bindings: Bindings = field(default_factory=dict)
    declared: Mapping[str, frozenset[str]] = field(default_factory=dict)
    recreate: frozenset[Address] = frozenset()
    shared_ids: frozenset[Address] = frozenset()
    reverse_associations: frozenset[tuple[str, str, str, str]] = frozenset()
    applied_from_other_end: frozenset[tuple[str, str, str, str]] = frozenset()
    referred: Mapping[tuple[str, str], str] = field(default_factory=dict)
    keys: Mapping[tuple[str, str], str] = field(default_factory=dict)
    suggestions: Suggestions = field(default_factory=Suggestions)
    incomplete: bool = False
    policy: Policy = field(default_factory=Policy)
    unresolved: Mapping[Pointer, Unresolved] = field(default_factory=dict)
    target: str = ""
    bound: BoundRecords = field(default_factory=BoundRecords)


@dataclass(frozen=True, slots=True)
class RecordInput:
    """One declared record, with what HubSpot and the state have of it.

    ``wire_values`` are the declared values as HubSpot stores them. A value that could not be
    resolved is as written, and ``unresolved`` says why, by name. ``actual`` is None if the record
    does not exist. ``recorded`` is its entry in the state; ``last`` is the same, or None if the
    entry is of another record. ``moved`` is true if the entry is under the former key.
    ``unchanged`` names values that did not change in the manifest, although they mean other ones
    now (see ``moved_pipelines``).
    """

    desired: Desired
    kind: Kind
    wire_values: Mapping[str, str]
    unit: Unit
    observed: Observed
    actual: Actual | None
    last: LastApplied | None
    recorded: LastApplied | None
    context: Context
    moved: bool = False
    unresolved: Mapping[str, str] = field(default_factory=dict)
    unchanged: frozenset[str] = frozenset()

    @property
    def address(self) -> Address:
        """The record's address."""
        return self.desired.address

    @property
    def identity(self) -> Identity:
        """How the record is found."""
        return self.context.identities[self.kind.name]

    @property
    def definitions(self) -> Mapping[str, Property]:
        """The property definitions of the record's kind."""
        return self.context.definitions.properties[self.kind.name]

    @property
    def adoption(self) -> Adoption | None:
        """The existing record that the document adopts on this target."""
        return self.desired.adoption(self.context.target)

    def held_key(self, actual: Actual) -> str:
        """Return the key that a record has in HubSpot, empty if it has none."""
        return actual.properties.get(self.identity.name) or ""

    @property
    def parent(self) -> Address | None:
        """The address of a line item's parent."""
        return None if self.kind.is_unit else self.unit.address

    @property
    def parent_id(self) -> str:
        """The parent's record id, empty if the parent does not exist yet."""
        if self.kind.is_unit:
            return ""
        root = self.observed.records.get(self.unit.address)
        return root.id if root else self.observed.parent_id

    @property
    def is_moved(self) -> bool:
        """Whether the last apply saw a line item under another order or cart than its own."""
        parent = self.last.parent if self.last is not None else None
        own = {one.folded() for one in (self.unit.address, self.unit.former) if one is not None}
        return parent is not None and parent.folded() not in own

    @property
    def leaves(self) -> frozenset[Parent]:
        """The orders and carts that a line item is moved from: those where applies put it."""
        if self.last is None or self.last.parent is None:
            return frozenset()
        ours = self.last.leaving | {(self.last.parent.kind, self.last.parent_id)}
        ours -= {(self.unit.address.kind, self.parent_id)}
        others = self.observed.other_parents.get(self.address, frozenset())
        return others if others <= ours else frozenset()

    @property
    def title(self) -> str:
        """What people call the record: as it is declared, else as HubSpot has it."""
        name = self.kind.title
        if name in self.desired.properties or self.actual is None:
            return self.desired.properties.get(name, "")
        return self.actual.properties.get(name) or ""

    @property
    def links(self) -> frozenset[Link]:
        """The associations the record has."""
        return self.observed.links.get(self.address, frozenset()) if self.actual else frozenset()

    @property
    def under_parent(self) -> bool:
        """Whether HubSpot shows the line item under its declared parent."""
        return self.actual is not None and self.actual.id in self.observed.lines
