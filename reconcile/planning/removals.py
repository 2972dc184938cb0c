"""Records that are not to be there, and records that are not to be managed any more.

What is removed must be what was meant: the very record that was applied, under the key it had.
Where that is in doubt the record is left alone, since there is no way back through the API.
"""

from collections.abc import Iterator
from dataclasses import replace

from reconcile.model.plan import Action, FieldChange, Reason, RecordChange
from reconcile.model.records import Actual, Lifecycle
from reconcile.planning.changes import conflict, field, record_change, they_moved
from reconcile.planning.key_conflicts import is_rekey, key_moved, rekey_conflict, why_missing
from reconcile.planning.parent_conflicts import parent_conflict
from reconcile.planning.record_input import Case


def plan_removal(case: Case) -> RecordChange | None:
    """What is to be done so that the record is not there, or not managed; None for nothing."""
    if case.desired.lifecycle is Lifecycle.FORGET:
        return _forget(case, "")
    if case.actual is None:
        missing = case.observed.missing.get(case.address)
        return _forget(case, why_missing(missing) if missing else "")
    why = (
        key_moved(case, case.actual)
        or _another(case, case.actual)
        or _protected(case)
        or parent_conflict(case)
        or rekey_conflict(case, case.actual)
    )
    if why:
        return conflict(case, why, case.actual.id)
    return _archive(case, case.actual)


def _forget(case: Case, why: str) -> RecordChange | None:
    if case.recorded is None:
        return None
    return replace(record_change(case, Action.FORGET), id=case.recorded.id, why=why)


def _archive(case: Case, actual: Actual) -> RecordChange:
    rekey = is_rekey(case, actual)
    return replace(
        record_change(case, Action.ARCHIVE),
        id=actual.id,
        # One that HubSpot shows under no parent must still be under none just before it goes.
        parent_id=case.parent_id if case.under_parent else "",
        fields=tuple(_fields(case, actual, rekey=rekey)),
        adopts=case.recorded is None,
        rekey=rekey,
    )


def _fields(case: Case, actual: Actual, *, rekey: bool) -> Iterator[FieldChange]:
    """What the record holds of ours: the key, what was applied last, and what people call it.

    All of it is compared again before the record is archived.
    """
    names = set(case.last.value_hashes) & case.definitions.keys() if case.last else set()
    if actual.properties.get(case.kind.title):
        names |= {case.kind.title} & case.definitions.keys()
    if case.identity.unique:
        held = Reason.DRIFT if rekey else Reason.CHANGE
        yield FieldChange(case.identity.name, case.held_key(actual), "", held)
        names -= {case.identity.name}
    for name in sorted(names):
        now = actual.properties.get(name) or ""
        yield field(case, name, now, "", _reason(case, name, now))


def _reason(case: Case, name: str, now: str) -> Reason:
    if case.last is None or not case.last.fingerprint:
        return Reason.UNKNOWN
    return Reason.DRIFT if they_moved(case, name, now) else Reason.CHANGE


def _another(case: Case, actual: Actual) -> str:
    if case.recorded is None or case.recorded.id == actual.id:
        return ""
    return (
        f"its key stands on record {actual.id}, and what was applied was record "
        f"{case.recorded.id}, which was archived, merged or removed in HubSpot\n"
        "to archive the other one too, apply lifecycle: {state: forget} first"
    )


def _protected(case: Case) -> str:
    if case.recorded is None or not case.recorded.protect:
        return ""
    return (
        "it was protected by the last apply, so it is not archived\n"
        "declare it without protect, apply that, then remove it"
    )
