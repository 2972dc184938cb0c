"""Unfinished runs and their saved plans."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from secrets import token_hex

from reconcile import __version__
from reconcile.applying.audit_writer import AuditWriter
from reconcile.applying.journal import Journal
from reconcile.applying.journal_reader import RESTORE_HINT, drop_run, open_runs, read_run
from reconcile.applying.run_head import Process, RunHead
from reconcile.applying.run_log import Run
from reconcile.applying.standing_conflicts import remember_standing
from reconcile.audit.log import AuditLog
from reconcile.errors import ReconcileError, Unfinished, UsageError
from reconcile.model.audit import Entry, Origin
from reconcile.model.outcome import Outcome, Status
from reconcile.model.plan import Action, Plan, RecordChange
from reconcile.planning.plan_file import Footer, dump, footer_of, load, pinned_digest
from reconcile.state.applied_plans import AppliedPlan, AppliedPlans
from reconcile.state.state import State
from reconcile.stores.contract import Lease, Store
from reconcile.stores.lease import utc_now
from reconcile.stores.own_names import is_own_blob

_PIECE = 4_000_000
"""Bytes of a plan in one blob."""


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run whose journal is still in the store, and its plan."""

    run: Run
    plan: Plan

    @property
    def left(self) -> tuple[RecordChange, ...]:
        """The changes that were not made."""
        outcomes = self.run.outcomes
        return tuple(
            change
            for change in self.plan.records()
            if change.action is not Action.CONFLICT
            and (
                change.address not in outcomes or outcomes[change.address].status is not Status.DONE
            )
        )


def unfinished(store: Store) -> list[OpenRun]:
    """Return the runs that are kept in the store, oldest first.

    There is at most one, unless a process died while it replaced one run by another. A journal
    without an intent and without a complete plan does not count: nothing was sent, and nothing can
    be resumed. Such a journal remains if a process lost the lock and its first line arrived after
    another process had removed the run; the next run removes it.

    Raises UsageError if a run's journal or plan was damaged or removed from outside.
    """
    found: list[OpenRun] = []
    for name in open_runs(store):
        run = read_run(store, name)
        if run is None:
            continue
        if (plan := _kept_plan(store, run.head)) is not None:
            _require_match(run, plan)
            found.append(OpenRun(run, plan))
        # A run that ends at this moment removes its journal before its plan: read it again.
        elif (run := read_run(store, name)) is not None and run.intents:
            raise UsageError(
                f"the plan of the unfinished run {name} is missing or damaged in {store.where}",
                hint="restore plans/ from a backup; or remove plans/ and runs/ there: the records "
                "that the run created are then found by their keys",
            )
    return found


