"""From the values a manifest writes to the values HubSpot stores.

Only pipelines and stages differ: manifests may name them by label, records hold ids
(reference §10).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reconcile.model.definitions import Definitions, Pipeline
from reconcile.model.kinds import Kind
from reconcile.model.records import Desired
from reconcile.model.values import nearest


@dataclass(frozen=True, slots=True)
class WireFault:
    """A value that names no pipeline or stage."""

    property: str
    message: str


def wire(
    desired: Desired, kind: Kind, definitions: Definitions
) -> tuple[Mapping[str, str], tuple[WireFault, ...]]:
    """A record's values as HubSpot stores them, and what could not be resolved."""
    values = desired.properties
    names = kind.pipeline
    if names is None or (names.pipeline not in values and names.stage not in values):
        return values, ()
    pipelines = definitions.pipelines.get(kind.name, ())
    resolved = dict(values)
    faults: list[WireFault] = []
    candidates = pipelines
    if written := values.get(names.pipeline):
        candidates = _pipelines_called(written, pipelines)
        if len(candidates) == 1:
            resolved[names.pipeline] = candidates[0].id
        else:
            labels = [pipeline.label for pipeline in pipelines]
            problem = (
                "is the label of several pipelines; write the id"
                if candidates
                else (
                    f"is no pipeline of this account ({_listed(labels)}){nearest(written, labels)}"
                )
            )
            faults.append(WireFault(names.pipeline, f"{written!r} {problem}"))
            candidates = ()
    if (written := values.get(names.stage)) and not faults:
        stages = _stages_called(written, candidates)
        if len(stages) == 1:
            resolved[names.stage] = stages[0]
        else:
            labels = [label for pipeline in candidates for label in pipeline.stages.values()]
            problem = (
                f"is a stage of several pipelines; declare {names.pipeline} too"
                if stages
                else (f"is no stage of the pipeline ({_listed(labels)}){nearest(written, labels)}")
            )
            faults.append(WireFault(names.stage, f"{written!r} {problem}"))
    return resolved, tuple(faults)


def shown(kind: Kind, definitions: Definitions, name: str, value: str) -> str:
    """What people call a stored value: a pipeline's or stage's label, else the value itself."""
    names = kind.pipeline
    if names is None or not value or name not in (names.pipeline, names.stage):
        return value
    for pipeline in definitions.pipelines.get(kind.name, ()):
        if name == names.pipeline and pipeline.id == value:
            return pipeline.label
        if name == names.stage and value in pipeline.stages:
            return pipeline.stages[value]
    return value


def _pipelines_called(text: str, pipelines: tuple[Pipeline, ...]) -> tuple[Pipeline, ...]:
    by_id = tuple(pipeline for pipeline in pipelines if pipeline.id == text)
    return by_id or tuple(pipeline for pipeline in pipelines if pipeline.label == text)


def _stages_called(text: str, pipelines: tuple[Pipeline, ...]) -> list[str]:
    if any(text in pipeline.stages for pipeline in pipelines):
        return [text]
    return [
        stage for pipeline in pipelines for stage, label in pipeline.stages.items() if label == text
    ]


def _listed(labels: list[str]) -> str:
    return ", ".join(labels[:8]) + (", …" if len(labels) > 8 else "") if labels else "it has none"
