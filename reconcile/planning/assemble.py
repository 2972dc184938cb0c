"""Assemble the plan of a target from the changes of its units."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from reconcile.model.address import Address
from reconcile.model.definitions import Definitions
from reconcile.model.digest import Hasher, definitions_digest
from reconcile.model.identity import Identity, pinned
from reconcile.model.limits import Limits
from reconcile.model.manage import Manage
from reconcile.model.plan import (
    Action,
    Plan,
    PropertyDefine,
    TargetPin,
    UnitChange,
)
from reconcile.planning.derived import derived, legend_of
from reconcile.planning.effect_digests import with_effect_digests
from reconcile.planning.guards import names_of, tripped_limits
from reconcile.planning.holding import hold
from reconcile.planning.moves import without_moved
from reconcile.planning.unreachable_references import without_unreachable

_NONE = Definitions({})
_EVERYTHING = Manage()
_NOTHING: Mapping[str, Collection[str]] = MappingProxyType({})


def assemble(
    units: Iterable[UnitChange],
    *,
    target: TargetPin,
    lineage: str,
    identities: Mapping[str, Identity],
    unchanged: int,
    undeclared: Iterable[Address],
    limits: Limits,
    allowed: Collection[str] = (),
    reverts: Mapping[str, Collection[str]] = _NOTHING,
    manage: Manage = _EVERYTHING,
    definitions: Definitions = _NONE,
    prune: bool = False,
    defines: Iterable[PropertyDefine] = (),
    unchecked: Iterable[str] = (),
    recorded_conflicts: Iterable[Address] = (),
    serial: int = 0,
    hasher: Hasher | None = None,
) -> Plan:
    """Return a sorted plan with the guards that it trips. The order of the inputs does not matter.

    ``allowed``, ``reverts`` and ``manage`` are what the units were planned with: the values of
    ``--allow``, the properties, by kind, whose drift is always put back, and what may be written.
    ``hasher`` makes the effect digests
    with the state's key, where there is one. ``definitions``
    are those that the units were planned from. ``recorded_conflicts`` are the planned units for
    which the state records a conflict of an earlier run.
    """
    names = names_of(allowed)
    ordered = tuple(
        replace(unit, definitions=definitions_digest(unit.changes, definitions))
        for unit in sorted(
            hold(without_moved(without_unreachable(units)), names, identities),
            key=lambda unit: unit.address,
        )
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
        guards=tripped_limits(ordered, limits, allowed),
        prune=prune,
        unchecked=tuple(unchecked),
        resolved=tuple(sorted(set(recorded_conflicts) - _standing(ordered))),
        labels=legend.labels,
        personal=legend.personal,
        limits=tuple(sorted((name, kind, most) for (name, kind), most in limits.items())),
        allowed=tuple(sorted(allowed)),
        reverts=tuple(sorted((kind, one) for kind, some in reverts.items() for one in some)),
        manage=manage.pinned,
        keyed=hasher is not None,
        serial=serial,
    )


def _standing(units: Iterable[UnitChange]) -> set[Address]:
    return {
        unit.address
        for unit in units
        if unit.held or any(change.action is Action.CONFLICT for change in unit.changes)
    }
