"""Line items that a manifest moves from one order or cart to another."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace

from reconcile.model.address import BY_ID, Address
from reconcile.model.bound_records import RecordId
from reconcile.model.explanation import Explanation
from reconcile.model.line_parent import former_parent, left_by
from reconcile.model.plan import Action, RecordChange, UnitChange
from reconcile.planning.changes import as_conflict, propagate_conflicts


def moving_groups(units: Collection[UnitChange]) -> Mapping[Address, Set[Address]]:
    """Return the other units that each unit exchanges line items with."""
    known = _by_address(units)
    groups: dict[Address, set[Address]] = defaultdict(set)
    for unit, source in _moves(units):
        other = known.get(source.folded())
        if other is not None:
            groups[unit.address].add(other)
            groups[other].add(unit.address)
    return groups


def without_moved(units: Iterable[UnitChange]) -> Iterator[UnitChange]:
    """Yield the units; line items that leave one do not count as undeclared under it."""
    units = list(units)
    known = _by_address(units)
    leaving = Counter(known.get(source.folded()) for _, source in _moves(units))
    for unit in units:
        left = leaving[unit.address]
        yield replace(unit, others=max(0, unit.others - left)) if left else unit


def count_leaving(units: Iterable[UnitChange], planned: Set[Address]) -> int:
    """Return how many line items leave one of the ``planned`` units, by folded address."""
    return sum(source.folded() in planned for _, source in _moves(units))


def keep_parents(
    units: Sequence[UnitChange],
    under: Mapping[Address, Collection[RecordId]],
    bound: Mapping[RecordId, Address],
) -> Iterator[UnitChange]:
    """Yield the units, in which no order is archived under a line item of another document.

    ``under`` are the line items that HubSpot has under orders and carts to be archived; ``bound``
    are the addresses of those that a document or the state is bound to. One that leaves in the same
    plan keeps nothing.
    """
    changes = [change for unit in units for change in unit.changes if change.id]
    of_documents = {
        **bound,
        **{
            (one.address.kind, one.id): one.address
            for one in changes
            if not one.address.key.startswith(BY_ID)  # others added it
        },
    }
    going = {(one.address.kind, one.id, parent) for one in changes for parent in _lost_by(one)}
    for unit in units:
        root_id = _archived_root(unit)
        lines = set(under.get(unit.address, ())) & of_documents.keys() if root_id else ()
        stay = sorted(of_documents[one] for one in lines if (*one, root_id) not in going)
        yield _kept(unit, stay[0]) if stay else unit


def _lost_by(change: RecordChange) -> Iterator[str]:
    """Yield the ids of the parents that a line item has no more after a change."""
    yield from (record_id for _, record_id in left_by(change))
    if change.action is Action.ARCHIVE:
        yield change.parent_id


def _archived_root(unit: UnitChange) -> str:
    """Return the id of a unit's root if that is to be archived, else empty text."""
    root = unit.changes[0] if unit.changes else None
    goes = root is not None and root.address == unit.address and root.action is Action.ARCHIVE
    return root.id if root is not None and goes else ""


def _kept(unit: UnitChange, line: Address) -> UnitChange:
    """Return a unit in conflict: its root cannot be archived as long as a line item is under it."""
    why = Explanation(
        f"{line} is under it, and belongs to another document, or to none any more",
        "move it in the manifests or in HubSpot, or archive it first",
    )
    conflict = (as_conflict(unit.changes[0], why), *unit.changes[1:])
    return replace(unit, changes=propagate_conflicts(unit.address, conflict))


def _moves(units: Iterable[UnitChange]) -> Iterator[tuple[UnitChange, Address]]:
    """Yield each unit that gets a line item, with the address of the one that it comes from."""
    for unit in units:
        for change in (*unit.changes, *unit.held):
            if (source := former_parent(change)) is not None:
                yield unit, source


def _by_address(units: Iterable[UnitChange]) -> Mapping[Address, Address]:
    """Return the addresses of units by their folded ones, those that they give up included."""
    found: dict[Address, Address] = {}
    for unit in units:
        found[unit.address.folded()] = unit.address
        for change in (*unit.changes, *unit.held):
            if change.address == unit.address and change.former is not None:
                found[change.former.folded()] = unit.address
    return found
