"""Re-read the parents of line items just before writing: are they still as planned?

A line item that somebody moved to another order since planning belongs to that order: updating or
archiving it would change an order that nobody planned to change.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from reconcile.applying.recheck import Checked
from reconcile.applying.task import ChangeTask
from reconcile.fetching.parents import ParentReader
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address
from reconcile.model.kinds import Kind, kinds
from reconcile.model.line_parent import (
    Parent,
    arrived_at,
    describe_parents,
    parents_to_check,
    planned_parents,
)
from reconcile.model.plan import Effect


def recheck_parents(parents: ParentReader, changes: Sequence[Effect]) -> dict[Address, str]:
    """Return, by address, why records must be left alone: they have other parents than planned.

    Takes one association read for each kind of parent that has to be checked.
    """
    found = parents.before(changes)
    reasons = {
        change.address: _moved(
            planned_parents(change),
            found.get((change.address.kind, change.id), frozenset()) - arrived_at(change),
        )
        for change in changes
        if parents_to_check(change)
    }
    return {address: why for address, why in reasons.items() if why}


def with_moved(checked: Sequence[Checked], moved: Mapping[Address, str]) -> list[Checked]:
    """Return the results of a re-check of values, completed by one of parents."""
    return [
        replace(one, conflict=one.conflict or moved.get(one.change.address, ""))
        if not one.gone
        else one
        for one in checked
    ]


def recheck_unowned(
    parents: ParentReader, kind: Kind, tasks: Sequence[ChangeTask]
) -> dict[Address, str]:
    """Return, by address, why line items cannot get their parents: they belong to others already.

    One that is moved must still belong to the parent that it leaves.
    Checked right before that association is made, since the earlier re-check is outdated by then;
    for new line items too, since somebody may have moved one that still lacked its parent.
    """
    found = parents.every(kind, [task.id for task in tasks])
    reasons = {
        task.change.address: _moved(
            planned_parents(task.change) if task.change.id else frozenset(),
            found.get(task.id, frozenset()) - arrived_at(task.change),
        )
        for task in tasks
    }
    return {address: why for address, why in reasons.items() if why}


def recheck_lines_under(
    hubspot: HubSpot, kind: Kind, tasks: Sequence[ChangeTask], archiving: Collection[str]
) -> dict[Address, str]:
    """Return, by address, why orders and carts must stay: others have added line items.

    Archiving an order leaves such lines without a parent, so there may be no more of them than the
    plan showed. ``archiving`` holds the ids of the lines that the plan archives.
    """
    counts: dict[str, int] = dict.fromkeys((task.change.id for task in tasks), 0)
    for name in kind.children:
        child = kinds()[name]
        for parent_id, links in hubspot.associations.links(
            kind.object, name, child.object, list(counts)
        ).items():
            counts[parent_id] += len({link.id for link in links}.difference(archiving))
    return {
        task.change.address: f"{_more(kind, more)} added under it in HubSpot since planning"
        for task in tasks
        if (more := counts[task.change.id] - task.others) > 0
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
