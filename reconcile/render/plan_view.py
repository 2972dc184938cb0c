"""The view model of a plan, before any medium.

Pure. Texts are unescaped; renderers escape them for their medium (``escaping``). Personal values
are already left out here when they must not be shown.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import filterfalse

from reconcile.model.plan import (
    Action,
    Plan,
    RecordChange,
    UnitChange,
)
from reconcile.model.selected import EVERYTHING
from reconcile.render.adopted import Adoptions, adoptions
from reconcile.render.not_applied import footer_parts, held_by
from reconcile.render.phrasing import listed, plural, target_line
from reconcile.render.record_views import (
    LeftAloneView,
    RecordView,
    UnitView,
    height,
    left_alone_view,
    record_view,
    unit_view,
)

SCREENFUL = 60
"""Lines up to which every unit of a plan is listed."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many records of each kind get one verb: ``create``, ``adopt and update``."""

    verb: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan to show. ``units`` creates its views lazily, on each call."""

    plan: Plan
    personal: bool
    tallies: tuple[Tally, ...]
    conflicts: int
    adoptions: Adoptions
    verbose: bool = False
    full: bool = False

    @property
    def is_long(self) -> bool:
        """Whether to list every unit takes more than a screenful."""
        lines = 0
        for unit in self.units():
            lines += 1 + sum(1 + height(record) for record in unit.records)
            if lines > SCREENFUL:
                return True
        return False

    @property
    def heading(self) -> str:
        """The line that every output begins and ends with."""
        return target_line(self.plan.target)

    @property
    def as_declared(self) -> int:
        """The number of records that are as declared, whatever the state remembers of them."""
        drifted = {left.address for unit in self.plan.units for left in unit.left_alone}
        return self.plan.unchanged + sum(
            change.is_remembered and change.address not in drifted for change in self.plan.records()
        )

    @property
    def footer(self) -> str:
        """The plan in one sentence."""
        return " ".join((_done(self), *footer_parts(self.plan)))

    @property
    def changing(self) -> tuple[UnitChange, ...]:
        """The units with changes or conflicts to list, in order.

        Records that are adopted as they are are listed only with ``verbose``, and those of which
        only the state remembers something else never.
        """
        return tuple(self._changing())

    def units(self) -> Iterator[UnitView]:
        """Yield the units with changes or conflicts to list, in order."""
        for unit in self._changing():
            yield unit_view(unit, personal=self.personal)

    def _changing(self) -> Iterator[UnitChange]:
        for unit in self.plan.units:
            if any(map(self._is_counted_only, unit.changes)):
                changes = tuple(filterfalse(self._is_counted_only, unit.changes))
                unit = replace(unit, changes=changes)  # noqa: PLW2901
            if unit.changes:
                yield unit

    def _is_counted_only(self, change: RecordChange) -> bool:
        return change.is_remembered or (not self.verbose and self.adoptions.is_plain(change))

    def held(self) -> Iterator[UnitView]:
        """Yield the units with changes that are held back, and only these changes."""
        for unit in self.plan.units:
            if unit.held:
                notes_of = held_by(unit, self.plan)
                shown = unit_view(
                    replace(unit, changes=unit.held, others=0), personal=self.personal
                )
                records = tuple(
                    replace(one, notes=(notes_of[str(one.address)], *one.notes))
                    for one in shown.records
                )
                yield replace(shown, records=records)

    def left_alone(self) -> Iterator[tuple[UnitChange, LeftAloneView]]:
        """Yield the drift of each record that is left alone."""
        for unit in self.plan.units:
            for left in unit.left_alone:
                yield unit, left_alone_view(left, personal=self.personal)

    def conflicting(self) -> Iterator[RecordView]:
        """Yield the records in conflict, of all units."""
        if self.conflicts:
            for unit in self.plan.units:
                for change in unit.changes:
                    if change.action is Action.CONFLICT:
                        yield record_view(change, unit.address, personal=self.personal)


def view(plan: Plan, *, personal: bool, verbose: bool = False, full: bool = False) -> PlanView:
    """Return the view of a plan; ``personal=False`` for CI, logs and comments.

    ``full`` lists every unit however many there are, ``verbose`` those adopted as they are, too.
    """
    adopted = adoptions(plan)
    counted: Counter[tuple[str, str]] = Counter()
    for change in plan.records():
        if not change.is_remembered:
            counted[_verb(change, adopted), change.address.kind] += 1
    conflicts = sum(n for (verb, _), n in counted.items() if verb == Action.CONFLICT)
    return PlanView(plan, personal, _tallies(counted), conflicts, adopted, verbose, full or verbose)


def _verb(change: RecordChange, adopted: Adoptions) -> str:
    if adopted.is_plain(change):
        return str(Action.ADOPT)
    if change.action is Action.CREATE and change.recreates:
        return "create again"
    if change.action is Action.UPDATE and change.adopts:
        return "adopt and update"
    return str(change.action)


_VERBS = (
    "create",
    "create again",
    "update",
    "adopt and update",
    "adopt",
    "associate",
    "archive",
    "forget",
)


def _tallies(counted: Counter[tuple[str, str]]) -> tuple[Tally, ...]:
    found = {
        verb: {kind: number for (one, kind), number in counted.items() if one == verb}
        for verb in _VERBS
    }
    return tuple(Tally(verb, counts) for verb, counts in found.items() if counts)


def _done(seen: PlanView) -> str:
    """Return what the plan does, in one sentence."""
    plan, same = seen.plan, seen.as_declared
    if plan.empty and not plan.in_doubt:
        if same:
            return f"No changes. {plural(same, 'record is', 'records are')} as declared."
        if plan.selected != EVERYTHING and not plan.selected.units:
            return "No changes. Nothing is selected."
        return "No changes." if plan.units else "No changes. No records are declared."
    parts = []
    if plan.defines:
        parts.append(f"{plural(len(plan.defines), 'property', 'properties')} to define")
    parts += [f"{listed(tally.counts)} to {tally.verb}" for tally in seen.tallies]
    if seen.conflicts:
        parts.append(f"{plural(seen.conflicts, 'conflict')} (left alone)")
    if plan.in_doubt:
        parts.append(f"{plural(len(plan.in_doubt), 'unit')} left out (in doubt)")
    if same:
        parts.append(f"{same:,} unchanged")
    return f"Plan: {'; '.join(parts) or 'nothing to change'}."
