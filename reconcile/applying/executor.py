"""From a plan to outcomes: slices of units, each written, associated, verified and recorded.

The order within a slice is orders and carts, then line items, then associations. Associations to
records of a later slice wait for the end, and so does what is to be removed: lines before what is
over them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from types import MappingProxyType

from reconcile.applying.archive import (
    archive,
    hold_whole,
    in_whole_units,
    look_first,
    ready_to_go,
)
from reconcile.applying.associate import associate
from reconcile.applying.commit import Recorder
from reconcile.applying.context import Tools
from reconcile.applying.create_update import create, update
from reconcile.applying.parent_records import find_parents
from reconcile.applying.prepare import prepare
from reconcile.applying.task import Item
from reconcile.errors import ApiError, ReconcileError, Unreachable
from reconcile.model.address import Address
from reconcile.model.batches import OBJECTS, SLICE, slices, split
from reconcile.model.kinds import kinds
from reconcile.model.outcome import Status
from reconcile.model.plan import Action, Plan, UnitChange
from reconcile.state.relocation import EntryFinder
from reconcile.state.state import State

GRACE = 5.0
"""Seconds that calls in flight get to end after an interrupt (CI runners kill after about 10)."""

_Job = tuple[Sequence[Item], Callable[[], None]]


class Executor:
    """Carries out one plan, once. ``advance`` gets the number of records that have just ended.

    ``stale`` are the units that are left alone since what they were planned from has moved, with
    the reason.
    """

    def __init__(
        self,
        tools: Tools,
        state: State,
        *,
        stale: Mapping[Address, str] = MappingProxyType({}),
        workers: int = 4,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._tools = tools
        self._finder = EntryFinder(state)
        self._recorder = Recorder(tools, state)
        self._workers = workers
        self._stale = stale
        self._advance = advance
        self._ids: dict[Address, str] = {}
        self._by_address: dict[Address, Item] = {}
        self._owned: dict[str, set[str]] = defaultdict(set)
        self._reachable = True
        self._writable = True
        self.stopped = ""
        self.interrupted = False

    @property
    def refused(self) -> frozenset[Address]:
        """The records of which HubSpot refused a value."""
        return frozenset(address for address, item in self._by_address.items() if item.refused)

    def carry_out(self, plan: Plan) -> None:
        """Write, associate, verify, record, archive; what came of it stands in the journal.

        An error that no further call can get around (token, limits, no connection, a lock or store
        that is lost), or an interrupt, ends the run early: what was done is recorded as far as
        possible, and ``stopped`` says why.
        """
        late: list[Item] = []
        going: list[Item] = []
        waiting = {change.address for change in plan.records()}
        pool = ThreadPoolExecutor(self._workers, "apply")
        try:
            for units in slices(plan.units):
                if self.stopped:
                    break
                items: list[Item] = []
                self._guarded(partial(self._prepare, units, items))
                waiting -= {item.change.address for item in items}
                going += (item for item in items if item.change.action.removes)
                items = [item for item in items if not item.change.action.removes]
                self._guarded(partial(self._write, pool, items))
                late += (item for item in items if _waits(item, waiting))
                self._finish([item for item in items if not _waits(item, waiting)])
            self._finish(late)
            self._remove(pool, going)
        except KeyboardInterrupt:
            self._interrupt()
        finally:
            # A call that does not end must not keep an interrupted run from telling what it did.
            pool.shutdown(wait=not self.interrupted, cancel_futures=True)

    def _prepare(self, units: Sequence[UnitChange], items: list[Item]) -> None:
        entries = self._tools.entries
        items += (
            item
            for unit in units
            for item in prepare(unit, self._finder, entries, self._stale.get(unit.address, ""))
        )
        for item in items:
            self._by_address[item.change.address] = item
            self._owned[item.kind.name].add(item.change.id)
            if item.status is Status.DONE:
                self._ids[item.change.address] = item.id
        self._tools.halt.look(items)
        self._advance(sum(item.status is not None for item in items))

    def _guarded(self, step: Callable[[], None]) -> None:
        """Run a step unless the run has been stopped; stop it on what cannot be got around."""
        if self.stopped:
            return
        try:
            step()
            self._heed_halt()
        except ApiError as error:
            self.stopped = str(error)
            self._reachable = not isinstance(error, Unreachable)
        except ReconcileError as error:
            self.stopped, self._writable = str(error), False
        except KeyboardInterrupt:
            self._interrupt()

    def _heed_halt(self) -> None:
        if self._tools.halt.stopped:
            self.stopped = self.stopped or self._tools.halt.why

    def _interrupt(self) -> None:
        self.stopped = self.stopped or "interrupted"
        self.interrupted = True

    def _write(self, pool: ThreadPoolExecutor, items: Sequence[Item]) -> None:
        for kind in kinds().values():
            if self._tools.halt.stopped:
                return
            mine = [item for item in items if item.kind is kind and item.status is None]
            lines = [item for item in mine if item.change.parent is not None]
            find_parents(self._tools, lines, self._by_address, self._ids)
            ready = [item for item in mine if item.status is None]
            new = [item for item in ready if item.change.action is Action.CREATE]
            # Looking for lines under their parents takes a call for each kind of parent.
            new.sort(key=_parent_kind)
            old = [item for item in ready if item.change.action is not Action.CREATE]
            jobs: list[_Job] = [
                (batch, partial(create, self._tools, kind, batch, owned=self._owned[kind.name]))
                for batch in split(new, OBJECTS)
            ]
            jobs += (
                (batch, partial(update, self._tools, kind, batch)) for batch in split(old, OBJECTS)
            )
            try:
                self._run_all(pool, jobs)
            finally:
                made = {item.change.address: item.id for item in mine if item.is_known}
                self._ids |= made
                self._owned[kind.name].update(made.values())

    def _run_all(self, pool: ThreadPoolExecutor, jobs: Sequence[_Job]) -> None:
        """Run jobs in the pool's threads. Once the run is halted, those in flight end alone."""
        futures: list[Future[None]] = []
        try:
            futures += (pool.submit(self._permitted, job) for _, job in jobs)
            for (batch, _), future in zip(jobs, futures, strict=True):
                future.result()
                self._advance(sum(item.status is not None for item in batch))
        except (KeyboardInterrupt, ReconcileError) as stop:
            self._tools.halt.stop()
            for future in futures:
                future.cancel()
            hanging = wait(futures, timeout=GRACE).not_done
            if hanging and isinstance(stop, KeyboardInterrupt):
                self._reachable = False  # who does not answer is not asked to read anything back
            raise

    def _permitted(self, job: Callable[[], None]) -> None:
        """Run a job in its thread, which may outlive the run: without the lock it sends nothing."""
        if self._tools.halt.stopped:
            return
        with self._tools.hubspot.permitted(self._tools.journal.check):
            try:
                job()
            except ReconcileError as error:
                self._tools.halt.stop(str(error))
                raise

    def _finish(self, items: Sequence[Item]) -> None:
        """Associate, verify and record what was written.

        After a stop nothing more is written, but what was is read back and remembered, as long as
        HubSpot answers and the state is ours to write.
        """
        written = [item for item in items if item.status is Status.DONE and not item.recorded]
        self._guarded(partial(associate, self._tools, written, self._ids))
        written = [item for item in written if item.taken]
        if not self._writable:
            return
        try:
            if self._reachable:
                self._recorder.read_back(written, self._owned)
        except ApiError as error:
            self.stopped, self._reachable = self.stopped or str(error), False
        except KeyboardInterrupt:
            self._interrupt()
            self._reachable = False
        except ReconcileError as error:
            self.stopped, self._writable = self.stopped or str(error), False
            return
        self._tools.halt.look(items)
        self._heed_halt()
        self._record(partial(self._recorder.remember, items))

    def _remove(self, pool: ThreadPoolExecutor, items: Sequence[Item]) -> None:
        """Archive and forget, and record it, unit by unit in the order of the state's shards."""
        for part in _whole_units(items):
            self._guarded(partial(self._archive, pool, part))
            self._guarded(partial(self._forget, part))
            if self._writable:
                self._record(partial(self._recorder.forget, part))

    def _archive(self, pool: ThreadPoolExecutor, items: Sequence[Item]) -> None:
        going = {
            item.change.id
            for item in items
            if item.change.action is Action.ARCHIVE and not item.kind.is_unit
        }
        whole = in_whole_units(items)
        looks: list[_Job] = [
            (batch, partial(look_first, self._tools, kind, batch, going=going))
            for kind in kinds().values()
            for batch in split([item for item in whole if item.kind is kind], OBJECTS)
        ]
        self._run_all(pool, looks)
        hold_whole(items)
        self._tools.halt.look(items)
        for kind in reversed(tuple(kinds().values())):
            if self._tools.halt.stopped:
                return
            ready = ready_to_go(kind, items, self._by_address)
            jobs: list[_Job] = [
                (batch, partial(archive, self._tools, kind, batch, going=going))
                for batch in split(ready, OBJECTS)
            ]
            self._run_all(pool, jobs)

    def _forget(self, items: Sequence[Item]) -> None:
        for item in items:
            if item.status is None and item.change.action is Action.FORGET:
                item.end(Status.DONE)
                self._advance(1)

    def _record(self, step: Callable[[], None]) -> None:
        try:
            step()
        except ReconcileError as error:
            self.stopped, self._writable = self.stopped or str(error), False


def _parent_kind(item: Item) -> str:
    return item.change.parent.kind if item.change.parent else ""


def _whole_units(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    """Items of consecutive units, at least ``SLICE`` of them but for the last."""
    part: list[Item] = []
    for item in items:
        if len(part) >= SLICE and part[-1].unit != item.unit:
            yield part
            part = []
        part.append(item)
    if part:
        yield part


def _waits(item: Item, waiting: set[Address]) -> bool:
    return any(link.address in waiting for link in item.change.links)
