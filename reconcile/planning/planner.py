"""From one unit's desired, actual and last-applied to its changes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconcile.errors import Problem
from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.plan import (
    Action,
    FieldChange,
    Reason,
    RecordChange,
    UnitChange,
    explained,
)
from reconcile.model.records import (
    Actual,
    Desired,
    LastApplied,
    Lifecycle,
    Link,
    Missing,
    Observed,
    Unit,
)
from reconcile.model.values import normalise
from reconcile.planning.associations import plan_links
from reconcile.planning.changes import conflict, field, hold_back, record_change, they_moved
from reconcile.planning.compare import differing
from reconcile.planning.key_conflicts import (
    duplicates,
    is_moved,
    is_rekey,
    key_moved,
    rekey_conflict,
    why_missing,
)
from reconcile.planning.parent_conflicts import parent_conflict
from reconcile.planning.record_input import Case, Context
from reconcile.planning.removals import plan_removal
from reconcile.planning.validate import faults
from reconcile.planning.wire_values import wire


def plan_unit(
    unit: Unit, observed: Observed, last: Mapping[Address, LastApplied], context: Context
) -> tuple[UnitChange | None, int]:
    """The unit's changes, or None where there are none, and how many records are unchanged.

    Whoever knows what the manifests say of the unit pins it (``UnitChange.manifest``).
    ``last`` are the state's entries by folded address, former addresses too.
    """
    planned = (
        _plan_record(_case(desired, unit, observed, last, context)) for desired in unit.records
    )
    changes = hold_back(unit.address, tuple(change for change in planned if change is not None))
    unchanged = len(unit.records) - len(changes)
    if not changes:
        return None, unchanged
    return UnitChange(
        address=unit.address,
        changes=changes,
        others=observed.others,
    ), unchanged


def unit_faults(
    unit: Unit, observed: Observed, last: Mapping[Address, LastApplied], context: Context
) -> Iterator[Problem]:
    """Yield what the account does not take of the unit's records; for these, see plan_unit."""
    for desired in unit.records:
        if desired.lifecycle is Lifecycle.PRESENT:
            yield from faults(_case(desired, unit, observed, last, context))


