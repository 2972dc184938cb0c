"""The end of a slice: reading back what was written, and remembering it."""

from collections.abc import Collection, Mapping, Sequence

from reconcile.applying.context import Tools
from reconcile.applying.created_records import tell_twins
from reconcile.applying.overwritten import Late, note_overwritten
from reconcile.applying.state_entries import Done
from reconcile.applying.task import Item
from reconcile.applying.verify import verify
from reconcile.model.kinds import kinds
from reconcile.model.outcome import Status
from reconcile.state.relocation import EntryLocation, drop_entries, move_entries
from reconcile.state.state import State


class Recorder:
    """Decides how written items end, in the state, the journal and the audit log."""

    def __init__(self, tools: Tools, state: State) -> None:
        self._tools = tools
        self._state = state
        self._left: list[EntryLocation] = []

    def read_back(self, written: Sequence[Item], owned: Mapping[str, Collection[str]]) -> None:
        """Read what was written and put what it came to into the state, not yet durably.

        ``owned`` are the ids of all records of the plan so far, by kind.
        """
        for kind in kinds().values():
            items = [item for item in written if item.kind is kind]
            done = [
                Done(item.change, item.id, frozenset(item.links), item.previous) for item in items
            ]
            seen = {item.id: item.seen for item in items if item.seen is not None}
            found = verify(self._tools, kind, done, seen)
            late = {
                item.id: (item, Late(item.change, result.lost))
                for item, result in zip(items, found, strict=True)
                if item.late
            }
            note_overwritten(self._tools, kind, late)
            for item, result in zip(items, found, strict=True):
                item.rewrites, item.not_persisted = result.rewrites, result.not_persisted
                self._state.put(item.unit, item.change.address, result.entry)
                self._left += item.places
                if item.former is not None:
                    self._left += move_entries(self._state, item.former, item.unit)
            tell_twins(self._tools, kind, items, owned.get(kind.name, ()))
            for item, result in zip(items, found, strict=True):
                item.end(*result.end)
                item.recorded = True

    def forget(self, items: Sequence[Item]) -> None:
        """Take what was removed out of the state, and make durable what these items came to."""
        for item in items:
            if item.status is Status.DONE:
                for place in (EntryLocation(item.unit, item.change.address), *item.places):
                    self._state.drop(place.unit, place.address)
                item.recorded = True
        self.remember(items)

    def remember(self, items: Sequence[Item]) -> None:
        """Make durable what these items came to: first the state, then the journal, then the log.

        What is not decided stays begun in the journal, to be resolved later.
        """
        self._state.flush()
        drop_entries(self._state, self._left)
        self._left = []
        self._state.release()
        self._tools.journal.decided([item.outcome() for item in items if item.decided])
        self._tools.log.write(self._tools.journal)
