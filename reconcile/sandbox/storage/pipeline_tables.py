"""Pipelines and their stages in the database (ref §10).

Of the types kept here only orders have pipelines as the reference describes them; carts and line
items have none.
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from reconcile.sandbox.object_types import ORDER
from reconcile.sandbox.wire_format import iso

DEFAULT_ORDER_PIPELINE = "14a2e10e-5471-408a-906e-c51f3b04369e"

_DEFAULT_STAGES = (  # identical in at least six unrelated portals (ref §10, M)
    ("4b27b500-f031-4927-9811-68a0b525cbae", "Open", "OPEN"),
    ("937ea84d-0a4f-4dcf-9028-3f9c2aafbf03", "Processed", "OPEN"),
    ("aa99e8d0-c1d5-4071-b915-d240bbb1aed9", "Shipped", "OPEN"),
    ("3725360f-519b-4b18-a593-494d60a29c9f", "Delivered", "CLOSED"),
    ("3c85a297-e9ce-400b-b42e-9f16853d69d6", "Cancelled", "CLOSED"),
)


def fill_defaults(connection: sqlite3.Connection, at: int) -> None:
    """Put the default order pipeline into a new database."""
    where = (ORDER.id, DEFAULT_ORDER_PIPELINE)
    add_pipeline(connection, *where, label="Order Pipeline", order=0, at=at)
    for order, (stage_id, label, state) in enumerate(_DEFAULT_STAGES):
        metadata = {"state": state}
        # "The stages on default pipelines will have createdAt = 0": hubspot-sdk's PipelineStage.
        add_stage(connection, *where, stage_id, label=label, order=order, metadata=metadata, at=0)


def add_pipeline(
    connection: sqlite3.Connection,
    type_id: str,
    pipeline_id: str,
    *,
    label: str,
    order: int,
    at: int,
) -> None:
    """Store a new pipeline."""
    connection.execute(
        "INSERT INTO pipeline (type, id, label, display_order, created_at, updated_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        (type_id, pipeline_id, label, order, at),
    )


def add_stage(
    connection: sqlite3.Connection,
    type_id: str,
    pipeline_id: str,
    stage_id: str,
    *,
    label: str,
    order: int,
    metadata: Mapping[str, str],
    at: int,
) -> None:
    """Store a new stage."""
    connection.execute(
        "INSERT INTO stage (type, pipeline_id, id, label, display_order, metadata, "
        "created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
        (type_id, pipeline_id, stage_id, label, order, json.dumps(dict(metadata)), at),
    )


def remove_pipeline(connection: sqlite3.Connection, type_id: str, pipeline_id: str) -> None:
    """Delete a pipeline with its stages; nothing can bring them back."""
    where = (type_id, pipeline_id)
    connection.execute("DELETE FROM stage WHERE type = ? AND pipeline_id = ?", where)
    connection.execute("DELETE FROM pipeline WHERE type = ? AND id = ?", where)


def remove_stage(connection: sqlite3.Connection, type_id: str, stage_id: str) -> None:
    """Delete a stage; nothing can bring it back."""
    connection.execute("DELETE FROM stage WHERE type = ? AND id = ?", (type_id, stage_id))


def pipelines(connection: sqlite3.Connection, type_id: str) -> list[dict[str, Any]]:
    """Read the live pipelines of a type with their stages, as the API shows them."""
    rows = connection.execute(
        "SELECT id, label, display_order, created_at, updated_at FROM pipeline "
        "WHERE type = ? AND archived = 0 ORDER BY display_order, id",
        (type_id,),
    ).fetchall()
    return [
        {
            "label": label,
            "displayOrder": order,
            "id": pipeline_id,
            "stages": stages(connection, type_id, pipeline_id),
            "createdAt": iso(created),
            "updatedAt": iso(updated),
            "archived": False,
        }
        for pipeline_id, label, order, created, updated in rows
    ]


def stages(connection: sqlite3.Connection, type_id: str, pipeline_id: str) -> list[dict[str, Any]]:
    """Read the live stages of a pipeline."""
    rows = connection.execute(
        "SELECT id, label, display_order, metadata, created_at, updated_at FROM stage "
        "WHERE type = ? AND pipeline_id = ? AND archived = 0 ORDER BY display_order, id",
        (type_id, pipeline_id),
    )
    return [
        {
            "label": label,
            "displayOrder": order,
            "metadata": json.loads(metadata),
            "id": stage_id,
            "createdAt": iso(created),
            "updatedAt": iso(updated),
            "archived": False,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        }
        for stage_id, label, order, metadata, created, updated in rows
    ]


def pipeline_ids(connection: sqlite3.Connection, type_id: str) -> set[str]:
    """Return the ids a record's hs_pipeline may hold."""
    rows = connection.execute("SELECT id FROM pipeline WHERE type = ? AND archived = 0", (type_id,))
    return {row[0] for row in rows}


def stage_ids(connection: sqlite3.Connection, type_id: str, pipeline_id: str | None) -> set[str]:
    """Return the ids hs_pipeline_stage may hold: those of one pipeline, or of any."""
    rows = connection.execute(
        "SELECT id FROM stage WHERE type = ?1 AND archived = 0 "
        "AND (?2 IS NULL OR pipeline_id = ?2)",
        (type_id, pipeline_id),
    )
    return {row[0] for row in rows}


def is_closed(connection: sqlite3.Connection, type_id: str, stage_id: str) -> bool:
    """Return whether a stage means that its records are done."""
    row = connection.execute(
        "SELECT metadata FROM stage WHERE type = ? AND id = ?", (type_id, stage_id)
    ).fetchone()
    return row is not None and json.loads(row[0]).get("state") == "CLOSED"
