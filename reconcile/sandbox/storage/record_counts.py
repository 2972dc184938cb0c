"""Counts of an account's records: tests that crash clients see what was lost or duplicated.

HubSpot has nothing like it. Whole tables are read, which is slow with many records.
"""

import sqlite3
from typing import Any

from reconcile.sandbox.object_types import LINE_ITEM, LINE_ITEM_PARENTS, OBJECT_TYPES, ObjectType

_NAMED = 100  # so many offenders are listed by name


def summary(connection: sqlite3.Connection, property_name: str | None) -> dict[str, Any]:
    """Count the records of each type.

    ``live``, ``archived``, ``created`` (creates ever committed: seeds count, merges do not). With a
    property ``shared``: its values that several live records have, ``{"count": 1, "values":
    {"NW-1": ["41…1", "41…2"]}}``. Of line items ``orphans`` and ``torn``: those without a live
    parent, and those with several, ``{"count": 1, "ids": ["41…3"]}``.
    """
    return {kind.plural: _of(connection, kind, property_name) for kind in OBJECT_TYPES}


def _of(
    connection: sqlite3.Connection, kind: ObjectType, property_name: str | None
) -> dict[str, Any]:
    live, archived, created = connection.execute(
        "SELECT count(*) FILTER (WHERE archived_at IS NULL), count(archived_at), "
        "coalesce((SELECT number FROM created WHERE type = ?1), 0) FROM record WHERE type = ?1",
        (kind.id,),
    ).fetchone()
    found: dict[str, Any] = {"live": live, "archived": archived, "created": created}
    if property_name is not None:
        found["shared"] = _shared(connection, kind, property_name)
    if kind is LINE_ITEM:
        parents = _parents(connection)
        found["orphans"] = _named([line for line, number in parents if number == 0])
        found["torn"] = _named([line for line, number in parents if number > 1])
    return found


def _shared(connection: sqlite3.Connection, kind: ObjectType, name: str) -> dict[str, Any]:
    rows = connection.execute(
        "SELECT properties ->> ? AS value, group_concat(id, ' ') FROM record "
        "WHERE type = ? AND archived_at IS NULL AND value <> '' "
        "GROUP BY value HAVING count(*) > 1 ORDER BY value",
        (f'$."{name}"', kind.id),
    ).fetchall()
    values = {value: ids.split() for value, ids in rows[:_NAMED]}
    return {"count": len(rows), "values": values}


def _parents(connection: sqlite3.Connection) -> list[tuple[int, int]]:
    """Count the live parents of each live line item that has none or several."""
    types = ", ".join(f"'{type_id}'" for type_id in sorted(LINE_ITEM_PARENTS))
    return connection.execute(
        "SELECT id, (SELECT count(DISTINCT to_type || to_id) FROM association "  # noqa: S608
        "JOIN record AS parent ON parent.type = to_type AND parent.id = to_id "
        "AND parent.archived_at IS NULL WHERE from_type = record.type AND from_id = record.id "
        f"AND to_type IN ({types})) AS number "
        "FROM record WHERE type = ? AND archived_at IS NULL AND number <> 1 ORDER BY id",
        (LINE_ITEM.id,),
    ).fetchall()


def _named(ids: list[int]) -> dict[str, Any]:
    return {"count": len(ids), "ids": [str(one) for one in ids[:_NAMED]]}
