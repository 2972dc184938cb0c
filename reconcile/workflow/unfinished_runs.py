"""Recover or close the runs that are not finished, before something else is applied."""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from reconcile.applying.state_entries import Entries
from reconcile.model.address import Address
from reconcile.model.audit import Origin
from reconcile.model.plan import Plan, RecordChange
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
    session: Session,
    planned: Plan,
    origin: Origin,
    *,
    who: str = "",
    wait: float = 0.0,
    by: str = "apply",
) -> None:
    """Resolve unfinished runs, and remove them if nothing of their plans is left to apply.

    ``planned`` is the plan of all that is declared, and has no changes. What it holds back, leaves
    alone, or finds undeclared may be what a run was allowed to do, and did not: no other plan makes
    these changes, so such a run can still be resumed. So can all, if another command has written
    to the state since that plan was made. Raises Locked if another run still holds the lock after
    ``wait`` seconds.
    """
    if not unfinished(session.store):
        return
    with lock(session, "recover", who, wait) as lease:
        is_current = session.state(writing=True).serial == planned.serial
        state = _begin_state(session)
        resolve_runs(session, state, lease, origin, time.sleep, by=by)
        runs = close_ended(session.store, state, unfinished(session.store))
        stays = _not_as_declared(planned)
        if is_current and not any(
            one.run.in_doubt or not stays.isdisjoint(_names(one.left)) for one in runs
        ):
            forget_runs(session.store, state)


def _not_as_declared(planned: Plan) -> frozenset[Address]:
    """Return the names of the records that a plan without changes says something of."""
    left = (one.address.folded() for unit in planned.units for one in unit.left_alone)
    held = _names(change for unit in planned.units for change in unit.held)
    return held.union(left, (address.folded() for address in planned.undeclared))


def _names(changes: Iterable[RecordChange]) -> frozenset[Address]:
    """Return the names of changed records, former ones too."""
    return frozenset(
        name.folded()
        for change in changes
        for name in (change.address, change.former)
        if name is not None
    )


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
