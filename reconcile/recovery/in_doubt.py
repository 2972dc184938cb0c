"""In-doubt changes of a run, and the state entries that they lead to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from reconcile.applying.readback import Verified
from reconcile.applying.rewrites import History
from reconcile.applying.run_log import InDoubtWrite, Run
from reconcile.applying.state_entries import AppliedChange, Entries
from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.line_parent import links_from_parents
from reconcile.model.plan import LinkChange, Plan, RecordChange, Refresh, UnitChange
from reconcile.model.records import Actual, LastApplied, Link


@dataclass(frozen=True, slots=True)
class InDoubtChange:
    """A change whose outcome is not known; ``write`` is what the run's journal says of it."""

    unit: UnitChange
    change: RecordChange
    write: InDoubtWrite

    @property
    def refresh(self) -> Refresh:
        """What else the state remembers of the record."""
        return self.change.refresh

    @property
    def id(self) -> str:
        """The record's id; empty if it was to be created and no answer came."""
        return self.change.id or self.write.id

    def without_id(self) -> "InDoubtChange":
        """Return the same change without the id that HubSpot answered by mistake."""
        return replace(self, write=replace(self.write, id=""))

    def links(self, ids: Mapping[Address, str]) -> frozenset[Link]:
        """Return our associations as they are if the change was applied completely.

        ``ids`` binds folded addresses of records created by the same run.
        """
        made = (
            Link(link.to, end, number, category)
            for link, end in self._ends(ids)
            for category, number in link.ours
        )
        return frozenset(self.change.kept_links).union(made)

    def implied_links(self, ids: Mapping[Address, str]) -> frozenset[Link]:
        """Return the unlabelled types that HubSpot adds along with our labels (reference §11)."""
        kind = kinds()[self.change.address.kind]
        return frozenset(
            Link(link.to, end, kind.association(link.to).type_id)
            for link, end in self._ends(ids)
            if link.types == link.ours and not kind.association(link.to).is_custom
        )

    def parent_links(self, ids: Mapping[Address, str]) -> frozenset[Link]:
        """Return the association that puts a line item under its parent, if the change makes it."""
        parent = self.change.parent
        if parent is None or not self.change.gets_parent:
            return frozenset()
        end = self.change.parent_id or ids.get(parent.folded(), "")
        association = kinds()[self.change.address.kind].associations[parent.kind]
        return frozenset({Link(parent.kind, end, association.type_id)} if end else ())

    def former_parent_links(self) -> frozenset[Link]:
        """Return the associations with the parents that a moved line item leaves."""
        return frozenset(
            Link(left.to, left.id, number, category)
            for left in links_from_parents(self.change)
            for category, number in left.types
        )

    def _ends(self, ids: Mapping[Address, str]) -> Iterator[tuple[LinkChange, str]]:
        for link in self.change.links:
            end = link.id or (ids.get(link.address.folded(), "") if link.address else "")
            if link.add and end:
                yield link, end


def in_doubt_changes(run: Run, plan: Plan) -> list[InDoubtChange]:
    """Return the in-doubt changes of a run, in the plan's order."""
    writes = run.in_doubt
    return [
        InDoubtChange(unit, change, writes[change.address])
        for unit in plan.units
        for change in unit.changes
        if change.address in writes
    ]


def addresses_in_doubt(run: Run, plan: Plan) -> Iterator[Address]:
    """Yield the folded addresses of units and records with an in-doubt write, former ones too."""
    for one in in_doubt_changes(run, plan):
        named = one.unit.address, one.unit.former, one.change.address, one.change.former
        yield from (address.folded() for address in named if address is not None)


def entry_after(
    one: InDoubtChange,
    actual: Actual | None,
    links: frozenset[Link],
    previous: LastApplied | None,
    entries: Entries,
    *,
    parent_id: str,
    leaving: frozenset[tuple[str, str]],
    history: History,
    is_created: bool = False,
) -> Verified | None:
    """Return the state's entry for a record after a change; None if the change was not applied.

    ``links`` are those of our associations that the record has; ``history`` has the properties that
    read back differently than they were written; ``is_created`` says that the change is known to
    have created the record, whatever its values are now; ``parent_id`` is the record that a line
    item is under, empty if it is not under its parent, and ``leaving`` those it has still to leave.
    A record whose creation was answered is remembered by its id even if no read shows it: creating
    it again would duplicate it.
    """
    definitions = entries.definitions.properties.get(one.change.address.kind, {})
    if actual is None or entries.managed(one.change, one.refresh).keys() - definitions.keys():
        record_id = actual.id if actual is not None else one.write.id
        if one.change.id or not record_id:
            return None
        return entries.verified(
            AppliedChange(one.change, one.refresh, record_id, links, previous, parent_id, leaving),
            None,
        )
    made = is_created or (not one.change.id and one.write.id == actual.id)
    if not made and not entries.carried_out(one.change, actual, history):
        return None
    return entries.verified(
        AppliedChange(one.change, one.refresh, actual.id, links, previous, parent_id, leaving),
        actual,
        history,
    )
