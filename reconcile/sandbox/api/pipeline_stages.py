"""The stages of a pipeline: list, read, create, update, replace, delete (ref §10, H)."""

from typing import Any

from reconcile.sandbox.api_errors import invalid
from reconcile.sandbox.rules import pipeline_audit, pipeline_checks
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply, required, text_or
from reconcile.sandbox.storage import pipeline_tables as store


def list_all(call: Call) -> Reply:
    """List the stages of a pipeline."""
    pipeline_checks.allow(call, "read")
    return Reply(200, {"results": pipeline_checks.find_pipeline(call)["stages"]})


def read(call: Call) -> Reply:
    """Read one stage."""
    pipeline_checks.allow(call, "read")
    return Reply(200, _stage(call))


def create(call: Call) -> Reply:
    """Add a stage to a pipeline."""
    pipeline_checks.allow(call, "write")
    pipeline = pipeline_checks.find_pipeline(call)
    if len(pipeline["stages"]) >= pipeline_checks.MAX_STAGES:
        raise invalid(f"A pipeline must have between 1 and {pipeline_checks.MAX_STAGES} stages")
    stage_id = pipeline_checks.add_stage(call, pipeline["id"], call.json)
    pipeline_audit.note(call, "CREATE", pipeline["id"], stage_id)
    stages = pipeline_checks.find_pipeline(call)["stages"]
    return Reply(201, pipeline_checks.find(stages, stage_id))


def update(call: Call) -> Reply:
    """Change the fields of a stage that are sent."""
    pipeline_checks.allow(call, "write")
    return _change(call)


def replace(call: Call) -> Reply:
    """Replace a stage; metadata that is not sent stays here too (observed, October 2026)."""
    pipeline_checks.allow(call, "write")
    required(call.json, "label", "displayOrder", "metadata")
    return _change(call)


def delete(call: Call) -> Reply:
    """Delete a stage permanently; 204 also if it does not exist or is another pipeline's."""
    pipeline_checks.allow(call, "write")
    pipelines = store.pipelines(call.connection, call.kind.id)
    for pipeline in pipelines:
        if pipeline["id"] != call.params["pipeline"]:
            continue
        ids = [stage["id"] for stage in pipeline["stages"]]
        if call.params["stage"] in ids:
            pipeline_checks.refuse_in_use(call, [call.params["stage"]])
            if len(ids) == 1:
                raise invalid("Pipeline must have at least one stage")
            store.remove_stage(call.connection, call.kind.id, call.params["stage"])
            pipeline_audit.note(call, "DELETE", pipeline["id"], call.params["stage"])
    return Reply(204)


def audit(call: Call) -> Reply:
    """List the changes of a stage, latest first."""
    pipeline_checks.allow(call, "read")
    return Reply(200, {"results": pipeline_audit.of_stage(call, call.params["stage"])})


def _stage(call: Call) -> dict[str, Any]:
    stages: list[dict[str, Any]] = pipeline_checks.find_pipeline(call)["stages"]
    return pipeline_checks.find(stages, call.params["stage"])


def _change(call: Call) -> Reply:
    stage = _stage(call)
    label = text_or(call.json, "label", stage["label"])
    stages = pipeline_checks.find_pipeline(call)["stages"]
    pipeline_checks.check_stage_label(stages, label, stage["id"])
    pipeline_checks.change_stage(call, stage, call.json)
    pipeline_audit.note(call, "UPDATE", call.params["pipeline"], stage["id"])
    return Reply(200, _stage(call))


def _routes() -> list[Endpoint]:
    routes = []
    for prefix in ("/crm/v3/pipelines/{type}", "/crm/pipelines/2026-03/{type}"):
        stages = f"{prefix}/{{pipeline}}/stages"
        one = f"{stages}/{{stage}}"
        routes += [
            Endpoint("GET", stages, list_all),
            Endpoint("POST", stages, create, writes=True),
            Endpoint("GET", one, read),
            Endpoint("PATCH", one, update, writes=True),
            Endpoint("PUT", one, replace, writes=True),
            Endpoint("DELETE", one, delete, writes=True),
            Endpoint("GET", f"{one}/audit", audit),
        ]
    return routes


ROUTES = _routes()
