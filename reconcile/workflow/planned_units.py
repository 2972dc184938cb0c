"""The units of a plan, compared a chunk at a time, and what is gathered on the way."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconcile.fetching.foreign_lines import is_removed
from reconcile.fetching.parents import ParentReader
from reconcile.model.address import Address
from reconcile.model.bound_records import RecordId
from reconcile.model.digest import desired_digest
from reconcile.model.kinds import kinds
from reconcile.model.plan import UnitChange
from reconcile.model.records import LastApplied, Observed, Unit
from reconcile.planning.parent_conflicts import other_parents
from reconcile.planning.planner import plan_unit, record_inputs
from reconcile.planning.record_input import Context, RecordInput

Seen = tuple[Unit, Observed, Mapping[Address, LastApplied]]
"""A unit, what HubSpot has of it, and what the state has."""


@dataclass(slots=True)
class PlannedUnits:
    """What was planned so far.

    - ``declarations``: the units as declared, by address
    - ``watch``: gets what is compared of each record
    - ``changes``: the units that change, or of which something is left alone
    - ``under``: the line items under each order and cart that is to be archived
    - ``bound``: the addresses of those that the state or documents are bound to
    - ``unchanged``: the number of records that are as declared
    - ``others``: the number of line items that no manifest declares
    """

    context: Context
    parents: ParentReader
    declarations: Mapping[Address, Unit]
    watch: Callable[[RecordInput], None] | None = None
    changes: list[UnitChange] = field(default_factory=list)
    under: dict[Address, frozenset[RecordId]] = field(default_factory=dict)
    bound: dict[RecordId, Address] = field(default_factory=dict)
    unchanged: int = 0
    others: int = 0

    def add(self, chunk: Sequence[Seen]) -> None:
        """Plan some units."""
        for change, same in self._planned(chunk):
            self.unchanged += same
            if change is not None:
                self.changes.append(_pinned(change, self.declarations.get(change.address)))
        for unit, seen, _ in chunk:
            if is_removed(unit):
                self._add_lines(unit, seen)
        self.others += sum(seen.others for _, seen, _ in chunk)
        if self.watch is not None:
            for record in (one for seen in chunk for one in record_inputs(*seen, self.context)):
                self.watch(record)

    def _add_lines(self, unit: Unit, seen: Observed) -> None:
        lines = _lines(unit, seen)
        self.under[unit.address] = lines
        found = ((line, self.context.bound.document(line)) for line in lines)
        self.bound |= {line: address for line, address in found if address is not None}
        self.bound |= seen.bound_lines

    def _planned(self, chunk: Sequence[Seen]) -> Iterator[tuple[UnitChange | None, int]]:
        """Plan units, and again those with a changed line item that belongs to another record.

        So only the parents of line items that would change are read.
        """
        drafts = [plan_unit(unit, seen, last, self.context) for unit, seen, last in chunk]
        owners = self.parents.before(change for one, _ in drafts if one for change in one.changes)
        for (unit, seen, last), draft in zip(chunk, drafts, strict=True):
            elsewhere = other_parents(draft[0], owners) if draft[0] else {}
            if elsewhere:
                seen = replace(seen, other_parents=elsewhere)  # noqa: PLW2901
                yield plan_unit(unit, seen, last, self.context)
            else:
                yield draft


def _lines(unit: Unit, seen: Observed) -> frozenset[RecordId]:
    """Return the line items that HubSpot has under a unit's root."""
    children = kinds()[unit.address.kind].children
    links = seen.links.get(unit.address, frozenset())
    return frozenset((link.to, link.id) for link in links if link.to in children)


def _pinned(change: UnitChange, declared: Unit | None) -> UnitChange:
    return replace(change, manifest=desired_digest(declared)) if declared is not None else change
