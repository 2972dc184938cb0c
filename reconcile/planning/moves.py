"""Line items that a manifest moves from one order or cart to another."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import replace

from reconcile.model.address import Address
from reconcile.model.line_parent import former_parent
from reconcile.model.plan import UnitChange


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
