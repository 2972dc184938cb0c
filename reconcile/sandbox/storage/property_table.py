"""Property definitions in the database: the default ones, and a cache of those in force.

Shapes from the properties specification (ref §9); the defaults from ``default_properties``.
"""

import json
import sqlite3
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reconcile.sandbox.storage.database_file import account_value
from reconcile.sandbox.storage.default_properties import GROUPS, ON_EVERY_OBJECT, TABLES
from reconcile.sandbox.wire_format import iso

OWNER = "OWNER"

_TYPES = {
    "s": ("string", "text"),
    "t": ("string", "textarea"),
    "p": ("string", "phonenumber"),
    "n": ("number", "number"),
    "d": ("date", "date"),
    "dt": ("datetime", "date"),
    "b": ("bool", "booleancheckbox"),
    "e": ("enumeration", "select"),
}


@dataclass(frozen=True)
class Definition:
    """One property definition, as the API shows it."""

    body: dict[str, Any]

    @cached_property
    def name(self) -> str:
        """Return the internal name."""
        return str(self.body["name"])

    @cached_property
    def type(self) -> str:
        """Return the value's type, such as ``number``."""
        return str(self.body["type"])

    @cached_property
    def is_set(self) -> bool:
        """Return whether it holds several options at once."""
        return self.type == "enumeration" and self.body["fieldType"] == "checkbox"

    @cached_property
    def options(self) -> tuple[dict[str, Any], ...]:
        """Return the options, in their order."""
        return tuple(self.body["options"])

    @cached_property
    def names_owner(self) -> bool:
        """Return whether its values are the ids of owners."""
        return self.body.get("referencedObjectType") == OWNER

    @cached_property
    def option_values(self) -> frozenset[str]:
        """Return the internal names of the options."""
        return frozenset(str(option["value"]) for option in self.options)

    @cached_property
    def unique(self) -> bool:
        """Return whether no two records may have the same value."""
        return bool(self.body["hasUniqueValue"])

    @cached_property
    def calculated(self) -> bool:
        """Return whether HubSpot calculates its value."""
        return bool(self.body["calculated"])

    @cached_property
    def read_only(self) -> bool:
        """Return whether a client cannot set its value."""
        return self.calculated or bool(self.body["modificationMetadata"]["readOnlyValue"])


class Definitions:
    """The definitions in force, read once for each state of the database."""

    def __init__(self) -> None:
        """Start with an empty cache."""
        self._revision = 0
        self._by_type: dict[str, dict[str, Definition]] = {}

    def of(self, connection: sqlite3.Connection, type_id: str) -> dict[str, Definition]:
        """Return the live definitions of an object type, by name."""
        revision = account_value(connection, "definitions_revision")
        if revision != self._revision:
            self.forget()
            self._revision = revision
        if type_id not in self._by_type:
            rows = connection.execute(
                "SELECT definition FROM property "
                "WHERE type = ? AND archived_at IS NULL ORDER BY name",
                (type_id,),
            )
            read = (Definition(json.loads(row[0])) for row in rows)
            self._by_type[type_id] = {definition.name: definition for definition in read}
        return self._by_type[type_id]

    def forget(self) -> None:
        """Empty the cache: it must not hold a change that was rolled back."""
        self._revision = 0
        self._by_type = {}


def store(connection: sqlite3.Connection, type_id: str, body: dict[str, Any]) -> None:
    """Add or replace a definition; ``mark_changed`` makes readers read it."""
    connection.execute(
        "INSERT OR REPLACE INTO property (type, name, definition) VALUES (?, ?, ?)",
        (type_id, body["name"], json.dumps(body, ensure_ascii=False)),
    )


def mark_changed(connection: sqlite3.Connection) -> None:
    """Make every reader of this database read the definitions again."""
    connection.execute("UPDATE account SET value = value + 1 WHERE name = 'definitions_revision'")


def fill_defaults(connection: sqlite3.Connection, at: int) -> None:
    """Put HubSpot's own definitions and groups into a new database."""
    for type_id, table in TABLES.items():
        _fill(connection, type_id, table, GROUPS[type_id], at)


def define_custom_object(connection: sqlite3.Connection, type_id: str, at: int) -> None:
    """Give an account a custom object, with the properties that every object has."""
    group = (f"{type_id.replace('-', '_')}_information", "Information")
    _fill(connection, type_id, ON_EVERY_OBJECT, group, at)


def _fill(
    connection: sqlite3.Connection, type_id: str, table: str, group: tuple[str, str], at: int
) -> None:
    connection.execute(
        "INSERT INTO property_group (type, name, label, display_order) VALUES (?, ?, ?, 0)",
        (type_id, *group),
    )
    connection.executemany(
        "INSERT INTO property (type, name, definition) VALUES (?, ?, ?)",
        (
            (type_id, body["name"], json.dumps(body))
            for body in (_default(line, group[0], at) for line in table.split("\n") if line)
        ),
    )


def build(
    *,
    name: str,
    label: str,
    group: str,
    kind: tuple[str, str],
    at: int,
    options: list[dict[str, Any]],
    description: str = "",
    display_order: int = -1,
    unique: bool = False,
    hidden: bool = False,
    form_field: bool = False,
    external: bool = False,
    calculated: bool = False,
    hubspot_defined: bool = False,
    read_only: bool = False,
    references: str = "",
) -> dict[str, Any]:
    """Return the body of a definition; without ``references`` it refers to no object type."""
    return {
        **({"referencedObjectType": references} if references else {}),
        "updatedAt": iso(at),
        "createdAt": iso(at),
        "name": name,
        "label": label,
        "type": kind[0],
        "fieldType": kind[1],
        "description": description,
        "groupName": group,
        "options": options,
        "displayOrder": display_order,
        "calculated": calculated,
        "externalOptions": external,
        "hasUniqueValue": unique,
        "hidden": hidden,
        "hubspotDefined": hubspot_defined,
        "modificationMetadata": {
            "archivable": not hubspot_defined,
            "readOnlyDefinition": hubspot_defined,
            "readOnlyOptions": hubspot_defined,
            "readOnlyValue": read_only,
        },
        "formField": form_field,
        "dataSensitivity": "non_sensitive",
    }


def option_list(sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return options as they read back: the server numbers them itself (ref §9)."""
    return [
        {
            "label": str(option["label"]),
            "value": str(option["value"]),
            "description": str(option.get("description") or ""),
            "displayOrder": order,
            "hidden": bool(option.get("hidden", False)),
        }
        for order, option in enumerate(sent)
    ]


BOOLEAN_OPTIONS = option_list(
    [{"label": "True", "value": "true"}, {"label": "False", "value": "false"}]
)


def _default(line: str, group: str, at: int) -> dict[str, Any]:
    """Parse one line of the default tables."""
    name, code, *rest = line.split()
    flags = {word for word in rest if word in {"ro", "calc", "uniq", "ext", "own"}}
    values = next((word.split("|") for word in rest if word not in flags), [])
    options = option_list([{"label": _label(value), "value": value} for value in values])
    return build(
        name=name,
        label=_label(name),
        group=group,
        kind=_TYPES[code],
        at=at,
        options=BOOLEAN_OPTIONS if code == "b" else options,
        unique="uniq" in flags,
        external=bool(flags & {"ext", "own"}),
        references=OWNER if "own" in flags else "",
        calculated="calc" in flags,
        read_only=bool(flags & {"ro", "calc"}),
        hubspot_defined=True,
    )


def _label(name: str) -> str:
    """Return a readable label for an internal name."""
    return name.removeprefix("hs_").replace("_", " ").capitalize()
