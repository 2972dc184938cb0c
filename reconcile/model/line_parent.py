"""Which record does a line item belong to, and when must HubSpot be asked?

A line item belongs to one record of any kind (reference §8): an order, a cart, or something that no
manifest declares, such as a deal. Changing it under another one would alter that silently.
"""

from collections.abc import Iterable

from reconcile.model.kinds import Kind, kinds
from reconcile.model.plan import Action, LinkChange, RecordChange
from reconcile.model.records import Link

Parent = tuple[str, str]
"""A record that others stand under: the word for its kind, and its id."""


def parents_to_check(change: RecordChange) -> tuple[str, ...]:
    """Return the kinds of parents that HubSpot must be asked for before the change.

    A line item that the state knows is updated without looking for foreign parents: those are
    looked for when it is taken over, given to a parent, or archived.
    """
    kind = kinds()[change.address.kind]
    if not change.id or change.action in (Action.CONFLICT, Action.FORGET):
        return ()
    if change.action is Action.ARCHIVE or change.adopts or link_to_parent(change):
        return tuple(kind.owners)
    return kind.parents if change.fields else ()


def link_to_parent(change: RecordChange) -> LinkChange | None:
    """Return the association by which the change gives an existing record to its parent."""
    parents = kinds()[change.address.kind].parents
    return next((link for link in change.links if link.add and link.to in parents), None)


def planned_parents(change: RecordChange) -> frozenset[Parent]:
    """Return the parent that the plan found an existing record under, or nothing."""
    if change.parent is None or not change.parent_id or link_to_parent(change):
        return frozenset()
    return frozenset({(change.parent.kind, change.parent_id)})


def parents_among(kind: Kind, links: Iterable[Link]) -> frozenset[Parent]:
    """Return the parents that associations of a record of this kind lead to."""
    return frozenset((link.to, link.id) for link in links if link.to in kind.owners)


def describe_parents(parents: Iterable[Parent]) -> str:
    """Return ``deal 801, order 12``."""
    return ", ".join(f"{word} {id_}" for word, id_ in sorted(parents))
