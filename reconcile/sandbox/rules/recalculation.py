"""Recalculating a record a moment after a write, as HubSpot does (ref §6, §12).

updatedAt was recorded to move 0.2 to 0.9 s after a create; nothing else changes with it, so it is
computed when it is shown. The home currency properties are reported to be calculated later; those
that are due are written before the next request. Both are switches.
"""

import sqlite3
from collections.abc import Callable, Mapping

from reconcile.sandbox.object_types import CART, ORDER, ObjectType
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.storage import record_tables
from reconcile.sandbox.storage.database_file import transaction
from reconcile.sandbox.storage.record_tables import Record
from reconcile.sandbox.switches import Switches

HOME_CURRENCY = ("hs_homecurrency_amount", "hs_exchange_rate")

_EARLIEST, _SPREAD = 200, 700  # milliseconds
_STEP = 7919  # spreads consecutive ids


def postpones(kind: ObjectType, switches: Switches) -> bool:
    """Return whether a type's home currency properties are calculated later."""
    return switches.home_currency_comes_later and kind in (ORDER, CART)


def updated_at(call: Call, record: Record) -> int:
    """Return when a record was last updated, as a read at this moment shows it."""
    moved = record.updated_at + _delay(record.id)
    now = call.now if call.reads_as_of is None else call.reads_as_of
    drifts = call.switches.updated_at_drifts and record.updated_at == record.created_at
    return moved if drifts and moved <= now else record.updated_at


def updated_at_sql(call: Call) -> str:
    """Return the same as SQL; it ignores the moment itself, under a second after a create."""
    if not call.switches.updated_at_drifts:
        return "updated_at"
    moved = f"updated_at + {_EARLIEST} + id * {_STEP} % {_SPREAD}"
    return f"(CASE WHEN updated_at = created_at THEN {moved} ELSE updated_at END)"


def schedule(call: Call, kind: ObjectType, record: Record) -> None:
    """Schedule the recalculation of a record that is written now."""
    if postpones(kind, call.switches):
        call.connection.execute(
            "INSERT OR REPLACE INTO recalculation VALUES (?, ?, ?)",
            (kind.id, record.id, record.updated_at + _delay(record.id)),
        )


def due(connection: sqlite3.Connection, now: int) -> list[tuple[str, int, int]]:
    """Return the type, id and time of every record whose recalculation is due."""
    return connection.execute(
        "SELECT type, id, due FROM recalculation WHERE due <= ? ORDER BY due", (now,)
    ).fetchall()


def run(
    call: Call,
    waiting: list[tuple[str, int, int]],
    recompute: Callable[[Call, ObjectType, Mapping[str, str]], Mapping[str, str]],
) -> None:
    """Recalculate records; updatedAt moves with their properties."""
    with transaction(call.connection, write=True):
        for type_id, record_id, at in waiting:
            call.connection.execute(
                "DELETE FROM recalculation WHERE type = ? AND id = ?", (type_id, record_id)
            )
            record = record_tables.find(call.connection, type_id, record_id)
            if record is None:
                continue
            properties = recompute(call, call.kind_of(type_id), record.properties)
            if properties != record.properties:
                changed = record.changed(properties, max(at, record.updated_at + 1))
                record_tables.update(call.connection, changed, by=record_tables.BY_HUBSPOT)


def _delay(record_id: int) -> int:
    """Return after how many milliseconds a record is recalculated; constant for one id."""
    return _EARLIEST + record_id * _STEP % _SPREAD
