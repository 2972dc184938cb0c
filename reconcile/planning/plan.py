"""Putting a plan together from its units: order, guards, what is no longer declared."""

from collections.abc import Iterable, Mapping, Sequence

from reconcile.model.address import Address
from reconcile.model.identity import Identity, pinned
from reconcile.model.plan import (
    Action,
    Guard,
    Plan,
    PropertyDefine,
    RecordChange,
    TargetPin,
    UnitChange,
)
from reconcile.planning.deriving import derived, legend_of
from reconcile.planning.unreachable import without_unreachable


def assemble(
    units: Iterable[UnitChange],
    *,
    target: TargetPin,
    lineage: str,
    identities: Mapping[str, Identity],
    unchanged: int,
    undeclared: Iterable[Address],
    limits: Mapping[str, int],
    prune: bool = False,
    defines: Iterable[PropertyDefine] = (),
    serial: int = 0,
) -> Plan:
    """A plan, sorted, with the guards it trips. Input order does not matter."""
    ordered = tuple(sorted(without_unreachable(units), key=lambda unit: unit.address))
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
        labels=legend.labels,
        personal=legend.personal,
        limits=tuple(sorted(limits.items())),
        serial=serial,
    )


EXACT = ("prune",)
"""Guards that are let pass for just the count that was seen, and for no other."""


def tripped(units: Iterable[UnitChange], limits: Mapping[str, int]) -> tuple[Guard, ...]:
    """Return the guards that stand against some changes; a guard without a limit allows none."""
    return tuple(_tripped([change for unit in units for change in unit.changes], limits))


def _tripped(changes: Sequence[RecordChange], limits: Mapping[str, int]) -> Iterable[Guard]:
    counts = {
        "adopt-update": (
            sum(map(_takes_over, changes)),
            "already in HubSpot with other values and not in the state: applying overwrites them",
        ),
        "rekey": (
            sum(change.rekey and change.action is not Action.CONFLICT for change in changes),
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


def _takes_over(change: RecordChange) -> bool:
    """Whether values of a record are overwritten that nobody but HubSpot knew.

    A key that is moved by its manifest is known, and does not count.
    """
    known = 1 if change.moved_from else 0
    return change.adopts and change.action is Action.UPDATE and len(change.fields) > known
