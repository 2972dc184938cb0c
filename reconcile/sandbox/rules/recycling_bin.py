"""The recycling bin: archiving records, and purging them after 90 days (ref §8, §9).

The API cannot restore anything from it.
"""

import sqlite3
from datetime import timedelta

from reconcile.sandbox.object_types import LINE_ITEM, QUOTE, ObjectType
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.storage import association_tables, property_table, record_tables
from reconcile.sandbox.storage.association_tables import End
from reconcile.sandbox.wire_format import record_id

_KEPT_MS = timedelta(days=90) // timedelta(milliseconds=1)  # ref §8, H


def archive(call: Call, kind: ObjectType, text: str) -> None:
    """Archive a record; ids that do not exist are ignored (ref §8, H).

    A quote takes its line items with it.
    """
    number = record_id(text)
    if number is None or not record_tables.exists(call.connection, kind.id, number):
        return
    if kind is QUOTE:
        for link in association_tables.links(call.connection, End(kind.id, number), LINE_ITEM.id):
            record_tables.archive(call.connection, LINE_ITEM.id, link.to_id, call.now)
    record_tables.archive(call.connection, kind.id, number, call.now)


def bin_is_due(connection: sqlite3.Connection, now: int) -> bool:
    """Return whether something has been in the bin for more than 90 days."""
    row = connection.execute(
        "SELECT 1 FROM record WHERE archived_at < ?1 "
        "UNION ALL SELECT 1 FROM property WHERE archived_at < ?1 LIMIT 1",
        (now - _KEPT_MS,),
    ).fetchone()
    return row is not None


def empty_bin(connection: sqlite3.Connection, now: int) -> None:
    """Purge what was archived more than 90 days ago: records, and definitions of properties."""
    due = connection.execute(
        "SELECT type, id FROM record WHERE archived_at < ?", (now - _KEPT_MS,)
    ).fetchall()
    for type_id, number in due:
        association_tables.forget(connection, End(type_id, number))
        record_tables.delete(connection, type_id, number)
    connection.execute("DELETE FROM property WHERE archived_at < ?", (now - _KEPT_MS,))
    property_table.mark_changed(connection)
