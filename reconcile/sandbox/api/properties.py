"""Property definitions and groups over HTTP (ref §1, §9; properties specification)."""

from collections.abc import Callable
from typing import Any

from reconcile.sandbox.api_errors import NOT_FOUND, ApiError, invalid
from reconcile.sandbox.rules import property_definitions as store
from reconcile.sandbox.rules.api_call import (
    Call,
    Endpoint,
    Reply,
    batch_body,
    flag_of,
    required,
    text_of,
    whole,
)
from reconcile.sandbox.scopes import schema_scope

_BATCH_LIMIT = 100


def list_all(call: Call) -> Reply:
    """List the definitions of a type; only non-sensitive ones exist here."""
    call.allow(schema_scope(call.kind, "read"))
    if (call.last("dataSensitivity") or "non_sensitive") != "non_sensitive":
        return Reply(200, {"results": []})
    return Reply(200, {"results": store.listed(call, call.kind, archived=call.flag("archived"))})


def read(call: Call) -> Reply:
    """Read one definition."""
    call.allow(schema_scope(call.kind, "read"))
    name, archived = call.params["name"], call.flag("archived")
    return Reply(200, store.find(call, call.kind, name, archived=archived))


def create(call: Call) -> Reply:
    """Create a definition."""
    call.allow(schema_scope(call.kind, "write"))
    return Reply(201, store.create(call, call.kind, call.json))


def update(call: Call) -> Reply:
    """Change a definition."""
    call.allow(schema_scope(call.kind, "write"))
    return Reply(200, store.update(call, call.kind, call.params["name"], call.json))


def archive(call: Call) -> Reply:
    """Archive a definition."""
    call.allow(schema_scope(call.kind, "write"))
    store.archive(call, call.kind, call.params["name"])
    return Reply(204)


def batch_read(call: Call) -> Reply:
    """Read definitions by name."""
    call.allow(schema_scope(call.kind, "read"))
    archived = flag_of(call.json, "archived")
    return _each(call, 200, lambda name, _: store.find(call, call.kind, name, archived=archived))


def batch_create(call: Call) -> Reply:
    """Create definitions; each that exists is an error entry (ref §5, H)."""
    call.allow(schema_scope(call.kind, "write"))
    return _each(call, 201, lambda _, one: store.create(call, call.kind, one))


def batch_archive(call: Call) -> Reply:
    """Archive definitions; names that do not exist are ignored, as with records."""
    call.allow(schema_scope(call.kind, "write"))
    for one in call.inputs(_BATCH_LIMIT):
        required(one, "name")
        name = text_of(one["name"])
        if name in call.definitions(call.kind.id):
            store.archive(call, call.kind, name)
    return Reply(204)


def list_groups(call: Call) -> Reply:
    """List the live groups of a type."""
    call.allow(schema_scope(call.kind, "read"))
    rows = call.connection.execute(
        "SELECT name, label, display_order FROM property_group "
        "WHERE type = ? AND archived = 0 ORDER BY display_order, name",
        (call.kind.id,),
    )
    return Reply(200, {"results": [_group(*row) for row in rows]})


def read_group(call: Call) -> Reply:
    """Read one group."""
    call.allow(schema_scope(call.kind, "read"))
    return Reply(200, _find_group(call, call.params["name"]))


def create_group(call: Call) -> Reply:
    """Create a group; an archived one of that name is replaced (observed in kalup's evidence)."""
    call.allow(schema_scope(call.kind, "write"))
    required(call.json, "name", "label")
    name, label = text_of(call.json["name"]), text_of(call.json["label"])
    taken = call.connection.execute(
        "SELECT 1 FROM property_group WHERE type = ? AND name = ? AND archived = 0",
        (call.kind.id, name),
    ).fetchone()
    if taken is not None:
        raise ApiError(
            409,
            f"A property group named '{name}' already exists.",
            category="OBJECT_ALREADY_EXISTS",
            sub_category="PropertyGroupError.GROUP_EXISTS",
            context={"name": [name]},
        )
    shown = _group(name, label, whole(call.json, "displayOrder", -1))
    call.connection.execute(
        "INSERT OR REPLACE INTO property_group (type, name, label, display_order) "
        "VALUES (?, ?, ?, ?)",
        (call.kind.id, name, label, shown["displayOrder"]),
    )
    return Reply(201, shown)


