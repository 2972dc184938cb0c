"""The parents of line items, and which of them must be looked up before a change.

A line item belongs to one record of any kind (reference §8): an order, a cart, or something that no
manifest declares, such as a deal. Changing one under another parent would silently alter that.
"""

from collections.abc import Iterable

from reconcile.model.address import BY_ID, Address
from reconcile.model.kinds import Kind, kinds
from reconcile.model.plan import Action, Effect, LinkChange
from reconcile.model.records import Link

Parent = tuple[str, str]
"""A record that line items belong to: the word for its kind, and its id."""


def parents_to_check(change: Effect) -> tuple[str, ...]:
    """Return the kinds of parents to look up in HubSpot before the change.

    Foreign parents are looked up only if a line item is adopted, associated with its parent or
    archived, not if one that the state knows is updated.
    """
    kind = kinds()[change.address.kind]
    if not change.id or change.action in (Action.CONFLICT, Action.FORGET):
        return ()
    if change.action is Action.ARCHIVE or change.adopts or link_to_parent(change):
        return tuple(kind.owners)
    # What only the state learns may be that a line item was moved.
    return kind.parents if change.fields or change.action is Action.ADOPT else ()


def link_to_parent(change: Effect) -> LinkChange | None:
    """Return the association that puts an existing record under its parent, if there is one."""
    parents = kinds()[change.address.kind].parents
    return next((link for link in change.links if link.add and link.to in parents), None)


def links_from_parents(change: Effect) -> tuple[LinkChange, ...]:
    """Return the associations that take a moved line item from its former parents."""
    kind = kinds().get(change.address.kind)
    parents = kind.parents if kind is not None else ()
    return tuple(link for link in change.links if not link.add and link.to in parents)


def left_by(change: Effect) -> frozenset[Parent]:
    """Return the parents that a moved line item leaves; usually one."""
    return frozenset((link.to, link.id) for link in links_from_parents(change))


def former_parent(change: Effect) -> Address | None:
    """Return the address of the order or cart that a line item leaves, None if it is not moved."""
    link = next(iter(links_from_parents(change)), None)
    if link is None:
        return None
    named = next(iter(link.references), None)
    by_key = named is not None and named.by == "key"
    return Address(link.to, named.value if named and by_key else f"{BY_ID}{link.id}")


def planned_parents(change: Effect) -> frozenset[Parent]:
    """Return the parents that an existing record had when planning; empty if it had none."""
    if left := left_by(change):
        return left if link_to_parent(change) else left | _own_parent(change)
    if link_to_parent(change):
        return frozenset()
    return _own_parent(change)


def arrived_at(change: Effect) -> frozenset[Parent]:
    """Return the new parent of a moved line item, which an interrupted run may have given it."""
    moves = bool(left_by(change)) and link_to_parent(change) is not None
    return _own_parent(change) if moves else frozenset()


def _own_parent(change: Effect) -> frozenset[Parent]:
    if change.parent is None or not change.parent_id:
        return frozenset()
    return frozenset({(change.parent.kind, change.parent_id)})


def parents_among(kind: Kind, links: Iterable[Link]) -> frozenset[Parent]:
    """Return the parents among the ends of a record's associations."""
    return frozenset((link.to, link.id) for link in links if link.to in kind.owners)


def describe_parents(parents: Iterable[Parent]) -> str:
    """Return parents in words: ``deal 801, order 12``."""
    return ", ".join(f"{word} {id_}" for word, id_ in sorted(parents))
