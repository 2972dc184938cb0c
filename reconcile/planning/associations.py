"""Association changes: those that a record lacks, and those of ours that it no longer declares.

Associations that others made are left alone. HubSpot replaces the whole label set of a pair, so
the union of the present and the declared types is written (reference §11).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconcile.model.plan import LinkChange, LinkReference
from reconcile.model.records import AssociationTypes, Link, Reference, removable
from reconcile.model.references import Bound, association_types, pointer
from reconcile.planning.derived import described
from reconcile.planning.record_input import RecordInput

_HUBSPOT = "HUBSPOT_DEFINED"


@dataclass(frozen=True, slots=True)
class AssociationPlan:
    """The ``changes`` to make, the ``kept`` associations that exist already, and all ``ours``."""

    changes: tuple[LinkChange, ...]
    kept: frozenset[Link]
    ours: frozenset[Link]


@dataclass(frozen=True, slots=True)
class _DeclaredEnd:
    bound: Bound
    references: tuple[LinkReference, ...]

    @property
    def types(self) -> frozenset[tuple[str, int]]:
        return frozenset((one.category, one.type_id) for one in self.references)


def plan_associations(record: RecordInput) -> AssociationPlan:
    """Compare a record's declared associations with those it has."""
    types_of: dict[tuple[str, str], set[tuple[str, int]]] = defaultdict(set)
    for link in record.links:
        types_of[link.to, link.id].add((link.category, link.type_id))
    changes: list[LinkChange] = []
    kept: set[Link] = set()
    ours: set[Link] = set()
    for (to, _), wanted in sorted(_declared_ends(record).items()):
        record_id = wanted.bound.id
        present = types_of.get((to, record_id), set()) if record_id else set()
        links = {Link(to, record_id, number, category) for category, number in wanted.types}
        if record_id:
            ours |= links
        if wanted.types <= present:
            kept |= links
            continue
        changes.append(
            LinkChange(
                add=True,
                to=to,
                id=record_id,
                address=wanted.bound.address,
                types=tuple(sorted(wanted.types | present)),
                references=wanted.references,
            )
        )
    if record.last is not None:
        # The plain type is added and removed by HubSpot together with the first and last label.
        ours |= {link for link in record.last.links if _accompanies_label(link, record, ours)}
    if record.actual is not None and not record.kind.is_unit and not record.under_parent:
        changes.append(_to_parent(record))
    if record.last is not None:
        dropped = (
            link
            for link in record.last.links - ours
            if not _is_declared_from_other_end(record, link)
        )
        changes += _removals(record, frozenset(dropped), types_of)
    named = tuple(described(change, record.parent) for change in changes)
    return AssociationPlan(named, frozenset(kept), frozenset(ours))


def _accompanies_label(link: Link, record: RecordInput, ours: set[Link]) -> bool:
    plain = record.kind.associations[link.to].type_id == link.type_id
    return plain and any((link.to, link.id) == (other.to, other.id) for other in ours)


def _declared_ends(record: RecordInput) -> Mapping[tuple[str, str], _DeclaredEnd]:
    """Return the declared associations by their other end."""
    merged: dict[tuple[str, str], _DeclaredEnd] = {}
    for reference in sorted(record.desired.references, key=_name):
        bound = record.context.bindings[pointer(reference)]
        asked = tuple(
            LinkReference(reference.by, reference.value, reference.label, *one)
            for one in association_types(reference, record.kind, record.context.definitions)
        )
        end = (reference.to, bound.id or str(bound.address))
        earlier = merged.get(end)
        merged[end] = _DeclaredEnd(bound, (*earlier.references, *asked) if earlier else asked)
    return merged


def _is_declared_from_other_end(record: RecordInput, link: Link) -> bool:
    """Return whether the other end still declares this plain association, so that it is kept."""
    own_id = record.actual.id if record.actual else ""
    is_plain = link.type_id == record.kind.associations[link.to].type_id
    return (
        is_plain
        and (record.kind.name, own_id, link.to, link.id) in record.context.reverse_associations
    )


def _name(reference: Reference) -> tuple[str, ...]:
    """Return a sort key that does not depend on locations."""
    return reference.to, reference.by, reference.value, reference.label


def _to_parent(record: RecordInput) -> LinkChange:
    association = record.kind.associations[record.unit.address.kind]
    return LinkChange(
        add=True,
        to=association.to,
        id=record.parent_id,
        address=None if record.parent_id else record.unit.address,
        types=(("HUBSPOT_DEFINED", association.type_id),),
    )


def _removals(
    record: RecordInput,
    dropped: frozenset[Link],
    types_of: Mapping[tuple[str, str], set[tuple[str, int]]],
) -> list[LinkChange]:
    ends: dict[tuple[str, str], set[tuple[str, int]]] = defaultdict(set)
    for link in dropped:
        ends[link.to, link.id].add((link.category, link.type_id))
    changes: list[LinkChange] = []
    for (to, record_id), recorded in sorted(ends.items()):
        present = types_of.get((to, record_id), set())
        plain = ("HUBSPOT_DEFINED", record.kind.associations[to].type_id)
        remove = removable(frozenset(recorded), frozenset(present), plain)
        if remove:
            changes.append(
                LinkChange(
                    add=False,
                    to=to,
                    id=record_id,
                    address=None,
                    types=tuple(sorted(remove)),
                    references=tuple(_names_of(record, to, record_id, remove)),
                )
            )
    return changes


def _names_of(
    record: RecordInput, to: str, record_id: str, types: AssociationTypes
) -> Iterator[LinkReference]:
    """Yield references with which a manifest would name these types, as far as they have names."""
    association = record.kind.associations[to]
    key = record.context.keys.get((association.kind or "", record_id), "")
    by, value = ("key", key) if key else ("id", record_id)
    labels = {(_HUBSPOT, number): label for label, number in association.labels.items()}
    labels |= {
        (label.category, label.type_id): label.label
        for label in record.context.definitions.labels.get((record.kind.name, to), ())
        if label.label
    }
    plain = (_HUBSPOT, association.type_id)
    if types == {plain}:
        labels[plain] = ""
    found = ((labels[one], *one) for one in types - ({plain} - labels.keys()) if one in labels)
    for label, category, number in sorted(found):
        yield LinkReference(by, value, label, category, number)
