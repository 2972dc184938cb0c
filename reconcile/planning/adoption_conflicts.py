"""Conflicts of records that documents adopt: nothing is created in place of what was not found."""

from reconcile.model.address import fold
from reconcile.model.explanation import Explanation
from reconcile.model.records import Actual, Adoption, NotAdopted
from reconcile.model.values import show
from reconcile.planning.record_input import RecordInput


def adoption_conflict(record: RecordInput) -> Explanation | None:
    """Return why the record that a document adopts is not bound to it, or None."""
    adoption = record.adoption
    if adoption is None:
        return None
    why = record.observed.not_adopted.get(record.address)
    if why is not None:
        return _explained(record, adoption, why)
    if record.actual is None or record.address not in record.observed.adopted:
        return None
    return _taken(record, adoption, record.actual)


def _taken(record: RecordInput, adoption: Adoption, actual: Actual) -> Explanation | None:
    held = record.held_key(actual)
    if not record.identity.key_property or not held or fold(held) == fold(record.address.key):
        return None
    return Explanation(
        f"record {actual.id} has the key {show(held)} already",
        f"declare it under that key, or with moved_from: {held} in place of adopt",
        adoption.location,
    )


def _explained(record: RecordInput, adoption: Adoption, why: NotAdopted) -> Explanation:
    kind, by = record.kind, f"{adoption.by} {show(adoption.value)}"
    match why.why:
        case "several":
            message = f"{len(why.ids):,} {kind.plural} have {by}: {_listed(why.ids)}"
            hint = "adopt one of them by id"
        case "archived":
            message = f"record {why.ids[0]} is archived in HubSpot"
            hint = "restore it in HubSpot, or leave adopt out"
        case "merged":
            message = f"record {why.ids[0]} was merged into record {why.ids[-1]} in HubSpot"
            hint = f"adopt record {why.ids[-1]}"
        case "other":
            message = f"it is record {why.ids[0]} already, and adopt leads to record {why.ids[1]}"
            hint = f"leave adopt out, or declare record {why.ids[1]} under a key of its own"
        case "unknown":
            known = record.definitions
            near = record.context.suggestions.nearest(adoption.by, known)
            message = f"{kind.plural} have no property {show(adoption.by)}{near}"
            hint = "adopt by a property that the account has, or by id"
        case "refused":
            message, hint = f"{by} cannot be looked up: {why.ids[0]}", "correct the value"
        case _ if adoption.by == "id":
            message, hint = f"no {kind.name} has the id {adoption.value}", "correct the id"
        case _ if kind.is_unit:
            message = f"no {kind.name} has {by}"
            hint = "correct the value, or adopt by id: what was written just now is found later"
        case _:
            message = f"no {kind.name} of {record.unit.address} has {by}"
            hint = "correct the value, or adopt by id"
    return Explanation(message, hint, adoption.location)


def _listed(ids: tuple[str, ...]) -> str:
    more = f" and {len(ids) - _MOST:,} more" if len(ids) > _MOST else ""
    return ", ".join(ids[:_MOST]) + more


_MOST = 5
