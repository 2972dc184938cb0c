"""Runs that are not over: their plans, kept in the store until nothing is left to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex

from reconcile import __version__
from reconcile.applying.journal import Journal
from reconcile.applying.run import Run, RunHead, drop_run, open_runs, read_run
from reconcile.applying.standing import remember_standing
from reconcile.audit.log import AuditLog
from reconcile.audit.recording import RunTelling
from reconcile.errors import ReconcileError, Unfinished, UsageError
from reconcile.model.audit import Origin
from reconcile.model.outcome import Outcome, Status
from reconcile.model.plan import Action, Plan
from reconcile.planning.planfile import content_digest, content_of, dump, load
from reconcile.stores.applied import AppliedPlan, AppliedPlans
from reconcile.stores.contract import Lease, Store
from reconcile.stores.names import is_blob
from reconcile.stores.state import State

_PIECE = 4_000_000
"""Bytes of a plan that are kept in one blob."""


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that is not over, and its plan."""

    run: Run
    plan: Plan


def unfinished(store: Store) -> list[OpenRun]:
    """The runs that are not over, oldest first: none, or one unless a process died just then.

    A journal without an intent and without a whole plan is not one: nothing was sent, and nothing
    can be continued. That is what the first line leaves behind that a holder of the lock sent and
    that arrived after another one had forgotten its run; the next run removes it.

    Raises UsageError where a run's journal or plan was damaged or removed from outside.
    """
    found: list[OpenRun] = []
    for name in open_runs(store):
        run = read_run(store, name)
        if run is None:
            continue
        if (plan := _kept_plan(store, name)) is not None:
            found.append(OpenRun(run, plan))
        # A run that ended just now has taken its journal along before its plan.
        elif (run := read_run(store, name)) is not None and run.intents:
            raise UsageError(
                f"the plan of run {name}, which is not finished, is missing or damaged in "
                f"{store.where}",
                hint="bring plans/ back from a backup; or remove plans/ and runs/ there: what that "
                "run made is then found by its keys",
            )
    return found


def begin(
    store: Store,
    state: State,
    planned: Plan,
    runs: Sequence[OpenRun],
    lease: Lease,
    *,
    origin: Origin,
    allow: frozenset[str],
    who: str,
) -> tuple[Journal, RunTelling]:
    """The journal of the run that carries out a plan, and what tells the audit log of it.

    It is the one of ``runs`` that had begun the plan already, or a new one. The others, settled by
    now, are over.
    """
    now = datetime.now(UTC)
    digest = content_digest(planned) if runs else ""
    for one in runs:
        if one.run.head.plan == digest:
            name = one.run.head.run
            forget_runs(store, state, keep=name)
            AppliedPlans(store, state).begin(digest, name, state.serial, after=None)
            told = telling(store, state, planned, one.run.head, origin)
            run = read_run(store, name)
            return Journal(store, name, lease.check, run, tell=told.tell), told
    forget_runs(store, state)
    name = f"{now:%Y%m%dT%H%M%S}-{token_hex(3)}"
    since = now.isoformat(timespec="seconds")
    # The plan first: a journal without it could not be settled.
    digest = _keep_plan(store, name, planned, created=since)
    head = RunHead(
        run=name,
        plan=digest,
        portal_id=planned.target.portal_id,
        who=who,
        since=since,
        total=sum(1 for _ in planned.records()),
        allow=tuple(sorted(allow)),
    )
    told = telling(store, state, planned, head, origin)
    journal = Journal(store, name, lease.check, tell=told.tell)
    journal.begin(head)
    # Before anything is sent: carried out again, the plan could make again what was removed since.
    applied = AppliedPlans(store, state)
    after = applied.find(digest, planned.serial)
    applied.begin(digest, name, state.serial, after=after)
    return journal, told


def telling(store: Store, state: State, plan: Plan, head: RunHead, origin: Origin) -> RunTelling:
    """What puts a run into the audit log while it goes on."""
    return RunTelling(AuditLog(store), plan, head, origin, state.audit)


