"""Key conflicts: keys that were changed in the manifest or in HubSpot, and missing records."""

from reconcile.model.address import fold
from reconcile.model.explanation import Explanation
from reconcile.model.records import Actual, Missing
from reconcile.planning.record_input import RecordInput


def has_former_key(record: RecordInput, actual: Actual) -> bool:
    """Return whether the record has the key that its manifest names as the former one.

    If the state has it under its present key already, the former key is an edit in HubSpot.
    """
    former = record.desired.former
    if (
        not record.identity.key_property
        or former is None
        or (record.recorded is not None and not record.moved)
    ):
        return False
    return fold(record.held_key(actual)) == fold(former.key)


def is_stamp(record: RecordInput, actual: Actual) -> bool:
    """Return whether an adopted record is to get its key, since it has none."""
    if not record.identity.key_property or record.identity.may_lack_key:
        return False
    return record.adoption is not None and not record.held_key(actual)


def is_rekey(record: RecordInput, actual: Actual) -> bool:
    """Return whether the record has another key than declared, since it was changed in HubSpot.

    An adopted record without a key has not been given one yet.
    """
    held = record.held_key(actual)
    if not record.identity.key_property or held == record.address.key:
        return False
    if not held and (record.adoption is not None or record.identity.may_lack_key):
        return False
    if has_former_key(record, actual):
        return False
    return record.address in record.observed.by_id or fold(held) != fold(record.address.key)


def duplicates_conflict(record: RecordInput, actual: Actual) -> Explanation | None:
    """Return why the record is in conflict if several records under the parent match it."""
    ids = record.observed.duplicates.get(record.address)
    if not ids:
        return None
    name, hint = record.identity.name, "archive the duplicate, or give it another value"
    if record.last is None:
        return Explanation(
            f"{record.kind.plural} {', '.join(ids)} of {record.unit.address} have the same {name}, "
            "which must be different for each of them",
            hint,
        )
    others = ", ".join(one for one in ids if one != actual.id)
    return Explanation(
        f"record {others} of {record.unit.address} has the {name} that record {actual.id} would "
        "get",
        hint,
    )


def key_moved_conflict(record: RecordInput, actual: Actual) -> Explanation | None:
    """Return why the record is in conflict if another one has its key while it still exists."""
    former = record.observed.key_moved.get(record.address)
    if former is None:
        return None
    if record.identity.sibling_property:
        return Explanation(
            f"record {actual.id} has this {record.identity.name}, and record {former}, which was "
            "applied, is not under its parent any more",
            "move that record back, or archive it",
        )
    if record.desired.moved_from is not None:
        return Explanation(
            f"record {actual.id} already has this key, and record {former}, which had the key "
            f"{record.desired.moved_from.value!r}, still exists",
            "choose another key, or archive the record that should not be managed",
        )
    return Explanation(
        f"record {actual.id} now has its key, and record {former}, which had it, still exists",
        "move the key back in HubSpot, or archive the record that should not be managed",
    )


def rekey_conflict(record: RecordInput, actual: Actual) -> Explanation | None:
    """Return why the record is in conflict if its key in HubSpot is another declared record's."""
    if not is_rekey(record, actual):
        return None
    held = record.held_key(actual)
    if (
        held
        and fold(held) != fold(record.address.key)
        and fold(held) in record.context.declared.get(record.kind.name, frozenset())
    ):
        return Explanation(f"its record now has the key {held!r}, which is declared as well")
    return None


def why_missing(missing: Missing) -> str:
    """Return what happened to a record that the state knows, in words."""
    match missing.why:
        case "archived":
            return f"record {missing.id} is archived in HubSpot"
        case "merged":
            return f"record {missing.id} was merged into record {missing.into} in HubSpot"
        case _:
            return f"record {missing.id} no longer exists in HubSpot"
