"""Associations with records that HubSpot no longer has, or that the plan does not create.

Only the state knows such a record, or only a manifest. Associating with it would fail during apply,
so the plan leaves the association out and says why.
"""

from collections.abc import Callable, Iterable, Iterator
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
        yield _without(
            unit,
            unreachable.behind,
            "which is in conflict",
            "resolve that conflict, then plan again",
        )


def without_unplanned(units: Iterable[UnitChange]) -> Iterator[UnitChange]:
    """Yield the units without associations with records that a plan of only some leaves out.

    Such a record does not exist yet, so only a plan that creates it can associate with it.
    """
    units = tuple(units)
    planned = {change.address.folded() for unit in units for change in unit.changes}

    def left_out(link: LinkChange) -> Address | None:
        end = link.address if link.add else None
        return end if end is not None and end.folded() not in planned else None

    for unit in units:
        yield _without(
            unit,
            left_out,
            "which does not exist yet, and which this plan does not create",
            "plan that record too, or plan again once it exists",
        )


def _without(
    unit: UnitChange, blocked: Callable[[LinkChange], Address | None], reason: str, hint: str
) -> UnitChange:
    """Return a unit without the associations that are ``blocked`` by a record at the other end."""
    left = tuple(_without_links(change, blocked, reason, hint) for change in unit.changes)
    return replace(unit, changes=propagate_conflicts(unit.address, left))


def _without_links(
    change: RecordChange, blocked: Callable[[LinkChange], Address | None], reason: str, hint: str
) -> RecordChange:
    ends = {link: blocked(link) for link in change.links}
    named = sorted({end for end in ends.values() if end is not None})
    if not named:
        return change
    names = ", ".join(map(str, named))
    why = Explanation(f"cannot be associated with {names}, {reason}", hint)
    links = tuple(link for link, end in ends.items() if end is None)
    if change.action is Action.ASSOCIATE and not links:
        return as_conflict(change, why)
    return replace(change, links=links, why=(why,))
