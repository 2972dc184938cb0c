"""Pipelines: list, read, create, update, replace, delete (ref §10)."""

from collections.abc import Mapping
from typing import Any

from reconcile.sandbox.api_errors import invalid
from reconcile.sandbox.rules import pipeline_audit, pipeline_checks
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply, required, text_of, text_or
from reconcile.sandbox.storage import pipeline_tables as store


def list_all(call: Call) -> Reply:
    """List the pipelines of a type with their stages."""
    pipeline_checks.allow(call, "read")
    return Reply(200, {"results": store.pipelines(call.connection, call.kind.id)})


def read(call: Call) -> Reply:
    """Read one pipeline."""
    pipeline_checks.allow(call, "read")
    return Reply(200, pipeline_checks.find_pipeline(call))


def create(call: Call) -> Reply:
    """Create a pipeline with its stages; the client may choose their ids (ref §10, H)."""
    pipeline_checks.allow(call, "write")
    required(call.json, "label", "displayOrder", "stages")
    stages = pipeline_checks.read_stages(call.json)
    label = text_of(call.json["label"])
    pipeline_id = pipeline_checks.new_id(call, "pipelineId", call.json)
    if pipeline_id in store.pipeline_ids(call.connection, call.kind.id):
        raise invalid(f"Pipeline with id {pipeline_id} already exists", id=[pipeline_id])
    pipeline_checks.check_label(call, label)
    order = pipeline_checks.display_order(call.json)
    store.add_pipeline(
        call.connection, call.kind.id, pipeline_id, label=label, order=order, at=call.now
    )
    for stage in stages:
        pipeline_checks.add_stage(call, pipeline_id, stage)
    pipeline_audit.note(call, "CREATE", pipeline_id)
    found = store.pipelines(call.connection, call.kind.id)
    return Reply(201, pipeline_checks.find(found, pipeline_id))


def update(call: Call) -> Reply:
    """Change a pipeline's label or position; only restoring an archived one may send archived."""
    pipeline_checks.allow(call, "write")
    pipeline = pipeline_checks.find_pipeline(call)
    if call.json.get("archived") is not None:
        raise invalid("archived may only be sent to restore an archived pipeline")
    _change(call, pipeline, call.json)
    call.connection.execute(  # a change of a pipeline moves the times of all its stages
        "UPDATE stage SET updated_at = ? WHERE type = ? AND pipeline_id = ?",
        (call.now, call.kind.id, pipeline["id"]),
    )
    pipeline_audit.note(call, "UPDATE", pipeline["id"])
    return Reply(200, pipeline_checks.find_pipeline(call))


def replace(call: Call) -> Reply:
    """Replace a pipeline: stages it names stay, others are made, the rest are deleted."""
    pipeline_checks.allow(call, "write")
    pipeline = pipeline_checks.find_pipeline(call)
    required(call.json, "label", "displayOrder", "stages")
    sent = pipeline_checks.read_stages(call.json)
    _change(call, pipeline, call.json)
    kept = {text_or(stage, "stageId") for stage in sent}
    dropped = [stage["id"] for stage in pipeline["stages"] if stage["id"] not in kept]
    if dropped:
        pipeline_checks.refuse_in_use(call, dropped)
    for stage_id in dropped:
        store.remove_stage(call.connection, call.kind.id, stage_id)
    held = {stage["id"]: stage for stage in pipeline["stages"] if stage["id"] in kept}
    for stage in sent:
        existing = held.get(text_or(stage, "stageId"))
        if existing is None:
            pipeline_checks.add_stage(call, pipeline["id"], stage)
        else:
            required(stage, "label", "displayOrder")
            pipeline_checks.change_stage(call, existing, stage)
    pipeline_audit.note(call, "UPDATE", pipeline["id"])
    replaced = pipeline_checks.find_pipeline(call)
    for stage in replaced["stages"]:
        pipeline_checks.check_stage_label(replaced["stages"], stage["label"], stage["id"])
    return Reply(200, replaced)


def delete(call: Call) -> Reply:
    """Delete a pipeline and its stages permanently."""
    pipeline_checks.allow(call, "write")
    pipeline = pipeline_checks.find_pipeline(call)
    pipeline_checks.refuse_in_use(call, [stage["id"] for stage in pipeline["stages"]])
    store.remove_pipeline(call.connection, call.kind.id, pipeline["id"])
    pipeline_audit.note(call, "DELETE", pipeline["id"])
    return Reply(204)


def audit(call: Call) -> Reply:
    """List the changes of a pipeline, latest first."""
    pipeline_checks.allow(call, "read")
    return Reply(200, {"results": pipeline_audit.of_pipeline(call, call.params["pipeline"])})


def _change(call: Call, pipeline: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
    label = text_or(sent, "label", pipeline["label"])
    pipeline_checks.check_label(call, label, pipeline["id"])
    order = pipeline_checks.display_order(sent, pipeline["displayOrder"])
    call.connection.execute(
        "UPDATE pipeline SET label = ?, display_order = ?, updated_at = ? "
        "WHERE type = ? AND id = ?",
        (label, order, call.now, call.kind.id, pipeline["id"]),
    )


def _routes() -> list[Endpoint]:
    routes = []
    for prefix in ("/crm/v3/pipelines/{type}", "/crm/pipelines/2026-03/{type}"):
        one = f"{prefix}/{{pipeline}}"
        routes += [
            Endpoint("GET", prefix, list_all),
            Endpoint("POST", prefix, create, writes=True),
            Endpoint("GET", one, read),
            Endpoint("PATCH", one, update, writes=True),
            Endpoint("PUT", one, replace, writes=True),
            Endpoint("DELETE", one, delete, writes=True),
            Endpoint("GET", f"{one}/audit", audit),
        ]
    return routes


ROUTES = _routes()
