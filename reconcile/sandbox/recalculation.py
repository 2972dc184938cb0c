"""What HubSpot does to a record a moment after a write (ref §6, §12).

updatedAt was recorded to move 0.2 to 0.9 s after a create, and the currency side properties are
said to be worked out later. Both are switches. What is due happens before the next request.
"""

import sqlite3
import zlib
from collections.abc import Callable, Mapping

from reconcile.sandbox import records
from reconcile.sandbox.calls import Call
from reconcile.sandbox.database import transaction
from reconcile.sandbox.object_types import CART, ORDER, ObjectType
from reconcile.sandbox.records import Record
from reconcile.sandbox.switches import Switches

CURRENCY_SIDE = ("hs_homecurrency_amount", "hs_exchange_rate")

_EARLIEST, _SPREAD = 200, 700  # milliseconds


def postpones(kind: ObjectType, switches: Switches) -> bool:
    """Tell whether a type's currency side properties come later."""
    return switches.home_currency_comes_later and kind in (ORDER, CART)


def schedule(call: Call, kind: ObjectType, record: Record, *, created: bool) -> None:
    """Note that a record written now will be gone over."""
    if postpones(kind, call.switches) or (created and call.switches.updated_at_drifts):
        delay = _EARLIEST + zlib.crc32(str(record.id).encode()) % _SPREAD
        call.connection.execute(
            "INSERT OR REPLACE INTO recalculation VALUES (?, ?, ?)",
            (kind.id, record.id, record.updated_at + delay),
        )


def due(connection: sqlite3.Connection, now: int) -> list[tuple[str, int, int]]:
    """Return the type, id and time of every record whose moment has come."""
    return connection.execute(
        "SELECT type, id, due FROM recalculation WHERE due <= ? ORDER BY due", (now,)
    ).fetchall()


def run(
    call: Call,
    waiting: list[tuple[str, int, int]],
    recompute: Callable[[Call, ObjectType, Mapping[str, str]], Mapping[str, str]],
) -> None:
    """Go over records: their properties are worked out anew, and updatedAt moves."""
    with transaction(call.connection, write=True):
        for type_id, record_id, at in waiting:
            call.connection.execute(
                "DELETE FROM recalculation WHERE type = ? AND id = ?", (type_id, record_id)
            )
            record = records.find(call.connection, type_id, record_id)
            if record is None:
                continue
            properties = recompute(call, call.kind_of(type_id), record.properties)
            if properties != record.properties or call.switches.updated_at_drifts:
                changed = record.changed(properties, max(at, record.updated_at + 1))
                records.update(call.connection, changed, by=records.BY_HUBSPOT)
