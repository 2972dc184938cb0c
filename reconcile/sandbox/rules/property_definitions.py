"""Property definitions: the rules for reading, creating, changing and archiving them (ref §9)."""

import json
import re
from typing import Any

from reconcile.sandbox.api_errors import NOT_FOUND, ApiError, invalid
from reconcile.sandbox.object_types import LINE_ITEM, ObjectType
from reconcile.sandbox.rules.api_call import (
    Call,
    flag_of,
    list_of,
    required,
    text_of,
    text_or,
    whole,
)
from reconcile.sandbox.storage import property_table, record_tables
from reconcile.sandbox.wire_format import instant, iso

MAX_UNIQUE = 10  # per object (ref §3, H)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}", re.ASCII)  # at most 100 characters (ref §3, H)
_FIELD_TYPES = {
    "bool": {"booleancheckbox", "calculation_equation"},
    "date": {"date"},
    "datetime": {"date"},
    "enumeration": {"booleancheckbox", "checkbox", "radio", "select", "calculation_equation"},
    "number": {"number", "calculation_equation"},
    "phone_number": {"phonenumber"},
    "string": {"file", "html", "phonenumber", "text", "textarea", "calculation_equation"},
}
_UNIQUE_TYPES = {"string", "number"}


def find(call: Call, kind: ObjectType, name: str, *, archived: bool = False) -> dict[str, Any]:
    """Return a definition as the API shows it, or raise a 404."""
    row = call.connection.execute(
        "SELECT definition, archived_at FROM property "
        "WHERE type = ? AND name = ? AND (archived_at IS NOT NULL) = ?",
        (kind.id, name, archived),
    ).fetchone()
    if row is None or not _is_visible(call, body := json.loads(row[0])):
        raise not_found(name)
    return _shown(body, row[1])


def listed(call: Call, kind: ObjectType, *, archived: bool) -> list[dict[str, Any]]:
    """Return every definition of a type, live or archived, without paging (ref §3, H)."""
    rows = call.connection.execute(
        "SELECT definition, archived_at FROM property "
        "WHERE type = ? AND (archived_at IS NOT NULL) = ? ORDER BY name",
        (kind.id, archived),
    )
    read = ((json.loads(text), archived_at) for text, archived_at in rows)
    return [_shown(body, archived_at) for body, archived_at in read if _is_visible(call, body)]


def create(call: Call, kind: ObjectType, sent: dict[str, Any]) -> dict[str, Any]:
    """Create a definition; the name of an archived one restores it (ref §9, H/M)."""
    required(sent, "name", "label", "type", "fieldType", "groupName")
    name = text_of(sent["name"])
    if not _NAME.fullmatch(name):
        raise invalid(
            f"Property name {name} is not valid: it must start with a lowercase letter and hold "
            "at most 100 lowercase letters, digits and underscores",
            name=[name],
        )
    live = call.definitions(kind.id)
    if name in live:
        raise ApiError(
            409,
            f"A property named '{name}' already exists.",
            category="OBJECT_ALREADY_EXISTS",
            sub_category="Properties.PROPERTY_WITH_NAME_EXISTS",
            context={"name": [name]},
        )
    value_type = _check_types(sent, text_of(sent["type"]), text_of(sent["fieldType"]))
    _check_group(call, kind, text_of(sent["groupName"]))
    unique = flag_of(sent, "hasUniqueValue")
    if unique:
        _check_unique(call, kind, value_type[0])
    body = property_table.build(
        name=name,
        label=text_of(sent["label"]),
        group=text_of(sent["groupName"]),
        kind=value_type,
        at=call.now,
        options=_options(sent, value_type[0]),
        description=text_or(sent, "description"),
        display_order=_order(sent),
        unique=unique,
        hidden=flag_of(sent, "hidden"),
        form_field=flag_of(sent, "formField"),
        external=flag_of(sent, "externalOptions"),
        references=text_or(sent, "referencedObjectType"),
        calculated=bool(text_or(sent, "calculationFormula")),
        read_only=bool(text_or(sent, "calculationFormula")),
    )
    property_table.store(call.connection, kind.id, body)
    call.change_definitions()
    if unique:
        record_tables.index_unique(call.connection, kind.id, name, call.switches)
    return _shown(body, None)


