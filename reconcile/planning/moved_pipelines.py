"""Stages of records that others moved to another pipeline.

A manifest names a stage by its label, which means another stage in every pipeline. Where others
moved the record, the manifest has not changed, and what it means is the stage that was written.
"""

from collections.abc import Mapping
from dataclasses import replace

from reconcile.model.records import LastApplied
from reconcile.model.values import normalise
from reconcile.planning.pipeline_labels import remembered_stages
from reconcile.planning.record_input import RecordInput


def with_remembered_stages(record: RecordInput) -> RecordInput:
    """Return a record whose pipeline and stage are those last written, if only others moved it.

    If such drift is put back, the label keeps its meaning in the pipeline that the record is in.
    """
    if record.actual is None or record.last is None or record.kind.pipeline is None:
        return record
    names = record.kind.pipeline.together & record.wire_values.keys()
    now = {name: record.actual.properties.get(name) or "" for name in names}
    if all(
        record.wire_values[name] == now[name] and name not in record.unresolved for name in names
    ):
        return record
    drifted = {
        name: id_ for name, id_ in _last_written(record, record.last).items() if id_ != now[name]
    }
    policy = record.context.policy
    if all(policy.puts_back(record.kind.name, name) for name in drifted):
        return replace(record, unchanged=frozenset(drifted))
    unresolved = {name: why for name, why in record.unresolved.items() if name not in drifted}
    return replace(record, wire_values={**record.wire_values, **drifted}, unresolved=unresolved)


def _last_written(record: RecordInput, last: LastApplied) -> Mapping[str, str]:
    """Return the ids that the declared pipeline and stage had when they were last written."""
    hasher, definitions = record.context.hasher, record.definitions

    def was_written(name: str, id_: str) -> bool:
        meant = hasher.value_hash(name, normalise(id_, definitions[name]))
        hashes = last.base(name, meant)
        return hashes is not None and hashes.written == meant

    declared = {
        name: text for name, text in record.desired.properties.items() if name in record.wire_values
    }
    pipelines = record.context.definitions.pipelines.get(record.kind.name, ())
    return remembered_stages(declared, record.kind, pipelines, was_written)
