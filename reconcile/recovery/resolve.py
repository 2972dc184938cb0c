"""Resolve the in-doubt writes of an interrupted run.

Each is decided by reading alone, so that this can be repeated, by any process, any number of times.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from reconcile.applying.archive import read_archived
from reconcile.applying.explain_mismatch import read_histories
from reconcile.applying.journal import Journal
from reconcile.applying.overwritten import LateWrite, find_overwritten
from reconcile.applying.readback import Verified
from reconcile.applying.run_log import Run
from reconcile.applying.state_entries import Entries, removed_links
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.outcome import Outcome, Status
from reconcile.model.plan import Action, Effect, Plan
from reconcile.model.records import LastApplied, Link
from reconcile.recovery.find_records import RecordFinder
from reconcile.recovery.in_doubt import InDoubtChange, entry_after, in_doubt_changes
from reconcile.state.relocation import (
    EntryFinder,
    EntryLocation,
    FoundEntry,
    drop_entries,
    move_entries,
    stale_locations,
)
from reconcile.state.state import State

_NOT_FOUND = "HubSpot does not show it: it was not carried out"


def _by_removal(found: Sequence[InDoubtChange]) -> tuple[list[InDoubtChange], list[InDoubtChange]]:
    archives = [one for one in found if one.change.action is Action.ARCHIVE]
    return archives, [one for one in found if one.change.action is not Action.ARCHIVE]


def _answered_outcome(one: InDoubtChange) -> Outcome | None:
    """Return the outcome of a write that HubSpot answered with a failure; None for others."""
    status, change = one.write.status, one.change
    if status is None or status not in {Status.CONFLICT, Status.FAILED}:
        return None
    return Outcome(change.address, change.action, status, one.id, one.write.answer)


def _parent_after(
    one: InDoubtChange, ends: Mapping[Address, str], standing: frozenset[Link]
) -> str:
    """Return the parent that a line item is under, empty if that is not its document's."""
    if not one.change.gets_parent:
        return one.change.parent_id
    return next((link.id for link in one.parent_links(ends) & standing), "")


def _outcome(change: Effect, seen: Verified) -> Outcome:
    status, message = seen.end
    return Outcome(
        change.address,
        change.action,
        status,
        seen.entry.id,
        message,
        seen.rewrites,
        not_persisted=seen.not_persisted,
        written=seen.seen and status is not Status.DONE,
    )


