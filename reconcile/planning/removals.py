"""Removals: records to archive, and records to stop managing.

Only the record that was applied may be archived, under the key that it had. If there is any doubt
the record is left alone, since the API cannot restore it.
"""

from collections.abc import Iterator
from dataclasses import replace

from reconcile.model.explanation import Explanation
from reconcile.model.plan import Action, FieldChange, Reason, RecordChange
from reconcile.model.records import Actual, Lifecycle
from reconcile.planning.changes import conflict, field_change, record_change
from reconcile.planning.key_conflicts import (
    is_rekey,
    key_moved_conflict,
    rekey_conflict,
    why_missing,
)
from reconcile.planning.parent_conflicts import parent_conflict
from reconcile.planning.reasons import removal_reason
from reconcile.planning.record_input import RecordInput


def plan_removal(record: RecordInput) -> RecordChange | None:
    """Return the change that archives or forgets the record, or None if nothing is to be done."""
    if record.desired.lifecycle is Lifecycle.FORGET:
        return _forget(record, ())
    if record.actual is None:
        missing = record.observed.missing.get(record.address)
        return _forget(record, (Explanation(why_missing(missing)),) if missing else ())
    why = (
        key_moved_conflict(record, record.actual)
        or _is_another(record, record.actual)
        or _protected(record)
        or parent_conflict(record)
        or rekey_conflict(record, record.actual)
        or _in_use(record, record.actual)
        or _is_bound(record, record.actual)
        or _may_not(record)
    )
    if why:
        return conflict(record, [why], record.actual.id)
    return _archive(record, record.actual)


def _forget(record: RecordInput, why: tuple[Explanation, ...]) -> RecordChange | None:
    if record.recorded is None:
        return None
    return replace(record_change(record, Action.FORGET), id=record.recorded.id, why=why)


def _archive(record: RecordInput, actual: Actual) -> RecordChange:
    rekey = is_rekey(record, actual)
    return replace(
        record_change(record, Action.ARCHIVE),
        id=actual.id,
        # If HubSpot shows it under no parent, it must still have none just before it is archived.
        parent_id=record.parent_id if record.under_parent else "",
        fields=tuple(_fields(record, actual, rekey=rekey)),
        adopts=record.recorded is None,
        rekey=rekey,
    )


def _fields(record: RecordInput, actual: Actual, *, rekey: bool) -> Iterator[FieldChange]:
    """Yield the record's key, title and managed values.

    They are compared again before the record is archived.
    """
    names = set(record.last.value_hashes) & record.definitions.keys() if record.last else set()
    if actual.properties.get(record.kind.title):
        names |= {record.kind.title} & record.definitions.keys()
    if key := record.identity.key_property:
        held = Reason.DRIFT if rekey else Reason.CHANGE
        yield FieldChange(key, record.held_key(actual), "", held)
        names -= {key}
    for name in sorted(names):
        now = actual.properties.get(name) or ""
        yield field_change(record, name, now, "", removal_reason(record, name, now))


def _is_another(record: RecordInput, actual: Actual) -> Explanation | None:
    if record.recorded is None or record.recorded.id == actual.id:
        return None
    return Explanation(
        f"record {actual.id} now has its key; the last apply wrote record "
        f"{record.recorded.id}, which was archived, merged or deleted in HubSpot",
        f"to archive record {actual.id} too, apply lifecycle: {{state: forget}} first",
    )


def _in_use(record: RecordInput, actual: Actual) -> Explanation | None:
    """Return whether a document refers to a record by a property that only HubSpot knows."""
    by = record.context.referred.get((record.kind.name, actual.id))
    if by is None:
        return None
    return Explanation(f"a document refers to it by its {by}", "remove that association first")


def _is_bound(record: RecordInput, actual: Actual) -> Explanation | None:
    bound, key = record.context.bound, record.address.key
    other = bound.other(record.address, actual, record.parent_id)
    if other is None:
        return None
    return Explanation(
        f"record {actual.id} is bound to {other} too",
        f"declare {other} with moved_from: {key} if it is the same record under another name, or "
        "let go of it there",
    )


def _may_not(record: RecordInput) -> Explanation | None:
    manage, kind = record.context.policy.manage, record.kind
    if manage.may_archive and manage.has_kind(kind.name):
        return None
    what = "records" if manage.has_kind(kind.name) else kind.plural
    return Explanation(
        f"`manage` of this target does not let {what} be archived",
        f"archive it in HubSpot, or stop managing it with `reconcile state rm {record.address}`",
    )


def _protected(record: RecordInput) -> Explanation | None:
    if record.recorded is None or not record.recorded.protect:
        return None
    return Explanation(
        "it was protected by the last apply, so it is not archived",
        "declare it without protect and without state, apply that, then write "
        "lifecycle: {state: absent} again",
    )