def update(call: Call, kind: ObjectType, name: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Change a definition; options sent replace the list, uniqueness is immutable (ref §9)."""
    body = find(call, kind, name)
    body.pop("archived")
    if body["modificationMetadata"]["readOnlyDefinition"]:
        raise invalid(f"The definition of property {name} is read only", name=[name])
    types = (
        text_or(sent, "type", body["type"]),
        text_or(sent, "fieldType", body["fieldType"]),
    )
    _check_types({**sent, "options": sent.get("options", body["options"])}, *types)
    if sent.get("groupName") is not None:
        _check_group(call, kind, text_of(sent["groupName"]))
    for field in ("label", "description", "groupName"):
        if sent.get(field) is not None:
            body[field] = text_of(sent[field])
    for field in ("hidden", "formField"):
        if sent.get(field) is not None:
            body[field] = flag_of(sent, field)
    if sent.get("displayOrder") is not None:
        body["displayOrder"] = _order(sent)
    if sent.get("options") is not None:
        body["options"] = _options(sent, types[0])
    body |= {"type": types[0], "fieldType": types[1], "updatedAt": iso(call.now)}
    property_table.store(call.connection, kind.id, body)
    call.change_definitions()
    return _shown(body, None)


def archive(call: Call, kind: ObjectType, name: str) -> None:
    """Archive a definition; HubSpot's own cannot be archived."""
    body = find(call, kind, name)
    if not body["modificationMetadata"]["archivable"]:
        raise invalid(f"Property {name} cannot be archived", name=[name])
    call.connection.execute(
        "UPDATE property SET archived_at = ? WHERE type = ? AND name = ?",
        (call.now, kind.id, name),
    )
    call.connection.execute(
        "DELETE FROM unique_value WHERE type = ? AND property = ?", (kind.id, name)
    )
    call.change_definitions()


def not_found(name: str) -> ApiError:
    """Return the 404 for a definition."""
    return ApiError(
        404, f"Property '{name}' does not exist", category=NOT_FOUND, context={"name": [name]}
    )


def _is_visible(call: Call, body: dict[str, Any]) -> bool:
    """Return whether a definition is old enough for a read that lags."""
    return call.definitions_as_of is None or instant(body["createdAt"]) <= call.definitions_as_of


def _shown(body: dict[str, Any], archived_at: int | None) -> dict[str, Any]:
    if archived_at is None:
        return {**body, "archived": False}
    return {**body, "archived": True, "archivedAt": iso(archived_at)}


def _check_types(sent: dict[str, Any], value_type: str, field_type: str) -> tuple[str, str]:
    if value_type not in _FIELD_TYPES:
        raise invalid(f"Invalid type: {value_type}", type=[value_type])
    if field_type not in _FIELD_TYPES[value_type]:
        raise invalid(
            f"Field type {field_type} is not valid for type {value_type}", fieldType=[field_type]
        )
    external = flag_of(sent, "externalOptions")
    if value_type == "enumeration" and not external and not sent.get("options"):
        raise invalid("Enumeration properties must have options")
    return value_type, field_type


def _check_group(call: Call, kind: ObjectType, name: str) -> None:
    row = call.connection.execute(
        "SELECT 1 FROM property_group WHERE type = ? AND name = ? AND archived = 0",
        (kind.id, name),
    ).fetchone()
    if row is None:
        raise invalid(f"Property group {name} does not exist", groupName=[name])


def _check_unique(call: Call, kind: ObjectType, value_type: str) -> None:
    if kind is LINE_ITEM and not call.switches.line_items_may_have_unique_properties:
        raise invalid("Properties of object type 0-8 cannot have unique values")
    if value_type not in _UNIQUE_TYPES:
        raise invalid(f"A property of type {value_type} cannot have unique values")
    own = [
        definition
        for definition in call.definitions(kind.id).values()
        if definition.unique and not definition.body["hubspotDefined"]
    ]
    if len(own) >= MAX_UNIQUE:
        raise invalid(f"Object type {kind.id} already has {MAX_UNIQUE} unique properties")


def _options(sent: dict[str, Any], value_type: str) -> list[dict[str, Any]]:
    options = list_of(sent, "options")
    if not all(isinstance(one, dict) for one in options):
        raise invalid("options must be a list of objects")
    for option in options:
        required(option, "label", "value")
    values = [text_of(option["value"]) for option in options]
    if len(set(values)) < len(values):
        raise invalid("Property options must have unique values")
    if value_type == "bool" and not options:
        return property_table.BOOLEAN_OPTIONS
    for option in options:
        whole(option, "displayOrder", -1)  # checked, and then renumbered
    return property_table.option_list(
        [
            {
                "label": text_of(option["label"]),
                "value": text_of(option["value"]),
                "description": text_or(option, "description"),
                "hidden": flag_of(option, "hidden"),
            }
            for option in options
        ]
    )


def _order(sent: dict[str, Any]) -> int:
    return whole(sent, "displayOrder", -1)
