"""The planner: one unit's desired, actual and last-applied → its changes."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconcile.errors import Problem
from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.kinds import kinds
from reconcile.model.plan import (
    Action,
    FieldChange,
    LeftAlone,
    Reason,
    RecordChange,
    UnitChange,
)
from reconcile.model.records import (
    Actual,
    Desired,
    LastApplied,
    Lifecycle,
    Link,
    Location,
    Missing,
    Observed,
    Unit,
)
from reconcile.planning.adoption_conflicts import adoption_conflict
from reconcile.planning.association_changes import association_changes
from reconcile.planning.associations import managed_associations
from reconcile.planning.changes import (
    conflict,
    field_change,
    propagate_conflicts,
    record_change,
    with_restated,
)
from reconcile.planning.drift import split_drift
from reconcile.planning.exact_lines import foreign_removals
from reconcile.planning.key_conflicts import (
    duplicates_conflict,
    has_former_key,
    is_rekey,
    is_stamp,
    key_moved_conflict,
    rekey_conflict,
    why_missing,
)
from reconcile.planning.moved_pipelines import with_remembered_stages
from reconcile.planning.parent_conflicts import parent_conflict
from reconcile.planning.reasons import ends_acceptance, reason_of
from reconcile.planning.record_differences import record_differences
from reconcile.planning.record_input import Context, RecordInput
from reconcile.planning.removals import plan_removal
from reconcile.planning.validate import account_faults
from reconcile.planning.wire_values import resolve_values, with_looked_up

NOT_CREATED = "it does not exist, and `manage` of this target does not let records be created"
TO_CREATE = (
    "if it exists under another key, adopt it; to have it created, write create: true under "
    "`manage` of the target"
)

_Planned = tuple[RecordChange | None, LeftAlone | None]
"""What happens to a record, and what is left alone of it; neither if it is as declared."""


def plan_unit(
    unit: Unit, observed: Observed, last: Mapping[Address, LastApplied], context: Context
) -> tuple[UnitChange | None, int]:
    """Return the unit's changes, or None if there are none, and the number of unchanged records.

    ``last`` are the state's entries by folded address, those of former addresses included. The
    caller adds the digest of the unit as declared (``UnitChange.manifest``).
    """
    planned = [_plan_record(one) for one in record_inputs(unit, observed, last, context)]
    made = [change for change, _ in planned if change is not None]
    made += foreign_removals(unit, observed, context)
    made.sort(key=lambda change: (change.address != unit.address, change.address))
    changes = propagate_conflicts(unit.address, tuple(made))
    left_alone = tuple(left for _, left in planned if left is not None)
    unchanged = sum(change is None and left is None for change, left in planned)
    if not (changes or left_alone):
        return None, unchanged
    unit_change = UnitChange(unit.address, changes, others=observed.others, left_alone=left_alone)
    return unit_change, unchanged


def record_inputs(
    unit: Unit, observed: Observed, last: Mapping[Address, LastApplied], context: Context
) -> Iterator[RecordInput]:
    """Yield what the planner compares of each record of a unit. For arguments see plan_unit."""
    for desired in unit.records:
        yield _record_input(desired, unit, observed, last, context)


def unit_faults(
    unit: Unit, observed: Observed, last: Mapping[Address, LastApplied], context: Context
) -> Iterator[Problem]:
    """Yield what the account does not accept of the unit's records. For arguments see plan_unit."""
    for desired in unit.records:
        if desired.lifecycle is Lifecycle.PRESENT:
            yield from account_faults(_record_input(desired, unit, observed, last, context))


def _record_input(
    desired: Desired,
    unit: Unit,
    observed: Observed,
    entries: Mapping[Address, LastApplied],
    context: Context,
) -> RecordInput:
    kind = kinds()[desired.address.kind]
    actual = observed.records.get(desired.address)
    wanted, unresolved = resolve_values(desired, kind, context.definitions, actual)
    wanted = with_looked_up(wanted, desired, context.bindings)
    recorded = last = desired.entry_in(entries)
    if last is not None:
        last = context.policy.manage.remembered(kind.name, last)
    moved = recorded is not None and desired.address.folded() not in entries
    if actual is not None and last is not None and last.id != actual.id:
        # Another record has the key now, and the state knows nothing of it.
        last = None
    record = RecordInput(
        desired,
        kind,
        wanted,
        unit,
        observed,
        actual,
        last,
        recorded,
        context,
        moved,
        unresolved,
    )
    return with_remembered_stages(record)


def _plan_record(record: RecordInput) -> _Planned:
    if record.address.folded() in record.context.shared_ids and (
        record.actual is None
        or record.address in record.observed.by_id
        or record.identity.sibling_property
    ):
        shared = Explanation("two declared records have the same HubSpot id in the state")
        return conflict(record, [shared], ""), None
    if record.desired.lifecycle is not Lifecycle.PRESENT:
        return plan_removal(record), None
    missing = record.observed.missing.get(record.address)
    own = adoption_conflict(record) or (
        _why_missing(record, missing)
        if record.actual is None
        else _why_ambiguous(record, record.actual)
    )
    if why := [*filter(None, [own]), *map(_explained, account_faults(record))]:
        known = record.actual or missing
        return conflict(record, why, known.id if known else ""), None
    if record.actual is None:
        return _create(record, recreates=missing is not None), None
    return _compare(record, record.actual)


