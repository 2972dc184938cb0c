"""From one unit's desired, actual and last-applied to its changes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconcile.model.address import Address, fold
from reconcile.model.digest import definitions_digest, desired_digest, state_digest
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, FieldChange, Reason, RecordChange, UnitChange
from reconcile.model.records import Actual, Desired, LastApplied, Link, Missing, Observed, Unit
from reconcile.model.values import normalise
from reconcile.planning.case import Case, Context
from reconcile.planning.diff import differing
from reconcile.planning.links import parent_conflict, plan_links
from reconcile.planning.wire import shown, wire


def plan_unit(
    unit: Unit, observed: Observed, last: Mapping[Address, LastApplied], context: Context
) -> tuple[UnitChange | None, int]:
    """The unit's changes, or None where there are none, and how many records are unchanged."""
    planned = (
        _plan_record(_case(desired, unit, observed, last.get(desired.address.folded()), context))
        for desired in unit.records
    )
    changes = _hold_back(unit, tuple(change for change in planned if change is not None))
    unchanged = len(unit.records) - len(changes)
    if not changes:
        return None, unchanged
    return UnitChange(
        address=unit.address,
        changes=changes,
        manifest=desired_digest(unit),
        definitions=definitions_digest(changes, context.definitions),
        others=observed.others,
    ), unchanged


def _hold_back(unit: Unit, changes: tuple[RecordChange, ...]) -> tuple[RecordChange, ...]:
    """Where a unit's root is in conflict, nothing is done to its lines either."""
    if (
        not changes
        or changes[0].address != unit.address
        or changes[0].action is not Action.CONFLICT
    ):
        return changes
    why = f"{unit.address} is in conflict"
    held = (
        change
        if change.action is Action.CONFLICT
        else replace(change, action=Action.CONFLICT, fields=(), links=(), keep=(), why=why)
        for change in changes[1:]
    )
    return (changes[0], *held)


def _case(
    desired: Desired, unit: Unit, observed: Observed, last: LastApplied | None, context: Context
) -> Case:
    kind = kinds()[desired.address.kind]
    wanted, _ = wire(desired, kind, context.definitions)
    actual = observed.records.get(desired.address)
    recorded = last
    if actual is not None:
        if desired.ignore:
            # Left alone by not being wanted, so that nothing below knows of ignoring.
            wanted = {name: text for name, text in wanted.items() if name not in desired.ignore}
        if last is not None and last.id != actual.id:
            # The key now stands on another record, of which the state knows nothing.
            last = None
    return Case(desired, kind, wanted, unit, observed, actual, last, recorded, context)


def _plan_record(case: Case) -> RecordChange | None:
    if case.address.folded() in case.context.shared and (
        case.actual is None or case.address in case.observed.by_id
    ):
        return _conflict(case, "the state has another declared record under the same id", "")
    if case.actual is None:
        missing = case.observed.missing.get(case.address)
        if missing is not None and case.address.folded() not in case.context.recreate:
            why = f"{_why_missing(missing)}\n{_way_out(case)}"
            return _conflict(case, why, missing.id)
        if missing is not None and case.desired.protect:
            return _conflict(case, "it is protected, so it is never made again", missing.id)
        if not case.identity.unique:
            return _conflict(case, "no record has this id, and only HubSpot hands out ids", "")
        return _create(case, recreates=missing is not None)
    why = (
        _displaced(case, case.actual) or parent_conflict(case) or _rekey_conflict(case, case.actual)
    )
    if why:
        return _conflict(case, why, case.actual.id)
    return _compare(case, case.actual)


def _create(case: Case, *, recreates: bool) -> RecordChange:
    fields = [FieldChange(case.identity.name, "", case.address.key, Reason.NEW)]
    fields += (
        _field(case, name, "", value, Reason.NEW)
        for name, value in sorted(case.wanted.items())
        if value != ""
    )
    return replace(
        _change(case, Action.CREATE),
        fields=tuple(fields),
        links=plan_links(case).changes,
        recreates=recreates,
        keep=tuple(sorted((name, "") for name, value in case.wanted.items() if value == "")),
        ignore=tuple(sorted(case.desired.ignore & case.wanted.keys())),
    )


def _compare(case: Case, actual: Actual) -> RecordChange | None:
    rekey = _is_rekey(case, actual)
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
        _change(case, action),
        id=actual.id,
        fields=fields,
        links=links.changes,
        adopts=case.last is None,
        rekey=rekey,
        keep=tuple(sorted((n, v) for n, v in case.wanted.items() if n not in changed)),
        kept_links=tuple(sorted(links.kept)),
    )


