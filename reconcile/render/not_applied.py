"""What a plan does not do: declared changes that are held back, and drift that is left alone."""

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconcile.model.guarded import guards_of
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Plan, RecordChange, UnitChange
from reconcile.model.policy import HELD
from reconcile.model.selected import EVERYTHING
from reconcile.render.drift_words import Sum, main_sources, summed
from reconcile.render.phrasing import listed, plural

HELD_BACK = "Held back: they would overwrite or remove what nobody has looked at"
_VALUES = {"both", "adopt-update", "unknown"}
"""The guards of values that HubSpot has."""

KEEP = "to keep what HubSpot has"

LEFT_ALONE = "Left alone: changed in HubSpot by others, and not in the manifests"


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One property that others changed, on how many records of each kind, and what set it there.

    ``sources`` are those of the records whose histories were read.
    """

    name: str
    records: Mapping[str, int]
    sources: Sequence[Sum] = ()

    @property
    def many(self) -> str:
        """``812 orders``."""
        return listed(self.records)

    def by(self, write: Callable[[str], str]) -> str:
        """Return ``809 by integration Shopify, 3 by ana@example.com``, empty if none is named.

        ``write`` writes the name of a source.
        """
        seen = sum(one.records for one in self.sources)
        part = f"of {seen:,}: " if seen != sum(self.records.values()) else ""
        return part + main_sources(self.sources, write) if seen else ""


def drift_rows(plan: Plan, *, personal: bool) -> list[DriftRow]:
    """Return the drift that is left alone by property, that of most records first."""
    found: dict[str, Counter[str]] = {}
    for unit in plan.units:
        for left in unit.left_alone:
            names = {field.name for field in left.fields}
            names |= {association_name(link.to) for link in left.links}
            for name in names:
                found.setdefault(name, Counter())[left.address.kind] += 1
    order = sorted(found.items(), key=lambda one: (-one[1].total(), one[0]))
    return [
        DriftRow(name, counted, _sources_of(name, plan, personal=personal))
        for name, counted in order
    ]


def _sources_of(name: str, plan: Plan, *, personal: bool) -> Sequence[Sum]:
    counts = plan.drift_sources.counts
    found = ((one.source, one.records) for one in counts if one.property == name)
    return summed(found, personal=personal)


def sources_note(plan: Plan) -> str:
    """Return where all sources are found, and of how many records these are if not of all."""
    seen = plan.drift_sources.records
    having = sum(bool(left.fields) for unit in plan.units for left in unit.left_alone)
    every = "`reconcile drift` lists each value with its source"
    if not seen or seen == having:
        return every
    return f"sources are of {seen:,} of {plural(having, 'record')}; {every}"


def association_name(to: str) -> str:
    """Return what associations with a kind of record are listed as."""
    known = kinds().get(to)
    return f"association with {known.plural if known else f'a {to}'}"


def how_to_accept(plan: Plan) -> str:
    """Return the command for the values among the drift that is left alone; empty without any."""
    if not any(left.fields for unit in plan.units for left in unit.left_alone):
        return ""
    same = "" if plan.selected == EVERYTHING else ", with the same selection"
    return f"to accept it into the manifests: `reconcile pull --drift`{same}"


def how_to_keep(plan: Plan) -> str:
    """Return the command that takes HubSpot's values of what is held back; empty if none may be."""
    held = [one for unit in plan.units for one in unit.held if _may_be_kept(one)]
    if not held:
        return ""
    more = " …" if len(held) > 1 else ""
    address = shlex.quote(str(held[0].address))
    return f"reconcile pull {address}{more}"


def _may_be_kept(change: RecordChange) -> bool:
    return change.action is Action.UPDATE and not _VALUES.isdisjoint(guards_of(change))


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
