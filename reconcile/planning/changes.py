"""Building blocks of record changes: new ones, fields, and conflicts."""

from collections.abc import Sequence
from dataclasses import replace

from reconcile.model.address import Address
from reconcile.model.digest import state_digest
from reconcile.model.explanation import Explanation
from reconcile.model.plan import Action, FieldChange, Reason, RecordChange
from reconcile.planning.key_conflicts import has_former_key
from reconcile.planning.record_input import RecordInput
from reconcile.planning.wire_values import display_value


def record_change(record: RecordInput, action: Action) -> RecordChange:
    """Return a change of the record that does nothing yet."""
    former = record.desired.former
    moves = record.moved or (record.actual is not None and has_former_key(record, record.actual))
    return RecordChange(
        address=record.address,
        action=action,
        title=record.title,
        parent=record.parent,
        parent_id=record.parent_id,
        protect=record.desired.protect,
        state=state_digest(record.recorded),
        moved_from=former.key if former is not None and moves else "",
        pruned=record.desired.pruned,
    )


def conflict(record: RecordInput, why: Sequence[Explanation], record_id: str) -> RecordChange:
    """Return a conflict: the record is left alone, and ``why`` explains it."""
    return replace(
        record_change(record, Action.CONFLICT),
        id=record_id,
        why=tuple(why),
        unreachable=record.actual is None,
    )


def as_conflict(change: RecordChange, why: Explanation) -> RecordChange:
    """Return the conflict that a change becomes: it is not applied, and no guard counts it.

    The conflict keeps what identifies the record, and nothing of what would have been done.
    """
    return RecordChange(
        address=change.address,
        action=Action.CONFLICT,
        id=change.id,
        title=change.title,
        parent=change.parent,
        parent_id=change.parent_id,
        why=(why,),
        unreachable=not change.id,
        state=change.state,
        protect=change.protect,
        moved_from=change.moved_from,
        pruned=change.pruned,
    )


def propagate_conflicts(
    unit: Address, changes: tuple[RecordChange, ...]
) -> tuple[RecordChange, ...]:
    """Return a unit's changes, with all lines in conflict if the root is.

    A root is not archived while a line under it is in conflict: the line would lose its parent.
    """
    if not changes or changes[0].address != unit:
        return changes
    root, *lines = changes
    stuck = [line for line in lines if line.action is Action.CONFLICT]
    if root.action is Action.ARCHIVE and stuck:
        root = as_conflict(root, Explanation(f"{stuck[0].address} is in conflict"))
    if root.action is not Action.CONFLICT:
        return changes
    why = Explanation(f"{unit} is in conflict")
    return (
        root,
        *(line if line.action is Action.CONFLICT else as_conflict(line, why) for line in lines),
    )


def with_restated(
    record: RecordInput, fields: tuple[FieldChange, ...], reason: Reason = Reason.CHANGE
) -> tuple[FieldChange, ...]:
    """Return the fields to write, with declared values that HubSpot would replace if not sent."""
    names = {field.name for field in fields}
    copied = record.kind.copied_into(names) - names
    again = [
        field_change(record, name, value, value, reason)
        for name, value in record.wire_values.items()
        if name in copied
    ]
    if not again:
        return fields
    key = record.identity.key_property
    return tuple(sorted((*fields, *again), key=lambda one: (one.name != key, one.name)))


def field_change(
    record: RecordInput, name: str, before: str, after: str, reason: Reason
) -> FieldChange:
    """Return one property's change, with the texts that people read."""
    label = display_value(record.kind, record.context.definitions, name, before)
    written = record.desired.properties.get(name, after)
    return FieldChange(
        name,
        before,
        after,
        reason,
        shown_before=label if label != before else "",
        shown_after=written if written != after else "",
        personal=record.kind.is_personal(name) or record.definitions[name].personal,
    )
