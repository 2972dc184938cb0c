"""Line items that others added to an order or cart whose manifest says ``lines: exact``."""

from collections.abc import Iterator

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.kinds import kinds
from reconcile.model.line_parent import describe_parents
from reconcile.model.plan import Action, FieldChange, Reason, RecordChange
from reconcile.model.records import Actual, Observed, Unit
from reconcile.planning.record_input import Context


def foreign_removals(unit: Unit, observed: Observed, context: Context) -> Iterator[RecordChange]:
    """Yield the changes that archive them. Each is held back until it is allowed by its number.

    One that belongs to another record as well is in conflict: that would lose it.
    """
    root = observed.records.get(unit.address)
    for address, actual in observed.foreign.items() if root is not None else ():
        others = observed.other_parents.get(address)
        title = actual.properties.get(kinds()[address.kind].title) or ""
        fields = tuple(_fields(address, actual, context))
        change = RecordChange(
            address,
            Action.ARCHIVE,
            actual.id,
            fields=fields,
            parent=unit.address,
            parent_id=root.id if root is not None else "",
            adopts=True,
            foreign=True,
            title=title,
        )
        yield _in_conflict(change, describe_parents(others)) if others else change


def _fields(address: Address, actual: Actual, context: Context) -> Iterator[FieldChange]:
    """Yield its key and its title, which are compared again before it is archived."""
    kind, known = kinds()[address.kind], context.definitions.properties[address.kind]
    if key := context.identities[address.kind].key_property:
        yield FieldChange(key, actual.properties.get(key) or "", "", Reason.CHANGE)
    if title := actual.properties.get(kind.title):
        personal = kind.is_personal(kind.title) or known[kind.title].personal
        yield FieldChange(kind.title, title, "", Reason.CHANGE, personal=personal)


def _in_conflict(change: RecordChange, owners: str) -> RecordChange:
    why = Explanation(
        f"others added it, and it belongs to {owners} too",
        f"remove it from {owners} in HubSpot, or write lines: open",
    )
    return RecordChange(
        change.address,
        Action.CONFLICT,
        change.id,
        parent=change.parent,
        parent_id=change.parent_id,
        title=change.title,
        why=(why,),
    )
