"""Assemble the plan of a target from the changes of its units."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from reconcile.model.address import Address
from reconcile.model.definitions import Definitions
from reconcile.model.digest import Hasher, definitions_digest
from reconcile.model.identity import Identity, pinned
from reconcile.model.plan import (
    Action,
    Plan,
    PropertyDefine,
    TargetPin,
    UnitChange,
)
from reconcile.planning.derived import derived, legend_of
from reconcile.planning.effect_digests import with_effect_digests
from reconcile.planning.guards import tripped_guards
from reconcile.planning.unreachable_references import without_unreachable

_NONE = Definitions({})


def assemble(
    units: Iterable[UnitChange],
    *,
    target: TargetPin,
    lineage: str,
    identities: Mapping[str, Identity],
    unchanged: int,
    undeclared: Iterable[Address],
    limits: Mapping[str, int],
    allowed: Collection[str] = (),
    definitions: Definitions = _NONE,
    prune: bool = False,
    defines: Iterable[PropertyDefine] = (),
    unchecked: Iterable[str] = (),
    recorded_conflicts: Iterable[Address] = (),
    serial: int = 0,
    hasher: Hasher | None = None,
) -> Plan:
    """Return a sorted plan with the guards that it trips. The order of the inputs does not matter.

    ``hasher`` makes the effect digests with the state's key, where there is one. ``definitions``
    are those that the units were planned from. ``recorded_conflicts`` are the planned units for
    which the state records a conflict of an earlier run.
    """
    ordered = tuple(
        replace(unit, definitions=definitions_digest(unit.changes, definitions))
        for unit in sorted(without_unreachable(units), key=lambda unit: unit.address)
    )
    legend = legend_of(ordered)
    ordered = with_effect_digests(derived(ordered, legend), target, hasher)
    return Plan(
        target=target,
        units=ordered,
        lineage=lineage,
        identities=pinned(identities),
        unchanged=unchanged,
        defines=tuple(sorted(defines, key=lambda define: (define.kind, define.name))),
        undeclared=tuple(sorted(undeclared)),
        guards=tripped_guards(ordered, limits, allowed),
        prune=prune,
        unchecked=tuple(unchecked),
        resolved=tuple(sorted(set(recorded_conflicts) - _in_conflict(ordered))),
        labels=legend.labels,
        personal=legend.personal,
        limits=tuple(sorted(limits.items())),
        allowed=tuple(sorted(allowed)),
        keyed=hasher is not None,
        serial=serial,
    )


def _in_conflict(units: Iterable[UnitChange]) -> set[Address]:
    return {
        unit.address
        for unit in units
        if any(change.action is Action.CONFLICT for change in unit.changes)
    }
