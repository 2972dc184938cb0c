"""Just before writing: do line items still belong where the plan found them?

A line item that somebody moved to another order since planning is that order's: updating or
archiving it would alter what nobody planned.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from reconcile.applying.recheck import Checked
from reconcile.applying.task import Item
from reconcile.fetching.parents import ParentReader
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address
from reconcile.model.kinds import Kind, kinds
from reconcile.model.line_parent import Parent, describe_parents, parents_to_check, planned_parents
from reconcile.model.plan import RecordChange


def recheck_parents(parents: ParentReader, changes: Sequence[RecordChange]) -> dict[Address, str]:
    """Return why records must be left alone that belong to other parents than planned.

    One association read for each kind of parent that a change must ask for.
    """
    found = parents.before(changes)
    reasons = {
        change.address: _moved(
            planned_parents(change),
            found.get((change.address.kind, change.id), frozenset()),
        )
        for change in changes
        if parents_to_check(change)
    }
    return {address: why for address, why in reasons.items() if why}


def with_moved(checked: Sequence[Checked], moved: Mapping[Address, str]) -> list[Checked]:
    """Return what a re-check of values found together with what one of parents did."""
    return [
        replace(one, conflict=one.conflict or moved.get(one.change.address, ""))
        if not one.gone
        else one
        for one in checked
    ]


def recheck_unowned(parents: ParentReader, kind: Kind, items: Sequence[Item]) -> dict[Address, str]:
    """Return why line items cannot be given to their parents: they belong to somebody already.

    Asked where that association is about to be made, since much was written since the re-check
    before. New ones, too: somebody may have moved what lacks its parent.
    """
    found = parents.every(kind, [item.id for item in items])
    reasons = {
        item.change.address: _moved(frozenset(), found.get(item.id, frozenset())) for item in items
    }
    return {address: why for address, why in reasons.items() if why}


def recheck_lines_under(
    hubspot: HubSpot, kind: Kind, items: Sequence[Item], going: Collection[str]
) -> dict[Address, str]:
    """Return why orders and carts must stay that have more lines under them than planned.

    Lines that others added are left without their order when it is archived: as many of them as
    the plan showed, and no more. ``going`` are the ids of the lines that the plan archives.
    """
    counts: dict[str, int] = dict.fromkeys((item.change.id for item in items), 0)
    for name in kind.children:
        child = kinds()[name]
        for parent_id, links in hubspot.links(
            kind.object, name, child.object, list(counts)
        ).items():
            counts[parent_id] += len({link.id for link in links}.difference(going))
    return {
        item.change.address: f"{_more(kind, more)} added under it in HubSpot since planning"
        for item in items
        if (more := counts[item.change.id] - item.others) > 0
    }


def _moved(planned: frozenset[Parent], found: frozenset[Parent]) -> str:
    if others := found - planned:
        too = " too" if found & planned else ""
        return f"it now belongs to {describe_parents(others)}{too} in HubSpot"
    if planned - found:
        return f"it no longer belongs to {describe_parents(planned)} in HubSpot"
    return ""


def _more(kind: Kind, number: int) -> str:
    child = kinds()[kind.children[0]]
    what = child.count(number) if len(kind.children) == 1 else f"{number:,} records"
    return f"{what} {'was' if number == 1 else 'were'}"
