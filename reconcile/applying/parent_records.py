"""Find the parents of line items that are about to be written."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from reconcile.applying.context import ApplyContext
from reconcile.applying.task import ChangeTask
from reconcile.model.address import BY_ID, Address, fold
from reconcile.model.identity import Identity
from reconcile.model.kinds import kinds
from reconcile.model.outcome import Status
from reconcile.model.records import Actual


def find_parents(
    context: ApplyContext,
    tasks: Sequence[ChangeTask],
    by_address: Mapping[Address, ChangeTask],
    ids: Mapping[Address, str],
) -> None:
    """Set ``parent_id`` of line items, or end those whose parent is not as planned.

    If a parent was not written as planned, no longer exists or is not the record that the plan
    names, its line items are left alone too: nobody planned half a unit.
    """
    unread: dict[str, dict[str, list[ChangeTask]]] = defaultdict(lambda: defaultdict(list))
    for task in tasks:
        parent = task.change.parent
        if parent is None or not task.is_prepared:
            continue
        root = by_address.get(parent)
        if root is not None and root.status is not Status.DONE:
            task.end(Status.SKIPPED, f"{parent} was not written as planned")
            continue
        task.parent_id = task.change.parent_id or ids.get(parent, "")
        if root is None:
            unread[parent.kind][task.change.parent_id].append(task)
    for name, by_id in unread.items():
        kind = kinds()[name]
        identity = context.identity(kind)
        there = context.hubspot.records.read(kind.object, list(by_id), identity.properties)
        for parent_id, under in by_id.items():
            found = there.get(parent_id)
            for task in under:
                if found is None:
                    why = f"its {name} {parent_id} was archived, merged or deleted"
                    task.end(Status.CONFLICT, f"{why} since planning")
                elif task.change.parent and not _is(task.change.parent, found, identity):
                    why = f"record {parent_id} no longer has the key of {task.change.parent}"
                    task.end(Status.CONFLICT, f"{why}; plan again")


def _is(parent: Address, found: Actual, identity: Identity) -> bool:
    """Return whether a record is the one that a parent's address names."""
    if parent.key.startswith(BY_ID) or not identity.key_property:
        return found.id == parent.key.removeprefix(BY_ID)
    return fold(found.properties.get(identity.name) or "") == fold(parent.key)
