"""Settling a run that ended in the middle: what of the writes it had begun was carried out?

Decided by reading alone, so it can be done again, by another process, as often as need be.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reconcile.applying.entries import Done, Entries, to_remove
from reconcile.applying.journal import Begun, Journal, Run
from reconcile.applying.verify import WAITS
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address
from reconcile.model.kinds import Kind, kinds
from reconcile.model.outcome import Outcome, Status
from reconcile.model.plan import Plan, RecordChange
from reconcile.model.records import Actual, LastApplied, Link
from reconcile.stores.state import State


@dataclass(frozen=True, slots=True)
class Unsettled:
    """One change that a run had begun; ``begun`` is what its journal knows of it."""

    change: RecordChange
    begun: Begun

    @property
    def id(self) -> str:
        """The record's id, empty where it was to be created and no answer came."""
        return self.change.id or self.begun.id

    @property
    def associated(self) -> frozenset[str]:
        """The objects that the change, or what it leaves standing, associates the record with."""
        added = {link.to for link in self.change.links}
        return frozenset(added.union(link.to for link in self.change.kept_links))

    def links(self, ids: Mapping[Address, str]) -> frozenset[Link]:
        """The associations of ours the record has when everything went well.

        ``ids`` binds addresses of records made by the same run.
        """
        made = (
            Link(link.to, end, number, category)
            for link in self.change.links
            if link.add and (end := link.id or (ids.get(link.address, "") if link.address else ""))
            for category, number in link.ours
        )
        return frozenset(self.change.kept_links).union(made)


def unsettled(run: Run, plan: Plan) -> list[Unsettled]:
    """What a run had begun, in the plan's order."""
    begun = run.begun
    return [
        Unsettled(change, begun[change.address])
        for change in plan.records()
        if change.address in begun
    ]


def entry_after(
    one: Unsettled,
    actual: Actual | None,
    links: frozenset[Link],
    previous: LastApplied | None,
    entries: Entries,
) -> LastApplied | None:
    """What the state must say of a record now; None where nothing was carried out.

    ``links`` are those that stand of what the state and the change make ours. A record whose
    creation was answered stays remembered by its id even where it is not to be seen: made again it
    would be there twice.
    """
    definitions = entries.definitions.properties.get(one.change.address.kind, {})
    if actual is None or entries.managed(one.change).keys() - definitions.keys():
        record_id = actual.id if actual is not None else one.begun.id
        if one.change.id or not record_id:
            return None
        return entries.verified(Done(one.change, record_id, links, previous), None).entry
    if not entries.carried_out(one.change, actual):
        return None
    return entries.verified(Done(one.change, actual.id, links, previous), actual).entry


class Settler:
    """Gives what runs had begun its outcome, in the state and in their journals."""

    def __init__(
        self,
        hubspot: HubSpot,
        state: State,
        entries: Entries,
        sleep: Callable[[float], None],
    ) -> None:
        self._hubspot = hubspot
        self._state = state
        self._entries = entries
        self._sleep = sleep

    def settle(self, run: Run, plan: Plan, journal: Journal) -> None:
        """Settle one run.

        Records that do not show what was written are read again after each of ``WAITS``.
        """
        waiting = unsettled(run, plan)
        found: dict[Address, Actual] = {}
        for kind in kinds().values():
            mine = [one for one in waiting if one.change.address.kind == kind.name]
            found |= self._find(kind, mine)
        previous = {
            one.change.address: self._state.unit(one.begun.unit).get(one.change.address.folded())
            for one in waiting
        }
        ids = {address: actual.id for address, actual in found.items()}
        links = self._links(waiting, ids, previous)
        outcomes: list[Outcome] = []
        undone: list[Address] = []
        for one in waiting:
            change, address = one.change, one.change.address
            standing = links.get(address, frozenset())
            entry = entry_after(one, found.get(address), standing, previous[address], self._entries)
            if entry is not None:
                self._state.put(one.begun.unit, address, entry)
            if entry is None or to_remove(change) & standing or one.links(ids) - standing:
                undone.append(address)
            else:
                outcomes.append(Outcome(address, change.action, Status.DONE, entry.id))
        self._state.flush()
        journal.decided(outcomes)
        journal.undone(undone)

    def _find(self, kind: Kind, wanted: Sequence[Unsettled]) -> dict[Address, Actual]:
        entries, definitions = self._entries, self._entries.definitions.properties
        known = definitions[kind.name].keys() if wanted else set()
        managed = {one.change.address: entries.managed(one.change).keys() for one in wanted}
        names = sorted({name for mine in managed.values() for name in mine} & known)
        found: dict[Address, Actual] = {}
        left = list(wanted)
        for wait in WAITS:
            if not left:
                break
            self._sleep(wait)
            found |= self._read(kind, left, names)
            left = [
                one
                for one in left
                if (actual := found.get(one.change.address)) is None
                or (
                    managed[one.change.address] <= known
                    and not entries.carried_out(one.change, actual)
                )
            ]
        return found

    def _read(
        self, kind: Kind, wanted: Sequence[Unsettled], names: Sequence[str]
    ) -> dict[Address, Actual]:
        read, identity = self._hubspot.read, self._entries.identities[kind.name]
        by_id = {one.id: one.change.address for one in wanted if one.id}
        by_key = {one.change.address.key: one.change.address for one in wanted if not one.id}
        there = read(kind.object, list(by_id), names)
        new = read(kind.object, list(by_key), names, id_property=identity.name)
        return {by_id[record_id]: actual for record_id, actual in there.items()} | {
            by_key[key]: actual for key, actual in new.items()
        }

    def _links(
        self,
        wanted: Sequence[Unsettled],
        ids: Mapping[Address, str],
        previous: Mapping[Address, LastApplied | None],
    ) -> dict[Address, frozenset[Link]]:
        """Of the associations that are, or were to be, ours: those that stand."""
        ours: dict[Address, frozenset[Link]] = {}
        ends: dict[tuple[str, str], dict[str, Address]] = defaultdict(dict)
        for one in wanted:
            address, before = one.change.address, previous[one.change.address]
            ours[address] = one.links(ids) | (before.links if before else frozenset())
            for link in ours[address]:
                if address in ids:
                    ends[address.kind, link.to][ids[address]] = address
        standing: dict[Address, frozenset[Link]] = {}
        for (name, to), by_id in sorted(ends.items()):
            kind = kinds()[name]
            target = kind.associations[to].object
            there = self._hubspot.links(kind.object, to, target, list(by_id))
            for record_id, links in there.items():
                address = by_id[record_id]
                standing[address] = standing.get(address, frozenset()) | (links & ours[address])
        return standing
