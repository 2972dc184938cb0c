"""Carry out a plan in slices of units: each is written, associated, verified and committed.

The order within a slice is orders and carts, then line items, then associations. Associations to
records of a later slice wait for the end, and so do removals: line items before their parents.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from types import MappingProxyType

from reconcile.applying.archive import (
    archive,
    in_whole_units,
    ready_to_archive,
    recheck_whole_units,
    skip_incomplete_units,
)
from reconcile.applying.associate import associate
from reconcile.applying.commit import Committer
from reconcile.applying.context import ApplyContext
from reconcile.applying.create_update import create, update
from reconcile.applying.parent_records import find_parents
from reconcile.applying.prepare import prepare
from reconcile.applying.task import ChangeTask
from reconcile.errors import Ambiguous, HubSpotError, ReconcileError, Unreachable
from reconcile.model.address import Address
from reconcile.model.batches import OBJECTS, SLICE, slices, split
from reconcile.model.kinds import kinds
from reconcile.model.outcome import Status
from reconcile.model.plan import Action, Plan, UnitChange
from reconcile.state.relocation import EntryFinder
from reconcile.state.state import State

GRACE = 5.0
"""Seconds for calls in flight to end after an interrupt (CI runners kill after about 10)."""

_Job = tuple[Sequence[ChangeTask], Callable[[], None]]


class Executor:
    """Carries out one plan, once. ``advance`` gets the number of records that have just ended.

    ``stale`` gives the reason for each unit that is left alone because its inputs have changed
    since planning.
    """

    def __init__(
        self,
        context: ApplyContext,
        state: State,
        *,
        stale: Mapping[Address, str] = MappingProxyType({}),
        workers: int = 4,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._context = context
        self._finder = EntryFinder(state)
        self._committer = Committer(context, state)
        self._workers = workers
        self._stale = stale
        self._advance = advance
        self._ids: dict[Address, str] = {}
        self._by_address: dict[Address, ChangeTask] = {}
        self._planned_ids: dict[str, set[str]] = defaultdict(set)
        self._reachable = True
        self._writable = True
        self.stopped = ""
        self.interrupted = False

    @property
    def refused(self) -> frozenset[Address]:
        """The records whose values HubSpot refused."""
        return frozenset(address for address, task in self._by_address.items() if task.refused)

    def carry_out(self, plan: Plan) -> None:
        """Write, associate, verify, commit and archive; the journal has the outcomes.

        The run ends early on an interrupt, or on an error that every further call would meet
        (token, limits, no connection, a lost lock or store). What was done is then committed as
        far as possible, and ``stopped`` says why.
        """
        late: list[ChangeTask] = []
        going: list[ChangeTask] = []
        waiting = {change.address for change in plan.records()}
        pool = ThreadPoolExecutor(self._workers, "apply")
        try:
            for units in slices(plan.units):
                if self.stopped:
                    break
                tasks: list[ChangeTask] = []
                self._guarded(partial(self._prepare, units, tasks))
                waiting -= {task.change.address for task in tasks}
                going += (task for task in tasks if task.change.action.removes)
                tasks = [task for task in tasks if not task.change.action.removes]
                self._guarded(partial(self._write, pool, tasks))
                late += (task for task in tasks if _waits(task, waiting))
                self._finish([task for task in tasks if not _waits(task, waiting)])
            self._finish(late)
            self._remove(pool, going)
        except KeyboardInterrupt:
            self._interrupt()
        finally:
            # A hung call must not keep an interrupted run from reporting what it did.
            pool.shutdown(wait=not self.interrupted, cancel_futures=True)

    def _prepare(self, units: Sequence[UnitChange], tasks: list[ChangeTask]) -> None:
        entries = self._context.entries
        tasks += (
            task
            for unit in units
            for task in prepare(unit, self._finder, entries, self._stale.get(unit.address, ""))
        )
        for task in tasks:
            self._by_address[task.change.address] = task
            self._planned_ids[task.kind.name].add(task.change.id)
            if task.status is Status.DONE:
                self._ids[task.change.address] = task.id
        self._context.halt.check_outcomes(tasks)
        self._advance(sum(task.status is not None for task in tasks))

    def _guarded(self, step: Callable[[], None]) -> None:
        """Run a step unless the run has stopped; stop the run on errors that will not go away."""
        if self.stopped:
            return
        try:
            step()
            self._heed_halt()
        except HubSpotError as error:
            self.stopped = str(error)
            self._reachable = not isinstance(error, Unreachable | Ambiguous)
        except ReconcileError as error:
            self.stopped, self._writable = str(error), False
        except KeyboardInterrupt:
            self._interrupt()

    def _heed_halt(self) -> None:
        if self._context.halt.stopped:
            self.stopped = self.stopped or self._context.halt.why

    def _interrupt(self) -> None:
        self.stopped = self.stopped or "interrupted"
        self.interrupted = True

    def _write(self, pool: ThreadPoolExecutor, tasks: Sequence[ChangeTask]) -> None:
        for kind in kinds().values():
            if self._context.halt.stopped:
                return
            mine = [task for task in tasks if task.kind is kind and task.is_prepared]
            lines = [task for task in mine if task.change.parent is not None]
            find_parents(self._context, lines, self._by_address, self._ids)
            ready = [task for task in mine if task.is_prepared]
            new = [task for task in ready if task.change.action is Action.CREATE]
            # Looking up lines under their parents takes a call for each kind of parent.
            new.sort(key=_parent_kind)
            old = [task for task in ready if task.change.action is not Action.CREATE]
            jobs: list[_Job] = [
                (
                    batch,
                    partial(
                        create, self._context, kind, batch, planned_ids=self._planned_ids[kind.name]
                    ),
                )
                for batch in split(new, OBJECTS)
            ]
            jobs += (
                (batch, partial(update, self._context, kind, batch))
                for batch in split(old, OBJECTS)
            )
            try:
                self._run_all(pool, jobs)
            finally:
                made = {task.change.address: task.id for task in mine if task.is_known}
                self._ids |= made
                self._planned_ids[kind.name].update(made.values())

    def _run_all(self, pool: ThreadPoolExecutor, jobs: Sequence[_Job]) -> None:
        """Run jobs in the pool's threads. After a halt only those in flight are finished."""
        futures: list[Future[None]] = []
        try:
            futures += (pool.submit(self._permitted, job) for _, job in jobs)
            for (batch, _), future in zip(jobs, futures, strict=True):
                future.result()
                self._advance(sum(task.status is not None for task in batch))
        except (KeyboardInterrupt, ReconcileError) as stop:
            self._context.halt.stop()
            for future in futures:
                future.cancel()
            hanging = wait(futures, timeout=GRACE).not_done
            if hanging and isinstance(stop, KeyboardInterrupt):
                self._reachable = False  # reading back would hang too
            raise

    def _permitted(self, job: Callable[[], None]) -> None:
        """Run a job in its thread, which may outlive the run: it sends nothing without the lock."""
        if self._context.halt.stopped:
            return
        with self._context.hubspot.permitted(self._context.journal.check):
            try:
                job()
            except ReconcileError as error:
                self._context.halt.stop(str(error))
                raise

    def _finish(self, tasks: Sequence[ChangeTask]) -> None:
        """Associate, verify and commit what was written.

        After a stop nothing more is written, but earlier writes are read back and committed as long
        as HubSpot answers and the state may be written.
        """
        written = [task for task in tasks if task.is_to_verify]
        self._guarded(partial(associate, self._context, written, self._ids))
        written = [task for task in written if task.is_to_verify]
        if not self._writable:
            return
        try:
            if self._reachable:
                self._committer.read_back(written, self._planned_ids)
        except HubSpotError as error:
            self.stopped, self._reachable = self.stopped or str(error), False
        except KeyboardInterrupt:
            self._interrupt()
            self._reachable = False
        except ReconcileError as error:
            self.stopped, self._writable = self.stopped or str(error), False
            return
        self._context.halt.check_outcomes(tasks)
        self._heed_halt()
        self._record(partial(self._committer.commit, tasks))

    def _remove(self, pool: ThreadPoolExecutor, tasks: Sequence[ChangeTask]) -> None:
        """Archive, forget and commit, in whole units and in the order of the state's shards."""
        for part in _whole_units(tasks):
            self._guarded(partial(self._archive, pool, part))
            self._guarded(partial(self._forget, part))
            if self._writable:
                self._record(partial(self._committer.commit_removals, part))

    def _archive(self, pool: ThreadPoolExecutor, tasks: Sequence[ChangeTask]) -> None:
        archiving = {
            task.change.id
            for task in tasks
            if task.change.action is Action.ARCHIVE and not task.kind.is_unit
        }
        whole = in_whole_units(tasks)
        looks: list[_Job] = [
            (batch, partial(recheck_whole_units, self._context, kind, batch, archiving=archiving))
            for kind in kinds().values()
            for batch in split([task for task in whole if task.kind is kind], OBJECTS)
        ]
        self._run_all(pool, looks)
        skip_incomplete_units(tasks)
        self._context.halt.check_outcomes(tasks)
        for kind in reversed(tuple(kinds().values())):
            if self._context.halt.stopped:
                return
            ready = ready_to_archive(kind, tasks, self._by_address)
            jobs: list[_Job] = [
                (batch, partial(archive, self._context, kind, batch, archiving=archiving))
                for batch in split(ready, OBJECTS)
            ]
            self._run_all(pool, jobs)

    def _forget(self, tasks: Sequence[ChangeTask]) -> None:
        for task in tasks:
            if task.is_prepared and task.change.action is Action.FORGET:
                task.accept()
                self._advance(1)

    def _record(self, step: Callable[[], None]) -> None:
        try:
            step()
        except ReconcileError as error:
            self.stopped, self._writable = self.stopped or str(error), False


def _parent_kind(task: ChangeTask) -> str:
    return task.change.parent.kind if task.change.parent else ""


def _whole_units(tasks: Sequence[ChangeTask]) -> Iterable[Sequence[ChangeTask]]:
    """Yield the tasks in parts of whole units, each but the last of at least ``SLICE`` tasks."""
    part: list[ChangeTask] = []
    for task in tasks:
        if len(part) >= SLICE and part[-1].unit != task.unit:
            yield part
            part = []
        part.append(task)
    if part:
        yield part


def _waits(task: ChangeTask, waiting: set[Address]) -> bool:
    return any(link.address in waiting for link in task.change.links)
