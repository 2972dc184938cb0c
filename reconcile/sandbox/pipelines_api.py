"""Pipelines and stages over HTTP: reading, and making and changing them (ref §10)."""

import json
from typing import Any

from reconcile.sandbox import pipeline_store as store
from reconcile.sandbox.calls import Call, Endpoint, Reply, required, text_of
from reconcile.sandbox.database import next_id
from reconcile.sandbox.errors import NOT_FOUND, HubSpotError, invalid
from reconcile.sandbox.object_types import ORDER
from reconcile.sandbox.scopes import pipeline_scope

_MAX_STAGES = 30  # per order pipeline (ref §3, M)
_STATES = ("OPEN", "CLOSED")


def list_all(call: Call) -> Reply:
    """List the pipelines of a type with their stages."""
    _allow(call, "read")
    return Reply(200, {"results": store.pipelines(call.connection, call.kind.id)})


def read(call: Call) -> Reply:
    """Read one pipeline."""
    _allow(call, "read")
    return Reply(200, _pipeline(call))


def create(call: Call) -> Reply:
    """Make a pipeline with its stages; the client may choose their ids (ref §10, H)."""
    _allow(call, "write")
    required(call.json, "label", "displayOrder", "stages")
    stages = call.json["stages"]
    if not isinstance(stages, list) or not stages or len(stages) > _MAX_STAGES:
        raise invalid(f"A pipeline must have between 1 and {_MAX_STAGES} stages")
    label = text_of(call.json["label"])
    pipeline_id = _new_id(call, "pipelineId", call.json)
    if pipeline_id in store.pipeline_ids(call.connection, call.kind.id):
        raise invalid(f"Pipeline with id {pipeline_id} already exists", id=[pipeline_id])
    order = _order(call.json)
    store.add_pipeline(
        call.connection, call.kind.id, pipeline_id, label=label, order=order, at=call.now
    )
    for stage in stages:
        _add_stage(call, pipeline_id, stage)
    return Reply(201, _find(store.pipelines(call.connection, call.kind.id), pipeline_id))


def update(call: Call) -> Reply:
    """Change a pipeline's label or place."""
    _allow(call, "write")
    pipeline = _pipeline(call)
    label = text_of(call.json.get("label") or pipeline["label"])
    order = _order(call.json, pipeline["displayOrder"])
    call.connection.execute(
        "UPDATE pipeline SET label = ?, display_order = ?, updated_at = ? "
        "WHERE type = ? AND id = ?",
        (label, order, call.now, call.kind.id, pipeline["id"]),
    )
    return Reply(200, _pipeline(call))


def list_stages(call: Call) -> Reply:
    """List the stages of a pipeline."""
    _allow(call, "read")
    return Reply(200, {"results": _pipeline(call)["stages"]})


def read_stage(call: Call) -> Reply:
    """Read one stage."""
    _allow(call, "read")
    return Reply(200, _stage(call))


def create_stage(call: Call) -> Reply:
    """Add a stage to a pipeline."""
    _allow(call, "write")
    pipeline = _pipeline(call)
    if len(pipeline["stages"]) >= _MAX_STAGES:
        raise invalid(f"A pipeline must have between 1 and {_MAX_STAGES} stages")
    stage_id = _add_stage(call, pipeline["id"], call.json)
    return Reply(201, _find(_pipeline(call)["stages"], stage_id))


def update_stage(call: Call) -> Reply:
    """Change a stage's label, place or metadata."""
    _allow(call, "write")
    stage = _stage(call)
    label = text_of(call.json.get("label") or stage["label"])
    metadata = stage["metadata"] | _metadata(call.json)
    call.connection.execute(
        "UPDATE stage SET label = ?, display_order = ?, metadata = ?, updated_at = ? "
        "WHERE type = ? AND id = ?",
        (
            label,
            _order(call.json, stage["displayOrder"]),
            json.dumps(metadata),
            call.now,
            call.kind.id,
            stage["id"],
        ),
    )
    return Reply(200, _stage(call))


def _allow(call: Call, access: str) -> None:
    """Check the scope; of the types kept here only orders have pipelines (ref §10, H)."""
    if call.kind is not ORDER:
        raise invalid(f"Object type {call.kind.id} does not support pipelines")
    call.allow(pipeline_scope(call.kind, access))


def _add_stage(call: Call, pipeline_id: str, sent: object) -> str:
    if not isinstance(sent, dict):
        raise invalid("stages must be a list of objects")
    required(sent, "label", "displayOrder")
    stage_id = _new_id(call, "stageId", sent)
    if stage_id in store.stage_ids(call.connection, call.kind.id, None):
        raise invalid(f"Stage with id {stage_id} already exists", id=[stage_id])
    store.add_stage(
        call.connection,
        call.kind.id,
        pipeline_id,
        stage_id,
        label=text_of(sent["label"]),
        order=_order(sent),
        metadata={"state": "OPEN"} | _metadata(sent),
        at=call.now,
    )
    return stage_id


def _metadata(sent: dict[str, Any]) -> dict[str, str]:
    given = sent.get("metadata") or {}
    if not isinstance(given, dict):
        raise invalid("metadata must be an object")
    metadata = {str(name): text_of(value) for name, value in given.items()}
    if metadata.get("state", "OPEN") not in _STATES:
        raise invalid(f"metadata.state must be one of {', '.join(_STATES)}")
    return metadata


def _new_id(call: Call, name: str, sent: dict[str, Any]) -> str:
    """Take the id a client chose, or a number as HubSpot gives its own (ref §10)."""
    chosen = sent.get(name)
    return text_of(chosen) if chosen else str(next_id(call.connection))


def _order(sent: dict[str, Any], default: int = 0) -> int:
    order = sent.get("displayOrder")
    return order if isinstance(order, int) else default


def _pipeline(call: Call) -> dict[str, Any]:
    return _find(store.pipelines(call.connection, call.kind.id), call.params["pipeline"])


def _stage(call: Call) -> dict[str, Any]:
    return _find(_pipeline(call)["stages"], call.params["stage"])


def _find(found: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    for one in found:
        if one["id"] == wanted:
            return one
    raise HubSpotError(404, "resource not found", category=NOT_FOUND, context={"id": [wanted]})


def _routes() -> list[Endpoint]:
    routes = []
    for prefix in ("/crm/v3/pipelines/{type}", "/crm/pipelines/2026-03/{type}"):
        one = f"{prefix}/{{pipeline}}"
        routes += [
            Endpoint("GET", prefix, list_all),
            Endpoint("POST", prefix, create, writes=True),
            Endpoint("GET", one, read),
            Endpoint("PATCH", one, update, writes=True),
            Endpoint("GET", f"{one}/stages", list_stages),
            Endpoint("POST", f"{one}/stages", create_stage, writes=True),
            Endpoint("GET", f"{one}/stages/{{stage}}", read_stage),
            Endpoint("PATCH", f"{one}/stages/{{stage}}", update_stage, writes=True),
        ]
    return routes


ROUTES = _routes()
