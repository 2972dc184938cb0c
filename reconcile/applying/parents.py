"""The records that line items to be written belong to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from reconcile.applying.item import Item
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.outcome import Status


def find_parents(
    hubspot: HubSpot,
    items: Sequence[Item],
    by_address: Mapping[Address, Item],
    ids: Mapping[Address, str],
) -> None:
    """Tell line items their parents' ids.

    Where the parent was not written as planned, or is no longer there, its lines are left alone
    too: half a unit is nothing anybody planned.
    """
    unread: dict[str, dict[str, list[Item]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        parent = item.change.parent
        if parent is None or item.status is not None:
            continue
        root = by_address.get(parent)
        if root is not None and root.status is not Status.DONE:
            item.end(Status.SKIPPED, f"{parent} was not written as planned")
            continue
        item.parent_id = item.change.parent_id or ids.get(parent, "")
        if root is None:
            unread[parent.kind][item.change.parent_id].append(item)
    for name, by_id in unread.items():
        there = hubspot.read(kinds()[name].object, list(by_id), [])
        for parent_id in by_id.keys() - there.keys():
            for item in by_id[parent_id]:
                why = f"its {name} {parent_id} was archived, merged or removed since planning"
                item.end(Status.CONFLICT, why)
