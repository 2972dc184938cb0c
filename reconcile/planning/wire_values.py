"""From the values a manifest writes to the values HubSpot stores.

Manifests may name pipelines and stages by label, and owners by e-mail address, where records hold
ids (reference §10, §18). Dates may be written in forms that HubSpot does not take (§12).
"""

from collections.abc import Mapping

from reconcile.model.definitions import Definitions
from reconcile.model.kinds import Kind
from reconcile.model.records import Actual, Desired
from reconcile.model.values import to_wire
from reconcile.planning.owners import owner_shown, resolve_owners
from reconcile.planning.pipeline_labels import resolve_stages


def resolve_values(
    desired: Desired, kind: Kind, definitions: Definitions, actual: Actual | None
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return a record's values as HubSpot stores them, and why some could not be resolved, by name.

    ``actual`` is the record as it is. What it has and the manifest ignores is left alone by not
    being wanted, so that nothing further down knows of ignoring.
    """
    known = definitions.properties[kind.name]
    values = {
        name: to_wire(text, known[name]) if name in known else text
        for name, text in desired.properties.items()
        if actual is None or name not in desired.ignore
    }
    there = actual.properties if actual is not None else {}
    pipelines = definitions.pipelines.get(kind.name, ())
    stages, why_none = resolve_stages(values, there, kind, pipelines)
    owners, why_nobody = resolve_owners(values, known, definitions.owners)
    return {**values, **stages, **owners}, {**why_none, **why_nobody}


def display_value(kind: Kind, definitions: Definitions, name: str, value: str) -> str:
    """What people call a stored value: a label, an owner's address, else the value itself."""
    if value and definitions.properties[kind.name][name].owner:
        return owner_shown(value, definitions.owners)
    names = kind.pipeline
    if names is None or not value or name not in names.together:
        return value
    for pipeline in definitions.pipelines.get(kind.name, ()):
        if name == names.pipeline and pipeline.id == value:
            return pipeline.label
        if name == names.stage and value in pipeline.stages:
            return pipeline.stages[value]
    return value
