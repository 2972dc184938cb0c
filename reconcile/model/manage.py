"""What may be written on a target: kinds, properties and associations; creating and archiving."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconcile.model.identity import Identity
from reconcile.model.kinds import kinds
from reconcile.model.records import LastApplied, Unit

ALL = "all"
"""Written in place of the names of a kind's properties and associations: all of them."""


@dataclass(frozen=True, slots=True)
class Manage:
    """What may be written on a target.

    ``names`` are the properties and associations by kind, ``None`` for all of a kind; a kind that
    is missing may not be declared. ``None`` instead of the kinds is a target without ``manage:``,
    where everything may be written.
    """

    names: Mapping[str, frozenset[str] | None] | None = None
    creates: bool = False
    archives: bool = False

    @property
    def limits(self) -> bool:
        """Whether anything is ruled out: the target has ``manage:``."""
        return self.names is not None

    @property
    def may_create(self) -> bool:
        """Whether records may be created."""
        return self.creates or not self.limits

    @property
    def may_archive(self) -> bool:
        """Whether records may be archived."""
        return self.archives or not self.limits

    def has_kind(self, kind: str) -> bool:
        """Return whether records of a kind may be declared."""
        return self.names is None or kind in self.names

    def allows(self, kind: str, name: str) -> bool:
        """Return whether a property may be written, or the associations with an object."""
        if self.names is None:
            return True
        listed = self.names.get(kind, frozenset())
        return listed is None or name in listed

    def with_keys(self, identities: Mapping[str, Identity]) -> "Manage":
        """Return the same, in which each kind has the property that identifies its records too."""
        if self.names is None:
            return self
        names = {
            kind: None if listed is None else listed | set(identities[kind].properties)
            for kind, listed in self.names.items()
        }
        return replace(self, names=names)

    def only(self, unit: Unit) -> Unit:
        """Return a unit without the properties and references that may not be written."""
        if not self.limits:
            return unit
        records = [
            replace(
                one,
                properties={
                    name: value
                    for name, value in one.properties.items()
                    if self.allows(one.address.kind, name)
                },
                references=tuple(r for r in one.references if self.allows(one.address.kind, r.to)),
                lookups={
                    name: found
                    for name, found in one.lookups.items()
                    if self.allows(one.address.kind, name)
                },
            )
            for one in unit.records
        ]
        root = records.pop(0) if unit.root else None
        return replace(unit, root=root, lines=tuple(records))

    def opened(self, unit: Unit) -> Unit:
        """Return a unit whose lines are open if what others add to it may not be archived."""
        may = self.may_archive and all(map(self.has_kind, kinds()[unit.address.kind].children))
        if may or unit.root is None or not unit.root.exact_lines:
            return unit
        return replace(unit, root=replace(unit.root, exact_lines=False))

    def remembered(self, kind: str, entry: LastApplied) -> LastApplied:
        """Return a record's entry in the state without what may not be written any more."""
        if not self.limits:
            return entry
        return replace(
            entry,
            value_hashes={n: one for n, one in entry.value_hashes.items() if self.allows(kind, n)},
            links=frozenset(one for one in entry.links if self.allows(kind, one.to)),
        )

    @property
    def pinned(self) -> tuple[tuple[str, str], ...]:
        """All of it as sorted pairs, for a plan; none without ``manage:``."""
        if self.names is None:
            return ()
        pairs = {("create", str(self.creates).lower()), ("archive", str(self.archives).lower())}
        for kind, listed in self.names.items():
            pairs |= {(kind, ALL)} if listed is None else {(kind, one) for one in listed or ("",)}
        return tuple(sorted(pairs))
