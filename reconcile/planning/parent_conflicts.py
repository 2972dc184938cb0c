"""Conflicts of line items that belong to another record than their declared parent."""

from collections.abc import Mapping

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.line_parent import Parent, describe_parents
from reconcile.model.plan import UnitChange
from reconcile.model.records import Lifecycle
from reconcile.planning.record_input import RecordInput


def other_parents(
    unit: UnitChange, parents: Mapping[tuple[str, str], frozenset[Parent]]
) -> Mapping[Address, frozenset[Parent]]:
    """Return the undeclared parents of the line items to be changed, by address.

    ``parents`` are the parents in HubSpot, by kind and id of the line item.
    """
    found = {
        change.address: parents.get((change.address.kind, change.id), frozenset())
        - {(change.parent.kind, change.parent_id)}
        for change in unit.changes
        if change.parent is not None
    }
    return {address: others for address, others in found.items() if others}


def parent_conflict(record: RecordInput) -> Explanation | None:
    """Return why a line item that belongs to another record is left alone, else None.

    A line item belongs to one parent (reference §8); changing it would silently alter that parent.
    One that the last apply saw under its former parent was moved in the manifests.
    """
    others = record.observed.other_parents.get(record.address)
    moves = record.desired.lifecycle is Lifecycle.PRESENT and bool(record.leaves)
    if not others or moves:
        return None
    owner = describe_parents(others)
    leave = "remove it from the manifests"
    if record.desired.lifecycle is Lifecycle.ABSENT:
        leave = "stop managing it with lifecycle: {state: forget}"
    return Explanation(
        f"it belongs to {owner} in HubSpot", f"{leave}, or remove it from {owner} there"
    )
