"""Whose record is it? Keys changed in the manifest or in HubSpot, and records that are missing."""

from reconcile.model.address import fold
from reconcile.model.records import Actual, Missing
from reconcile.planning.record_input import Case


def is_moved(case: Case, actual: Actual) -> bool:
    """Whether the record carries the key that its manifest names as the former one.

    Where the state knows it by its present key already, somebody put the former one back.
    """
    former = case.desired.former
    if not case.identity.unique or former is None or (case.recorded is not None and not case.moved):
        return False
    return fold(case.held_key(actual)) == fold(former.key)


def is_rekey(case: Case, actual: Actual) -> bool:
    """Whether the record was found otherwise than by its key, which somebody changed in HubSpot."""
    held = case.held_key(actual)
    if not case.identity.unique or held == case.address.key or is_moved(case, actual):
        return False
    return case.address in case.observed.by_id or fold(held) != fold(case.address.key)


def duplicates(case: Case, actual: Actual) -> str:
    """Why nothing is done where several records under the parent can be meant."""
    ids = case.observed.duplicates.get(case.address)
    if not ids:
        return ""
    name, way_out = case.identity.name, "archive what should not be there, or give it another value"
    if case.last is None:
        return (
            f"{case.kind.plural} {', '.join(ids)} of {case.unit.address} have the same {name}, by "
            f"which they are told apart\n{way_out}"
        )
    others = ", ".join(one for one in ids if one != actual.id)
    return (
        f"record {others} of {case.unit.address} has the {name} that record {actual.id} is to have"
        f"\n{way_out}"
    )


def key_moved(case: Case, actual: Actual) -> str:
    """Why nothing is done where the key has moved from a record that lives to another one."""
    former = case.observed.key_moved.get(case.address)
    if former is None:
        return ""
    if case.identity.within_parent:
        return (
            f"record {actual.id} has this {case.identity.name}, while record {former}, which was "
            "applied, is elsewhere\nput that one back under its parent, or archive it"
        )
    if case.desired.moved_from is not None:
        return (
            f"record {actual.id} has this key already, while record {former}, which had the key "
            f"{case.desired.moved_from.value!r}, still exists\n"
            "choose another key, or archive the record that shall not be managed"
        )
    return (
        f"its key now stands on record {actual.id}, while record {former}, which had it, still "
        "exists\nput the key back in HubSpot, or archive the record that shall not be managed"
    )


def rekey_conflict(case: Case, actual: Actual) -> str:
    """Why the record found by its id is not this one's: it carries another declared key."""
    if not is_rekey(case, actual):
        return ""
    held = case.held_key(actual)
    if (
        held
        and fold(held) != fold(case.address.key)
        and fold(held) in case.context.declared.get(case.kind.name, frozenset())
    ):
        return f"its record now carries the key {held!r}, which is declared too"
    return ""


def why_missing(missing: Missing) -> str:
    """What became of a record that the state knows."""
    match missing.why:
        case "archived":
            return f"record {missing.id} is archived in HubSpot"
        case "merged":
            return f"record {missing.id} was merged into record {missing.into} in HubSpot"
        case _:
            return f"record {missing.id} is gone from HubSpot"
