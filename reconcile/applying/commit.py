"""Verify what a slice wrote, then commit it to the state, the journal and the audit log."""

from collections.abc import Collection, Mapping, Sequence

from reconcile.applying.change_states import ChangeState
from reconcile.applying.context import ApplyContext
from reconcile.applying.created_records import mark_duplicates
from reconcile.applying.overwritten import LateWrite, note_overwritten
from reconcile.applying.state_entries import AppliedChange
from reconcile.applying.task import ChangeTask
from reconcile.applying.verify import verify
from reconcile.model.kinds import kinds
from reconcile.state.relocation import EntryLocation, drop_entries, move_entries
from reconcile.state.state import State


class Committer:
    """Verifies written records and commits their outcomes to state, journal and audit log."""

    def __init__(self, context: ApplyContext, state: State) -> None:
        self._context = context
        self._state = state
        self._left: list[EntryLocation] = []

    def read_back(
        self, written: Sequence[ChangeTask], planned_ids: Mapping[str, Collection[str]]
    ) -> None:
        """Read back what was written and put it into the state, not durably yet.

        ``planned_ids`` holds the ids of all records of the plan so far, by kind.
        """
        for kind in kinds().values():
            tasks = [task for task in written if task.kind is kind]
            done = [
                AppliedChange(
                    task.change,
                    task.refresh,
                    task.id,
                    frozenset(task.links),
                    task.previous,
                    task.shown_parent,
                    frozenset(task.leaving),
                )
                for task in tasks
            ]
            seen = {task.id: task.seen for task in tasks if task.seen is not None}
            found = verify(self._context, kind, done, seen)
            late = {
                task.id: (task, LateWrite(task.change, result.lost))
                for task, result in zip(tasks, found, strict=True)
                if task.late
            }
            note_overwritten(self._context, kind, late)
            for task, result in zip(tasks, found, strict=True):
                task.rewrites, task.not_persisted = result.rewrites, result.not_persisted
                self._state.put(task.unit, task.change.address, result.entry)
                self._left += task.old_locations
                if task.former is not None:
                    self._left += move_entries(self._state, task.former, task.unit)
            mark_duplicates(self._context, kind, tasks, planned_ids.get(kind.name, ()))
            for task, result in zip(tasks, found, strict=True):
                task.verify(*result.end)

    def commit_removals(self, tasks: Sequence[ChangeTask]) -> None:
        """Drop removed records from the state, and commit the outcomes of these tasks."""
        for task in tasks:
            if task.is_to_verify:
                for place in (EntryLocation(task.unit, task.change.address), *task.old_locations):
                    self._state.drop(place.unit, place.address)
                task.verify()
        self.commit(tasks)

    def commit(self, tasks: Sequence[ChangeTask]) -> None:
        """Make the outcomes of these tasks durable: first the state, then journal and audit log.

        Outcomes that are not final stay in doubt in the journal, to be resolved later.
        """
        self._state.flush()
        drop_entries(self._state, self._left)
        self._left = []
        self._state.release()
        for task in tasks:
            if task.state is ChangeState.VERIFIED:
                task.commit()
        ended = [outcome for task in tasks if (outcome := task.outcome()) is not None]
        self._context.journal.decided(ended)
        self._context.log.write(self._context.journal)
