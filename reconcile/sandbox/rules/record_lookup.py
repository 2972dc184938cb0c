"""Finding the record that a request means: by id, by unique property, through a merge."""

from reconcile.sandbox.api_errors import NOT_FOUND, ApiError, not_unique_key
from reconcile.sandbox.object_types import ObjectType
from reconcile.sandbox.rules import record_versions
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.rules.record_writes import comparable, is_key
from reconcile.sandbox.storage import record_tables
from reconcile.sandbox.storage.record_tables import Record
from reconcile.sandbox.wire_format import record_id


def check_key(call: Call, kind: ObjectType, name: str, verb: str) -> None:
    """Raise ApiError if an idProperty is not unique; hs_object_id never is (ref §5, H)."""
    if not is_key(call.definitions(kind.id).get(name), kind):
        raise not_unique_key(verb, kind.id, name, call.portal_id)


def by_key(
    call: Call, kind: ObjectType, name: str, value: str, *, archived: bool = False
) -> Record | None:
    """Find the record with a unique value."""
    key = comparable(call, kind, name, value)
    if call.keys_as_of is not None:
        return _by_former_key(call, kind, name, key, archived=archived)
    for holder, is_archived in record_tables.holders(call.connection, kind.id, name, key):
        if is_archived == archived:
            return record_tables.find(call.connection, kind.id, holder, archived=archived)
    return None


def by_id(
    call: Call, kind: ObjectType, text: str, *, archived: bool = False, follow_merge: bool
) -> Record | None:
    """Find a record by id; with ``follow_merge`` also by the id of a merged record (ref §8, H)."""
    number = record_id(text)
    if number is None:
        return None
    found = _find(call, kind, number, archived=archived)
    if found is None and follow_merge:
        became = record_tables.merged_into(call.connection, kind.id, number)
        if became is not None:
            found = _find(call, kind, became, archived=archived)
    return found


def _find(call: Call, kind: ObjectType, number: int, *, archived: bool) -> Record | None:
    """Find a record by its own id, as it is or as a stale read sees it."""
    if call.reads_as_of is None:
        return record_tables.find(call.connection, kind.id, number, archived=archived)
    return record_versions.seen(
        call.connection, kind.id, number, call.reads_as_of, archived=archived
    )


def _by_former_key(
    call: Call, kind: ObjectType, name: str, key: str, *, archived: bool
) -> Record | None:
    """Find the record that had a unique value at an earlier moment."""
    at = call.keys_as_of or 0
    ids = [holder for holder, _ in record_tables.holders(call.connection, kind.id, name, key)]
    for number in [*ids, *record_versions.holders(call.connection, kind.id, name, key, at)]:
        then = record_versions.seen(call.connection, kind.id, number, at, archived=archived)
        if then is None or comparable(call, kind, name, then.properties.get(name, "")) != key:
            continue
        # What the key finds is read as it is, unless reads are stale too.
        return _find(call, kind, number, archived=archived)
    return None


def for_single(
    call: Call, kind: ObjectType, text: str, id_property: str | None, *, verb: str, archived: bool
) -> Record:
    """Return the record of a single GET or PATCH, or raise a 404."""
    if id_property:
        check_key(call, kind, id_property, verb)
        found = by_key(call, kind, id_property, text, archived=archived)
    else:
        found = by_id(call, kind, text, archived=archived, follow_merge=True)
    if found is None:
        raise _not_found(call, text, numeric=bool(id_property) or record_id(text) is not None)
    return found


def _not_found(call: Call, text: str, *, numeric: bool) -> ApiError:
    if not numeric:  # two spaces, as recorded
        message = "Object not found.  objectId are usually numeric."
        return ApiError(404, message, category=NOT_FOUND, context={"id": [text]})
    category = NOT_FOUND if call.switches.not_found_has_category else None
    return ApiError(404, "resource not found", category=category)