class Resolver:
    """Decides the outcomes of in-doubt writes, in the state and in the runs' journals."""

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
        self._finder = EntryFinder(state)

    def resolve(self, run: Run, plan: Plan, journal: Journal, *, may_arrive: bool = False) -> None:
        """Resolve the in-doubt writes of one run, whose ``plan`` and ``journal`` these are.

        Records that do not show what was written are re-read for a while. ``may_arrive`` says that
        requests of the run may still reach HubSpot: an unanswered write that does not show then
        stays in doubt.

        Raises HubSpotError if HubSpot refuses to be read.
        """
        archives, changes = _by_removal(in_doubt_changes(run, plan))
        since = datetime.fromisoformat(run.head.since)
        records = RecordFinder(
            self._hubspot,
            self._state,
            self._entries,
            self._sleep,
            since=since,
            patient=not may_arrive,
        )
        found = records.find(changes)
        changes = [
            one.without_id() if one.change.address in records.refuted else one for one in changes
        ]
        places = {one.change.address: self._find_entry(one) for one in changes}
        previous = {address: place.entry if place else None for address, place in places.items()}
        ids = {address: actual.id for address, actual in found.items()}
        ends = self._ends(changes, ids)
        links = self._links(changes, ids, ends, previous)
        there = [
            (one.change, found[one.change.address])
            for one in changes
            if one.change.address in found and _answered_outcome(one) is None
        ]
        histories = read_histories(self._hubspot, self._entries, there)
        outcomes, not_applied = self._removed(archives, journal)
        written: dict[Address, str] = {}
        left: list[EntryLocation] = []
        for one in changes:
            change, address = one.change, one.change.address
            # What the change leaves as it is stays remembered, even if others removed it.
            standing = links.get(address, frozenset()).union(change.kept_links)
            parent, left_parent = one.parent_links(ends), one.former_parent_links()
            if (end := _answered_outcome(one)) is not None:
                outcomes.append(end)
                continue
            seen = entry_after(
                one,
                found.get(address),
                standing - parent - left_parent,
                previous[address],
                self._entries,
                history=histories.get(address, {}),
                is_created=address in records.matched_by_initial_values,
                parent_id=_parent_after(one, ends, standing),
                leaving=frozenset((link.to, link.id) for link in left_parent & standing),
            )
            if seen is not None:
                self._state.put(one.write.unit, address, seen.entry)
                left += stale_locations(one.unit, change, places[address])
                if one.unit.former is not None and address == one.unit.address:
                    left += move_entries(self._state, one.unit.former, one.unit.address)
            if seen is not None and seen.seen:
                late = LateWrite(change, seen.lost)
                self._note_overwritten(one, seen.entry.id, late, journal)
            if seen is None:
                not_applied.append(address)
            elif removed_links(change) & standing or (one.links(ends) | parent) - standing:
                written[address] = seen.entry.id
            else:
                outcomes.append(_outcome(change, seen))
        self._state.flush()
        drop_entries(self._state, left)
        if may_arrive:
            not_applied = [one for one in not_applied if not run.in_doubt[one].may_be_in_flight]
        journal.decided(outcomes)
        journal.written(written)
        journal.not_applied(not_applied, _NOT_FOUND)

    def _find_entry(self, one: InDoubtChange) -> FoundEntry | None:
        return self._finder.find(one.unit, one.change)

    def _note_overwritten(
        self, one: InDoubtChange, record_id: str, late: LateWrite, journal: Journal
    ) -> None:
        """Find out what a write overwrote that was, or may have been, sent late."""
        kind = kinds()[one.change.address.kind]
        overwrites = bool(one.change.id) or kind.create == "upsert"
        if one.write.late and overwrites:
            definitions = self._entries.definitions.properties[kind.name]
            wanted = {record_id: late}
            found = find_overwritten(self._hubspot, self._sleep, definitions, kind, wanted)
            journal.overwrote(one.change.address, found[record_id])

    def _removed(
        self, archives: Sequence[InDoubtChange], journal: Journal
    ) -> tuple[list[Outcome], list[Address]]:
        """Drop archived records from the state.

        Return their outcomes, and the addresses of the records that were not archived.
        """
        outcomes: list[Outcome] = []
        not_applied: list[Address] = []
        for kind in kinds().values():
            mine = [one for one in archives if one.change.address.kind == kind.name]
            gone = read_archived(self._hubspot, kind, [one.id for one in mine], self._sleep)
            for one in mine:
                change = one.change
                if one.id not in gone:
                    not_applied.append(change.address)
                    continue
                self._note_overwritten(one, one.id, LateWrite(change, archived=True), journal)
                old = stale_locations(one.unit, change, self._find_entry(one))
                for place in (EntryLocation(one.write.unit, change.address), *old):
                    self._state.drop(place.unit, place.address)
                outcomes.append(Outcome(change.address, change.action, Status.DONE, one.id))
        return outcomes, not_applied

    def _ends(
        self, wanted: Sequence[InDoubtChange], ids: Mapping[Address, str]
    ) -> Mapping[Address, str]:
        """Return the ids, by folded address, of the records that changes associate theirs with."""
        ends = {address.folded(): record_id for address, record_id in ids.items()}
        for one in wanted:
            for address in (*(link.address for link in one.change.links), one.change.parent):
                if address is not None and (end := address.folded()) not in ends:
                    entry = self._state.unit(address).get(end)
                    ends[end] = entry.id if entry is not None else ""
        return ends

    def _links(
        self,
        wanted: Sequence[InDoubtChange],
        ids: Mapping[Address, str],
        ends_of: Mapping[Address, str],
        previous: Mapping[Address, LastApplied | None],
    ) -> dict[Address, frozenset[Link]]:
        """Return those of our associations, old or planned, that the records have, by address."""
        ours: dict[Address, frozenset[Link]] = {}
        ends: dict[tuple[str, str], dict[str, Address]] = defaultdict(dict)
        for one in wanted:
            address, before = one.change.address, previous[one.change.address]
            ours[address] = (
                one.links(ends_of)
                | one.implied_links(ends_of)
                | one.parent_links(ends_of)
                | one.former_parent_links()
                | (before.links if before else frozenset())
            )
            for link in ours[address]:
                if address in ids:
                    ends[address.kind, link.to][ids[address]] = address
        standing: dict[Address, frozenset[Link]] = {}
        for (name, to), by_id in sorted(ends.items()):
            kind = kinds()[name]
            target = kind.association(to).object
            there = self._hubspot.associations.links(kind.object, to, target, list(by_id))
            for record_id, links in there.items():
                address = by_id[record_id]
                standing[address] = standing.get(address, frozenset()) | (links & ours[address])
        return standing
