"""Changes that a run had begun and nobody knows the end of, and what the state must say of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from reconcile.applying.readback import Verified
from reconcile.applying.rewrites import History
from reconcile.applying.run_log import InDoubtWrite, Run
from reconcile.applying.state_entries import AppliedChange, Entries
from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.plan import LinkChange, Plan, RecordChange, UnitChange
from reconcile.model.records import Actual, LastApplied, Link


@dataclass(frozen=True, slots=True)
class InDoubtChange:
    """One change that a run had begun; ``write`` is what its journal knows of it."""

    unit: UnitChange
    change: RecordChange
    write: InDoubtWrite

    @property
    def id(self) -> str:
        """The record's id, empty where it was to be created and no answer came."""
        return self.change.id or self.write.id

    @property
    def associated(self) -> frozenset[str]:
        """The objects that the change, or what it leaves standing, associates the record with."""
        added = {link.to for link in self.change.links}
        return frozenset(added.union(link.to for link in self.change.kept_links))

    def unanswered(self) -> "InDoubtChange":
        """The same without the id that HubSpot answered, which is another record's."""
        return replace(self, write=replace(self.write, id=""))

    def links(self, ids: Mapping[Address, str]) -> frozenset[Link]:
        """The associations of ours the record has when everything went well.

        ``ids`` binds folded addresses of records made by the same run.
        """
        made = (
            Link(link.to, end, number, category)
            for link, end in self._ends(ids)
            for category, number in link.ours
        )
        return frozenset(self.change.kept_links).union(made)

    def along(self, ids: Mapping[Address, str]) -> frozenset[Link]:
        """The plain types that come with our labels on pairs that have none (reference §11)."""
        associations = kinds()[self.change.address.kind].associations
        return frozenset(
            Link(link.to, end, associations[link.to].type_id)
            for link, end in self._ends(ids)
            if link.types == link.ours
        )

    def _ends(self, ids: Mapping[Address, str]) -> Iterator[tuple[LinkChange, str]]:
        for link in self.change.links:
            end = link.id or (ids.get(link.address.folded(), "") if link.address else "")
            if link.add and end:
                yield link, end


def in_doubt_changes(run: Run, plan: Plan) -> list[InDoubtChange]:
    """What a run had begun, in the plan's order."""
    writes = run.in_doubt
    return [
        InDoubtChange(unit, change, writes[change.address])
        for unit in plan.units
        for change in unit.changes
        if change.address in writes
    ]


def entry_after(
    one: InDoubtChange,
    actual: Actual | None,
    links: frozenset[Link],
    previous: LastApplied | None,
    entries: Entries,
    *,
    history: History,
    born: bool = False,
) -> Verified | None:
    """What the state must say of a record now; None where nothing was carried out.

    ``links`` are those that stand of what the state and the change make ours; ``history`` has the
    values that read back as something else than was written; ``born`` says that the record is known
    to be the one that the change made, whatever it holds now. A record whose
    creation was answered stays remembered by its id even where it is not to be seen: made again it
    would be there twice.
    """
    definitions = entries.definitions.properties.get(one.change.address.kind, {})
    if actual is None or entries.managed(one.change).keys() - definitions.keys():
        record_id = actual.id if actual is not None else one.write.id
        if one.change.id or not record_id:
            return None
        return entries.verified(AppliedChange(one.change, record_id, links, previous), None)
    made = born or (not one.change.id and one.write.id == actual.id)
    if not made and not entries.carried_out(one.change, actual, history):
        return None
    return entries.verified(AppliedChange(one.change, actual.id, links, previous), actual, history)
