"""What is checked before two records are associated (ref §5, §8, §11)."""

from collections.abc import Iterable
from typing import Any

from reconcile.sandbox.api_errors import ApiError, fields_missing, invalid, invalid_json
from reconcile.sandbox.object_types import BY_ID, ObjectType
from reconcile.sandbox.rules.api_call import Call, id_text
from reconcile.sandbox.storage import association_tables as store
from reconcile.sandbox.storage import record_tables
from reconcile.sandbox.storage.association_tables import End
from reconcile.sandbox.storage.association_types import (
    BUILT_IN,
    HUBSPOT_DEFINED,
    PRIMARY,
    AssociationType,
)
from reconcile.sandbox.wire_format import record_id

_INVALID = "One or more associations are invalid"


def read_types(call: Call, start: str, end: str, specs: object) -> list[AssociationType]:
    """Return the types that {associationCategory, associationTypeId} objects name for this pair."""
    if specs is None:
        raise fields_missing("types")
    if not isinstance(specs, list) or not all(isinstance(spec, dict) for spec in specs):
        raise invalid_json("Cannot deserialize value of type `ArrayList`")
    if not specs:
        raise invalid("At least one association type is required")
    return [_read_type(call, start, end, spec) for spec in specs]


def _read_type(call: Call, start: str, end: str, spec: dict[str, Any]) -> AssociationType:
    category = id_text(spec, "associationCategory")
    type_id = id_text(spec, "associationTypeId")
    for kind in store.types_between(call.connection, start, end):
        if kind.category == category and str(kind.type_id) == type_id:
            return kind
    if category == HUBSPOT_DEFINED:
        for kind in BUILT_IN:
            if str(kind.type_id) == type_id and kind.from_type != start:
                raise invalid(
                    f"invalid from object type {start} for associations to be created. "
                    f"expected: {kind.from_type}"
                )
    named = f"{category}={type_id}"
    raise invalid(
        _INVALID,
        associationSpec=[named],
        INVALID_ASSOCIATION_TYPE_ID=[f"{named} is not a valid association definition id"],
    )


def existing_end(call: Call, kind: ObjectType, text: str) -> End | None:
    """Return the live record with an id, or None."""
    number = record_id(text)
    if number is None or not record_tables.exists(call.connection, kind.id, number):
        return None
    return End(kind.id, number)


def check_pair(call: Call, start: End, end: End) -> None:
    """Refuse a link to itself; treat a line item's other parents as ``second_parent`` says."""
    if start == end:
        raise invalid(f"Object {start.id} cannot be associated to itself")
    if call.switches.second_parent == "kept":
        return
    for line, parent in store.other_parents(call.connection, start, end):
        if call.switches.second_parent == "refused":
            name = BY_ID[parent.type_id].legacy_name
            raise invalid(f"{_INVALID}: the line item already belongs to {name} {parent.id}")
        store.remove_pair(call.connection, line, parent, call.now)


def check_primary(call: Call, start: End, end: End, kinds: Iterable[AssociationType]) -> None:
    """Treat another primary company of an order as ``second_primary`` says."""
    if call.switches.second_primary == "kept":
        return
    for kind in kinds:
        if kind.label != PRIMARY:
            continue
        for other in store.links(call.connection, start, end.type_id):
            if other.to_id == end.id or kind not in other.types:
                continue
            if call.switches.second_primary == "refused":
                raise invalid(f"{_INVALID}: {other.to_id} is the primary company already")
            store.remove_types(
                call.connection, start, End(end.type_id, other.to_id), [kind], call.now
            )


def link_new_record(call: Call, start: End, associations: object) -> None:
    """Make the associations of a create; a switch decides whether an invalid one refuses it."""
    if associations is None or call.switches.create_associations == "lost":
        return
    if not isinstance(associations, list) or not all(isinstance(one, dict) for one in associations):
        raise invalid_json("Cannot deserialize value of type `ArrayList`")
    for association in associations:
        try:
            _link_one(call, start, association)
        except ApiError as error:
            if call.switches.create_associations == "lenient":
                continue
            error.leaves_half = call.switches.create_associations == "half_done"
            raise


def _link_one(call: Call, start: End, association: dict[str, Any]) -> None:
    text = id_text(association, "to", "id")
    end_type = _end_type(call, start.type_id, association.get("types"))
    kinds = read_types(call, start.type_id, end_type, association.get("types"))
    kind = BY_ID[end_type]
    end = existing_end(call, kind, text)
    if end is None:
        raise invalid(
            _INVALID,
            INVALID_OBJECT_IDS=[f"{kind.legacy_name}={text} is not valid"],
            objectId=[text],
            objectType=[kind.legacy_name],
        )
    check_pair(call, start, end)
    check_primary(call, start, end, kinds)
    store.set_types(call.connection, start, end, kinds, at=None)


def _end_type(call: Call, start: str, specs: object) -> str:
    """Return the object type that a create links to, from its first association type."""
    first = specs[0] if isinstance(specs, list) and specs else None
    if not isinstance(first, dict):
        raise fields_missing("types")
    wanted = (id_text(first, "associationCategory"), id_text(first, "associationTypeId"))
    found = store.type_numbered(call.connection, start, *wanted)
    if found is not None:
        return found.to_type
    elsewhere = next((kind.to_type for kind in BUILT_IN if str(kind.type_id) == wanted[1]), start)
    _read_type(call, start, elsewhere, first)
    return elsewhere
