"""One record: every property with its type and meaning, and what it is linked to."""

from dataclasses import dataclass

from reconcile.sandbox.object_types import OBJECT_TYPES, ObjectType
from reconcile.sandbox.page import record_changes, record_lists
from reconcile.sandbox.page.record_changes import Change
from reconcile.sandbox.page.record_lists import Row
from reconcile.sandbox.runtime import Runtime
from reconcile.sandbox.storage import association_tables, record_tables
from reconcile.sandbox.storage.association_tables import End
from reconcile.sandbox.storage.association_types import AssociationType
from reconcile.sandbox.storage.pipeline_tables import pipelines
from reconcile.sandbox.storage.property_table import Definition
from reconcile.sandbox.storage.record_tables import Record
from reconcile.sandbox.wire_format import iso

LINKS_SHOWN = 500


@dataclass(frozen=True)
class PropertyRow:
    """One property of a record that has a value."""

    name: str
    label: str
    type: str
    value: str
    meaning: str
    """The label of an option, a pipeline or a stage; empty if it equals the value."""

    kept_by_hubspot: bool = False
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class LinkRow:
    """One associated record."""

    row: Row
    types: tuple[AssociationType, ...]


@dataclass(frozen=True)
class Links:
    """The associated records of one type."""

    kind: ObjectType
    total: int
    rows: list[LinkRow]
    columns: tuple[tuple[str, tuple[str, ...]], ...]
    details: dict[int, list[str]]


@dataclass(frozen=True)
class RecordView:
    """Everything that the page shows of a record."""

    kind: ObjectType
    record: Record
    name: str
    key: str
    properties: list[PropertyRow]
    unset: list[str]
    links: list[Links]
    changes: list[Change]
    merged: list[int]


def view(runtime: Runtime, kind: ObjectType, record_id: int) -> RecordView | None:
    """Return the view of a record, live or archived."""
    connection = runtime.connection
    record = record_tables.find(connection, kind.id, record_id) or record_tables.find(
        connection, kind.id, record_id, archived=True
    )
    if record is None:
        return None
    (name,) = connection.execute(
        "SELECT shown_name FROM record WHERE type = ? AND id = ?", (kind.id, record_id)
    ).fetchone()
    definitions = runtime.definitions.of(connection, kind.id)
    values = _values(kind, record)
    meanings = _stage_names(runtime, kind)
    merged = connection.execute(
        "SELECT old_id FROM merged WHERE type = ? AND new_id = ? ORDER BY old_id",
        (kind.id, record_id),
    )
    return RecordView(
        kind=kind,
        record=record,
        name=name or "",
        key=record_lists.keys_of(runtime, kind, [record_id]).get(record_id, ""),
        properties=[
            _property(one, value, definitions.get(one), meanings)
            for one, value in sorted(values.items())
        ],
        unset=sorted(definitions.keys() - values.keys()),
        links=_links(runtime, End(kind.id, record_id)),
        changes=record_changes.changes(connection, record),
        merged=[row[0] for row in merged],
    )


def _values(kind: ObjectType, record: Record) -> dict[str, str]:
    """Return the record's own properties and those the system keeps outside them."""
    return {
        **record.properties,
        kind.created_property: iso(record.created_at),
        kind.modified_property: iso(record.updated_at),
        "hs_object_id": str(record.id),
    }


def _property(
    name: str, value: str, definition: Definition | None, meanings: dict[str, str]
) -> PropertyRow:
    if definition is None:
        return PropertyRow(name, "", "", value, "", marks=("not defined",))
    marks = {
        "unique": definition.unique,
        "calculated": definition.calculated,
        "read only": definition.read_only and not definition.calculated,
        "cleared": value == "",
    }
    labels = {str(one["value"]): str(one["label"]) for one in definition.options}
    if definition.type == "enumeration":
        labels |= meanings
    parts = value.split(";") if definition.is_set else [value]
    meaning = ", ".join(labels[part] for part in parts if part in labels)
    return PropertyRow(
        name=name,
        label=str(definition.body["label"]),
        type=definition.type,
        value=value,
        meaning="" if meaning.casefold() == value.casefold() else meaning,
        kept_by_hubspot=definition.read_only,
        marks=tuple(mark for mark, holds in marks.items() if holds),
    )


def _stage_names(runtime: Runtime, kind: ObjectType) -> dict[str, str]:
    """Return the labels of pipelines and stages, whose ids are what records hold."""
    names = {}
    for pipeline in pipelines(runtime.connection, kind.id):
        names[pipeline["id"]] = pipeline["label"]
        names |= {stage["id"]: stage["label"] for stage in pipeline["stages"]}
    return names


def _links(runtime: Runtime, start: End) -> list[Links]:
    found = []
    for kind in OBJECT_TYPES:
        links = association_tables.links(runtime.connection, start, kind.id, limit=LINKS_SHOWN)
        if not links:
            continue
        (total,) = runtime.connection.execute(
            "SELECT count(DISTINCT to_id) FROM association JOIN record "
            "ON record.type = to_type AND record.id = to_id AND record.archived_at IS NULL "
            "WHERE from_type = ? AND from_id = ? AND to_type = ?",
            (start.type_id, start.id, kind.id),
        ).fetchone()
        named = record_lists.names(runtime, kind, (link.to_id for link in links))
        rows = [LinkRow(named[link.to_id], link.types) for link in links if link.to_id in named]
        details = record_lists.details(runtime, kind, named.values())
        columns = record_lists.DETAILS.get(kind.id, ())
        found.append(Links(kind, total, rows, columns, details))
    return found
