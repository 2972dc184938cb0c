"""Look up records to create: before sending, after a lost response, and for duplicates."""

from collections.abc import Collection, Sequence

from reconcile.applying.context import ApplyContext
from reconcile.applying.task import ChangeTask
from reconcile.fetching.find import Lookup, find
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind
from reconcile.model.outcome import Status
from reconcile.model.plan import Effect


def lookup_of(change: Effect, identity: Identity, parent_id: str) -> Lookup:
    """Return how to look up the record that a change creates."""
    value = next((field.after for field in change.fields if field.name == identity.name), "")
    return Lookup(value, (change.parent.kind if change.parent else "", parent_id))


def mark_duplicates(
    context: ApplyContext, kind: Kind, tasks: Sequence[ChangeTask], planned_ids: Collection[str]
) -> None:
    """End the tasks of created records in conflict if a sibling has the same identity value.

    HubSpot creates such a record twice if a request is delivered twice. ``planned_ids`` holds the
    ids of all records of the plan, these included.
    """
    identity = context.identity(kind)
    created = [task for task in tasks if not task.change.id]
    if not identity.sibling_property or not created:
        return
    wanted = [lookup_of(task.change, identity, task.parent_id) for task in created]
    found = find(context.hubspot, kind, identity, wanted, (), without=planned_ids)
    for task, others in zip(created, found, strict=True):
        if others:
            ids = ", ".join(sorted(other.id for other in others))
            task.worsen(
                Status.CONFLICT,
                f"created as record {task.id}, but {ids} under the same parent has the same "
                f"{identity.name}: archive the duplicate",
            )
