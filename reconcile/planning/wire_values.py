"""Conversion between values as manifests write them and values as HubSpot stores them.

Manifests may name pipelines and stages by label, and owners by e-mail address, while records hold
ids (reference §10, §18). So do properties such as a line item's product, which may be named by
its SKU. Dates may be written in forms that HubSpot does not accept (§12).
"""

from collections.abc import Mapping

from reconcile.model.definitions import Definitions
from reconcile.model.kinds import Kind
from reconcile.model.records import Actual, Desired
from reconcile.model.references import Bindings, pointer
from reconcile.model.values import to_wire
from reconcile.planning.owners import owner_shown, resolve_owners
from reconcile.planning.pipeline_labels import resolve_stages


def resolve_values(
    desired: Desired, kind: Kind, definitions: Definitions, actual: Actual | None
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return a record's values as HubSpot stores them, and why some cannot be resolved, by name.

    Ignored properties of an existing record (``actual``) are left out, so that no later step has to
    know about ``ignore``.
    """
    known = definitions.properties[kind.name]
    values = {
        name: to_wire(text, known[name]) if name in known else text
        for name, text in desired.properties.items()
        if actual is None or name not in desired.ignore
    }
    present = actual.properties if actual is not None else {}
    pipelines = definitions.pipelines.get(kind.name, ())
    stages, why_none = resolve_stages(values, present, kind, pipelines)
    owners, why_nobody = resolve_owners(values, known, definitions.owners)
    return {**values, **stages, **owners}, {**why_none, **why_nobody}


def with_looked_up(
    values: Mapping[str, str], desired: Desired, bindings: Bindings
) -> Mapping[str, str]:
    """Return ``values`` with the ids of records that others name, as far as these were found."""
    found = {
        name: bindings[pointer(one)].id
        for name, one in desired.lookups.items()
        if name in values and pointer(one) in bindings
    }
    return {**values, **found} if found else values


def display_value(kind: Kind, definitions: Definitions, name: str, value: str) -> str:
    """Return a stored value as people read it: a label, an owner's address, else the value."""
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
