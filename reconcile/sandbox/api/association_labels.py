"""Changing and deleting the labels that an account defined, at both documented paths (ref §11, H).

What a change does to the other direction, and what a deletion takes with it, was observed live by
scopiousdigital/kalup in October 2026.
"""

from reconcile.sandbox.api.association_bodies import pair_of_kinds
from reconcile.sandbox.api.associations import LABEL_PATHS
from reconcile.sandbox.api_errors import NOT_FOUND, ApiError, invalid
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply, required, text_of, text_or
from reconcile.sandbox.storage import association_tables as store
from reconcile.sandbox.storage.association_types import USER_DEFINED, AssociationType


def update(call: Call) -> Reply:
    """Rename a label; without an inverse label both directions read the same."""
    start, end = pair_of_kinds(call, "write")
    required(call.json, "associationTypeId", "label")
    label = text_of(call.json["label"])
    inverse = text_or(call.json, "inverseLabel", label)
    kind = _own(call, start.id, end.id, text_of(call.json["associationTypeId"]))
    for type_id, from_type, text in (
        (kind.inverse_id, kind.to_type, inverse),
        (kind.type_id, kind.from_type, label),
    ):
        call.connection.execute(
            "UPDATE label SET label = ? WHERE category = ? AND type_id = ? AND from_type = ?",
            (text, USER_DEFINED, type_id, from_type),
        )
    return Reply(204)


def delete(call: Call) -> Reply:
    """Delete a label in both directions; records that were linked by it lose that type."""
    start, end = pair_of_kinds(call, "write")
    kind = _own(call, start.id, end.id, call.params["type_id"])
    for type_id, from_type, to_type in (
        (kind.type_id, kind.from_type, kind.to_type),
        (kind.inverse_id, kind.to_type, kind.from_type),
    ):
        for table in ("label", "association"):
            call.connection.execute(
                f"DELETE FROM {table} WHERE category = ? AND type_id = ? "  # noqa: S608
                "AND from_type = ? AND to_type = ?",
                (USER_DEFINED, type_id, from_type, to_type),
            )
    return Reply(204)


def _own(call: Call, start: str, end: str, type_id: str) -> AssociationType:
    """Return a label that the account defined; refuse HubSpot's own (its answer is a guess)."""
    kinds = store.types_between(call.connection, start, end)
    found = [kind for kind in kinds if str(kind.type_id) == type_id]
    for kind in found:
        if kind.category == USER_DEFINED:
            return kind
    if found:
        raise invalid(f"Association type {type_id} is defined by HubSpot", id=[type_id])
    raise ApiError(404, "resource not found", category=NOT_FOUND, context={"id": [type_id]})


def _routes() -> list[Endpoint]:
    routes = []
    for path in LABEL_PATHS:
        routes += [
            Endpoint("PUT", path, update, writes=True),
            Endpoint("DELETE", f"{path}/{{type_id}}", delete, writes=True),
        ]
    return routes


ROUTES = _routes()
