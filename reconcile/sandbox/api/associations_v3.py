"""Associations, version 3: named types instead of numbers (ref §1, §11)."""

from typing import Any

from reconcile.sandbox.api.association_bodies import (
    CREATE_LIMIT,
    PAGE,
    READ_LIMIT,
    no_associations,
    pair_of_kinds,
    pair_of_records,
)
from reconcile.sandbox.api.record_bodies import shown, shown_associations, shuffled
from reconcile.sandbox.api_errors import ApiError, invalid
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply, batch_body, id_text, text_of
from reconcile.sandbox.rules.association_reads import links_named
from reconcile.sandbox.rules.record_lookup import for_single
from reconcile.sandbox.storage import association_tables as store
from reconcile.sandbox.storage.association_tables import End
from reconcile.sandbox.storage.association_types import AssociationType
from reconcile.sandbox.wire_format import record_id


def batch_create(call: Call) -> Reply:
    """Link pairs by a named type; an input of another shape is silently ignored (ref §4)."""
    kinds = pair_of_kinds(call, "write")
    results: list[dict[str, Any]] = []
    errors: list[ApiError] = []
    for one in call.inputs(CREATE_LIMIT):
        if not all(isinstance(one.get(name), dict) for name in ("from", "to")):
            continue
        texts = (id_text(one, "from", "id"), id_text(one, "to", "id"))
        try:
            kind = _named(call, kinds[0].id, kinds[1].id, text_of(one.get("type") or ""))
            start, end = pair_of_records(call, kinds, texts)
        except ApiError as error:
            errors.append(error)
            continue
        store.add_types(call.connection, start, end, _with_default(call, kind), call.now)
        results.append({"from": {"id": texts[0]}, "to": {"id": texts[1]}, "type": kind.name})
    mixed = shuffled(call, results, lambda one: f"{one['from']['id']}:{one['to']['id']}")
    return Reply(207 if errors else 201, batch_body(call.now, mixed, errors))


def batch_read(call: Call) -> Reply:
    """Read what records are linked to."""
    start_kind, end_kind = pair_of_kinds(call, "read")
    results: list[dict[str, Any]] = []
    errors: list[ApiError] = []
    for one in call.inputs(READ_LIMIT):
        text = id_text(one, "id")
        links = links_named(call, start_kind, text, end_kind)
        if not links:
            errors.append(no_associations(start_kind, end_kind, text))
            continue
        to = [{"id": str(link.to_id), "type": kind.name} for link in links for kind in link.types]
        results.append({"from": {"id": text}, "to": to})
    mixed = shuffled(call, results, lambda result: str(result["from"]["id"]))
    return Reply(207 if errors else 200, batch_body(call.now, mixed, errors))


def batch_archive(call: Call) -> Reply:
    """Remove links of a named type."""
    start_kind, end_kind = pair_of_kinds(call, "write")
    for one in call.inputs(CREATE_LIMIT):
        kind = _named(call, start_kind.id, end_kind.id, id_text(one, "type"))
        start, end = record_id(id_text(one, "from", "id")), record_id(id_text(one, "to", "id"))
        if start is not None and end is not None:
            pair = End(start_kind.id, start), End(end_kind.id, end)
            store.remove_types(call.connection, *pair, [kind], call.now)
    return Reply(204)


def list_types(call: Call) -> Reply:
    """List the named types between two object types."""
    start_kind, end_kind = pair_of_kinds(call, "read")
    types = store.types_between(call.connection, start_kind.id, end_kind.id)
    results = [{"id": str(kind.type_id), "name": kind.name} for kind in types]
    return Reply(200, {"results": results})


def list_links(call: Call) -> Reply:
    """List what one record is linked to, by the older sub-route (ref §1, H)."""
    start_kind, end_kind = pair_of_kinds(call, "read")
    limit = call.number("limit", PAGE, 1, PAGE)
    links = links_named(call, start_kind, call.params["id"], end_kind, limit=limit)
    results = [{"id": str(link.to_id), "type": kind.name} for link in links for kind in link.types]
    return Reply(200, {"results": results})


def put(call: Call) -> Reply:
    """Link two records by a type id, by the older sub-route; answers with the first record."""
    kinds = pair_of_kinds(call, "write")
    kind = _numbered(call, kinds[0].id, kinds[1].id, call.params["type_id"])
    texts = (call.params["id"], call.params["to_id"])
    start, end = pair_of_records(call, kinds, texts)
    store.add_types(call.connection, start, end, _with_default(call, kind), call.now)
    record = for_single(call, kinds[0], texts[0], None, verb="read", archived=False)
    body = shown(call, kinds[0], record, ())
    return Reply(200, body | shown_associations(call, kinds[0], record, [kinds[1]]))


def delete(call: Call) -> Reply:
    """Remove one type of link, by the older sub-route."""
    start_kind, end_kind = pair_of_kinds(call, "write")
    kind = _numbered(call, start_kind.id, end_kind.id, call.params["type_id"])
    start, end = record_id(call.params["id"]), record_id(call.params["to_id"])
    if start is not None and end is not None:
        pair = End(start_kind.id, start), End(end_kind.id, end)
        store.remove_types(call.connection, *pair, [kind], call.now)
    return Reply(204)


def _named(call: Call, start: str, end: str, name: str) -> AssociationType:
    for kind in store.types_between(call.connection, start, end):
        if kind.name == name:
            return kind
    raise invalid(f"{name} is not a valid association type", type=[name])


def _numbered(call: Call, start: str, end: str, type_id: str) -> AssociationType:
    """Find a type by its number, or by its name: the documentation shows both."""
    for kind in store.types_between(call.connection, start, end):
        if str(kind.type_id) == type_id:
            return kind
    return _named(call, start, end, type_id)


def _with_default(call: Call, kind: AssociationType) -> list[AssociationType]:
    """A labelled link implies the unlabelled one (ref §11, H)."""
    default = store.default_type(call.connection, kind.from_type, kind.to_type)
    return [kind] if default is None else [kind, default]


def _routes() -> list[Endpoint]:
    prefix = "/crm/v3/associations/{type}/{to_type}"
    one = "/crm/v3/objects/{type}/{id}/associations/{to_type}"
    return [
        Endpoint("POST", f"{prefix}/batch/create", batch_create, writes=True),
        Endpoint("POST", f"{prefix}/batch/read", batch_read),
        Endpoint("POST", f"{prefix}/batch/archive", batch_archive, writes=True),
        Endpoint("GET", f"{prefix}/types", list_types),
        Endpoint("GET", one, list_links),
        Endpoint("PUT", f"{one}/{{to_id}}/{{type_id}}", put, writes=True),
        Endpoint("DELETE", f"{one}/{{to_id}}/{{type_id}}", delete, writes=True),
    ]


ROUTES = _routes()
