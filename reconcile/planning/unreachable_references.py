"""Associations with records that HubSpot no longer has.

Only the state knows such a record. Associating with it would fail during apply, so the plan leaves
the association out and says why.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.plan import Action, LinkChange, RecordChange, UnitChange
from reconcile.planning.changes import as_conflict, propagate_conflicts


@dataclass(frozen=True, slots=True)
class _Unreachable:
    """Records that nothing can be associated with, by id and by address."""

    by_id: dict[tuple[str, str], Address]
    addresses: frozenset[Address]

    def behind(self, link: LinkChange) -> Address | None:
        """Return the unreachable record at the other end of an association to make."""
        if not link.add:
            return None
        if link.address is not None:
            return link.address if link.address.folded() in self.addresses else None
        return self.by_id.get((link.to, link.id))


def without_unreachable(units: Iterable[UnitChange]) -> Iterator[UnitChange]:
    """Yield the units without associations that cannot be made; ``why`` explains each."""
    units = tuple(units)
    lost = [change for unit in units for change in unit.changes if change.unreachable]
    if not lost:
        yield from units
        return
    unreachable = _Unreachable(
        {(change.address.kind, change.id): change.address for change in lost if change.id},
        frozenset(change.address.folded() for change in lost),
    )
    for unit in units:
        left = tuple(_without(change, unreachable) for change in unit.changes)
        yield replace(unit, changes=propagate_conflicts(unit.address, left))


def _without(change: RecordChange, unreachable: _Unreachable) -> RecordChange:
    ends = {link: unreachable.behind(link) for link in change.links}
    blocked = sorted({end for end in ends.values() if end is not None})
    if not blocked:
        return change
    names = ", ".join(map(str, blocked))
    why = Explanation(
        f"cannot be associated with {names}, which is in conflict",
        "resolve that conflict, then plan again",
    )
    links = tuple(link for link, end in ends.items() if end is None)
    if change.action is Action.ASSOCIATE and not links:
        return as_conflict(change, why)
    return replace(change, links=links, why=(why,))
