"""Records in the database: finding, storing, archiving, and their unique values."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from unicodedata import normalize

from reconcile.sandbox.switches import Switches

_COLUMNS = "id, properties, created_at, updated_at, archived_at"

BY_APP, BY_PERSON, BY_HUBSPOT = "INTEGRATION", "CRM_UI", "CALCULATED"
"""Who changes a record, as property histories record it (hubspot-api-nodejs#154)."""

BY_WORKFLOW = "AUTOMATION_PLATFORM"


@dataclass(frozen=True)
class Record:
    """One stored record; its properties are those set or cleared, never the system's."""

    type_id: str
    id: int
    properties: Mapping[str, str]
    created_at: int
    updated_at: int
    archived_at: int | None = None

    def changed(self, properties: Mapping[str, str], at: int) -> "Record":
        """Return this record with other properties."""
        return replace(self, properties=properties, updated_at=at)


def find(
    connection: sqlite3.Connection, type_id: str, record_id: int, *, archived: bool = False
) -> Record | None:
    """Find a record by its own id, among the archived or the live ones."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM record "  # noqa: S608 - constant text
        "WHERE type = ? AND id = ? AND (archived_at IS NOT NULL) = ?",
        (type_id, record_id, archived),
    ).fetchone()
    return None if row is None else _record(type_id, row)


def exists(connection: sqlite3.Connection, type_id: str, record_id: int) -> bool:
    """Return whether a live record has this id."""
    row = connection.execute(
        "SELECT 1 FROM record WHERE type = ? AND id = ? AND archived_at IS NULL",
        (type_id, record_id),
    ).fetchone()
    return row is not None


def is_taken(connection: sqlite3.Connection, type_id: str, record_id: int) -> bool:
    """Return whether an id was ever used in this type."""
    row = connection.execute(
        "SELECT 1 FROM record WHERE type = ?1 AND id = ?2 "
        "UNION ALL SELECT 1 FROM merged WHERE type = ?1 AND old_id = ?2",
        (type_id, record_id),
    ).fetchone()
    return row is not None


def page(
    connection: sqlite3.Connection, type_id: str, after: int, limit: int, *, archived: bool
) -> list[Record]:
    """Read records from id ``after`` on, ascending (ref §1, H)."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM record "  # noqa: S608 - constant text
        "WHERE type = ? AND id >= ? AND (archived_at IS NOT NULL) = ? ORDER BY id LIMIT ?",
        (type_id, after, archived, limit),
    )
    return [_record(type_id, row) for row in rows]


def insert(connection: sqlite3.Connection, record: Record) -> None:
    """Store a new record."""
    connection.execute(
        "INSERT INTO record (type, id, properties, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",
        (
            record.type_id,
            record.id,
            json.dumps(dict(record.properties), ensure_ascii=False),
            record.created_at,
            record.updated_at,
        ),
    )


def update(connection: sqlite3.Connection, record: Record, *, by: str = BY_APP) -> None:
    """Store a record's new properties and time."""
    _save_version(connection, record.type_id, record.id, record.updated_at, by)
    connection.execute(
        "UPDATE record SET properties = ?, updated_at = ? WHERE type = ? AND id = ?",
        (
            json.dumps(dict(record.properties), ensure_ascii=False),
            record.updated_at,
            record.type_id,
            record.id,
        ),
    )


def archive(connection: sqlite3.Connection, type_id: str, record_id: int, at: int) -> None:
    """Move a live record to the recycling bin; any other id is ignored (ref §8, H)."""
    if exists(connection, type_id, record_id):
        _save_version(connection, type_id, record_id, at, BY_APP)
    connection.execute(
        "UPDATE record SET archived_at = ? WHERE type = ? AND id = ? AND archived_at IS NULL",
        (at, type_id, record_id),
    )


def restore(connection: sqlite3.Connection, record: Record, at: int) -> Record:
    """Restore an archived record from the recycling bin."""
    _save_version(connection, record.type_id, record.id, at, BY_APP)
    connection.execute(
        "UPDATE record SET archived_at = NULL, updated_at = ? WHERE type = ? AND id = ?",
        (at, record.type_id, record.id),
    )
    return replace(record, archived_at=None, updated_at=at)


def count_created(connection: sqlite3.Connection, type_id: str) -> None:
    """Count a created record, also if it is deleted later."""
    connection.execute(
        "INSERT INTO created VALUES (?, 1) ON CONFLICT DO UPDATE SET number = number + 1",
        (type_id,),
    )


