"""Former versions of records: for histories, for a lagging index, for stale reads.

Every change first saves the record's former version; a create saves nothing, since its time is
on the record. So a write costs one more row and a record never changed costs none.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconcile.sandbox.object_types import CONTACT, ObjectType
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.storage import record_tables
from reconcile.sandbox.storage.database_file import account_value
from reconcile.sandbox.storage.record_tables import Record
from reconcile.sandbox.wire_format import iso

_KEPT_OF_OTHERS = 20
_KEPT = {CONTACT.id: 45}
"""How many values of each property HubSpot keeps (ref §6, M)."""

VISIBLE = """
SELECT id, properties, created_at, updated_at, archived_at FROM record
WHERE type = :type AND created_at <= :at
AND id NOT IN (SELECT id FROM former WHERE type = :type AND until > :at)
UNION ALL
SELECT id, properties, created_at, updated_at, archived_at FROM former AS version
WHERE type = :type AND until > :at AND properties IS NOT NULL AND created_at <= :at
AND until = (SELECT min(until) FROM former WHERE type = version.type AND id = version.id
             AND until > :at)
"""
"""Selects the records of ``:type`` as they were at ``:at``."""


def seen(
    connection: sqlite3.Connection, type_id: str, record_id: int, at: int, *, archived: bool = False
) -> Record | None:
    """Find a record as it was at a moment, among those then archived or live."""
    row = connection.execute(
        "SELECT id, properties, created_at, updated_at, archived_at FROM former "
        "WHERE type = ? AND id = ? AND until > ? ORDER BY until LIMIT 1",
        (type_id, record_id, at),
    ).fetchone()
    if row is None:
        row = connection.execute(
            "SELECT id, properties, created_at, updated_at, archived_at FROM record "
            "WHERE type = ? AND id = ?",
            (type_id, record_id),
        ).fetchone()
    if row is None or row[1] is None or row[2] > at or (row[4] is not None) != archived:
        return None
    return Record(type_id, row[0], json.loads(row[1]), row[2], row[3], row[4])


def page(
    connection: sqlite3.Connection, type_id: str, at: int, after: int, limit: int, *, archived: bool
) -> list[Record]:
    """Read a list page as it was at a moment; see ``record_tables.page``."""
    rows = connection.execute(
        f"SELECT * FROM ({VISIBLE}) "  # noqa: S608 - constant text
        "WHERE id >= :after AND (archived_at IS NOT NULL) = :archived ORDER BY id LIMIT :limit",
        {"type": type_id, "at": at, "after": after, "archived": archived, "limit": limit},
    )
    return [Record(type_id, row[0], json.loads(row[1]), *row[2:]) for row in rows]


def holders(
    connection: sqlite3.Connection, type_id: str, name: str, value: str, at: int
) -> Iterator[int]:
    """Yield the ids of records changed since a moment whose former version may have a value."""
    rows = connection.execute(
        "SELECT DISTINCT id FROM former WHERE type = ?1 AND until > ?2 "
        "AND lower(trim(properties ->> ?3)) = lower(trim(?4))",
        (type_id, at, f'$."{name}"', value),
    )
    for row in rows.fetchall():
        yield int(row[0])


def history(
    call: Call, kind: ObjectType, record: Record, names: Iterable[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return the last values of properties, newest first (shape: hubspot-api-nodejs#154)."""
    steps, most = list(_steps(call, record)), _KEPT.get(kind.id, _KEPT_OF_OTHERS)
    definitions = call.definitions(kind.id)
    shown: dict[str, list[dict[str, Any]]] = {}
    for name in names:
        if name not in definitions:
            continue
        entries: list[dict[str, Any]] = []
        last: str | None = None
        for properties, since, by in steps:
            value = properties.get(name)
            if value is not None and value != last:
                source = record_tables.BY_HUBSPOT if definitions[name].calculated else by
                shown_source = _source(call, source, record)
                entries.append({"value": value, "timestamp": iso(since)} | shown_source)
            last = value
        shown[name] = entries[: -most - 1 : -1]
    return shown


def _steps(call: Call, record: Record) -> Iterator[tuple[Mapping[str, str], int, str]]:
    """Yield each version of a record: what it held, since when, by whom; oldest first."""
    rows = call.connection.execute(
        "SELECT properties, until, source FROM former WHERE type = ? AND id = ? ORDER BY until",
        (record.type_id, record.id),
    )
    since, by = record.created_at, _creator(record)
    for properties, until, source in rows:
        if until > record.updated_at:
            break  # this is a former version itself, or was archived since
        if properties is not None:
            yield json.loads(properties), since, by
        since, by = until, source
    yield record.properties, since, by


def _creator(record: Record) -> str:
    """Return who created a record, as ``Call.source`` has it, but without a name."""
    made = record.properties
    source = made.get("hs_object_source", record_tables.BY_APP)
    return f"{source} {made.get('hs_object_source_id', '')}".rstrip()


def _source(call: Call, source: str, record: Record) -> dict[str, Any]:
    """Return who set a value of a record: an app, a person, a workflow, or HubSpot itself."""
    type_, _, rest = source.partition(" ")
    id_, _, label = rest.partition(" ")
    shown: dict[str, Any] = {"sourceType": type_}
    if type_ == record_tables.BY_PERSON:
        user = int(id_) if id_.isdecimal() else account_value(call.connection, "user_id")
        shown |= {"sourceId": f"userId:{user}", "updatedByUserId": user}
    elif type_ == record_tables.BY_APP:
        shown["sourceId"] = id_ or str(account_value(call.connection, "app_id"))
    elif type_ == record_tables.BY_WORKFLOW and call.switches.workflow_source == "enrollment":
        shown["sourceId"] = f"enrollmentId:{record.id}{id_};actionExecutionIndex:0"
    elif id_:
        shown["sourceId"] = id_
    if label and call.switches.sources_have_labels:
        shown["sourceLabel"] = label
    return shown
