"""From a plan to outcomes: slices of units, each written, associated, verified and recorded.

The order within a slice is orders and carts, then line items, then associations. Associations to
records of a later slice wait for the end.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

from reconcile.applying.associating import associate
from reconcile.applying.item import Item, Tools
from reconcile.applying.verify import Done, Verifier
from reconcile.applying.writing import create, update
from reconcile.errors import ApiError, Unreachable
from reconcile.hubspot.client import OBJECTS
from reconcile.model.address import Address
from reconcile.model.digest import definitions_digest, state_digest
from reconcile.model.kinds import Kind, kinds
from reconcile.model.outcome import Outcome, Status
from reconcile.model.plan import Action, Plan, UnitChange
from reconcile.stores.state import State, shard_of

SLICE = 1000
"""Units that are carried through all phases before the next ones begin."""

GRACE = 5.0
"""Seconds that calls in flight get to end after an interrupt (CI runners kill after about 10)."""


class Executor:
    """Carries out one plan, once. ``advance`` is told how many records have ended."""

    def __init__(
        self,
        tools: Tools,
        state: State,
        *,
        run: str,
        workers: int = 4,
        advance: Callable[[int], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._tools = tools
        self._state = state
        self._run = run
        self._workers = workers
        self._advance = advance
        self._verifier = Verifier(
            tools.hubspot, tools.identities, tools.definitions, state.hasher, run=run, sleep=sleep
        )
        self._numbers = itertools.count(1)
        self._numbering = threading.Lock()
        self._ids: dict[Address, str] = {}
        self._stop: str = ""
        self._reachable = True
        self.interrupted = False

    def carry_out(self, plan: Plan) -> tuple[Outcome, ...]:
        """One outcome for every record of the plan, in the plan's order.

        An error that no further call can get around (token, limits, no connection), or an
        interrupt, ends the run early: what was done is recorded, the rest is ``skipped``.
        """
        everything: list[Item] = []
        late: list[Item] = []
        waiting = {change.address for change in plan.records()}
        with ThreadPoolExecutor(self._workers, "apply") as pool:
            for units in _slices(plan.units):
                items = [item for unit in units for item in self._items(unit)]
                everything += items
                open_items = [item for item in items if item.status is None]
                self._advance(len(items) - len(open_items))
                waiting -= {item.change.address for item in items}
                self._guarded(partial(self._write, pool, open_items))
                now = [item for item in open_items if not _waits(item, waiting)]
                late += (item for item in open_items if _waits(item, waiting))
                self._finish(now)
            self._finish(late)
        for item in everything:
            if item.status is None and self._stop:
                item.end(Status.SKIPPED, self._stop)
            elif not item.recorded:
                item.end(Status.UNKNOWN, f"written, but not read back: {self._stop}; plan again")
        outcomes = {item.change.address: item.outcome() for item in everything}
        return tuple(outcomes[change.address] for change in plan.records())

    def _items(self, unit: UnitChange) -> Iterable[Item]:
        stale = self._stale(unit)
        for change in unit.changes:
            item = Item(unit.address, change, id=change.id, unlinked=len(change.links))
            if change.action is Action.CONFLICT:
                item.end(Status.CONFLICT, change.why.partition("\n")[0])
            elif stale:
                item.end(Status.CONFLICT, stale)
            yield item

    def _stale(self, unit: UnitChange) -> str:
        if state_digest(self._state.unit(unit.address)) != unit.state:
            return "the state of this unit has moved since planning; plan again"
        try:
            now = definitions_digest(unit.changes, self._tools.definitions)
        except KeyError as name:
            return f"the property {name} is gone since planning; plan again"
        if now != unit.definitions:
            return "property definitions have changed since planning; plan again"
        return ""

    def _guarded(self, step: Callable[[], None]) -> None:
        """Run a step unless the run has been stopped; stop it on what cannot be got around."""
        if self._stop:
            return
        try:
            step()
        except ApiError as error:
            self._stop = str(error)
            self._reachable = not isinstance(error, Unreachable)
        except KeyboardInterrupt:
            self._stop = "interrupted before it was begun"
            self.interrupted = True

    def _write(self, pool: ThreadPoolExecutor, items: Sequence[Item]) -> None:
        for kind in kinds().values():
            mine = [item for item in items if item.kind is kind]
            new = [item for item in mine if item.change.action is Action.CREATE]
            old = [item for item in mine if item.change.action is not Action.CREATE]
            parents = self._parents(new)
            ready = [item for item in new if item.status is None]
            jobs = [
                (batch, partial(create, self._tools, kind, batch, parents, self._trace))
                for batch in _batches(ready)
            ]
            jobs += [
                (batch, partial(update, self._tools, kind, batch, self._trace))
                for batch in _batches(old)
            ]
            try:
                self._run_all(pool, jobs)
            finally:
                self._ids |= {item.change.address: item.id for item in mine if item.id}

    def _parents(self, items: Sequence[Item]) -> dict[int, str]:
        """Line items' parents' ids; an item whose parent was not made is skipped."""
        parents: dict[int, str] = {}
        for item in items:
            parent = item.change.parent
            if parent is None:
                continue
            parent_id = item.change.parent_id or self._ids.get(parent, "")
            if parent_id:
                parents[id(item)] = parent_id
            else:
                item.end(Status.SKIPPED, f"{parent} was not created")
        return parents

    def _run_all(
        self, pool: ThreadPoolExecutor, jobs: Sequence[tuple[Sequence[Item], Callable[[], None]]]
    ) -> None:
        futures: list[Future[None]] = []
        try:
            futures += (pool.submit(_attempt, batch, job) for batch, job in jobs)
            for (batch, _), future in zip(jobs, futures, strict=True):
                future.result()
                self._advance(len(batch))
        except (KeyboardInterrupt, ApiError):
            for future in futures:
                future.cancel()
            wait(futures, timeout=GRACE)
            raise

    def _finish(self, items: Sequence[Item]) -> None:
        """Associate, verify and record what was written.

        After a stop nothing more is written, but what was is read back and remembered, as long as
        HubSpot answers.
        """
        written = [item for item in items if item.status is Status.DONE]
        self._guarded(partial(associate, self._tools, written, self._ids, self._trace))
        for item in written:
            if item.unlinked:
                item.end(Status.FAILED, f"not associated: {self._stop}")
        try:
            for kind in kinds().values():
                if self._reachable:
                    self._record(kind, [item for item in written if item.kind is kind])
        except (ApiError, KeyboardInterrupt) as error:
            self._stop, self._reachable = self._stop or str(error) or "interrupted", False
            self.interrupted = self.interrupted or isinstance(error, KeyboardInterrupt)
        self._state.flush()
        self._state.release()

    def _record(self, kind: Kind, items: Sequence[Item]) -> None:
        done = [
            Done(
                item.change,
                item.id,
                tuple(sorted(item.links)),
                self._state.unit(item.unit).get(item.change.address),
            )
            for item in items
        ]
        for item, result in zip(items, self._verifier.verify(kind, done), strict=True):
            item.recorded = True
            if result.entry is None:
                item.end(
                    Status.UNKNOWN, "written, but HubSpot does not show it yet; plan again to see"
                )
            else:
                item.rewrites = result.rewrites
                self._state.put(item.unit, item.change.address, result.entry)

    def _trace(self) -> str:
        with self._numbering:
            return f"{self._run}-{next(self._numbers)}"


def _attempt(batch: Sequence[Item], job: Callable[[], None]) -> None:
    try:
        job()
    except ApiError as error:
        status = Status.UNKNOWN if isinstance(error, Unreachable) else Status.FAILED
        for item in batch:
            if item.status is None:
                item.end(status, str(error))
        raise


def _slices(units: Sequence[UnitChange]) -> Iterable[Sequence[UnitChange]]:
    """In the order of the state's shards, so that each shard is loaded and written about once."""
    ordered = sorted(units, key=lambda unit: (shard_of(unit.address), unit.address))
    return (ordered[start : start + SLICE] for start in range(0, len(ordered), SLICE))


def _batches(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[start : start + OBJECTS] for start in range(0, len(items), OBJECTS))


def _waits(item: Item, waiting: set[Address]) -> bool:
    return any(link.address in waiting for link in item.change.links)