def replace_merged(connection: sqlite3.Connection, old: Record, new_id: int, at: int) -> None:
    """Remove a record that was merged into another, and record which one."""
    _save_version(connection, old.type_id, old.id, at, BY_APP)
    connection.execute(  # the record that it became did not exist before
        "INSERT OR IGNORE INTO former VALUES (?, ?, ?, NULL, 0, 0, NULL, ?)",
        (old.type_id, new_id, at, BY_APP),
    )
    connection.execute("DELETE FROM record WHERE type = ? AND id = ?", (old.type_id, old.id))
    forget_unique(connection, old.type_id, old.id)
    connection.execute(
        "UPDATE merged SET new_id = ? WHERE type = ? AND new_id = ?", (new_id, old.type_id, old.id)
    )
    connection.execute("INSERT INTO merged VALUES (?, ?, ?)", (old.type_id, old.id, new_id))


def delete(connection: sqlite3.Connection, type_id: str, record_id: int) -> None:
    """Delete a record permanently, with everything stored under its id."""
    for table, column in (
        ("record", "id"),
        ("unique_value", "record_id"),
        ("merged", "new_id"),
        ("former", "id"),
    ):
        connection.execute(
            f"DELETE FROM {table} WHERE type = ? AND {column} = ?",  # noqa: S608 - constant names
            (type_id, record_id),
        )


def merged_into(connection: sqlite3.Connection, type_id: str, old_id: int) -> int | None:
    """Return the id of the record that a merged one became."""
    row = connection.execute(
        "SELECT new_id FROM merged WHERE type = ? AND old_id = ?", (type_id, old_id)
    ).fetchone()
    return None if row is None else int(row[0])


def unique_key(value: str, switches: Switches) -> str:
    """Return the form in which unique values are compared."""
    if switches.unique_values_trimmed:
        value = value.strip()
    if switches.unique_values_case_folded:
        value = value.casefold()
    return normalize("NFC", value) if switches.unique_values_normalised else value


def holders(
    connection: sqlite3.Connection, type_id: str, name: str, key: str
) -> Iterator[tuple[int, bool]]:
    """Yield the id of every record with this unique value, and whether it is archived."""
    rows = connection.execute(
        # CROSS JOIN keeps the planner from walking the records first.
        "SELECT record_id, record.archived_at IS NOT NULL FROM unique_value "
        "CROSS JOIN record ON record.type = unique_value.type AND record.id = record_id "
        "WHERE unique_value.type = ? AND property = ? AND value = ? ORDER BY record_id DESC",
        (type_id, name, key),
    )
    for record_id, archived in rows.fetchall():
        yield int(record_id), bool(archived)


def set_unique(
    connection: sqlite3.Connection, type_id: str, record_id: int, values: Iterable[tuple[str, str]]
) -> None:
    """Replace a record's entries in the index of unique values."""
    forget_unique(connection, type_id, record_id)
    connection.executemany(
        "INSERT INTO unique_value (type, property, value, record_id) VALUES (?, ?, ?, ?)",
        ((type_id, name, key, record_id) for name, key in values),
    )


def index_unique(
    connection: sqlite3.Connection, type_id: str, name: str, switches: Switches
) -> None:
    """Rebuild the index of a property's values after its archived definition was restored."""
    rows = connection.execute(
        "SELECT id, properties ->> ?2 FROM record WHERE type = ?1 AND properties ->> ?2 <> ''",
        (type_id, f'$."{name}"'),
    ).fetchall()
    connection.executemany(
        "INSERT OR IGNORE INTO unique_value VALUES (?, ?, ?, ?)",
        ((type_id, name, unique_key(value, switches), record_id) for record_id, value in rows),
    )


def forget_unique(connection: sqlite3.Connection, type_id: str, record_id: int) -> None:
    """Remove a record from the index of unique values."""
    connection.execute(
        "DELETE FROM unique_value WHERE type = ? AND record_id = ?", (type_id, record_id)
    )


def _save_version(
    connection: sqlite3.Connection, type_id: str, record_id: int, until: int, by: str
) -> None:
    """Save a record as it is now, before a change; see ``record_versions``."""
    connection.execute(
        "INSERT OR IGNORE INTO former "
        "SELECT type, id, ?, properties, created_at, updated_at, archived_at, ? FROM record "
        "WHERE type = ? AND id = ?",
        (until, by, type_id, record_id),
    )


def _record(type_id: str, row: tuple[int, str, int, int, int | None]) -> Record:
    return Record(type_id, row[0], json.loads(row[1]), row[2], row[3], row[4])
