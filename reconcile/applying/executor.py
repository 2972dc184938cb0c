"""From a plan to outcomes: slices of units, each written, associated, verified and recorded.

The order within a slice is orders and carts, then line items, then associations. Associations to
records of a later slice wait for the end.
"""

import itertools
import threading
import time
from collections import defaultdict
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
from reconcile.model.plan import Action, Plan, RecordChange, UnitChange
from reconcile.model.records import LastApplied, Link
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
        self._by_address: dict[Address, Item] = {}
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
        pool = ThreadPoolExecutor(self._workers, "apply")
        try:
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
        finally:
            # A call that does not end must not keep an interrupted run from telling what it did.
            pool.shutdown(wait=not self.interrupted, cancel_futures=True)
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
            entry = self._entry(unit.address, change)
            item = Item(unit.address, change, id=change.id, unlinked=len(change.links))
            item.links = set(change.kept_links) | (_to_remove(change) & _links(entry))
            if change.action is Action.CONFLICT:
                item.end(Status.CONFLICT, change.why.partition("\n")[0])
            elif state_digest(entry) != change.state:
                if entry is not None and self._is_applied(change, entry):
                    item.id, item.recorded, item.unlinked = entry.id, True, 0
                    self._ids[change.address] = entry.id
                    item.end(Status.DONE)
                else:
                    item.end(Status.CONFLICT, "the state has moved since planning; plan again")
            elif stale:
                item.end(Status.CONFLICT, stale)
            self._by_address[change.address] = item
            yield item

    def _entry(self, unit: Address, change: RecordChange) -> LastApplied | None:
        """What the state says of a record; a moved line's entry lies under its former unit."""
        entry = self._state.unit(unit).get(change.address.folded())
        if entry is None and change.state:
            return self._state.find(change.address)
        return entry

    def _is_applied(self, change: RecordChange, entry: LastApplied) -> bool:
        """Whether an earlier run of the same plan has carried out this change already."""
        kind = kinds()[change.address.kind]
        definitions = self._tools.definitions.properties[kind.name]
        managed = self._verifier.managed(kind, change)
        made = sum(len(link.ours) for link in change.links if link.add)
        return (
            not managed.keys() - definitions.keys()
            and entry.whole == self._state.hasher.whole(managed, definitions)
            and entry.protect == change.protect
            and change.id in ("", entry.id)
            and len(entry.links) >= len(change.kept_links) + made
            and not _to_remove(change) & entry.links
        )

    def _stale(self, unit: UnitChange) -> str:
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
            parents = self._parents([item for item in mine if item.change.parent is not None])
            ready = [item for item in mine if item.status is None]
            new = [item for item in ready if item.change.action is Action.CREATE]
            old = [item for item in ready if item.change.action is not Action.CREATE]
            jobs = [
                (batch, partial(create, self._tools, kind, batch, parents, self._trace))
                for batch in _batches(new)
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
        """Line items' parents' ids, by ``id(item)``.

        Where the parent was not written as planned, or is no longer there, its lines are left
        alone too: half a unit is nothing anybody planned.
        """
        parents: dict[int, str] = {}
        unread: dict[str, dict[str, list[Item]]] = defaultdict(lambda: defaultdict(list))
        for item in items:
            parent = item.change.parent
            if parent is None or item.status is not None:
                continue
            root = self._by_address.get(parent)
            if root is not None and root.status is not Status.DONE:
                item.end(Status.SKIPPED, f"{parent} was not written as planned")
                continue
            parents[id(item)] = item.change.parent_id or self._ids.get(parent, "")
            if root is None:
                unread[parent.kind][item.change.parent_id].append(item)
        for name, by_id in unread.items():
            there = self._tools.hubspot.read(kinds()[name].object, list(by_id), [])
            for parent_id in by_id.keys() - there.keys():
                for item in by_id[parent_id]:
                    why = f"its {name} {parent_id} was archived, merged or removed since planning"
                    item.end(Status.CONFLICT, why)
        return parents

    def _run_all(
        self, pool: ThreadPoolExecutor, jobs: Sequence[tuple[Sequence[Item], Callable[[], None]]]
    ) -> None:
        futures: list[Future[None]] = []
        try:
            futures += (pool.submit(job) for _, job in jobs)
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
        finally:
            self._state.flush()
            self._state.release()

    def _record(self, kind: Kind, items: Sequence[Item]) -> None:
        known = {unit: self._state.unit(unit) for unit in {item.unit for item in items}}
        done = [
            Done(
                item.change,
                item.id,
                tuple(sorted(item.links)),
                known[item.unit].get(item.change.address.folded()),
            )
            for item in items
        ]
        for item, result in zip(items, self._verifier.verify(kind, done), strict=True):
            item.recorded = True
            if result.entry is None:
                item.end(
                    Status.UNKNOWN, "written, but HubSpot does not show it yet; plan again to see"
                )
                continue
            item.rewrites = result.rewrites
            self._state.put(item.unit, item.change.address, result.entry)
            if result.untaken:
                names = ", ".join(result.untaken)
                item.end(
                    Status.UNKNOWN,
                    f"HubSpot does not hold what was sent for {names}: it dropped the value, or "
                    "somebody edited it; plan again to see",
                )

    def _trace(self) -> str:
        with self._numbering:
            return f"{self._run}-{next(self._numbers)}"


def _to_remove(change: RecordChange) -> set[Link]:
    return {
        Link(link.to, link.id, number, category)
        for link in change.links
        if not link.add
        for category, number in link.types
    }


def _links(entry: LastApplied | None) -> frozenset[Link]:
    return entry.links if entry is not None else frozenset()


def _slices(units: Sequence[UnitChange]) -> Iterable[Sequence[UnitChange]]:
    """In the order of the state's shards, so that each shard is loaded and written about once."""
    ordered = sorted(units, key=lambda unit: (shard_of(unit.address), unit.address))
    return (ordered[start : start + SLICE] for start in range(0, len(ordered), SLICE))


def _batches(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[start : start + OBJECTS] for start in range(0, len(items), OBJECTS))


def _waits(item: Item, waiting: set[Address]) -> bool:
    return any(link.address in waiting for link in item.change.links)
