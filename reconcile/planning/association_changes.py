"""Association changes: what differs, as the plan makes it.

HubSpot replaces the whole label set of a pair, so the union of the present and the declared types
is written (reference §11).
"""

from collections import defaultdict
from collections.abc import Iterator, Set

from reconcile.model.address import BY_ID
from reconcile.model.plan import LinkChange, LinkReference, Reason
from reconcile.model.records import AssociationTypes, removable
from reconcile.planning.associations import DeclaredEnd, End, ManagedAssociations
from reconcile.planning.derived import described
from reconcile.planning.record_differences import RecordDifferences
from reconcile.planning.record_input import RecordInput

_HUBSPOT = "HUBSPOT_DEFINED"

Types = Set[tuple[str, int]]
"""Types of one pair of records: (category, type id)."""


def association_changes(
    record: RecordInput, managed: ManagedAssociations, found: RecordDifferences
) -> tuple[LinkChange, ...]:
    """Return the associations to make, that with a line item's parent, and those to remove."""
    if not (found.added or found.removed or found.parent or record.leaves):
        return ()
    present: dict[End, set[tuple[str, int]]] = defaultdict(set)
    for link in record.links:
        present[link.to, link.id].add((link.category, link.type_id))
    changes = [
        change
        for (to, record_id), end in managed.ends.items()
        if (to, record_id) in found.added
        for change in _to_end(
            record, to, end, found.added[to, record_id], frozenset(present[to, record_id])
        )
    ]
    if found.parent:
        changes.append(_to_parent(record))
    changes += (_from_parent(record, *parent) for parent in sorted(record.leaves))
    for (to, record_id), types in sorted(found.removed.items()):
        plain = record.kind.association(to).plain(types)
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


def _to_end(
    record: RecordInput, to: str, end: DeclaredEnd, missing: Types, present: Types
) -> Iterator[LinkChange]:
    """Yield the associations to make of one pair, of which these declared types are missing.

    Others removed those that the state has as ours. Where the manifest asks for more types, and no
    association of the pair is left, both sides have changed it. Where some are left, the two are
    apart, unless drift is put back: of one pair only one set of types can be written.

    Orders and carts can be associated from either end. What others removed is not made again from
    the other end as if nothing had happened.
    """
    lost = missing & _had(record, to, end.bound.id)
    if not (lost or present) and _was_removed_from_other_end(record, to, end.bound.id):
        yield _made(to, end, present, Reason.BOTH)
    elif not lost or lost == missing:
        yield _made(to, end, present, Reason.DRIFT if lost else Reason.CHANGE)
    elif not present:
        yield _made(to, end, present, Reason.BOTH)
    elif record.context.policy.drift:
        yield _made(to, end, present, Reason.DRIFT)
    else:
        yield _made(to, end.without(lost), present, Reason.CHANGE)
        yield _made(to, end.without(end.types - lost), present, Reason.DRIFT)


def _was_removed_from_other_end(record: RecordInput, to: str, record_id: str) -> bool:
    """Return whether a pair that is not associated was, and the other end still declares it."""
    own_id = record.actual.id if record.actual else ""
    context = record.context
    applied = (record.kind.name, own_id, to, record_id) in context.applied_from_other_end
    return applied and not context.policy.drift


def _made(to: str, end: DeclaredEnd, present: Types, reason: Reason) -> LinkChange:
    return LinkChange(
        add=True,
        to=to,
        id=end.bound.id,
        address=end.bound.address,
        types=tuple(sorted(end.types | present)),
        references=end.references,
        reason=reason,
    )


def _had(record: RecordInput, to: str, record_id: str) -> Types:
    """Return the types of a pair that the state has as ours, if the record still exists."""
    links = record.last.links if record.last is not None and record.actual is not None else ()
    return frozenset(
        (one.category, one.type_id) for one in links if (one.to, one.id) == (to, record_id)
    )


def _to_parent(record: RecordInput) -> LinkChange:
    """Return the association with a line item's parent: others removed it if the state has it."""
    association = record.kind.associations[record.unit.address.kind]
    had = record.last.parent_id if record.last is not None else ""
    reason = Reason.DRIFT if had and had == record.parent_id else Reason.CHANGE
    if had and record.is_moved and record.actual is not None and not record.leaves:
        reason = Reason.BOTH  # others took it from its former parent, and git moves it
    return LinkChange(
        reason=reason,
        add=True,
        to=association.to,
        id=record.parent_id,
        address=None if record.parent_id else record.unit.address,
        types=(("HUBSPOT_DEFINED", association.type_id),),
    )


def _from_parent(record: RecordInput, to: str, record_id: str) -> LinkChange:
    """Return the removal of the association with the order or cart that a line item leaves."""
    plain = (_HUBSPOT, record.kind.associations[to].type_id)
    last = record.last
    is_last = last is not None and last.parent_id == record_id
    former = last.parent.key if last is not None and last.parent is not None and is_last else BY_ID
    by, value = ("id", record_id) if former.startswith(BY_ID) else ("key", former)
    return LinkChange(
        add=False,
        to=to,
        id=record_id,
        address=None,
        types=(plain,),
        references=(LinkReference(by, value, "", *plain),),
    )


def _names_of(
    record: RecordInput, to: str, record_id: str, types: AssociationTypes
) -> Iterator[LinkReference]:
    """Yield references with which a manifest would name these types, as far as they have names."""
    association = record.kind.association(to)
    key = record.context.keys.get((association.kind or "", record_id), "")
    by, value = ("key", key) if key else ("id", record_id)
    labels = {(_HUBSPOT, number): label for label, number in association.labels.items()}
    labels |= {
        (label.category, label.type_id): label.label
        for label in record.context.definitions.labels.get((record.kind.name, to), ())
        if label.label
    }
    plain = association.plain(types)
    if types == {plain}:
        labels[plain] = ""
    found = ((labels[one], *one) for one in types - ({plain} - labels.keys()) if one in labels)
    for label, category, number in sorted(found):
        yield LinkReference(by, value, label, category, number)