def new_run() -> str:
    """Return a name for a new run. Names sort by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{token_hex(3)}"


def begin(
    store: Store,
    state: State,
    planned: Plan,
    runs: Sequence[OpenRun],
    lease: Lease,
    *,
    origin: Origin,
    who: str,
    name: str,
) -> tuple[Journal, AuditWriter]:
    """Return the journal of the run that carries out a plan, and the writer of its audit entries.

    If one of ``runs`` had begun the plan, it is resumed; otherwise a new run with this ``name``
    begins. The other runs, resolved by now, are removed. Raises UsageError if the journal to resume
    is missing.
    """
    since = utc_now()
    process = Process(0, "resume", origin, since, planned.allowed)
    log = AuditWriter(AuditLog(store), planned, state.audit)
    digest = pinned_digest(planned) if runs else ""
    for one in runs:
        if one.run.head.plan == digest:
            name = one.run.head.run
            forget_runs(store, state, keep=name)
            AppliedPlans(store, state).begin(digest, name, state.serial, after=None)
            run = log.catch_up(name)
            if run is None:
                raise UsageError(
                    f"the journal of run {name} is missing from {store.where}", hint="plan again"
                )
            journal = Journal(store, run, lease.check)
            journal.resume(process)
            return journal, log
    forget_runs(store, state)
    # The plan comes first: the in-doubt writes of a journal without it could not be resolved.
    kept = _keep_plan(store, name, planned, created=since)
    digest = kept.pinned
    head = RunHead(
        run=name,
        plan=digest,
        content=kept.content,
        portal_id=planned.target.portal_id,
        who=who,
        since=since,
        total=sum(1 for _ in planned.records()),
        allow=process.allow,
        audit=log.head.number,
    )
    journal = Journal(store, Run(head, replace(process, event="apply")), lease.check)
    journal.begin()
    # Before anything is sent: applied twice, the plan could recreate what was removed since.
    applied = AppliedPlans(store, state)
    after = applied.find(digest, planned.serial)
    applied.begin(digest, name, state.serial, after=after)
    return journal, log


def end(
    state: State, planned: Plan, journal: Journal, log: AuditWriter, stopped: str
) -> tuple[tuple[Outcome, ...], bool]:
    """End a run, complete or not, and write what is left of it to the audit log.

    Return its outcomes in the plan's order, as its journal has them, and whether the run can be
    resumed. Raises Unfinished if the journal cannot be written or read.
    """
    try:
        journal.end(stopped)
        run = log.catch_up(journal.run)
        if run is None:
            raise _unknown(stopped or "its journal is gone")
        remember_standing(state, planned, run.outcomes, ended=not run.open)
        _remember_log(state, journal, log)
        if not run.open:
            close_ended(journal.store, state, [OpenRun(run, planned)])
    except ReconcileError as error:
        raise _unknown(stopped or str(error)) from error
    return tuple(run.outcome(change) for change in planned.records()), run.open


def log_rest(state: State, journal: Journal, plan: Plan) -> None:
    """Write what the audit log lacks of a run that has ended."""
    log = AuditWriter(AuditLog(journal.store), plan, state.audit)
    log.catch_up(journal.run)
    _remember_log(state, journal, log)


def unlogged(store: Store) -> list[Entry]:
    """Return what the audit log lacks of all journals, as entries numbered 0.

    Raises UsageError if a run's journal or plan was damaged or removed from outside.
    """
    return [
        entry
        for one in unfinished(store)
        if not one.run.audited
        for entry in AuditWriter(AuditLog(store), one.plan, None).unlogged(one.run.head.run)
    ]


def _remember_log(state: State, journal: Journal, log: AuditWriter) -> None:
    """Remember in the state how far the log goes, so that a truncated log is detected."""
    state.audit = log.head
    state.flush()
    journal.audited()


def _unknown(why: str) -> Unfinished:
    return Unfinished(
        f"the run was interrupted and its outcome is unknown: {why}",
        hint="run `reconcile status`, then `reconcile resume`: the journal names every write that "
        "was begun, and what became of each is read from HubSpot",
    )


def _keep_plan(store: Store, run: str, plan: Plan, *, created: str) -> Footer:
    """Save the plan of a run for recovery and resuming, and return its footer."""
    piece, number, line = bytearray(), 0, b""
    for line in dump(plan, version=__version__, created=created):
        piece += line
        if len(piece) >= _PIECE:
            store.write(_name(run, number), bytes(piece), None)
            piece, number = bytearray(), number + 1
    store.write(_name(run, number), bytes(piece), None)
    return footer_of(line)


def close_ended(
    store: Store, state: State, runs: Sequence[OpenRun], *, but: str = ""
) -> list[OpenRun]:
    """Remember the plans of completed runs as applied, and remove their journals.

    A run of the plan with the pinned digest ``but`` is kept. Return the runs that remain.
    """
    over = [one for one in runs if not one.run.open and one.run.head.plan != but]
    applied = AppliedPlans(store, state)
    for one in over:
        applied.end(one.run.head.run, as_applied(one, state.serial))
        _drop(store, one.run.head.run)
    return [one for one in runs if one.run.open or one.run.head.plan == but]


def as_applied(one: OpenRun, serial: int) -> AppliedPlan:
    """Return what the state remembers of a completed run's plan."""
    left = tuple(str(change.address.folded()) for change in one.left)
    now = utc_now()
    return AppliedPlan(one.run.head.plan, serial, (one.run.head.run,), now, left)


def forget_runs(store: Store, state: State, *, keep: str = "") -> None:
    """Remove every run except ``keep``, and remember that they were superseded."""
    applied = AppliedPlans(store, state)
    for name in open_runs(store):
        if name != keep:
            applied.supersede(name, state.serial)
            drop_run(store, name)
    plans = filter(is_own_blob, store.names("plans/"))
    store.remove(*(name for name in plans if not (keep and name.startswith(f"plans/{keep}/"))))


def _drop(store: Store, run: str) -> None:
    drop_run(store, run)
    store.remove(*filter(is_own_blob, store.names(f"plans/{run}/")))


def _kept_plan(store: Store, head: RunHead) -> Plan | None:
    """Return a run's plan; None if it is missing, damaged, or another run's."""
    names = filter(is_own_blob, store.names(f"plans/{head.run}/"))
    pieces = [piece for _, piece in store.read_many(names)]
    try:
        plan, footer = load(b"".join(pieces))
    except UsageError:
        return None
    return plan if footer.pinned == head.plan else None


def _require_match(run: Run, plan: Plan) -> None:
    """Raise UsageError if a run's journal does not match its plan."""
    planned = {change.address for change in plan.records()}
    if run.head.total != len(planned) or not run.records <= planned:
        raise UsageError(
            f"the journal of run {run.head.run} is damaged: it does not match the run's plan",
            hint=RESTORE_HINT,
        )


def _name(run: str, number: int) -> str:
    return f"plans/{run}/{number:06}.json"
