"""The steps of an apply, from a ``Plan`` to a ``Report``."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from secrets import token_hex

from reconcile.applying.context import ApplyContext
from reconcile.applying.executor import Executor
from reconcile.applying.halt import Halt
from reconcile.applying.pins import stale_units
from reconcile.applying.preconditions import check_preconditions, require_lineage
from reconcile.applying.standing_conflicts import (
    held_back,
    remember_standing,
    remembers_standing,
)
from reconcile.audit.events import refused
from reconcile.audit.log import AuditLog
from reconcile.errors import (
    GuardRefused,
    Locked,
    ReconcileError,
    StalePlan,
)
from reconcile.fetching.parents import ParentReader
from reconcile.model.address import Address
from reconcile.model.audit import Origin
from reconcile.model.bound_records import BoundRecords, bound_records
from reconcile.model.outcome import Report
from reconcile.model.plan import Action, Plan
from reconcile.model.records import Unit
from reconcile.model.selected import EVERYTHING
from reconcile.planning import cost
from reconcile.planning.effect_digests import require_effects
from reconcile.planning.guards import require_allowed
from reconcile.planning.plan_file import content_digest, pinned_digest
from reconcile.recovery.replay import already_applied
from reconcile.recovery.runs import (
    begin,
    close_ended,
    end,
    new_run,
    unfinished,
)
from reconcile.session import Session
from reconcile.state.head import require_writable
from reconcile.state.state import State
from reconcile.workflow.unfinished_runs import lock, resolve_runs

Advance = Callable[[int], None]


def apply(
    session: Session,
    planned: Plan,
    origin: Origin,
    *,
    declared: Sequence[Unit] | None = None,
    who: str = "",
    wait: float = 0.0,
    halt: bool = False,
    advance: Advance = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
    run: str = "",
    command: str = "apply",
) -> Report:
    """Carry out exactly ``planned``, from where an earlier run of it ended.

    - ``declared``: for a saved plan, what the manifests declare now. Units whose manifests, labels
      or references have changed since planning are left alone.
    - ``wait``: seconds to wait for another run's lock.
    - ``halt``: end the run at the first record that is not done as planned.
    - ``run``: the name of a new run, made here if empty. ``command``: what the user typed.

    A plan that was already applied completely, and still holds, is not applied again; it is stale
    if any of its records was changed or removed since. No run begins for a plan without changes,
    unless it leaves out what is in doubt: what it holds back is reported, and remembered. The audit
    log gets everything else, refusals included.

    Raises what ``check_preconditions`` raises, GuardRefused for a limit that the plan was not
    made to allow, StalePlan for a plan of another state or one that no longer holds, Locked if
    another run still holds the lock, Unfinished if the outcome of this run is not known.
    """
    started = time.monotonic()
    calls = sum(session.hubspot.calls.values())
    with refusals_logged(session, planned, origin, command):
        check_preconditions(
            planned,
            target=session.pin,
            identities=session.settings.target.identity,
            manage=session.settings.target.manage,
            hubspot=session.hubspot,
        )
        require_allowed(planned)
        require_lineage(planned, session.state())
        pinned = pinned_digest(planned)
        with lock(session, command, who, wait) as lease:
            state = session.state(writing=True)
            require_lineage(planned, state)
            require_effects(planned, state.hasher)
            runs = unfinished(session.store)
            if resolving := bool(runs):
                state.begin(session.account.portal_id)
            mine = [one.run.head.run for one in runs if one.run.head.plan == pinned]
            run = mine[0] if mine else run or new_run()
            entries = resolve_runs(session, state, lease, origin, sleep, planned, by=run)
            if planned.idle and not planned.in_doubt:
                held, still_held = _remember(session, state, planned)
                return Report(session.pin, (), held=held, still_held=still_held)
            runs = close_ended(session.store, state, unfinished(session.store), but=pinned)
            if already := already_applied(
                planned,
                runs,
                store=session.store,
                hubspot=session.hubspot,
                state=state,
                entries=entries,
            ):
                held, still_held = held_back(planned, state)
                return Report(session.pin, (), already=already, held=held, still_held=still_held)
            stale = (
                {}
                if declared is None
                else stale_units(
                    planned,
                    state,
                    session.hubspot,
                    session.settings.target.identity,
                    declared=declared,
                    properties=entries.definitions.properties,
                )
            )
            if not resolving:
                state.begin(session.account.portal_id)
            journal, log = begin(
                session.store,
                state,
                planned,
                runs,
                lease,
                origin=origin,
                who=who,
                name=run,
            )
            context = ApplyContext(
                session.hubspot,
                replace(entries, run=journal.run),
                journal,
                log,
                ParentReader(session.hubspot),
                trace=_traces(journal.run),
                sleep=sleep,
                halt=Halt(on_failure=halt),
                bound=_bound(session, state, planned, declared or ()),
            )
            held, still_held = held_back(planned, state)
            executor = Executor(context, state, stale=stale, advance=advance)
            executor.carry_out(planned)
            outcomes, resumable = end(state, planned, journal, log, executor.stopped)
    return Report(
        target=session.pin,
        outcomes=outcomes,
        calls=sum(session.hubspot.calls.values()) - calls,
        seconds=time.monotonic() - started,
        interrupted=executor.interrupted,
        resumable=resumable,
        estimated=cost.calls(planned),
        unchecked=context.parents.unchecked,
        run=journal.run,
        refused=executor.refused,
        stopped=executor.stopped,
        left_out=planned.in_doubt,
        held=held,
        still_held=still_held,
        selected=planned.selected != EVERYTHING,
    )


def _bound(session: Session, state: State, planned: Plan, declared: Sequence[Unit]) -> BoundRecords:
    """Return what the state and what is declared now are bound to, if a plan archives anything."""
    if not any(change.action is Action.ARCHIVE for change in planned.records()):
        return BoundRecords()
    changes = (change for unit in planned.units for change in (*unit.changes, *unit.held))
    gone = ((one.address, one.former) for one in changes if one.action.removes)
    target = session.settings.target
    return bound_records(
        state.entries(),
        declared,
        removed=frozenset(one.folded() for names in gone for one in names if one is not None),
        identities=target.identity,
        target=target.name,
    )


def remember_without_run(
    session: Session, planned: Plan, *, who: str = "", wait: float = 0.0
) -> tuple[tuple[Address, ...], int]:
    """Remember what a plan without changes holds back, and forget conflicts that are over.

    If such a conflict comes back, it is a new one. Return what is held back for the first time, and
    the number of the other records that are. Where nothing is new, nothing is written; nor for a
    plan that leaves out what is in doubt, which is to be made again.
    """
    state = session.state()
    if planned.in_doubt or remembers_standing(state, planned):
        return held_back(planned, state)
    with lock(session, "apply", who, wait):
        state = session.state(writing=True)
        require_lineage(planned, state)
        return _remember(session, state, planned)


def _remember(session: Session, state: State, planned: Plan) -> tuple[tuple[Address, ...], int]:
    """Do what ``remember_without_run`` does, under the lock."""
    found = held_back(planned, state)
    if not (planned.in_doubt or remembers_standing(state, planned)):
        state.begin(session.account.portal_id)
        remember_standing(state, planned, ())
        state.flush()
    return found


@contextmanager
def refusals_logged(
    session: Session, planned: Plan, origin: Origin, command: str = "apply"
) -> Iterator[None]:
    """Log an error that refuses a plan before anything of it is begun, and raise it again.

    Raises NewerVersionNeeded first, and logs nothing, where this version may not write to the log.
    """
    require_writable(session.store)
    try:
        yield
    except (GuardRefused, StalePlan, Locked) as error:
        with suppress(ReconcileError):
            digest = content_digest(planned)
            event = refused(error, origin, plan=digest, source=planned.source, command=command)
            AuditLog(session.store).append([event])
        raise


def _traces(run: str) -> Callable[[], str]:
    """Return a maker of objectWriteTraceIds that are unique among all attempts of a run."""
    attempt, numbers = token_hex(2), itertools.count(1)
    return lambda: f"{run}-{attempt}-{next(numbers)}"
