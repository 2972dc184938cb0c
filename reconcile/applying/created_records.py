"""Look up records to create: before sending, after a lost response, and for duplicates."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from reconcile.applying.context import ApplyContext
from reconcile.applying.task import ChangeTask
from reconcile.fetching.children import Parent, lines_under, lines_with_value
from reconcile.hubspot.client import HubSpot
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind
from reconcile.model.outcome import Status
from reconcile.model.plan import RecordChange
from reconcile.model.records import Actual


class Lookup(NamedTuple):
    """What a record to create is looked up by: its identity value and, if any, its parent."""

    value: str
    parent: Parent


def lookup_of(change: RecordChange, identity: Identity, parent_id: str) -> Lookup:
    """Return how to look up the record that a change creates."""
    value = next((field.after for field in change.fields if field.name == identity.name), "")
    return Lookup(value, (change.parent.kind if change.parent else "", parent_id))


def find_existing(
    hubspot: HubSpot,
    kind: Kind,
    identity: Identity,
    wanted: Sequence[Lookup],
    properties: Sequence[str],
    *,
    planned_ids: Collection[str] = (),
) -> list[Sequence[Actual]]:
    """Return the records that match each lookup, in order.

    ``planned_ids`` holds ids of other records, which match nothing.
    """
    names = sorted({*properties, *identity.properties})
    if identity.unique:
        keys = [one.value for one in wanted]
        found = hubspot.read(kind.object, keys, names, id_property=identity.name)
        return [[found[key]] if key in found else [] for key in keys]
    parents = {one.parent for one in wanted if one.parent[1]}
    under = lines_under(hubspot, kind, parents, names, without=planned_ids)
    return [lines_with_value(under.get(one.parent, {}), identity.name, one.value) for one in wanted]


def mark_duplicates(
    context: ApplyContext, kind: Kind, tasks: Sequence[ChangeTask], planned_ids: Collection[str]
) -> None:
    """End the tasks of created records in conflict if a sibling has the same identity value.

    HubSpot creates such a record twice if a request is delivered twice. ``planned_ids`` holds the
    ids of all records of the plan, these included.
    """
    identity = context.identity(kind)
    created = [task for task in tasks if not task.change.id]
    if not identity.within_parent or not created:
        return
    wanted = [lookup_of(task.change, identity, task.parent_id) for task in created]
    found = find_existing(context.hubspot, kind, identity, wanted, (), planned_ids=planned_ids)
    for task, others in zip(created, found, strict=True):
        if others:
            ids = ", ".join(sorted(other.id for other in others))
            task.end(
                Status.CONFLICT,
                f"created as record {task.id}, but {ids} under the same parent has the same "
                f"{identity.name}: archive the duplicate",
            )
