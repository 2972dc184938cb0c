"""Holding back: declared changes that would overwrite or take away what nobody has looked at.

A change is held back by the name of a guard, until that guard is allowed for the plan:

- ``both``: the manifest and others changed the same field, or fields that belong together
- ``adopt-update``: a value that reconcile has never seen would be overwritten or archived
- ``unknown``: the state has nothing to compare the record with
- ``rekey``: the key was changed in HubSpot
- ``recreate``: the record was archived, merged or deleted in HubSpot
- ``prune``: no manifest declares the record any more

The first three hold all changes of a unit, since half an order is worse than none. What only the
state learns is never held back: nothing is overwritten by it.
"""

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import replace

from reconcile.model.address import Address, fold
from reconcile.model.guarded import guards_of
from reconcile.model.identity import Identity
from reconcile.model.line_parent import former_parent
from reconcile.model.plan import Action, RecordChange, UnitChange
from reconcile.planning.moves import moving_groups

_OF_UNIT = {"both", "adopt-update", "unknown"}


def hold(
    units: Iterable[UnitChange], allowed: Collection[str], identities: Mapping[str, Identity]
) -> tuple[UnitChange, ...]:
    """Return all units of a plan, with what no ``allowed`` guard lets in held back.

    Records that exchange keys go or stay together, and so do units between which a line item moves.
    What refers to a record that the plan would
    create stays as long as that one does, and so does what gets the identity value under its
    parent that a held record still has; not the other way round.
    """
    found = {unit.address: _held_back(unit, allowed) for unit in units}
    groups = moving_groups(found.values())
    while tied := _tied(found.values(), identities, groups):
        found |= {unit.address: _without(unit, frozenset()) for unit in tied}
    return tuple(found.values())


def _tied(
    units: Collection[UnitChange],
    identities: Mapping[str, Identity],
    groups: Mapping[Address, Set[Address]],
) -> list[UnitChange]:
    """Return the units with changes that are tied to a held one."""
    waiting = {unit.address for unit in units if any(_holds_group(one, unit) for one in unit.held)}
    held = [change for unit in units for change in unit.held]
    absent = {change.address.folded() for change in held if not change.id}
    keys = {one.folded() for change in held for one in _names(change)}
    return [
        unit
        for unit in units
        if any(_is_tied(change, absent, keys) for change in unit.changes)
        or (_may_wait(unit) and not waiting.isdisjoint(groups.get(unit.address, ())))
        or not _values(unit.changes, identities).isdisjoint(
            _values(unit.held, identities, after=False)
        )
    ]


def _holds_group(change: RecordChange, unit: UnitChange) -> bool:
    """Return whether the units that a unit exchanges line items with wait for a held change.

    They need not wait for a line item that stays where it is.
    """
    return (
        change.address == unit.address
        or former_parent(change) is not None
        or not _OF_UNIT.isdisjoint(guards_of(change))
    )


def _may_wait(unit: UnitChange) -> bool:
    """Return whether anything of a unit can still be held back."""
    return any(
        change.action is not Action.CONFLICT and not change.is_refresh for change in unit.changes
    )


def _held_back(unit: UnitChange, allowed: Collection[str]) -> UnitChange:
    """Return a unit with what is not allowed held back, and what depends on it.

    What depends on a held order or cart are its line items. An order or cart is archived together
    with all of its line items or not at all: nobody asked for one without some of its lines.
    """
    stops = {
        change.address: names
        for change in unit.changes
        if (names := guards_of(change).difference(allowed))
    }
    if not stops:
        return unit
    archives = any(
        change.action is Action.ARCHIVE and change.address == unit.address
        for change in unit.changes[:1]
    )
    whole = archives or unit.address in stops or any(map(_OF_UNIT.intersection, stops.values()))
    going = {change.address for change in unit.changes if not whole} - stops.keys()
    return _without(unit, going)


def _names(change: RecordChange) -> tuple[Address, ...]:
    """Return the names that a renamed record takes and gives up."""
    return (change.address, change.former) if change.former is not None else ()


def _is_tied(change: RecordChange, absent: Set[Address], keys: Set[Address]) -> bool:
    if change.action is Action.CONFLICT:
        return False
    ends = [link.address.folded() for link in change.links if link.add and link.address]
    return not absent.isdisjoint(ends) or any(one.folded() in keys for one in _names(change))


def _values(
    changes: Iterable[RecordChange], identities: Mapping[str, Identity], *, after: bool = True
) -> Set[tuple[str, str]]:
    """Return the values that tell line items of one parent apart, by kind: those that they get."""
    return {
        (change.address.kind, fold(value))
        for change in changes
        if (identity := identities.get(change.address.kind)) and identity.sibling_property
        for field in change.fields
        if field.name == identity.sibling_property
        and (value := field.after if after else field.before)
    }


def _without(unit: UnitChange, going: Collection[Address]) -> UnitChange:
    """Return a unit with these changes and what is never held back, and the others held back."""
    stays: list[RecordChange] = []
    held = list(unit.held)
    # The state gets the lines of a renamed or adopted order or cart together with it.
    moves = any(
        change.address == unit.address and (change.former or change.adopts)
        for change in unit.changes
        if change.address not in going
    )
    for change in unit.changes:
        is_free = change.action is Action.CONFLICT or (change.is_refresh and not moves)
        (stays if is_free or change.address in going else held).append(change)
    return replace(unit, changes=tuple(stays), held=in_order(unit, held))


def in_order(unit: UnitChange, changes: Iterable[RecordChange]) -> tuple[RecordChange, ...]:
    """Return changes of a unit in the order of a plan: the root's first."""
    return tuple(sorted(changes, key=lambda one: (one.address != unit.address, one.address)))
