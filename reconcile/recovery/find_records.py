"""Find the records of in-doubt writes."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

from reconcile.applying.confirm_ids import shows_identity_value, was_created_with_key
from reconcile.applying.created_records import lookup_of
from reconcile.applying.rereads import LONG_WAITS, WAITS, until_shown
from reconcile.applying.state_entries import Entries
from reconcile.errors import CallRefused
from reconcile.fetching.children import Lines, Parent, lines_under
from reconcile.fetching.find import NO_PARENT, find
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address
from reconcile.model.kinds import Kind, kinds
from reconcile.model.records import Actual, Version
from reconcile.recovery.in_doubt import InDoubtChange
from reconcile.state.state import State

_SKEW = timedelta(minutes=5)
"""The largest difference assumed between HubSpot's clock and the run's."""

_MAX_HISTORIES = 500
"""The most records created since the run began whose history is read; each takes a call."""

_MAX_SEARCHED = 5000
"""The most search results that are read, latest first: 200 a search, four searches a second."""


class RecordFinder:
    """Re-reads records until the written values are visible or the retries are used up.

    The writes were begun at the moment ``since`` or later. ``patient`` retries for long if line
    items can only be found by their association. ``matched_by_initial_values`` holds the created
    records that were identified by property history; ``refuted`` those whose answered id turned
    out to be another record's.
    """

    def __init__(
        self,
        hubspot: HubSpot,
        state: State,
        entries: Entries,
        sleep: Callable[[float], None],
        *,
        since: datetime,
        patient: bool,
    ) -> None:
        self._hubspot = hubspot
        self._state = state
        self._entries = entries
        self._sleep = sleep
        self._ids: dict[Address, str] = {}
        self._since = since - _SKEW
        self._patient = patient
        self.matched_by_initial_values: set[Address] = set()
        self.refuted: set[Address] = set()
        self._changed_since: set[str] = set()

    def find(self, changes: Sequence[InDoubtChange]) -> dict[Address, Actual]:
        """Return the records of these changes by address, as far as they exist.

        Raises HubSpotError if HubSpot refuses to be read.
        """
        found: dict[Address, Actual] = {}
        for kind in kinds().values():
            mine = [one for one in changes if one.change.address.kind == kind.name]
            if mine:
                found |= self._find(kind, mine)
                self._ids |= {address.folded(): actual.id for address, actual in found.items()}
        return found

    def _find(self, kind: Kind, wanted: Sequence[InDoubtChange]) -> dict[Address, Actual]:
        entries, known = self._entries, self._entries.definitions.properties[kind.name].keys()
        identity = entries.identities[kind.name]
        managed = {
            one.change.address: entries.managed(one.change, one.refresh).keys() for one in wanted
        }
        keys = set(identity.properties)
        names = sorted((keys | {name for mine in managed.values() for name in mine}) & known)
        found: dict[Address, Actual] = {}
        lines = identity.sibling_property and any(not one.id for one in wanted)

        def read(left: Sequence[InDoubtChange]) -> Sequence[InDoubtChange]:
            found.update(self._read(kind, left, names))
            return [
                one
                for one in left
                if (actual := found.get(one.change.address)) is None
                or (
                    managed[one.change.address] <= known
                    and not entries.carried_out(one.change, actual)
                )
            ]

        waits = LONG_WAITS if lines and self._patient else WAITS
        left = until_shown(wanted, read, self._sleep, waits)
        missing = [
            one
            for one in left
            if (not one.id or one.change.address in self.refuted)
            and one.change.address not in found
        ]
        others = {one.id for one in wanted}.union(actual.id for actual in found.values())
        return found | self._find_edited(kind, missing, names, others)

    def _read(
        self, kind: Kind, wanted: Sequence[InDoubtChange], names: Sequence[str]
    ) -> dict[Address, Actual]:
        by_id = {one.id: one for one in wanted if one.id}
        there = self._hubspot.records.read(kind.object, list(by_id), names)
        found: dict[Address, Actual] = {}
        for record_id, actual in there.items():
            one = by_id[record_id]
            if self._is_record_of(one, actual):
                found[one.change.address] = actual
            else:
                self.refuted.add(one.change.address)
        new = [one for one in wanted if not one.id or one.change.address in self.refuted]
        identity = self._entries.identities[kind.name]
        lookups = [lookup_of(one.change, identity, self._parent(one)[1]) for one in new]
        planned_ids = self._planned_ids(kind, wanted) if identity.sibling_property else ()
        some = find(self._hubspot, kind, identity, lookups, names, without=planned_ids)
        return found | {
            one.change.address: actuals[0]
            for one, actuals in zip(new, some, strict=True)
            if len(actuals) == 1
        }

    def _is_record_of(self, one: InDoubtChange, actual: Actual) -> bool:
        """Return whether a record found by its id is the change's: answered ids can be wrong."""
        if one.change.id or shows_identity_value(self._entries, one.change, actual):
            return True
        if actual.id not in self._changed_since:
            if not was_created_with_key(self._hubspot, self._entries, one.change, actual):
                return False
            self._changed_since.add(actual.id)
        return True

    def _find_edited(
        self,
        kind: Kind,
        missing: Sequence[InDoubtChange],
        names: Sequence[str],
        found: Collection[str],
    ) -> dict[Address, Actual]:
        """Return created records whose key somebody edited before we saw them.

        They are identified by property history: their first values are those that the change sent.
        Candidates are records that nothing else accounts for: line items under the same parents,
        orders and carts created since the run began. Only one-to-one matches count.
        """
        by_parent: dict[Parent, list[InDoubtChange]] = defaultdict(list)
        for one in missing:
            if (parent := self._parent(one))[1] or one.change.parent is None:
                by_parent[parent].append(one)
        if not by_parent:
            return {}
        known = {entry.id for _, one, entry in self._state.entries() if one.kind == kind.name}
        others = known.union(found)
        if kind.is_unit:
            unaccounted = {NO_PARENT: self._created_since(kind, names, others)}
        else:
            unaccounted = dict(lines_under(self._hubspot, kind, by_parent, names, without=others))
        matches: list[tuple[Address, Actual]] = []
        for parent, there in unaccounted.items():
            mine = by_parent[parent]
            asked = sorted({field.name for one in mine for field in one.change.fields})
            for record in there.values():
                history = self._hubspot.records.history(kind.object, record.id, asked)
                matches += (
                    (one.change.address, record)
                    for one in mine
                    if self._is_created_since(history)
                    and self._entries.matches_initial_values(one.change, history)
                )
        names_of = Counter(address for address, _ in matches)
        records_of = Counter(record.id for _, record in matches)
        unique = {a: one for a, one in matches if names_of[a] == records_of[one.id] == 1}
        self.matched_by_initial_values |= unique.keys()
        return unique

    def _is_created_since(self, history: Mapping[str, Sequence[Version]]) -> bool:
        """Return whether a record's first values are not older than the run."""
        try:
            first = [datetime.fromisoformat(values[-1].at) for values in history.values() if values]
            return all(moment >= self._since for moment in first)
        except (TypeError, ValueError):
            return False

    def _created_since(self, kind: Kind, names: Sequence[str], others: Collection[str]) -> Lines:
        """Return records created since the run began, except ``others``; none if too many."""
        try:
            # Search may miss records: it only proposes candidates, and never proves absence.
            made = self._hubspot.searches.created_since(kind.object, kind.created, self._since)
            looked_at = islice(made, _MAX_SEARCHED)
            ids = list(islice((one for one in looked_at if one not in others), _MAX_HISTORIES + 1))
        except CallRefused:
            return {}
        return (
            self._hubspot.records.read(kind.object, ids, names)
            if 0 < len(ids) <= _MAX_HISTORIES
            else {}
        )

    def _parent(self, one: InDoubtChange) -> Parent:
        """Return the parent of a line item to create; without an id if that was not created."""
        parent = one.change.parent
        if parent is None:
            return NO_PARENT
        made = one.change.parent_id or self._ids.get(parent.folded(), "")
        entry = None if made else self._state.unit(parent).get(parent.folded())
        return parent.kind, entry.id if entry else made

    def _planned_ids(self, kind: Kind, wanted: Sequence[InDoubtChange]) -> set[str]:
        """Return the ids of records that cannot be the ones to create."""
        units = {one.unit.address: one.unit for one in wanted}.values()
        changes = (change for unit in units for change in unit.changes)
        planned_ids = {one.id for one in wanted}
        planned_ids |= {change.id for change in changes if change.address.kind == kind.name}
        new = {one.change.address.folded() for one in wanted if not one.id}
        places = [unit.address for unit in units] + [u.former for u in units if u.former]
        return planned_ids.union(
            entry.id
            for place in places
            for address, entry in self._state.unit(place).items()
            if address.kind == kind.name and address not in new
        )
