"""Settling a run that ended in the middle: what of the writes it had begun was carried out?

Decided by reading alone, so it can be done again, by another process, as often as need be.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconcile.applying.archiving import read_archived
from reconcile.applying.entries import Done, Entries, Verified, to_remove
from reconcile.applying.history import not_shown
from reconcile.applying.journal import Journal
from reconcile.applying.moving import Finder, Found, Place, follow, leave, left_by
from reconcile.applying.run import Begun, Run
from reconcile.applying.verify import WAITS
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address
from reconcile.model.kinds import Kind, kinds
from reconcile.model.outcome import Outcome, Status
from reconcile.model.plan import Action, LinkChange, Plan, RecordChange, UnitChange
from reconcile.model.records import Actual, LastApplied, Link
from reconcile.stores.state import State


@dataclass(frozen=True, slots=True)
class Unsettled:
    """One change that a run had begun; ``begun`` is what its journal knows of it."""

    unit: UnitChange
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


def _by_removal(found: Sequence[Unsettled]) -> tuple[list[Unsettled], list[Unsettled]]:
    going = [one for one in found if one.change.action is Action.ARCHIVE]
    return going, [one for one in found if one.change.action is not Action.ARCHIVE]


def unsettled(run: Run, plan: Plan) -> list[Unsettled]:
    """What a run had begun, in the plan's order."""
    begun = run.begun
    return [
        Unsettled(unit, change, begun[change.address])
        for unit in plan.units
        for change in unit.changes
        if change.address in begun
    ]


def entry_after(
    one: Unsettled,
    actual: Actual | None,
    links: frozenset[Link],
    previous: LastApplied | None,
    entries: Entries,
) -> Verified | None:
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
        return entries.verified(Done(one.change, record_id, links, previous), None)
    if not entries.carried_out(one.change, actual):
        return None
    return entries.verified(Done(one.change, actual.id, links, previous), actual)


def _ended(one: Unsettled) -> Outcome | None:
    """The end that HubSpot's own answer gave a write that did not go as planned."""
    status, change = one.begun.status, one.change
    if status is None or status not in {Status.CONFLICT, Status.FAILED}:
        return None
    return Outcome(change.address, change.action, status, one.id, one.begun.answer)


def _outcome(change: RecordChange, seen: Verified) -> Outcome:
    status, message = Status.DONE, ""
    if not seen.seen:
        status = Status.UNKNOWN
        message = "written, but HubSpot does not show it; plan again to see"
    elif seen.untaken:
        status, message = not_shown(seen.untaken)
    return Outcome(change.address, change.action, status, seen.entry.id, message, seen.rewrites)


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
        self._finder = Finder(state)

    def settle(self, run: Run, plan: Plan, journal: Journal) -> None:
        """Settle one run.

        Records that do not show what was written are read again after each of ``WAITS``.
        """
        going, waiting = _by_removal(unsettled(run, plan))
        found: dict[Address, Actual] = {}
        for kind in kinds().values():
            mine = [one for one in waiting if one.change.address.kind == kind.name]
            found |= self._find(kind, mine)
        places = {one.change.address: self._find_entry(one) for one in waiting}
        previous = {address: place.entry if place else None for address, place in places.items()}
        ids = {address: actual.id for address, actual in found.items()}
        ends = self._ends(waiting, ids)
        links = self._links(waiting, ids, ends, previous)
        outcomes, undone = self._removed(going)
        left: list[Place] = []
        for one in waiting:
            change, address = one.change, one.change.address
            standing = links.get(address, frozenset())
            if (end := _ended(one)) is not None:
                outcomes.append(end)
                continue
            seen = entry_after(one, found.get(address), standing, previous[address], self._entries)
            if seen is not None:
                self._state.put(one.begun.unit, address, seen.entry)
                left += left_by(one.unit, change, places[address])
                if one.unit.former is not None and address == one.unit.address:
                    left += follow(self._state, one.unit.former, one.unit.address)
            if seen is None or to_remove(change) & standing or one.links(ends) - standing:
                undone.append(address)
            else:
                outcomes.append(_outcome(change, seen))
        self._state.flush()
        leave(self._state, left)
        journal.decided(outcomes)
        journal.undone(undone)

    def _find_entry(self, one: Unsettled) -> Found | None:
        return self._finder.find(one.unit, one.change)

    def _removed(self, going: Sequence[Unsettled]) -> tuple[list[Outcome], list[Address]]:
        """Archived and taken out of the state, and those that were not archived."""
        outcomes: list[Outcome] = []
        undone: list[Address] = []
        for kind in kinds().values():
            mine = [one for one in going if one.change.address.kind == kind.name]
            gone = read_archived(self._hubspot, kind, [one.id for one in mine], self._sleep)
            for one in mine:
                change = one.change
                if one.id not in gone:
                    undone.append(change.address)
                    continue
                old = left_by(one.unit, change, self._find_entry(one))
                for place in (Place(one.begun.unit, change.address), *old):
                    self._state.drop(place.unit, place.address)
                outcomes.append(Outcome(change.address, change.action, Status.DONE, one.id))
        return outcomes, undone

    def _find(self, kind: Kind, wanted: Sequence[Unsettled]) -> dict[Address, Actual]:
        entries, definitions = self._entries, self._entries.definitions.properties
        known = definitions[kind.name].keys() if wanted else set()
        identity = entries.identities[kind.name]
        managed = {one.change.address: entries.managed(one.change).keys() for one in wanted}
        keys = {identity.name} if identity.unique else set()
        names = sorted((keys | {name for mine in managed.values() for name in mine}) & known)
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

    def _ends(
        self, wanted: Sequence[Unsettled], ids: Mapping[Address, str]
    ) -> Mapping[Address, str]:
        """The ids, by folded address, of what records of the same run are associated with."""
        ends = {address.folded(): record_id for address, record_id in ids.items()}
        for one in wanted:
            for link in one.change.links:
                if link.address is not None and (end := link.address.folded()) not in ends:
                    entry = self._state.unit(link.address).get(end)
                    ends[end] = entry.id if entry is not None else ""
        return ends

    def _links(
        self,
        wanted: Sequence[Unsettled],
        ids: Mapping[Address, str],
        ends_of: Mapping[Address, str],
        previous: Mapping[Address, LastApplied | None],
    ) -> dict[Address, frozenset[Link]]:
        """Of the associations that are, or were to be, ours: those that stand."""
        ours: dict[Address, frozenset[Link]] = {}
        ends: dict[tuple[str, str], dict[str, Address]] = defaultdict(dict)
        for one in wanted:
            address, before = one.change.address, previous[one.change.address]
            ours[address] = (
                one.links(ends_of) | one.along(ends_of) | (before.links if before else frozenset())
            )
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