def _field_changes(case: Case, actual: Actual, *, rekey: bool) -> Iterator[FieldChange]:
    if rekey:
        held = actual.properties.get(case.identity.name) or ""
        ours = case.last is not None and case.last.key == case.address.key
        moved = Reason.DRIFT if ours else Reason.CHANGE
        yield FieldChange(case.identity.name, held, case.address.key, moved)
    for name in differing(case.wanted, actual.properties, case.definitions):
        before, after = actual.properties.get(name) or "", case.wanted[name]
        reason = _reason(case, name, before, after)
        if reason is not None:
            yield _field(case, name, before, after, reason)


def _field(case: Case, name: str, before: str, after: str, reason: Reason) -> FieldChange:
    label = shown(case.kind, case.context.definitions, name, before)
    written = case.desired.properties[name]
    return FieldChange(
        name,
        before,
        after,
        reason,
        shown_before=label if label != before else "",
        shown_after=written if written != after else "",
        personal=case.kind.is_personal(name) or case.definitions[name].personal,
    )


def _reason(case: Case, name: str, before: str, after: str) -> Reason | None:
    """Who moved since the last apply; None where HubSpot merely stores our value its own way."""
    if case.last is None or not case.last.whole:
        return Reason.UNKNOWN
    marks = case.last.marks.get(name)
    if marks is None:
        return Reason.CHANGE
    definition = case.definitions[name]
    hasher = case.context.hasher
    we_moved = marks.written != hasher.mark(name, normalise(after, definition))
    they_moved = marks.read != hasher.mark(name, normalise(before, definition))
    if we_moved and they_moved:
        return Reason.BOTH
    if we_moved:
        return Reason.CHANGE
    return Reason.DRIFT if they_moved else None


def _recorded(case: Case, ours: frozenset[Link]) -> bool:
    """Whether the state already says all that it would say after adopting."""
    last = case.last
    return (
        last is not None
        and last.protect == case.desired.protect
        and last.parent == case.parent
        and last.links == ours
        and last.whole == case.context.hasher.whole(case.wanted, case.definitions)
    )


def _is_rekey(case: Case, actual: Actual) -> bool:
    """Whether the record was found otherwise than by its key, and the key must be written."""
    held = actual.properties.get(case.identity.name) or ""
    if not case.identity.unique or held == case.address.key:
        return False
    return case.address in case.observed.by_id or fold(held) != fold(case.address.key)


def _displaced(case: Case, actual: Actual) -> str:
    """Whose record is it, when a key has moved from a record that still lives to another one?"""
    former = case.observed.displaced.get(case.address)
    if former is None:
        return ""
    return (
        f"its key now stands on record {actual.id}, while record {former}, which had it, still "
        "exists\nput the key back in HubSpot, or archive the record that shall not be managed"
    )


def _rekey_conflict(case: Case, actual: Actual) -> str:
    if not _is_rekey(case, actual):
        return ""
    held = actual.properties.get(case.identity.name) or ""
    if (
        held
        and fold(held) != fold(case.address.key)
        and fold(held) in case.context.declared.get(case.kind.name, frozenset())
    ):
        return f"its record now carries the key {held!r}, which is declared too"
    return ""


def _why_missing(missing: Missing) -> str:
    match missing.why:
        case "archived":
            return f"record {missing.id} is archived in HubSpot"
        case "merged":
            return f"record {missing.id} was merged into record {missing.into} in HubSpot"
        case _:
            return f"record {missing.id} is gone from HubSpot"


def _way_out(case: Case) -> str:
    if case.desired.protect or not case.identity.unique:
        return "restore it in HubSpot, or take it out of the manifests"
    return f"restore it in HubSpot, or make a new one with --recreate {case.address}"


def _conflict(case: Case, why: str, record_id: str) -> RecordChange:
    return replace(
        _change(case, Action.CONFLICT),
        id=record_id,
        why=why,
        unreachable=case.actual is None,
    )


def _change(case: Case, action: Action) -> RecordChange:
    return RecordChange(
        address=case.address,
        action=action,
        title=case.desired.properties.get(case.kind.title, ""),
        parent=case.parent,
        parent_id=case.parent_id,
        protect=case.desired.protect,
        state=state_digest(case.recorded),
    )
