"""Pipelines and stages, resolved from labels or ids, and stages of other pipelines rejected.

HubSpot rejects a stage of another pipeline than the record's, and a record whose pipeline alone is
changed may keep the stage of the former one (reference §10). So stages are checked against the
pipeline that the record will have: the declared one, else its present one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from reconcile.model.definitions import Pipeline
from reconcile.model.kinds import Kind
from reconcile.model.values import nearest, show

_LISTED = 8

Texts = Mapping[str, str]


def resolve_stages(
    values: Texts, actual: Mapping[str, str | None], kind: Kind, pipelines: Sequence[Pipeline]
) -> tuple[Texts, Texts]:
    """Return the ids of the pipeline and stage in ``values``, and why one has none, by property.

    ``actual`` are the values that the record has; a new record has none.
    """
    names = kind.pipeline
    if names is None or names.together.isdisjoint(values):
        return {}, {}
    written, stage = values.get(names.pipeline), values.get(names.stage)
    current, kept = actual.get(names.pipeline) or "", actual.get(names.stage) or ""
    ids: dict[str, str] = {}
    if written:
        named = _pipelines_called(written, pipelines)
        if len(named) != 1:
            return {}, {names.pipeline: _no_pipeline(written, pipelines, several=bool(named))}
        ids[names.pipeline] = named[0].id
    id_ = current if written is None else ids.get(names.pipeline, "")
    own = next((one for one in pipelines if one.id == id_), None)
    if stage and written == "":
        return ids, {names.stage: f"{names.pipeline} is cleared, and a stage belongs to a pipeline"}
    if stage and id_ and own is None:
        why = f"the {kind.name} is in a pipeline that no longer exists ({show(id_)})"
        return ids, {names.stage: f"{why}; declare {names.pipeline} too"}
    if stage:
        found = _stages_called(stage, [own] if own else pipelines)
        if len(found) == 1:
            return ids | {names.stage: found[0]}, {}
        hint = f"; declare {names.pipeline} too" if written is None else ""
        why = _no_stage(stage, own, pipelines, several=bool(found))
        return ids, {names.stage: why + hint}
    if stage is None and written is not None and kept:
        why = _cannot_stay(kept, own, pipelines, moves=id_ != current)
        if why:
            return ids, {names.pipeline: f"the {kind.name} is in the stage {why} {names.stage} too"}
    return ids, {}


def remembered_stages(
    values: Texts,
    kind: Kind,
    pipelines: Sequence[Pipeline],
    was_written: Callable[[str, str], bool],
) -> Texts:
    """Return the ids that the declared pipeline and stage had when they were last written.

    Such a value did not change in the manifest, even if its label would mean another stage now
    that others have moved the record to another pipeline. ``was_written`` gets a property and an
    id. A stage whose pipeline did change is not among them.
    """
    names = kind.pipeline
    if names is None:
        return {}
    pipeline, stage = values.get(names.pipeline), values.get(names.stage)
    found: dict[str, str] = {}
    if pipeline:
        candidates = [(names.pipeline, one.id) for one in _pipelines_called(pipeline, pipelines)]
        found |= dict(one for one in candidates if was_written(*one))
    if stage and (pipeline is None or found):
        candidates = [(names.stage, id_) for id_ in _stages_called(stage, pipelines)]
        found |= dict(one for one in candidates if was_written(*one))
    return found


def _cannot_stay(
    stage: str, own: Pipeline | None, pipelines: Sequence[Pipeline], *, moves: bool
) -> str:
    """Return why a record cannot keep its stage in the pipeline that it will have, else empty."""
    of_stage = next((one for one in pipelines if stage in one.stages), None)
    where = f"{of_stage.stages[stage]} of {of_stage.label}" if of_stage else show(stage)
    if own is None:
        return f"{where}, and would have no pipeline; clear"
    if of_stage is own or not (of_stage or moves):
        return ""
    return f"{where}, and {own.label} has {_listed(own.stages.values())}; declare"


def _no_pipeline(text: str, pipelines: Sequence[Pipeline], *, several: bool) -> str:
    if several:
        return f"{show(text)} is the label of several pipelines; write the id"
    labels = [one.label for one in pipelines]
    message = f"{show(text)} is not a pipeline of this account ({_listed(labels)})"
    return message + nearest(text, labels)


def _no_stage(
    text: str, own: Pipeline | None, pipelines: Sequence[Pipeline], *, several: bool
) -> str:
    if several:
        return f"{show(text)} is a stage of several pipelines"
    others = [one.label for one in pipelines if _stages_called(text, [one])]
    if own and others:
        stages = _listed(own.stages.values())
        return f"{show(text)} is a stage of {_listed(others)}, and {own.label} has {stages}"
    labels = [label for one in ([own] if own else pipelines) for label in one.stages.values()]
    of = own.label if own else "any pipeline"
    return f"{show(text)} is not a stage of {of} ({_listed(labels)}){nearest(text, labels)}"


def _pipelines_called(text: str, pipelines: Sequence[Pipeline]) -> Sequence[Pipeline]:
    by_id = [one for one in pipelines if one.id == text]
    return by_id or [one for one in pipelines if one.label == text]


def _stages_called(text: str, pipelines: Sequence[Pipeline]) -> Sequence[str]:
    if any(text in one.stages for one in pipelines):
        return [text]
    return [id_ for one in pipelines for id_, label in one.stages.items() if label == text]


def _listed(labels: Iterable[str]) -> str:
    some = list(labels)
    return ", ".join(some[:_LISTED]) + (", …" if len(some) > _LISTED else "") or "none"
