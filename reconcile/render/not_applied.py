"""What a plan does not do: declared changes that are held back, and drift that is left alone."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconcile.model.guarded import guards_of
from reconcile.model.kinds import kinds
from reconcile.model.plan import Plan, UnitChange
from reconcile.model.policy import HELD
from reconcile.render.phrasing import listed, plural

HELD_BACK = "Held back: they would overwrite or remove what nobody has looked at"
LEFT_ALONE = "Left alone: changed in HubSpot by others, and not in the manifests"

ACCEPT = "to accept it into the manifests: `reconcile pull --drift`"


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One property that others changed, and on how many records of each kind."""

    name: str
    records: Mapping[str, int]

    @property
    def text(self) -> str:
        """``812 orders``."""
        return listed(self.records)


def drift_rows(plan: Plan) -> list[DriftRow]:
    """Return the drift that is left alone by property, that of most records first."""
    found: dict[str, Counter[str]] = {}
    for unit in plan.units:
        for left in unit.left_alone:
            names = {field.name for field in left.fields}
            names |= {f"association with {_plural(link.to)}" for link in left.links}
            for name in names:
                found.setdefault(name, Counter())[left.address.kind] += 1
    order = sorted(found.items(), key=lambda one: (-one[1].total(), one[0]))
    return [DriftRow(name, counted) for name, counted in order]


def is_acceptable(plan: Plan) -> bool:
    """Return whether there are values among the drift that is left alone, not only associations."""
    return any(left.fields for unit in plan.units for left in unit.left_alone)


def _plural(name: str) -> str:
    known = kinds().get(name)
    return known.plural if known else f"a {name}"


def drifted_records(plan: Plan) -> Mapping[str, int]:
    """Return how many records of each kind have drift that is left alone."""
    return Counter(left.address.kind for unit in plan.units for left in unit.left_alone)


def held_changes(plan: Plan) -> int:
    """Return how many declared changes are held back."""
    return sum(len(unit.held) for unit in plan.units)


def held_by(unit: UnitChange, plan: Plan) -> dict[str, str]:
    """Return the note on each held record of a unit, by address."""
    allowed = {text.partition("=")[0] for text in plan.allowed}
    notes = {}
    for change in unit.held:
        names = [name for name in HELD if name in guards_of(change) - allowed]
        notes[str(change.address)] = f"held back: {', '.join(names) or 'with the rest'}"
    return notes


def footer_parts(plan: Plan) -> Iterator[str]:
    """Yield the sentences on what the plan does not do."""
    if held := held_changes(plan):
        yield f"Held back: {plural(held, 'declared change')}."
    if left := drifted_records(plan):
        yield f"Left alone: drift in {listed(left)}."