def update_group(call: Call) -> Reply:
    """Change a group's label or position."""
    call.allow(schema_scope(call.kind, "write"))
    group = _find_group(call, call.params["name"])
    if call.json.get("label") is not None:
        group["label"] = text_of(call.json["label"])
    group["displayOrder"] = whole(call.json, "displayOrder", group["displayOrder"])
    call.connection.execute(
        "UPDATE property_group SET label = ?, display_order = ? WHERE type = ? AND name = ?",
        (group["label"], group["displayOrder"], call.kind.id, group["name"]),
    )
    return Reply(200, group)


def archive_group(call: Call) -> Reply:
    """Archive a group, unless a live property is in it (ref §5, M)."""
    call.allow(schema_scope(call.kind, "write"))
    group = _find_group(call, call.params["name"])
    for definition in call.definitions(call.kind.id).values():
        if definition.body["groupName"] == group["name"]:
            error = invalid(f"Property group {group['name']} has active properties")
            error.sub_category = "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES"
            raise error
    call.connection.execute(
        "UPDATE property_group SET archived = 1 WHERE type = ? AND name = ?",
        (call.kind.id, group["name"]),
    )
    return Reply(204)


def _each(
    call: Call, ok_status: int, act: Callable[[str, dict[str, Any]], dict[str, Any]]
) -> Reply:
    """Do one thing for each input and report those that fail."""
    results: list[dict[str, Any]] = []
    errors: list[ApiError] = []
    for one in call.inputs(_BATCH_LIMIT):
        required(one, "name")
        try:
            results.append(act(text_of(one["name"]), one))
        except ApiError as error:
            errors.append(error)
    return Reply(207 if errors else ok_status, batch_body(call.now, results, errors))


def _find_group(call: Call, name: str) -> dict[str, Any]:
    row = call.connection.execute(
        "SELECT name, label, display_order FROM property_group "
        "WHERE type = ? AND name = ? AND archived = 0",
        (call.kind.id, name),
    ).fetchone()
    if row is None:
        message = f"Property group '{name}' does not exist"
        raise ApiError(404, message, category=NOT_FOUND, context={"name": [name]})
    return _group(*row)


def _group(name: str, label: str, order: int) -> dict[str, Any]:
    return {"archived": False, "name": name, "displayOrder": order, "label": label}


def _routes() -> list[Endpoint]:
    routes = []
    for prefix in ("/crm/v3/properties/{type}", "/crm/properties/2026-03/{type}"):
        routes += [
            Endpoint("GET", prefix, list_all),
            Endpoint("POST", prefix, create, writes=True),
            Endpoint("GET", f"{prefix}/groups", list_groups),
            Endpoint("POST", f"{prefix}/groups", create_group, writes=True),
            Endpoint("GET", f"{prefix}/groups/{{name}}", read_group),
            Endpoint("PATCH", f"{prefix}/groups/{{name}}", update_group, writes=True),
            Endpoint("DELETE", f"{prefix}/groups/{{name}}", archive_group, writes=True),
            Endpoint("POST", f"{prefix}/batch/read", batch_read),
            Endpoint("POST", f"{prefix}/batch/create", batch_create, writes=True),
            Endpoint("POST", f"{prefix}/batch/archive", batch_archive, writes=True),
            Endpoint("GET", f"{prefix}/{{name}}", read),
            Endpoint("PATCH", f"{prefix}/{{name}}", update, writes=True),
            Endpoint("DELETE", f"{prefix}/{{name}}", archive, writes=True),
        ]
    return routes


ROUTES = _routes()
