"""The state as it will be once unfinished runs are recovered; for planning, which may not write."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from reconcile.applying.rewrites import History
from reconcile.applying.state_entries import Entries
from reconcile.model.address import Address
from reconcile.model.plan import Action, RecordChange
from reconcile.model.records import Actual, LastApplied, Observed, Unit
from reconcile.planning.record_input import Context
from reconcile.recovery.in_doubt import InDoubtChange, entry_after, in_doubt_changes
from reconcile.recovery.runs import OpenRun


@dataclass(frozen=True, slots=True)
class PendingState:
    """The in-doubt changes of unfinished runs, by folded address.

    Planning may not write, so it predicts the entries that recovery would write to the state.
    """

    in_doubt: Mapping[Address, InDoubtChange] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, runs: Sequence[OpenRun]) -> "PendingState":
        """Return the pending state of these runs, given oldest first: the latest change counts."""
        return cls(
            {
                one.change.address.folded(): one
                for open_run in runs
                for one in in_doubt_changes(open_run.run, open_run.plan)
            }
        )

    def with_properties(
        self, properties: Mapping[str, Sequence[str]]
    ) -> Mapping[str, Sequence[str]]:
        """Return property names by kind, completed by those that recovery has to read."""
        names = {kind: set(found) for kind, found in properties.items()}
        for one in self.in_doubt.values():
            found = names.setdefault(one.change.address.kind, set())
            found |= {field.name for field in one.change.fields}
            found |= {name for name, _ in one.change.keep}
        return {kind: sorted(found) for kind, found in names.items()}

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """The (kind, associated object) pairs whose associations recovery has to read."""
        return frozenset(
            (one.change.address.kind, to) for one in self.in_doubt.values() for to in one.associated
        )

    def before(self, last: Mapping[Address, LastApplied]) -> Mapping[Address, LastApplied]:
        """Return the state's entries, completed by the ids of created records that it lacks."""
        made = {
            address: LastApplied(id=one.id, key=one.change.address.key)
            for address, one in self.in_doubt.items()
            if one.id and address not in last and not one.change.former
        }
        return {**last, **made}

    def found(self, observed: Iterable[Observed]) -> Iterator[tuple[RecordChange, Actual]]:
        """Yield the changes whose records exist, so that their property histories can be read."""
        for seen in observed:
            for address, actual in seen.records.items():
                one = self.in_doubt.get(address.folded())
                if one is not None and one.change.action is not Action.ARCHIVE:
                    yield one.change, actual

    def after(
        self,
        unit: Unit,
        last: Mapping[Address, LastApplied],
        observed: Observed,
        context: Context,
        histories: Mapping[Address, History],
    ) -> Mapping[Address, LastApplied]:
        """Return the entries of a unit's records as recovery would leave them."""
        if not any(record.address.folded() in self.in_doubt for record in unit.records):
            return last
        ids = {address.folded(): actual.id for address, actual in observed.records.items()}
        ids |= {
            Address(to, value): bound.id
            for (to, by, value), bound in context.bindings.items()
            if by == "key" and bound.id
        }
        entries = Entries(context.identities, context.definitions, context.hasher)
        found = dict(last)
        for record in unit.records:
            address = record.address
            one = self.in_doubt.get(address.folded())
            if one is None:
                continue
            previous = record.entry_in(last)
            if one.change.action is Action.ARCHIVE:
                if address not in observed.records:
                    found.pop(address.folded(), None)
                continue
            ours = (
                one.links(ids)
                | one.implied_links(ids)
                | (previous.links if previous else frozenset())
            )
            links = observed.links.get(address, frozenset()) & ours
            seen = entry_after(
                one,
                observed.records.get(address),
                links,
                previous,
                entries,
                history=histories.get(one.change.address, {}),
            )
            if seen is not None:
                found[address.folded()] = seen.entry
        return found
