"""Putting a plan together from its units: order, guards, what is no longer declared."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconcile.model.address import Address
from reconcile.model.definitions import Definitions
from reconcile.model.digest import definitions_digest
from reconcile.model.identity import Identity, pinned
from reconcile.model.plan import (
    Action,
    Guard,
    Plan,
    PropertyDefine,
    Reason,
    RecordChange,
    TargetPin,
    UnitChange,
)
from reconcile.planning.derived import derived, legend_of
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
    definitions: Definitions = _NONE,
    prune: bool = False,
    defines: Iterable[PropertyDefine] = (),
    unchecked: Iterable[str] = (),
    stood: Iterable[Address] = (),
    serial: int = 0,
) -> Plan:
    """A plan, sorted, with the guards it trips. Input order does not matter.

    ``definitions`` are those that the units were planned from; ``stood`` the planned units of which
    the state remembers conflicts.
    """
    ordered = tuple(
        replace(unit, definitions=definitions_digest(unit.changes, definitions))
        for unit in sorted(without_unreachable(units), key=lambda unit: unit.address)
    )
    legend = legend_of(ordered)
    ordered = derived(ordered, legend)
    return Plan(
        target=target,
        units=ordered,
        lineage=lineage,
        identities=pinned(identities),
        unchanged=unchanged,
        defines=tuple(sorted(defines, key=lambda define: (define.kind, define.name))),
        undeclared=tuple(sorted(undeclared)),
        guards=tripped(ordered, limits),
        prune=prune,
        unchecked=tuple(unchecked),
        resolved=tuple(sorted(set(stood) - _in_conflict(ordered))),
        labels=legend.labels,
        personal=legend.personal,
        limits=tuple(sorted(limits.items())),
        serial=serial,
    )


def _in_conflict(units: Iterable[UnitChange]) -> set[Address]:
    return {
        unit.address
        for unit in units
        if any(change.action is Action.CONFLICT for change in unit.changes)
    }


EXACT = ("prune",)
"""Guards that are let pass for just the count that was seen, and for no other."""


def tripped(units: Iterable[UnitChange], limits: Mapping[str, int]) -> tuple[Guard, ...]:
    """Return the guards that stand against some changes; a guard without a limit allows none."""
    changes = [change for unit in units for change in unit.changes]
    return tuple(_tripped([one for one in changes if one.action is not Action.CONFLICT], limits))


def _tripped(changes: Sequence[RecordChange], limits: Mapping[str, int]) -> Iterable[Guard]:
    counts = {
        "adopt-update": (
            sum(map(_is_unseen, changes)),
            "in HubSpot with values that reconcile has never seen: "
            "applying overwrites or archives them",
        ),
        "unknown": (
            sum(_has(Reason.UNKNOWN, change) for change in changes),
            "in the state with nothing to compare values with (the state's hash key was lost or "
            "changed, or they were never read back): applying overwrites or archives what others "
            "changed",
        ),
        "rekey": (
            sum(change.rekey for change in changes),
            "found by the id in the state, because the key was changed in HubSpot: "
            "applying writes the key back, or archives what is to be removed",
        ),
        "recreate": (
            sum(change.recreates for change in changes),
            "archived, merged or gone in HubSpot: applying makes new ones",
        ),
        "prune": (
            sum(change.pruned and change.action is Action.ARCHIVE for change in changes),
            "no longer declared: applying archives them",
        ),
    }
    for name, (count, meaning) in counts.items():
        limit = limits.get(name, 0)
        if count > limit:
            what = "1 record is" if count == 1 else f"{count:,} records are"
            yield Guard(name, count, limit, f"{what} {meaning}", exact=name in EXACT)


def _is_unseen(change: RecordChange) -> bool:
    """Whether values are overwritten, or a whole record archived, that reconcile has never seen."""
    return _has(Reason.UNSEEN, change) or (change.adopts and change.action is Action.ARCHIVE)


def _has(reason: Reason, change: RecordChange) -> bool:
    return any(field.reason is reason for field in change.fields)