def _case(
    desired: Desired,
    unit: Unit,
    observed: Observed,
    entries: Mapping[Address, LastApplied],
    context: Context,
) -> Case:
    kind = kinds()[desired.address.kind]
    actual = observed.records.get(desired.address)
    wanted, unresolved = wire(desired, kind, context.definitions, actual)
    recorded = last = desired.entry_in(entries)
    moved = recorded is not None and desired.address.folded() not in entries
    if actual is not None and last is not None and last.id != actual.id:
        # The key now stands on another record, of which the state knows nothing.
        last = None
    return Case(
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


def _plan_record(case: Case) -> RecordChange | None:
    if case.address.folded() in case.context.shared and (
        case.actual is None or case.address in case.observed.by_id or case.identity.within_parent
    ):
        return conflict(case, "the state has another declared record under the same id", "")
    if case.desired.lifecycle is not Lifecycle.PRESENT:
        return plan_removal(case)
    missing = case.observed.missing.get(case.address)
    why = _why_missing(case, missing) if case.actual is None else _why_doubtful(case, case.actual)
    if why := _with_faults(why, faults(case)):
        there = case.actual or missing
        return conflict(case, why, there.id if there else "")
    if case.actual is None:
        return _create(case, recreates=missing is not None)
    return _compare(case, case.actual)


def _why_missing(case: Case, missing: Missing | None) -> str:
    """Why a record that is not there is not made, or nothing."""
    if missing is not None and case.address.folded() not in case.context.recreate:
        return f"{why_missing(missing)}\n{_way_out(case)}"
    if missing is not None and case.desired.protect:
        return "it is protected, so it is never made again"
    if case.identity.by_id:
        return "no record has this id, and only HubSpot hands out ids"
    return ""


def _why_doubtful(case: Case, actual: Actual) -> str:
    """Why a record that is there cannot be taken for the declared one, or nothing."""
    return (
        duplicates(case, actual)
        or key_moved(case, actual)
        or parent_conflict(case)
        or rekey_conflict(case, actual)
    )


def _with_faults(why: str, found: list[Problem]) -> str:
    """Return all reasons, a line each, and each way out once, after the last reason it is for."""
    _, ways_out = explained(why)
    lines = why.split("\n")
    for one in found:
        # Labels and options are the account's: a line break in one must not begin another reason.
        lines += (" ".join(str(one).splitlines()), one.hint)
    last = {line: at for at, line in enumerate(lines)}
    hints = {*ways_out, *(one.hint for one in found)}
    once = dict.fromkeys(
        line for at, line in enumerate(lines) if line not in hints or last[line] == at
    )
    return "\n".join(filter(None, once))


def _create(case: Case, *, recreates: bool) -> RecordChange:
    fields = [
        field(case, name, "", value, Reason.NEW)
        for name, value in sorted(case.wanted.items())
        if value != ""
    ]
    if case.identity.unique:
        fields.insert(0, FieldChange(case.identity.name, "", case.address.key, Reason.NEW))
    return replace(
        record_change(case, Action.CREATE),
        fields=tuple(fields),
        links=plan_links(case).changes,
        recreates=recreates,
        keep=tuple(sorted((name, "") for name, value in case.wanted.items() if value == "")),
        ignore=tuple(sorted(case.desired.ignore & case.wanted.keys())),
    )


def _compare(case: Case, actual: Actual) -> RecordChange | None:
    rekey = is_rekey(case, actual)
    fields = tuple(_field_changes(case, actual, rekey=rekey))
    links = plan_links(case)
    if fields:
        action = Action.UPDATE
    elif links.changes:
        action = Action.ASSOCIATE
    elif not _recorded(case, links.ours):
        action = Action.ADOPT
    else:
        return None
    changed = {change.name for change in fields}
    return replace(
        record_change(case, action),
        id=actual.id,
        fields=fields,
        links=links.changes,
        adopts=case.last is None,
        rekey=rekey,
        keep=tuple(sorted((n, v) for n, v in case.wanted.items() if n not in changed)),
        kept_links=tuple(sorted(links.kept)),
    )


def _field_changes(case: Case, actual: Actual, *, rekey: bool) -> Iterator[FieldChange]:
    if rekey or is_moved(case, actual):
        ours = case.last is not None and case.last.key == case.address.key
        why = Reason.DRIFT if ours and rekey else Reason.CHANGE
        yield FieldChange(case.identity.name, case.held_key(actual), case.address.key, why)
    for name in differing(case.wanted, actual.properties, case.definitions):
        before, after = actual.properties.get(name) or "", case.wanted[name]
        reason = _reason(case, name, before, after)
        if reason is not None:
            yield field(case, name, before, after, reason)


def _reason(case: Case, name: str, before: str, after: str) -> Reason | None:
    """Who moved since the last apply; None where HubSpot merely stores our value its own way."""
    if case.last is not None and not case.last.fingerprint:
        return Reason.UNKNOWN
    hashes = case.last.value_hashes.get(name) if case.last else None
    if hashes is None:  # the record is adopted, or the property is managed for the first time
        return Reason.UNSEEN if before else Reason.CHANGE
    wanted = normalise(after, case.definitions[name])
    we_moved = hashes.written != case.context.hasher.value_hash(name, wanted)
    if they_moved(case, name, before):
        return Reason.BOTH if we_moved else Reason.DRIFT
    return Reason.CHANGE if we_moved else None


def _recorded(case: Case, ours: frozenset[Link]) -> bool:
    """Whether the state already says all that it would say after adopting."""
    last = case.last
    return (
        last is not None
        and not case.moved
        and last.protect == case.desired.protect
        and _folded(last.parent) == _folded(case.parent)
        and last.links == ours
        and last.fingerprint == case.context.hasher.fingerprint(case.wanted, case.definitions)
    )


def _folded(address: Address | None) -> Address | None:
    return address.folded() if address else None


def _way_out(case: Case) -> str:
    if case.desired.protect or case.identity.by_id:
        return "restore it in HubSpot, or take it out of the manifests"
    return f"restore it in HubSpot, or make a new one with --recreate {case.address}"
