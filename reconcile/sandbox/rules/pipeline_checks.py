"""What a pipeline or stage may be, for the routes of both (ref §10).

Wording and rules beyond the reference were observed live by scopiousdigital/kalup in October 2026
on version 2026-09, and are in the pipelines guide.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from reconcile.sandbox.api_errors import NOT_FOUND, ApiError, invalid
from reconcile.sandbox.object_types import ORDER
from reconcile.sandbox.rules.api_call import Call, required, text_of, text_or, whole
from reconcile.sandbox.scopes import pipeline_scope
from reconcile.sandbox.storage import pipeline_tables as store
from reconcile.sandbox.storage.database_file import next_id

MAX_STAGES = 30  # per order pipeline (ref §3, M; the pipelines guide)
_STATES = ("OPEN", "CLOSED")


def allow(call: Call, access: str) -> None:
    """Check the scope; of the types kept here only orders have pipelines (ref §10, H)."""
    if call.kind is not ORDER:
        raise invalid(f"Object type {call.kind.id} does not support pipelines")
    call.allow(pipeline_scope(call.kind, access))


def find_pipeline(call: Call) -> dict[str, Any]:
    """Return the pipeline that the path names, as the API shows it, or raise a 404."""
    return find(store.pipelines(call.connection, call.kind.id), call.params["pipeline"])


def find(found: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    """Return the one with an id, or raise a 404."""
    for one in found:
        if one["id"] == wanted:
            return one
    raise ApiError(404, "resource not found", category=NOT_FOUND, context={"id": [wanted]})


def read_stages(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the stages of a whole pipeline: at least one, and no more than 30."""
    stages = body["stages"]
    if not isinstance(stages, list) or not all(isinstance(one, dict) for one in stages):
        raise invalid("stages must be a list of objects")
    if not stages:
        raise invalid("Pipeline must have at least one stage")
    if len(stages) > MAX_STAGES:
        raise invalid(f"A pipeline must have between 1 and {MAX_STAGES} stages")
    return stages


def new_id(call: Call, name: str, sent: Mapping[str, Any]) -> str:
    """Return the id that the client chose, or a number, as HubSpot's own ids are (ref §10)."""
    return text_or(sent, name) or str(next_id(call.connection))


def display_order(sent: Mapping[str, Any], default: int = 0) -> int:
    """Return the position among siblings."""
    return whole(sent, "displayOrder", default, low=0)


def metadata(sent: Mapping[str, Any]) -> dict[str, str]:
    """Return a stage's metadata; the state is OPEN or CLOSED, in capitals."""
    given = sent.get("metadata")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise invalid("metadata must be an object")
    read = {str(name): text_of(value) for name, value in given.items()}
    if read.get("state", "OPEN") not in _STATES:
        raise invalid(f"metadata.state must be one of {', '.join(_STATES)}")
    return read


def check_label(call: Call, label: str, own_id: str = "") -> None:
    """Raise ApiError if another pipeline has the label, in any case."""
    for other in store.pipelines(call.connection, call.kind.id):
        if other["id"] != own_id and other["label"].casefold() == label.casefold():
            raise invalid(f"An active pipeline with label {label} already exists")


def check_stage_label(stages: Iterable[Mapping[str, Any]], label: str, own_id: str = "") -> None:
    """Raise ApiError if another stage has the label, ignoring case and outer spaces."""
    wanted = label.strip().casefold()
    for other in stages:
        if other["id"] != own_id and str(other["label"]).strip().casefold() == wanted:
            error = invalid(f"A stage with label {label} already exists in this pipeline")
            error.sub_category = "PipelineError.STAGE_LABEL_EXISTS"
            raise error


def add_stage(call: Call, pipeline_id: str, sent: Mapping[str, Any]) -> str:
    """Add a stage to a pipeline."""
    required(sent, "label", "displayOrder")
    stage_id, label = new_id(call, "stageId", sent), text_of(sent["label"])
    if stage_id in store.stage_ids(call.connection, call.kind.id, None):
        raise invalid(f"Stage with id {stage_id} already exists", id=[stage_id])
    check_stage_label(store.stages(call.connection, call.kind.id, pipeline_id), label)
    store.add_stage(
        call.connection,
        call.kind.id,
        pipeline_id,
        stage_id,
        label=label,
        order=display_order(sent),
        metadata={"state": "OPEN"} | metadata(sent),
        at=call.now,
    )
    return stage_id


def change_stage(call: Call, stage: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
    """Change the fields of a stage that are sent; metadata that is not sent stays."""
    call.connection.execute(
        "UPDATE stage SET label = ?, display_order = ?, metadata = ?, updated_at = ? "
        "WHERE type = ? AND id = ?",
        (
            text_or(sent, "label", stage["label"]),
            display_order(sent, stage["displayOrder"]),
            json.dumps(stage["metadata"] | metadata(sent)),
            call.now,
            call.kind.id,
            stage["id"],
        ),
    )


def refuse_in_use(call: Call, stage_ids: Iterable[str]) -> None:
    """Raise ApiError if live records are in the stages and the query asks for that check.

    Its specified default is false; the switch simulates version 2026-09, which always checks.
    """
    listed = list(stage_ids)
    if not (call.flag("validateReferencesBeforeDelete") or call.switches.stages_in_use_are_kept):
        return
    marks = ", ".join("?" * len(listed))
    rows = call.connection.execute(
        "SELECT id FROM record WHERE type = ? AND archived_at IS NULL "  # noqa: S608 - marks
        f"AND properties ->> '$.hs_pipeline_stage' IN ({marks}) ORDER BY id",
        (call.kind.id, *listed),
    ).fetchall()
    if rows:
        stages, objects = ", ".join(listed), ", ".join(str(row[0]) for row in rows)
        error = invalid(
            f"Stage IDs: [{stages}] are being referenced by object IDs: [{objects}]",
            stageIds=[f"[{stages}]"],
            objectIds=[f"[{objects}]"],
        )
        error.sub_category = "PipelineError.STAGE_ID_IN_USE"
        raise error
