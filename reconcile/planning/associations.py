"""A record's managed associations: those that it declares, and those that the state has as ours.

Associations that others made are left alone.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

from reconcile.model.plan import LinkReference
from reconcile.model.records import Link, Reference
from reconcile.model.references import Bound, association_types, pointer
from reconcile.planning.record_input import RecordInput

NEW = "new"
"""Stands for the id of a record that the plan creates."""

End = tuple[str, str]
"""The other end of an association: the object (``contact``) and its record id."""


@dataclass(frozen=True, slots=True)
class DeclaredEnd:
    """The other end of declared associations, and the references that ask for them."""

    bound: Bound
    references: tuple[LinkReference, ...]

    @property
    def types(self) -> frozenset[tuple[str, int]]:
        """The declared types."""
        return frozenset((one.category, one.type_id) for one in self.references)

    def without(self, types: Set[tuple[str, int]]) -> "DeclaredEnd":
        """Return the end without the references that ask for these types."""
        kept = (one for one in self.references if (one.category, one.type_id) not in types)
        return replace(self, references=tuple(kept))


@dataclass(frozen=True, slots=True)
class ManagedAssociations:
    """The associations of a record that reconcile manages.

    - ``ends``: the declared ones, in the order of a plan
    - ``declared``: these as links
    - ``ours``: the links that the state is to record
    - ``dropped``: the links that the state has and that are no longer declared
    """

    ends: Mapping[End, DeclaredEnd]
    declared: frozenset[Link]
    ours: frozenset[Link]
    dropped: frozenset[Link]


def managed_associations(record: RecordInput) -> ManagedAssociations:
    """Return the associations that a record declares, or has in the state."""
    ends = _declared_ends(record)
    declared = frozenset(
        Link(to, id_, number, category)
        for (to, id_), end in ends.items()
        for category, number in end.types
    )
    ours = frozenset(link for link in declared if ends[link.to, link.id].bound.id)
    recorded = record.last.links if record.last is not None else frozenset()
    # The plain type is added and removed by HubSpot together with the first and last label.
    ours |= {link for link in recorded if _accompanies_label(link, record, ours)}
    dropped = frozenset(
        link for link in recorded - ours if not _is_declared_from_other_end(record, link)
    )
    return ManagedAssociations(ends, declared, ours, dropped)


def _declared_ends(record: RecordInput) -> Mapping[End, DeclaredEnd]:
    merged: dict[tuple[str, str], DeclaredEnd] = {}
    for reference in sorted(record.desired.references, key=_name):
        bound = record.context.bindings[pointer(reference)]
        asked = tuple(
            LinkReference(reference.by, reference.value, reference.label, *one)
            for one in association_types(reference, record.kind, record.context.definitions)
        )
        end = (reference.to, bound.id or str(bound.address))
        earlier = merged.get(end)
        merged[end] = DeclaredEnd(bound, (*earlier.references, *asked) if earlier else asked)
    return {
        (to, end.bound.id or f"{NEW} {number}"): end
        for number, ((to, _), end) in enumerate(sorted(merged.items()), 1)
    }


def _accompanies_label(link: Link, record: RecordInput, ours: frozenset[Link]) -> bool:
    plain = record.kind.association(link.to).type_id == link.type_id
    return plain and any((link.to, link.id) == (other.to, other.id) for other in ours)


def _is_declared_from_other_end(record: RecordInput, link: Link) -> bool:
    """Return whether the other end still declares this plain association, so that it is kept."""
    own_id = record.actual.id if record.actual else ""
    is_plain = link.type_id == record.kind.association(link.to).type_id
    return (
        is_plain
        and (record.kind.name, own_id, link.to, link.id) in record.context.reverse_associations
    )


def _name(reference: Reference) -> tuple[str, ...]:
    """Return a sort key that does not depend on locations."""
    return reference.to, reference.by, reference.value, reference.label
