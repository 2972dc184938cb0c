"""Whose record is it? Keys changed in the manifest or in HubSpot, and records that are missing."""

from reconcile.model.address import fold
from reconcile.model.records import Actual, Missing
from reconcile.planning.record_input import RecordInput


def has_former_key(record: RecordInput, actual: Actual) -> bool:
    """Whether the record carries the key that its manifest names as the former one.

    Where the state knows it by its present key already, somebody put the former one back.
    """
    former = record.desired.former
    if (
        not record.identity.unique
        or former is None
        or (record.recorded is not None and not record.moved)
    ):
        return False
    return fold(record.held_key(actual)) == fold(former.key)


def is_rekey(record: RecordInput, actual: Actual) -> bool:
    """Whether the record was found otherwise than by its key, which somebody changed in HubSpot."""
    held = record.held_key(actual)
    if not record.identity.unique or held == record.address.key or has_former_key(record, actual):
        return False
    return record.address in record.observed.by_id or fold(held) != fold(record.address.key)


def duplicates_conflict(record: RecordInput, actual: Actual) -> str:
    """Why nothing is done where several records under the parent can be meant."""
    ids = record.observed.duplicates.get(record.address)
    if not ids:
        return ""
    name, way_out = (
        record.identity.name,
        "archive the duplicate, or give it another value",
    )
    if record.last is None:
        return (
            f"{record.kind.plural} {', '.join(ids)} of {record.unit.address} have the same {name}, "
            "which must be different for each of them\n{way_out}"
        )
    others = ", ".join(one for one in ids if one != actual.id)
    return (
        f"record {others} of {record.unit.address} has the {name} that record {actual.id} would get"
        f"\n{way_out}"
    )


def key_moved_conflict(record: RecordInput, actual: Actual) -> str:
    """Why nothing is done where the key has moved from a record that lives to another one."""
    former = record.observed.key_moved.get(record.address)
    if former is None:
        return ""
    if record.identity.within_parent:
        return (
            f"record {actual.id} has this {record.identity.name}, and record {former}, which was "
            "applied, is under another parent\nmove that record back under its parent, or archive it"
        )
    if record.desired.moved_from is not None:
        return (
            f"record {actual.id} already has this key, and record {former}, which had the key "
            f"{record.desired.moved_from.value!r}, still exists\n"
            "choose another key, or archive the record that should not be managed"
        )
    return (
        f"record {actual.id} now has its key, and record {former}, which had it, still "
        "exists\nmove the key back in HubSpot, or archive the record that should not be managed"
    )


def rekey_conflict(record: RecordInput, actual: Actual) -> str:
    """Why the record found by its id is not this one's: it carries another declared key."""
    if not is_rekey(record, actual):
        return ""
    held = record.held_key(actual)
    if (
        held
        and fold(held) != fold(record.address.key)
        and fold(held) in record.context.declared.get(record.kind.name, frozenset())
    ):
        return f"its record now has the key {held!r}, which is declared as well"
    return ""


def why_missing(missing: Missing) -> str:
    """What became of a record that the state knows."""
    match missing.why:
        case "archived":
            return f"record {missing.id} is archived in HubSpot"
        case "merged":
            return f"record {missing.id} was merged into record {missing.into} in HubSpot"
        case _:
            return f"record {missing.id} no longer exists in HubSpot"
