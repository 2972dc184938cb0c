"""Association changes: what differs, as the plan makes it.

HubSpot replaces the whole label set of a pair, so the union of the present and the declared types
is written (reference §11).
"""

from collections import defaultdict
from collections.abc import Iterator

from reconcile.model.plan import LinkChange, LinkReference
from reconcile.model.records import AssociationTypes, removable
from reconcile.planning.associations import End, ManagedAssociations
from reconcile.planning.derived import described
from reconcile.planning.record_differences import RecordDifferences
from reconcile.planning.record_input import RecordInput

_HUBSPOT = "HUBSPOT_DEFINED"


def association_changes(
    record: RecordInput, managed: ManagedAssociations, found: RecordDifferences
) -> tuple[LinkChange, ...]:
    """Return the associations to make, that with a line item's parent, and those to remove."""
    if not (found.added or found.removed or found.parent):
        return ()
    present: dict[End, set[tuple[str, int]]] = defaultdict(set)
    for link in record.links:
        present[link.to, link.id].add((link.category, link.type_id))
    changes = [
        LinkChange(
            add=True,
            to=to,
            id=end.bound.id,
            address=end.bound.address,
            types=tuple(sorted(end.types | present[to, record_id])),
            references=end.references,
        )
        for (to, record_id), end in managed.ends.items()
        if (to, record_id) in found.added
    ]
    if found.parent:
        changes.append(_to_parent(record))
    for (to, record_id), types in sorted(found.removed.items()):
        plain = (_HUBSPOT, record.kind.associations[to].type_id)
        remove = removable(frozenset(types), frozenset(present[to, record_id]), plain)
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
    return tuple(described(change, record.parent) for change in changes)


def _to_parent(record: RecordInput) -> LinkChange:
    association = record.kind.associations[record.unit.address.kind]
    return LinkChange(
        add=True,
        to=association.to,
        id=record.parent_id,
        address=None if record.parent_id else record.unit.address,
        types=(("HUBSPOT_DEFINED", association.type_id),),
    )


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
