"""Runs that ended in the middle: resolved by reading, before anything else is written."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

from reconcile.applying.journal import Journal
from reconcile.applying.run_log import Process
from reconcile.applying.state_entries import Entries
from reconcile.call_watchdog import CALL_LIMIT, log_notice, watched
from reconcile.errors import ApiError, ReconcileError, UsageError
from reconcile.model.audit import Origin
from reconcile.model.definitions import Definitions
from reconcile.model.identity import pinned, unpinned
from reconcile.model.kinds import kinds
from reconcile.model.plan import Plan
from reconcile.recovery.resolve import Settler
from reconcile.recovery.runs import OpenRun, close_ended, forget_runs, log_rest, unfinished
from reconcile.session import Session
from reconcile.state.state import State
from reconcile.stores.contract import Lease, LockInfo, Store
from reconcile.stores.lease import monotonic, utc_now


def settle_unfinished(
    session: Session,
    origin: Origin,
    *,
    who: str = "",
    wait: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
    by: str = "apply",
) -> None:
    """Find out what became of writes that a run which ended in the middle had begun.

    ``by`` is who the audit log is to name for it: a run or a command. Raises Locked while another
    run holds the lock: it may be the one that has not ended.
    """
    if not any(one.run.begun or not one.run.audited for one in unfinished(session.store)):
        return
    with locked(session, "settle", who, wait) as lease:
        settle(session, _begin(session), lease, origin, sleep, by=by)


def close_unfinished(
    session: Session, origin: Origin, *, who: str = "", wait: float = 0.0, by: str = "apply"
) -> None:
    """End runs whose plans are no longer wanted: everything is as declared without them."""
    if not unfinished(session.store):
        return
    with locked(session, "settle", who, wait) as lease:
        state = _begin(session)
        settle(session, state, lease, origin, time.sleep, by=by)
        runs = close_ended(session.store, state, unfinished(session.store))
        if not any(one.run.begun for one in runs):
            forget_runs(session.store, state)


def settle(
    session: Session,
    state: State,
    lease: Lease,
    origin: Origin,
    sleep: Callable[[float], None],
    *planned: Plan,
    by: str,
) -> Entries:
    """Resolve what runs had begun, and log it as done ``by`` a run or a command.

    The last requests of a run that died, or lost the lock, may arrive at HubSpot after that. So a
    write that does not show is called undone only when the time of any call is over that had left
    before this process held the lock. Returns the maker of entries for these plans and ``planned``.
    """
    store = session.store
    over = monotonic() + CALL_LIMIT
    runs = unfinished(store)
    definitions = _definitions(session, *planned, *(one.plan for one in runs))
    entries = Entries(session.settings.target.identity, definitions, state.hasher)
    for one in runs:
        journal = Journal(store, one.run, lease.check)
        if one.run.begun:
            since = utc_now()
            journal.recover(Process(0, "recover", origin, since, resolved_by=by))
            identities = unpinned(one.plan.identities)
            mine = replace(entries, run=journal.run, identities=identities)
            settler = Settler(session.hubspot, state, mine, sleep)
            settler.settle(one.run, one.plan, journal, may_come=True)
            if one.run.begun:
                _wait_until(over, journal.run, sleep)
                settler.settle(one.run, one.plan, journal)
            journal.resolved()
        if not one.run.audited:
            log_rest(state, journal, one.plan)
    return entries


def _wait_until(over: float, run: str, sleep: Callable[[float], None]) -> None:
    rest = over - monotonic()
    if rest > 0:
        log_notice(
            f"waiting {rest:.0f} s: the last calls of run {run} have not shown in HubSpot, "
            "and may still arrive"
        )
        sleep(rest)


def _begin(session: Session) -> State:
    """The state, with its head saying whose it is and by which key its hashes are made."""
    state = session.state(writing=True)
    state.begin(session.account.portal_id)
    return state


def require_same_identities(session: Session, runs: Sequence[OpenRun]) -> None:
    """What a run had begun is found by the properties it was begun with, and by no others."""
    now = pinned(session.settings.target.identity)
    if any(one.run.begun and one.plan.identities != now for one in runs):
        raise UsageError(
            "a run that is not finished was made with another `identity` than reconcile.yaml has",
            hint="run `reconcile apply`: it settles that run first",
        )


@contextmanager
def locked(session: Session, doing: str, who: str, wait: float) -> Iterator[Lease]:
    """Hold the lock of a session's store; what fails within it names a run that is left to resume.

    Raises Locked while another run holds it.
    """
    since = utc_now()
    with ExitStack() as stack:
        with watched(f"the lock of the state in {session.store.where}"):
            lease = stack.enter_context(
                session.store.lock(LockInfo(who, since, doing), timeout=wait)
            )
        stack.enter_context(session.hubspot.permitted(lease.check))
        stack.enter_context(_way_on(session.store))
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
        raise error.reworded(str(error), hint=hint) from error


def _definitions(session: Session, *plans: Plan) -> Definitions:
    changing = {change.address.kind for planned in plans for change in planned.records()}
    used = [kind for kind in kinds().values() if kind.name in changing]
    return Definitions({kind.name: session.hubspot.properties(kind.object) for kind in used})
