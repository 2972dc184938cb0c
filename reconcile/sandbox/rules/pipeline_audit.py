"""The audit of pipelines and stages, latest change first (the pipelines guide; ref §10)."""

import json
from typing import Any

from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.storage import pipeline_tables as store
from reconcile.sandbox.storage.database_file import account_value
from reconcile.sandbox.wire_format import iso

_NEWEST = "ORDER BY rowid DESC"


def note(call: Call, action: str, pipeline_id: str, stage_id: str | None = None) -> None:
    """Record a change, with the pipeline as it is now."""
    pipelines = store.pipelines(call.connection, call.kind.id)
    content = next((one for one in pipelines if one["id"] == pipeline_id), {"id": pipeline_id})
    call.connection.execute(
        "INSERT INTO pipeline_audit VALUES (?, ?, ?, ?, ?, ?)",
        (call.kind.id, pipeline_id, stage_id, action, call.now, json.dumps(content)),
    )


def of_pipeline(call: Call, pipeline_id: str) -> list[dict[str, Any]]:
    """Return every change of a pipeline and its stages."""
    return _read(call, "Pipeline", f"pipeline_id = ? {_NEWEST}", pipeline_id)


def of_stage(call: Call, stage_id: str) -> list[dict[str, Any]]:
    """Return the changes made to one stage alone; their identifier's form is a guess.

    The pipeline in the path is ignored: the operation, and so the official clients, do not
    even accept it, and send the path with ``{pipelineId}`` in it.
    """
    return _read(call, "Stage", f"stage_id = ? {_NEWEST}", stage_id)


def _read(call: Call, what: str, where: str, wanted: str) -> list[dict[str, Any]]:
    rows = call.connection.execute(
        "SELECT action, at, content FROM pipeline_audit "  # noqa: S608 - constant text
        f"WHERE type = ? AND {where}",
        (call.kind.id, wanted),
    )
    return [
        {
            "portalId": call.portal_id,
            "identifier": f"{call.portal_id}:{wanted}",
            "action": action,
            "timestamp": iso(at),
            "message": f"{what} {action.lower()}",
            "rawObject": content,
            "fromUserId": account_value(call.connection, "user_id"),
        }
        for action, at, content in rows
    ]
