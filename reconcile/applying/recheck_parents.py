"""Re-read the parents of line items just before writing: are they still as planned?

A line item that somebody moved to another order since planning belongs to that order: updating or
archiving it would change an order that nobody planned to change.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from reconcile.applying.recheck import Checked
from reconcile.applying.task import ChangeTask
from reconcile.fetching.foreign_lines import read_lines
from reconcile.fetching.parents import ParentReader
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address
from reconcile.model.bound_records import BoundRecords, RecordId
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
    hubspot: HubSpot,
    kind: Kind,
    tasks: Sequence[ChangeTask],
    archiving: Collection[str],
    bound: BoundRecords,
) -> dict[Address, str]:
    """Return, by address, why orders and carts must stay: for line items that others need.

    Archiving an order leaves such lines without a parent, so there may be no more of them than the
    plan showed, and nothing may be bound to them. ``archiving`` holds the ids of the lines that the
    plan archives.
    """
    stay: dict[str, list[RecordId]] = {task.change.id: [] for task in tasks}
    for name in kind.children:
        child = kinds()[name]
        for parent_id, links in hubspot.associations.links(
            kind.object, name, child.object, list(stay)
        ).items():
            found = {link.id for link in links}.difference(archiving)
            stay[parent_id] += ((name, id_) for id_ in sorted(found))
    reasons = _bound_lines(hubspot, stay, bound) | {
        task.change.id: f"{_more(kind, more)} added under it in HubSpot since planning"
        for task in tasks
        if (more := len(stay[task.change.id]) - task.others) > 0
    }
    return {
        task.change.address: reasons[task.change.id] for task in tasks if task.change.id in reasons
    }


def _bound_lines(
    hubspot: HubSpot, under: Mapping[str, Sequence[RecordId]], bound: BoundRecords
) -> dict[str, str]:
    """Return, by the id of an order or cart, why it must stay for one of the lines ``under`` it.

    Lines that neither the state nor a document knows by id are read.
    """
    every = (one for lines in under.values() for one in lines)
    read = read_lines(
        hubspot, (one for one in every if bound.document(one) is None), bound.properties()
    )
    found = {
        parent_id: [bound.line(one, read.get(one), parent_id) for one in lines]
        for parent_id, lines in under.items()
    }
    return {
        parent_id: f"{min(others)} is bound to a line item under it since planning; plan again"
        for parent_id, lines in found.items()
        if (others := [one for one in lines if one is not None])
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