def _why_missing(record: RecordInput, missing: Missing | None) -> Explanation | None:
    """Return why a record that does not exist is not created, or None."""
    if missing is not None and record.address.folded() not in record.context.recreate:
        return Explanation(why_missing(missing), _hint(record))
    if missing is not None and record.desired.protect:
        return Explanation("it is protected, so it is not recreated")
    if record.identity.key_is_id:
        return Explanation("no record has this id, and only HubSpot assigns ids")
    if not record.context.policy.manage.may_create:
        return Explanation(NOT_CREATED, TO_CREATE)
    return None


def _why_ambiguous(record: RecordInput, actual: Actual) -> Explanation | None:
    """Return why a record that exists may not be the declared one, or None."""
    return (
        duplicates_conflict(record, actual)
        or key_moved_conflict(record, actual)
        or parent_conflict(record)
        or rekey_conflict(record, actual)
    )


def _explained(fault: Problem) -> Explanation:
    """Return a fault as the explanation of its record's conflict."""
    location = Location(fault.file, fault.line, fault.column)
    return Explanation(fault.message, fault.hint, location)


def _create(record: RecordInput, *, recreates: bool) -> RecordChange:
    managed = managed_associations(record)
    found = record_differences(record, managed)
    fields = [
        field_change(record, name, "", record.wire_values[name], Reason.NEW)
        for name in found.properties
    ]
    if key := record.identity.key_property:
        fields.insert(0, FieldChange(key, "", record.address.key, Reason.NEW))
    written = with_restated(record, tuple(fields), Reason.NEW)
    sent = {field.name for field in written}
    cleared = (name for name, value in record.wire_values.items() if value == "")
    return replace(
        record_change(record, Action.CREATE),
        fields=written,
        links=association_changes(record, managed, found),
        recreates=recreates,
        keep=tuple(sorted((name, "") for name in cleared if name not in sent)),
        ignore=tuple(sorted(record.desired.ignore & record.wire_values.keys())),
    )


def _compare(record: RecordInput, actual: Actual) -> _Planned:
    """Return the change of a record that exists. What is left alone stays remembered as it was."""
    managed = managed_associations(record)
    found = record_differences(record, managed)
    rekey = is_rekey(record, actual)
    fields, links, left = split_drift(
        record,
        tuple(_field_changes(record, actual, found.properties, rekey=rekey)),
        association_changes(record, managed, found),
    )
    if fields:
        action = Action.UPDATE
    elif links:
        action = Action.ASSOCIATE
    elif not _state_is_current(record, managed.ours):
        action = Action.ADOPT
    else:
        return None, left
    fields = with_restated(record, fields)
    changed = {change.name for change in fields}
    left_links = left.links if left else ()
    left_ends = {(link.to, link.id) for link in left_links}
    made = found.added.keys() - (left_ends - {(link.to, link.id) for link in links if link.add})
    kept = {
        Link(link.to, link.id, number, category)
        for link in left_links
        for category, number in link.ours
    }
    change = replace(
        record_change(record, action),
        id=actual.id,
        fields=fields,
        links=links,
        adopts=record.last is None,
        adopted_by=_adopted_by(record),
        rekey=rekey,
        keep=tuple(sorted((n, v) for n, v in record.wire_values.items() if n not in changed)),
        kept_links=tuple(
            sorted(kept.union(link for link in managed.declared if (link.to, link.id) not in made))
        ),
    )
    return change, left


def _adopted_by(record: RecordInput) -> tuple[str, str] | None:
    """Return the property and the value by which a record was found that its document adopts."""
    adoption = record.adoption
    if adoption is None or adoption.by == "id" or record.address not in record.observed.adopted:
        return None
    return adoption.by, adoption.value


def _field_changes(
    record: RecordInput, actual: Actual, names: Iterable[str], *, rekey: bool
) -> Iterator[FieldChange]:
    """Yield the changes of the key and of the properties that differ (``names``)."""
    if is_stamp(record, actual):
        yield FieldChange(record.identity.name, "", record.address.key, Reason.CHANGE)
    elif rekey or has_former_key(record, actual):
        ours = record.last is not None and record.last.key == record.address.key
        why = Reason.DRIFT if ours and rekey else Reason.CHANGE
        yield FieldChange(record.identity.name, record.held_key(actual), record.address.key, why)
    for name in names:
        before, after = actual.properties.get(name) or "", record.wire_values[name]
        reason = reason_of(record, name, before, after)
        if reason is not None:
            yield field_change(record, name, before, after, reason)


def _state_is_current(record: RecordInput, ours: frozenset[Link]) -> bool:
    """Return whether the state's entry is already what it would be after adopting."""
    last = record.last
    return (
        last is not None
        and not record.moved
        and last.protect == record.desired.protect
        and _folded(last.parent) == _folded(record.parent)
        and (not record.under_parent or last.parent_id == record.parent_id)
        and not last.leaving
        and last.links == ours
        and last.fingerprint
        == record.context.hasher.fingerprint(record.wire_values, record.definitions)
        and not ends_acceptance(record, last)
    )


def _folded(address: Address | None) -> Address | None:
    return address.folded() if address else None


def _hint(record: RecordInput) -> str:
    restore, remove = "restore it in HubSpot", "remove it from the manifests"
    may_create = record.context.policy.manage.may_create
    if record.desired.protect or record.identity.key_is_id or not may_create:
        return f"{restore}, or {remove}"
    again = f"create a new one with --recreate {shlex.quote(str(record.address))}"
    return f"{restore}, {again}, or {remove}"
