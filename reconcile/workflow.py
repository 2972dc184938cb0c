"""The stories of the commands that reach an account, from top to bottom."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from secrets import token_hex

from reconcile.applying.context import Tools
from reconcile.applying.executor import Executor
from reconcile.applying.explain_mismatch import read_histories
from reconcile.applying.halt import Halt
from reconcile.applying.pins import stale_units
from reconcile.applying.preconditions import admit, require_lineage
from reconcile.applying.standing_conflicts import remember_standing
from reconcile.applying.state_entries import Entries
from reconcile.audit.events import refused
from reconcile.audit.log import AuditLog
from reconcile.errors import (
    GuardRefused,
    Locked,
    ManifestError,
    Problem,
    ReconcileError,
    StalePlan,
    UsageError,
)
from reconcile.fetching.actual import Fetcher
from reconcile.fetching.parents import ParentReader
from reconcile.fetching.references import bind, mutual_links
from reconcile.fetching.requirements import (
    declared_keys,
    pairs_of,
    properties_of,
    read_definitions,
)
from reconcile.model.address import Address
from reconcile.model.audit import Origin
from reconcile.model.batches import shard_of
from reconcile.model.digest import desired_digest
from reconcile.model.outcome import Report
from reconcile.model.plan import Plan, UnitChange
from reconcile.model.records import LastApplied, Lifecycle, Observed, Unit
from reconcile.planning import cost
from reconcile.planning.assemble import assemble
from reconcile.planning.identity_collisions import mark_collisions
from reconcile.planning.parent_conflicts import other_parents
from reconcile.planning.plan_file import content_digest
from reconcile.planning.planner import plan_unit, unit_faults
from reconcile.planning.record_input import Context
from reconcile.planning.validate import identity_problems
from reconcile.recovery.pending import Overlay
from reconcile.recovery.recover import locked, require_same_identities, settle
from reconcile.recovery.replay import already_applied
from reconcile.recovery.runs import (
    begin,
    close_ended,
    end,
    forget_runs,
    new_run,
    unfinished,
)
from reconcile.session import Session
from reconcile.state.applied_plans import AppliedPlans
from reconcile.state.managed import survey
from reconcile.state.state import State
from reconcile.stores.contract import Lease

CHUNK = 1000
"""Units that are read and diffed at a time; only keys are held for all of them."""

Advance = Callable[[int], None]


def plan(
    session: Session,
    units: Sequence[Unit],
    *,
    declared: Sequence[Unit] = (),
    recreate: frozenset[Address] = frozenset(),
    prune: bool = False,
    broken: Sequence[Problem] = (),
    advance: Advance = lambda _: None,
) -> Plan:
    """What applying ``units`` would change. Writes nothing anywhere.

    ``declared`` are all units of the project where ``units`` are some of them: what is declared
    elsewhere is neither undeclared nor undone. ``prune`` archives what the state manages and
    nothing declares; it must not be asked for together with some units. A run that ended in the
    middle is taken for settled. ``broken`` are problems of manifests that could not be read.

    Raises ManifestError for these and for what the others get wrong by themselves, together with
    what the account does not take of the rest. Alone, that is a conflict of the record it is of.
    """
    state = session.state()
    AppliedPlans(session.store, state)  # raises where it is damaged: the plan could not be applied
    runs = unfinished(session.store)
    require_same_identities(session.settings.target.identity, runs)
    overlay = Overlay.of(runs)
    everything = declared or units
    _require_declared(recreate, everything)
    again = frozenset(address.folded() for address in recreate)
    identities = session.settings.target.identity
    known = survey(state, everything, prune=prune)
    declarations = {unit.address: unit for unit in units}
    units = known.whole(units)
    errors = {
        *broken,
        *(problem for unit in units for problem in identity_problems(unit, identities)),
    }
    conflicts: list[Problem] = []
    definitions = read_definitions(session.hubspot, identities, session.account.currencies, units)
    fetcher = Fetcher(
        session.hubspot,
        identities,
        overlay.with_properties(properties_of(units, known.managed)),
        pairs_of(everything, state) | overlay.pairs,
    )
    bindings, parents = bind(fetcher, units, everything, state, known, recreate=again)
    context = Context(
        definitions,
        identities,
        state.hasher,
        bindings,
        declared=declared_keys(everything),
        recreate=again,
        shared_ids=known.shared,
        reverse_associations=frozenset(mutual_links(everything, state, known, bindings)),
        keys=known.keys,
        incomplete=bool(broken),
    )

    entries = Entries(identities, definitions, state.hasher)
    reader = ParentReader(session.hubspot)
    changes: list[UnitChange] = []
    stood: list[Address] = []
    unchanged = 0
    ordered = sorted(units, key=lambda unit: (shard_of(unit.address), unit.address))
    for start in range(0, len(ordered), CHUNK):
        chunk = ordered[start : start + CHUNK]
        last = {unit.address: known.last(unit, state) for unit in chunk}
        known_ids = {name: entry for unit in last.values() for name, entry in unit.items()}
        observed = fetcher.observe(chunk, overlay.before(known_ids), parents)
        found = overlay.found(observed.values())
        histories = read_histories(session.hubspot, entries, found)
        seen = [
            (
                unit,
                one := observed[unit.address],
                overlay.after(unit, last[unit.address], one, context, histories),
            )
            for unit in chunk
        ]
        if errors:
            conflicts += (fault for one in seen for fault in unit_faults(*one, context))
            continue
        for change, same in _plan_chunk(seen, context, reader):
            unchanged += same
            if change is not None:
                changes.append(_pinned(change, declarations.get(change.address)))
        stood += (unit.address for unit in chunk if state.has_standing(unit.address))
        state.release()
        advance(len(chunk))
    if errors:
        raise ManifestError(tuple(errors), conflicts=conflicts)
    return assemble(
        tuple(mark_collisions(changes, identities, state.entries)),
        target=session.pin,
        lineage=state.lineage,
        identities=identities,
        unchanged=unchanged,
        undeclared=known.undeclared,
        limits=session.settings.guards.limits(),
        definitions=definitions,
        prune=prune,
        unchecked=reader.unchecked,
        recorded_conflicts=stood,
        serial=state.serial,
    )


def _pinned(change: UnitChange, declared: Unit | None) -> UnitChange:
    return replace(change, manifest=desired_digest(declared)) if declared is not None else change


def _plan_chunk(
    units: Sequence[tuple[Unit, Observed, Mapping[Address, LastApplied]]],
    context: Context,
    parents: ParentReader,
) -> Iterator[tuple[UnitChange | None, int]]:
    """Plan units; and again, where a line item to be changed belongs to another record.

    So HubSpot is asked for the parents of those line items only that would be changed.
    """
    drafts = [plan_unit(unit, seen, last, context) for unit, seen, last in units]
    owners = parents.before(change for one, _ in drafts if one for change in one.changes)
    for (unit, seen, last), draft in zip(units, drafts, strict=True):
        elsewhere = other_parents(draft[0], owners) if draft[0] else {}
        if elsewhere:
            yield plan_unit(unit, replace(seen, other_parents=elsewhere), last, context)
        else:
            yield draft


def apply(
    session: Session,
    planned: Plan,
    origin: Origin,
    *,
    declared: Sequence[Unit] | None = None,
    allow: frozenset[str] = frozenset(),
    who: str = "",
    wait: float = 0.0,
    halt: bool = False,
    advance: Advance = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
    run: str = "",
    command: str = "apply",
) -> Report:
    """Carry out exactly ``planned``, from where an earlier run of it ended.

    For a plan that was saved ``declared`` is what the manifests declare now: units whose manifests,
    labels or references have moved since are left alone. A plan that was applied before as a whole,
    and stands, is not applied again; one of which something was changed or removed since is stale.
    Waits up to ``wait`` seconds for another run to end; ``halt`` ends this one at the first record
    that is not done as planned. Raises what ``admit`` raises, StalePlan for a plan of another
    state, Locked while another run holds the lock, Unfinished where what came of it is not
    known any more. The audit log has all of it, refusals too. A new run is named ``run``, or gets
    a name made now. ``command`` is the one that the user typed.
    """
    begun = time.monotonic()
    calls = sum(session.hubspot.calls.values())
    with refusals_logged(session, planned, origin, command):
        admit(
            planned,
            allow,
            target=session.pin,
            limits=session.settings.guards.limits(),
            identities=session.settings.target.identity,
            hubspot=session.hubspot,
        )
        require_lineage(planned, session.state())
        with _locked(session, command, who, wait) as lease:
            state = session.state(writing=True)
            require_lineage(planned, state)
            runs = unfinished(session.store)
            if resolving := bool(runs):
                state.begin(session.account.portal_id)
            digest = content_digest(planned)
            mine = [one.run.head.run for one in runs if one.run.head.plan == digest]
            run = mine[0] if mine else run or new_run()
            entries = _settle(session, state, lease, origin, sleep, planned, by=run)
            runs = close_ended(session.store, state, unfinished(session.store), but=digest)
            if already := already_applied(
                planned,
                runs,
                store=session.store,
                hubspot=session.hubspot,
                state=state,
                entries=entries,
            ):
                return Report(session.pin, (), already=already)
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
                allow=allow,
                who=who,
                name=run,
            )
            tools = Tools(
                session.hubspot,
                replace(entries, run=journal.run),
                journal,
                log,
                ParentReader(session.hubspot),
                trace=_traces(journal.run),
                sleep=sleep,
                halt=Halt(on_failure=halt),
            )
            executor = Executor(tools, state, stale=stale, advance=advance)
            executor.carry_out(planned)
            outcomes, resumable = end(state, planned, journal, log, executor.stopped)
    return Report(
        target=session.pin,
        outcomes=outcomes,
        calls=sum(session.hubspot.calls.values()) - calls,
        seconds=time.monotonic() - begun,
        interrupted=executor.interrupted,
        resumable=resumable,
        estimated=cost.calls(planned),
        unchecked=tools.parents.unchecked,
        run=journal.run,
        refused=executor.refused,
        stopped=executor.stopped,
    )


def forget_resolved(session: Session, planned: Plan, *, who: str = "", wait: float = 0.0) -> None:
    """Make the state forget conflicts that no longer stand, for a plan with nothing to carry out.

    A conflict that comes back after that is a new one.
    """
    if not planned.resolved:
        return
    with _locked(session, "apply", who, wait):
        state = session.state(writing=True)
        require_lineage(planned, state)
        state.begin(session.account.portal_id)
        remember_standing(state, planned, ())
        state.flush()


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
    with _locked(session, "settle", who, wait) as lease:
        _settle(session, _begin(session), lease, origin, sleep, by=by)


def close_unfinished(
    session: Session, origin: Origin, *, who: str = "", wait: float = 0.0, by: str = "apply"
) -> None:
    """End runs whose plans are no longer wanted: everything is as declared without them."""
    if not unfinished(session.store):
        return
    with _locked(session, "settle", who, wait) as lease:
        state = _begin(session)
        _settle(session, state, lease, origin, time.sleep, by=by)
        runs = close_ended(session.store, state, unfinished(session.store))
        if not any(one.run.begun for one in runs):
            forget_runs(session.store, state)


def _begin(session: Session) -> State:
    """The state, with its head saying whose it is and by which key its hashes are made."""
    state = session.state(writing=True)
    state.begin(session.account.portal_id)
    return state


def _settle(
    session: Session,
    state: State,
    lease: Lease,
    origin: Origin,
    sleep: Callable[[float], None],
    *planned: Plan,
    by: str,
) -> Entries:
    return settle(
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


@contextmanager
def _locked(session: Session, doing: str, who: str, wait: float) -> Iterator[Lease]:
    with locked(session.store, session.hubspot, doing, who, wait) as lease:
        yield lease


@contextmanager
def refusals_logged(
    session: Session, planned: Plan, origin: Origin, command: str = "apply"
) -> Iterator[None]:
    """Put into the audit log what refuses a plan before anything of it is begun."""
    try:
        yield
    except (GuardRefused, StalePlan, Locked) as error:
        with suppress(ReconcileError):
            digest = content_digest(planned)
            event = refused(error, origin, plan=digest, source=planned.source, command=command)
            AuditLog(session.store).append([event])
        raise


def _traces(run: str) -> Callable[[], str]:
    """objectWriteTraceIds, unique among all attempts of a run."""
    attempt, numbers = token_hex(2), itertools.count(1)
    return lambda: f"{run}-{attempt}-{next(numbers)}"


def _require_declared(recreate: frozenset[Address], everything: Sequence[Unit]) -> None:
    known = {
        record.address.folded()
        for unit in everything
        for record in unit.records
        if record.lifecycle is Lifecycle.PRESENT
    }
    unknown = sorted(str(address) for address in recreate if address.folded() not in known)
    if unknown:
        raise UsageError(
            f"no manifest declares {', '.join(unknown)}",
            hint="--recreate takes addresses as the plan shows them, such as order/NW-10248",
        )