def end(
    state: State, planned: Plan, journal: Journal, told: RunTelling, stopped: str
) -> tuple[tuple[Outcome, ...], bool]:
    """Close a run as far as it has come, and put what is left of it into the audit log.

    Returns its outcomes in the plan's order, read from its journal, and whether something is left
    to go on with. Raises Unfinished where the journal cannot be read any more.
    """
    try:
        journal.end(stopped)
        run = read_run(journal.store, journal.run)
        if run is None:
            raise _untold(stopped or "its journal is gone")
        remember_standing(state, planned, run.outcomes)
        record(state, journal, OpenRun(run, planned), told)
        if not run.open:
            close_ended(journal.store, state, [OpenRun(run, planned)])
    except ReconcileError as error:
        raise _untold(stopped or str(error)) from error
    return tuple(run.outcome(change) for change in planned.records()), run.open


def record(state: State, journal: Journal, one: OpenRun, told: RunTelling) -> None:
    """Put what is new of a run into the audit log, and the log's head into the state."""
    run = one.run
    news = (run.outcome(change) for change in one.plan.records() if change.address in run.unaudited)
    told.tell(news, run.traces)
    state.audit = told.end(run.ended)
    state.flush()
    journal.audited()


def _untold(why: str) -> Unfinished:
    return Unfinished(
        f"the run ended in the middle, and what came of it cannot be told: {why}",
        hint="run `reconcile status`, then `reconcile resume`: everything that was begun is in the "
        "journal and is settled by reading",
    )


def _keep_plan(store: Store, run: str, plan: Plan, *, created: str) -> str:
    """Put a run's plan where whoever settles or resumes it finds it; its content digest."""
    piece, number, line = bytearray(), 0, b""
    for line in dump(plan, version=__version__, created=created):
        piece += line
        if len(piece) >= _PIECE:
            store.write(_name(run, number), bytes(piece), None)
            piece, number = bytearray(), number + 1
    store.write(_name(run, number), bytes(piece), None)
    return content_of(line)


def close_ended(
    store: Store, state: State, runs: Sequence[OpenRun], *, but: str = ""
) -> list[OpenRun]:
    """Remember the plans of runs that came to their end, and drop their journals.

    Return the other runs, and those of the plan with the content digest ``but``.
    """
    over = [one for one in runs if not one.run.open and one.run.head.plan != but]
    applied = AppliedPlans(store, state)
    for one in over:
        applied.end(one.run.head.run, as_applied(one, state.serial))
        _drop(store, one.run.head.run)
    return [one for one in runs if one.run.open or one.run.head.plan == but]


def as_applied(one: OpenRun, serial: int) -> AppliedPlan:
    """Return what is to be remembered of the plan of a run that came to its end."""
    outcomes = one.run.outcomes
    left = tuple(
        str(change.address.folded())
        for change in one.plan.records()
        if change.action is not Action.CONFLICT
        and outcomes[change.address].status is not Status.DONE
    )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return AppliedPlan(one.run.head.plan, serial, (one.run.head.run,), now, left)


def forget_runs(store: Store, state: State, *, keep: str = "") -> None:
    """Remove what is kept of every run but one, and remember that they are not continued."""
    applied = AppliedPlans(store, state)
    for name in open_runs(store):
        if name != keep:
            applied.supersede(name, state.serial)
            drop_run(store, name)
    for name in filter(is_blob, list(store.names("plans/"))):
        if not (keep and name.startswith(f"plans/{keep}/")):
            store.remove(name)


def _drop(store: Store, run: str) -> None:
    drop_run(store, run)
    for name in filter(is_blob, list(store.names(f"plans/{run}/"))):
        store.remove(name)


def _kept_plan(store: Store, run: str) -> Plan | None:
    """Return a run's plan; None where it is missing or damaged."""
    names = filter(is_blob, list(store.names(f"plans/{run}/")))
    pieces = [found[0] for name in names if (found := store.read(name)) is not None]
    try:
        return load(b"".join(pieces))[0]
    except UsageError:
        return None


def _name(run: str, number: int) -> str:
    return f"plans/{run}/{number:06}.json"
