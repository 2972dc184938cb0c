"""Recover or close the runs that are not finished, before something else is applied."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from reconcile.applying.state_entries import Entries
from reconcile.model.audit import Origin
from reconcile.model.plan import Plan
from reconcile.recovery.recover import locked, resolve_unfinished
from reconcile.recovery.runs import (
    close_ended,
    forget_runs,
    unfinished,
)
from reconcile.session import Session
from reconcile.state.state import State
from reconcile.stores.contract import Lease


def recover_unfinished(
    session: Session,
    origin: Origin,
    *,
    who: str = "",
    wait: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
    by: str = "apply",
) -> None:
    """Resolve the in-doubt writes of interrupted runs, and complete the audit log.

    ``by`` is the run or command that the audit log names for it. Raises Locked if another run still
    holds the lock after ``wait`` seconds: the run may not have been interrupted at all.
    """
    if not any(one.run.in_doubt or not one.run.audited for one in unfinished(session.store)):
        return
    with lock(session, "recover", who, wait) as lease:
        resolve_runs(session, _begin_state(session), lease, origin, sleep, by=by)


def close_unfinished(
    session: Session, origin: Origin, *, who: str = "", wait: float = 0.0, by: str = "apply"
) -> None:
    """Resolve unfinished runs and remove those whose writes are all resolved.

    Called when everything is as declared, so that nothing of their plans is left to apply. Raises
    Locked if another run still holds the lock after ``wait`` seconds.
    """
    if not unfinished(session.store):
        return
    with lock(session, "recover", who, wait) as lease:
        state = _begin_state(session)
        resolve_runs(session, state, lease, origin, time.sleep, by=by)
        runs = close_ended(session.store, state, unfinished(session.store))
        if not any(one.run.in_doubt for one in runs):
            forget_runs(session.store, state)


def _begin_state(session: Session) -> State:
    """Return the state for writing, with a head that names the account and the hash key."""
    state = session.state(writing=True)
    state.begin(session.account.portal_id)
    return state


def resolve_runs(
    session: Session,
    state: State,
    lease: Lease,
    origin: Origin,
    sleep: Callable[[float], None],
    *planned: Plan,
    by: str,
) -> Entries:
    """Resolve the in-doubt writes of a target's unfinished runs; see ``resolve_unfinished``."""
    return resolve_unfinished(
        *planned,
        store=session.store,
        hubspot=session.hubspot,
        identities=session.settings.target.identity,
        state=state,
        lease=lease,
        origin=origin,
        sleep=sleep,
        by=by,
    )


def lock(session: Session, doing: str, who: str, wait: float) -> AbstractContextManager[Lease]:
    """Return the lock of a target's store; see ``recover.locked``."""
    return locked(session.store, session.hubspot, doing, who, wait)
