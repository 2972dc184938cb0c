"""Runs that ended in the middle: resolved by reading, before anything else is written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

from reconcile.applying.journal import Journal
from reconcile.applying.run_log import Process
from reconcile.applying.state_entries import Entries
from reconcile.errors import ApiError, ReconcileError, UsageError
from reconcile.hubspot.client import HubSpot
from reconcile.model.audit import Origin
from reconcile.model.definitions import Definitions
from reconcile.model.identity import Identity, pinned, unpinned
from reconcile.model.kinds import kinds
from reconcile.model.plan import Plan
from reconcile.recovery.resolve import Settler
from reconcile.recovery.runs import OpenRun, log_rest, unfinished
from reconcile.state.state import State
from reconcile.stores.contract import Lease, LockInfo, Store
from reconcile.stores.lease import elapsed, utc_now
from reconcile.waiting import CALL_LIMIT, say, watched


def settle(
    *planned: Plan,
    store: Store,
    hubspot: HubSpot,
    identities: Mapping[str, Identity],
    state: State,
    lease: Lease,
    origin: Origin,
    sleep: Callable[[float], None],
    by: str,
) -> Entries:
    """Resolve what runs had begun, and log it as done ``by`` a run or a command.

    The last requests of a run that died, or lost the lock, may arrive at HubSpot after that. So a
    write that does not show is called undone only when the time of any call is over that had left
    before this process held the lock. Returns the maker of entries for these plans and ``planned``.
    """
    over = elapsed() + CALL_LIMIT
    runs = unfinished(store)
    definitions = _definitions(hubspot, *planned, *(one.plan for one in runs))
    entries = Entries(identities, definitions, state.hasher)
    for one in runs:
        journal = Journal(store, one.run, lease.check)
        if one.run.begun:
            since = utc_now()
            journal.recover(Process(0, "recover", origin, since, resolved_by=by))
            began = unpinned(one.plan.identities)
            mine = replace(entries, run=journal.run, identities=began)
            settler = Settler(hubspot, state, mine, sleep)
            settler.settle(one.run, one.plan, journal, may_come=True)
            if one.run.begun:
                _wait_until(over, journal.run, sleep)
                settler.settle(one.run, one.plan, journal)
            journal.resolved()
        if not one.run.audited:
            log_rest(state, journal, one.plan)
    return entries


def _wait_until(over: float, run: str, sleep: Callable[[float], None]) -> None:
    rest = over - elapsed()
    if rest > 0:
        say(
            f"waiting {rest:.0f} s: the last calls of run {run} have not shown in HubSpot, "
            "and may still arrive"
        )
        sleep(rest)


def require_same_identities(identities: Mapping[str, Identity], runs: Sequence[OpenRun]) -> None:
    """What a run had begun is found by the properties it was begun with, and by no others."""
    now = pinned(identities)
    if any(one.run.begun and one.plan.identities != now for one in runs):
        raise UsageError(
            "a run that is not finished was made with another `identity` than reconcile.yaml has",
            hint="run `reconcile apply`: it settles that run first",
        )


@contextmanager
def locked(store: Store, hubspot: HubSpot, doing: str, who: str, wait: float) -> Iterator[Lease]:
    """Hold the lock of a store; what fails within it names a run that is left to resume.

    Calls to HubSpot are permitted as long as it is held. Raises Locked while another run holds it.
    """
    since = utc_now()
    with ExitStack() as stack:
        with watched(f"the lock of the state in {store.where}"):
            lease = stack.enter_context(store.lock(LockInfo(who, since, doing), timeout=wait))
        stack.enter_context(hubspot.permitted(lease.check))
        stack.enter_context(_way_on(store))
        yield lease


@contextmanager
def _way_on(store: Store) -> Iterator[None]:
    """Add to an error of HubSpot's, where a run is not finished, how to go on with that run."""
    try:
        yield
    except ApiError as error:
        left: list[OpenRun] = []
        with suppress(ReconcileError):
            left = unfinished(store)
        if not left:
            raise
        way_on = f"run {left[-1].run.head.run} is not finished; `reconcile resume` goes on with it"
        hint = "; ".join(filter(None, (error.hint, way_on)))
        raise error.retold(str(error), hint=hint) from error


def _definitions(hubspot: HubSpot, *plans: Plan) -> Definitions:
    changing = {change.address.kind for planned in plans for change in planned.records()}
    used = [kind for kind in kinds().values() if kind.name in changing]
    return Definitions({kind.name: hubspot.properties(kind.object) for kind in used})
