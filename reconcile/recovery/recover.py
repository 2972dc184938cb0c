"""Recover interrupted runs: resolve their in-doubt writes before anything else is written."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

from reconcile.applying.journal import Journal
from reconcile.applying.run_head import Process
from reconcile.applying.state_entries import Entries
from reconcile.call_watchdog import CALL_LIMIT, log_notice, watched
from reconcile.errors import HubSpotError, ReconcileError
from reconcile.hubspot.client import HubSpot
from reconcile.model.audit import Origin
from reconcile.model.definitions import Definitions
from reconcile.model.identity import Identity, unpinned
from reconcile.model.kinds import kinds
from reconcile.model.plan import Plan
from reconcile.recovery.resolve import Resolver
from reconcile.recovery.runs import OpenRun, log_rest, unfinished
from reconcile.state.head import require_writable
from reconcile.state.state import State
from reconcile.stores.contract import Lease, LockInfo, Store
from reconcile.stores.lease import monotonic, utc_now

LAST_CALLS_ARRIVE = CALL_LIMIT
"""Seconds after which no call of a run that died or lost the lock can reach HubSpot any more."""


def resolve_unfinished(
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
    """Resolve the in-doubt writes of unfinished runs, and log it as done ``by`` a run or command.

    The last requests of a run that died or lost the lock may still reach HubSpot. So a write that
    does not show counts as not applied only after every call has timed out that was sent before
    this process held the lock. Return the ``Entries`` for these runs' plans and ``planned``.

    Raises UsageError for a damaged journal or plan, and what HubSpot or the store raise.
    """
    over = monotonic() + LAST_CALLS_ARRIVE
    runs = unfinished(store)
    definitions = _definitions(hubspot, *planned, *(one.plan for one in runs))
    entries = Entries(identities, definitions, state.hasher)
    for one in runs:
        journal = Journal(store, one.run, lease.check)
        if one.run.in_doubt:
            since = utc_now()
            journal.recover(Process(0, "recover", origin, since, resolved_by=by))
            began = unpinned(one.plan.identities)
            mine = replace(entries, run=journal.run, identities=began)
            resolver = Resolver(hubspot, state, mine, sleep)
            resolver.resolve(one.run, one.plan, journal, may_arrive=True)
            if one.run.in_doubt:
                _wait_until(over, journal.run, sleep)
                resolver.resolve(one.run, one.plan, journal)
            journal.resolved()
        if not one.run.audited:
            log_rest(state, journal, one.plan)
    return entries


def _wait_until(over: float, run: str, sleep: Callable[[float], None]) -> None:
    rest = over - monotonic()
    if rest > 0:
        log_notice(
            f"waiting {rest:.0f} s: requests of the interrupted run {run} are not visible in "
            "HubSpot and may still arrive"
        )
        sleep(rest)


@contextmanager
def locked(store: Store, hubspot: HubSpot, doing: str, who: str, wait: float) -> Iterator[Lease]:
    """Hold the lock of a store, which permits calls to HubSpot, while the block runs.

    An HubSpotError raised in the block gets a hint that names the run to resume. Raises Locked if
    another run still holds the lock after ``wait`` seconds, and NewerVersionNeeded where only a
    newer version of reconcile may write to the store.
    """
    require_writable(store)
    since = utc_now()
    with ExitStack() as stack:
        with watched(f"the lock of the state in {store.where}"):
            lease = stack.enter_context(store.lock(LockInfo(who, since, doing), timeout=wait))
        stack.enter_context(hubspot.permitted(lease.check))
        stack.enter_context(_hint_at_resume(store))
        yield lease


@contextmanager
def _hint_at_resume(store: Store) -> Iterator[None]:
    """Add to an HubSpotError how to resume the unfinished run, if there is one."""
    try:
        yield
    except HubSpotError as error:
        left: list[OpenRun] = []
        with suppress(ReconcileError):
            left = unfinished(store)
        if not left:
            raise
        resume = f"run {left[-1].run.head.run} is not finished; `reconcile resume` continues it"
        hint = "; ".join(filter(None, (error.hint, resume)))
        raise error.reworded(str(error), hint=hint) from error


def _definitions(hubspot: HubSpot, *plans: Plan) -> Definitions:
    changing = {change.address.kind for planned in plans for change in planned.records()}
    used = [kind for kind in kinds().values() if kind.name in changing]
    return Definitions({kind.name: hubspot.definitions.properties(kind.object) for kind in used})
