"""Which associations a record lacks, and which of ours it no longer declares.

Associations that others made are left alone. HubSpot replaces the whole label set of a pair, so
what is written is the union of what stands and what is declared (reference §11).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconcile.model.plan import LinkChange, LinkReference
from reconcile.model.records import AssociationTypes, Link, Reference, removable
from reconcile.model.references import Bound, association_types, pointer
from reconcile.planning.derived import described
from reconcile.planning.record_input import Case

_HUBSPOT = "HUBSPOT_DEFINED"


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """``changes`` to make; ``kept`` links that stand and are ours; ``ours`` is the declared set."""

    changes: tuple[LinkChange, ...]
    kept: frozenset[Link]
    ours: frozenset[Link]


@dataclass(frozen=True, slots=True)
class _Wanted:
    bound: Bound
    references: tuple[LinkReference, ...]

    @property
    def types(self) -> frozenset[tuple[str, int]]:
        return frozenset((one.category, one.type_id) for one in self.references)


def plan_links(case: Case) -> LinkPlan:
    """Compare a record's declared associations with those it has."""
    types_of: dict[tuple[str, str], set[tuple[str, int]]] = defaultdict(set)
    for link in case.links:
        types_of[link.to, link.id].add((link.category, link.type_id))
    changes: list[LinkChange] = []
    kept: set[Link] = set()
    ours: set[Link] = set()
    for (to, _), wanted in sorted(_wanted(case).items()):
        record_id = wanted.bound.id
        there = types_of.get((to, record_id), set()) if record_id else set()
        links = {Link(to, record_id, number, category) for category, number in wanted.types}
        if record_id:
            ours |= links
        if wanted.types <= there:
            kept |= links
            continue
        changes.append(
            LinkChange(
                add=True,
                to=to,
                id=record_id,
                address=wanted.bound.address,
                types=tuple(sorted(wanted.types | there)),
                references=wanted.references,
            )
        )
    if case.last is not None:
        # The plain type comes with a label on a pair that had none, and goes with it.
        ours |= {link for link in case.last.links if _comes_along(link, case, ours)}
    if case.actual is not None and not case.kind.is_unit and not case.under_parent:
        changes.append(_to_parent(case))
    if case.last is not None:
        dropped = (link for link in case.last.links - ours if not _mutual(case, link))
        changes += _removals(case, frozenset(dropped), types_of)
    named = tuple(described(change, case.parent) for change in changes)
    return LinkPlan(named, frozenset(kept), frozenset(ours))


def _comes_along(link: Link, case: Case, ours: set[Link]) -> bool:
    plain = case.kind.associations[link.to].type_id == link.type_id
    return plain and any((link.to, link.id) == (other.to, other.id) for other in ours)


def _wanted(case: Case) -> Mapping[tuple[str, str], _Wanted]:
    """The declared associations, one entry for each other end."""
    merged: dict[tuple[str, str], _Wanted] = {}
    for reference in sorted(case.desired.references, key=_name):
        bound = case.context.bindings[pointer(reference)]
        asked = tuple(
            LinkReference(reference.by, reference.value, reference.label, *one)
            for one in association_types(reference, case.kind, case.context.definitions)
        )
        end = (reference.to, bound.id or str(bound.address))
        earlier = merged.get(end)
        merged[end] = _Wanted(bound, (*earlier.references, *asked) if earlier else asked)
    return merged


def _mutual(case: Case, link: Link) -> bool:
    """Whether the other end still declares this plain association: then it stays for that."""
    own_id = case.actual.id if case.actual else ""
    is_plain = link.type_id == case.kind.associations[link.to].type_id
    return is_plain and (case.kind.name, own_id, link.to, link.id) in case.context.mutual


def _name(reference: Reference) -> tuple[str, ...]:
    """Orders references by what they say and not by where they stand."""
    return reference.to, reference.by, reference.value, reference.label


def _to_parent(case: Case) -> LinkChange:
    association = case.kind.associations[case.unit.address.kind]
    return LinkChange(
        add=True,
        to=association.to,
        id=case.parent_id,
        address=None if case.parent_id else case.unit.address,
        types=(("HUBSPOT_DEFINED", association.type_id),),
    )


def _removals(
    case: Case,
    dropped: frozenset[Link],
    types_of: Mapping[tuple[str, str], set[tuple[str, int]]],
) -> list[LinkChange]:
    ends: dict[tuple[str, str], set[tuple[str, int]]] = defaultdict(set)
    for link in dropped:
        ends[link.to, link.id].add((link.category, link.type_id))
    changes: list[LinkChange] = []
    for (to, record_id), recorded in sorted(ends.items()):
        there = types_of.get((to, record_id), set())
        plain = ("HUBSPOT_DEFINED", case.kind.associations[to].type_id)
        remove = removable(frozenset(recorded), frozenset(there), plain)
        if remove:
            changes.append(
                LinkChange(
                    add=False,
                    to=to,
                    id=record_id,
                    address=None,
                    types=tuple(sorted(remove)),
                    references=tuple(_names_of(case, to, record_id, remove)),
                )
            )
    return changes


def _names_of(
    case: Case, to: str, record_id: str, types: AssociationTypes
) -> Iterator[LinkReference]:
    """Yield how a manifest would name an association's types, as far as they have names."""
    association = case.kind.associations[to]
    key = case.context.keys.get((association.kind or "", record_id), "")
    by, value = ("key", key) if key else ("id", record_id)
    labels = {(_HUBSPOT, number): label for label, number in association.labels.items()}
    labels |= {
        (label.category, label.type_id): label.label
        for label in case.context.definitions.labels.get((case.kind.name, to), ())
        if label.label
    }
    plain = (_HUBSPOT, association.type_id)
    if types == {plain}:
        labels[plain] = ""
    found = ((labels[one], *one) for one in types - ({plain} - labels.keys()) if one in labels)
    for label, category, number in sorted(found):
        yield LinkReference(by, value, label, category, number)
