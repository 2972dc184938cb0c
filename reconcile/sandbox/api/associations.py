"""Associations of one record, and the definitions of labels, version 4 and dated (ref §11)."""

from collections.abc import Mapping
from typing import Any

from reconcile.sandbox.api.association_bodies import (
    PAGE,
    link,
    link_default,
    pair_of_kinds,
    pair_of_records,
    shown_links,
)
from reconcile.sandbox.api_errors import ApiError, invalid
from reconcile.sandbox.object_types import ObjectType
from reconcile.sandbox.rules.api_call import (
    Call,
    Endpoint,
    Reply,
    batch_body,
    required,
    text_of,
    text_or,
)
from reconcile.sandbox.rules.association_checks import read_types
from reconcile.sandbox.rules.association_reads import links_named
from reconcile.sandbox.storage import association_tables as store
from reconcile.sandbox.storage.association_tables import End
from reconcile.sandbox.storage.association_types import AssociationType
from reconcile.sandbox.wire_format import decode, record_id

_MAX_LABELS = 10  # per pair of object types (ref §3, H)
_MAX_ID = 10**15
# The documentation and the specification disagree on the path; both are served (ref §11).
LABEL_PATHS = tuple(
    f"{prefix}/{{type}}/{{to_type}}/labels"
    for prefix in ("/crm/v4/associations", "/crm/associations/v4", "/crm/associations/2026-03")
)


def list_links(call: Call) -> Reply:
    """List what one record is linked to, in pages."""
    start_kind, end_kind = pair_of_kinds(call, "read")
    limit = call.number("limit", PAGE, 1, PAGE)
    after = call.number("after", 0, 0, _MAX_ID)
    text = call.params["id"]
    links = links_named(call, start_kind, text, end_kind, after=after, limit=limit + 1)
    body: dict[str, Any] = {"results": shown_links(links[:limit])}
    if len(links) > limit:
        cursor = str(links[limit].to_id)
        address = f"{call.base_url}{call.path}?limit={limit}&after={cursor}"
        body["paging"] = {"next": {"after": cursor, "link": address}}
    return Reply(200, body)


def put(call: Call) -> Reply:
    """Link two records with the types given, which replace those they had."""
    kinds = pair_of_kinds(call, "write")
    types = read_types(call, kinds[0].id, kinds[1].id, decode(call.raw_body))
    pair = pair_of_records(call, kinds, (call.params["id"], call.params["to_id"]))
    return Reply(201, link(call, *pair, types))


def put_default(call: Call) -> Reply:
    """Link two records without a label."""
    kinds = pair_of_kinds(call, "write")
    pair = pair_of_records(call, kinds, (call.params["id"], call.params["to_id"]))
    return Reply(200, batch_body(call.now, link_default(call, *pair)))


def delete(call: Call) -> Reply:
    """Remove every link between two records."""
    start_kind, end_kind = pair_of_kinds(call, "write")
    start, end = record_id(call.params["id"]), record_id(call.params["to_id"])
    if start is not None and end is not None:
        pair = End(start_kind.id, start), End(end_kind.id, end)
        store.remove_pair(call.connection, *pair, call.now)
    return Reply(204)


def list_labels(call: Call) -> Reply:
    """List the association types between two object types."""
    start_kind, end_kind = pair_of_kinds(call, "read")
    types = store.types_between(call.connection, start_kind.id, end_kind.id)
    return Reply(200, {"results": [_shown(kind) for kind in types]})


def create_label(call: Call) -> Reply:
    """Define a label, in both directions; without an inverse label both read the same."""
    made = define_label(call, *pair_of_kinds(call, "write"), call.json)
    return Reply(200, {"results": [_shown(kind) for kind in made]})


def define_label(
    call: Call, start_kind: ObjectType, end_kind: ObjectType, sent: Mapping[str, Any]
) -> list[AssociationType]:
    """Define a label. Raise ApiError if its name is taken or the pair has too many."""
    required(sent, "label", "name")
    name, label = text_of(sent["name"]), text_of(sent["label"])
    inverse = text_or(sent, "inverseLabel", label)
    types = store.types_between(call.connection, start_kind.id, end_kind.id)
    if not types:
        raise invalid(f"{start_kind.id} cannot be associated with {end_kind.id}")
    own = [kind for kind in types if kind.category == "USER_DEFINED"]
    if len(own) >= _MAX_LABELS:
        raise invalid(f"There are already {_MAX_LABELS} labels between these object types")
    if any(name == kind.name or label == kind.label for kind in types):
        raise ApiError(
            409, f"An association label named '{name}' already exists.", category="CONFLICT"
        )
    ends = (start_kind.id, end_kind.id)
    return store.add_label(call.connection, ends, name, (label, inverse))


def _shown(kind: AssociationType) -> dict[str, Any]:
    return {"category": kind.category, "typeId": kind.type_id, "label": kind.label}


def _routes() -> list[Endpoint]:
    routes = []
    for prefix in ("/crm/v4/objects", "/crm/objects/2026-03"):
        one = f"{prefix}/{{type}}/{{id}}/associations"
        default = f"{one}/default/{{to_type}}/{{to_id}}"
        routes += [
            Endpoint("PUT", default, put_default, writes=True),
            Endpoint("GET", f"{one}/{{to_type}}", list_links),
            Endpoint("PUT", f"{one}/{{to_type}}/{{to_id}}", put, writes=True),
            Endpoint("DELETE", f"{one}/{{to_type}}/{{to_id}}", delete, writes=True),
        ]
    for labels in LABEL_PATHS:
        routes += [
            Endpoint("GET", labels, list_labels),
            Endpoint("POST", labels, create_label, writes=True),
        ]
    return routes


ROUTES = _routes()
