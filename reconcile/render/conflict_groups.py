"""Cap a plan's conflicts for people: a few of each group, as for problems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconcile.model.plan import Action, UnitChange
from reconcile.render.capped import capped


@dataclass(frozen=True, slots=True)
class GroupedConflicts:
    """Units, by their place in the plan.

    ``hidden`` are those to leave out. ``more`` says after which units how many like them are, and
    ``left_out`` counts the records of those that nothing which is shown is like.
    """

    hidden: frozenset[int]
    more: Mapping[int, int]
    left_out: int


def group_conflicts(units: Sequence[UnitChange]) -> GroupedConflicts:
    """Choose among the units of which every record is in conflict; all others are shown."""
    stuck = [place for place, unit in enumerate(units) if _is_stuck(unit)]
    found = capped(stuck, lambda place: _alike(units[place]))
    return GroupedConflicts(
        frozenset(stuck) - {one.item for one in found.shown},
        {one.item: one.more for one in found.shown if one.more},
        sum(len(units[place].changes) for place in found.left_out),
    )


def _is_stuck(unit: UnitChange) -> bool:
    return all(change.action is Action.CONFLICT for change in unit.changes)


def _alike(unit: UnitChange) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what units in the same conflict have in common: neither address nor location."""
    own, kind = str(unit.address), unit.address.kind
    return tuple(
        (
            change.address.kind,
            tuple(text.replace(own, kind) for one in change.why for text in (one.reason, one.hint)),
        )
        for change in unit.changes
    )
