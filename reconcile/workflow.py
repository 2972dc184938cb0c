"""The two stories, plan and apply, from top to bottom."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from secrets import token_hex

from reconcile.applying.executor import Executor
from reconcile.applying.item import Tools
from reconcile.errors import AuthError, GuardRefused, ManifestError, StalePlan, UsageError
from reconcile.hubspot.fetch import Fetcher
from reconcile.inputs import (
    bind,
    declared_keys,
    mutual_links,
    pairs_of,
    properties_of,
    read_definitions,
    survey,
)
from reconcile.model.address import Address
from reconcile.model.definitions import Definitions
from reconcile.model.kinds import kinds
from reconcile.model.outcome import Report
from reconcile.model.plan import Plan, UnitChange
from reconcile.model.records import Unit
from reconcile.planning.case import Context
from reconcile.planning.check import check
from reconcile.planning.plan import assemble
from reconcile.planning.planner import plan_unit
from reconcile.session import Session
from reconcile.stores.contract import LockInfo
from reconcile.stores.state import State, shard_of

CHUNK = 1000
"""Units that are read and diffed at a time; only keys are held for all of them."""

Advance = Callable[[int], None]


def plan(
    session: Session,
    units: Sequence[Unit],
    *,
    declared: Sequence[Unit] = (),
    recreate: frozenset[Address] = frozenset(),
    advance: Advance = lambda _: None,
) -> Plan:
    """What applying ``units`` would change. Writes nothing anywhere.

    ``declared`` are all units of the project where ``units`` are some of them: what is declared
    elsewhere is neither undeclared nor undone. Raises ManifestError for what the account's
    definitions refuse and for references to nothing.
    """
    state = session.state()
    everything = declared or units
    _require_declared(recreate, everything)
    again = frozenset(address.folded() for address in recreate)
    identities = session.settings.target.identity
    definitions = read_definitions(session, units)
    if problems := check(units, definitions, identities):
        raise ManifestError(problems)
    fetcher = Fetcher(
        session.hubspot, identities, properties_of(units), pairs_of(everything, state)
    )
    known = survey(state, everything)
    bindings, parents = bind(fetcher, units, everything, state, again)
    context = Context(
        definitions,
        identities,
        state.hasher,
        bindings,
        declared=declared_keys(everything),
        recreate=again,
        shared=known.shared,
        mutual=frozenset(mutual_links(everything, state, bindings)),
    )

    changes: list[UnitChange] = []
    unchanged = 0
    ordered = sorted(units, key=lambda unit: (shard_of(unit.address), unit.address))
    for start in range(0, len(ordered), CHUNK):
        chunk = ordered[start : start + CHUNK]
        last = {
            unit.address: {
                **known.moved_to(unit),
                **state.unit(unit.address),
            }
            for unit in chunk
        }
        entries = {name: entry for unit in last.values() for name, entry in unit.items()}
        observed = fetcher.observe(chunk, entries, parents)
        for unit in chunk:
            change, same = plan_unit(unit, observed[unit.address], last[unit.address], context)
            unchanged += same
            if change is not None:
                changes.append(change)
        state.release()
        advance(len(chunk))
    return assemble(
        changes,
        target=session.pin,
        lineage=state.lineage,
        identities=identities,
        unchanged=unchanged,
        undeclared=known.undeclared,
        limits=session.settings.guards.limits(),
    )


def apply(
    session: Session,
    planned: Plan,
    *,
    allow: frozenset[str] = frozenset(),
    who: str = "",
    advance: Advance = lambda _: None,
) -> Report:
    """Carry out exactly ``planned``.

    Raises UsageError for a plan of another account, StalePlan for one of another state,
    GuardRefused for a guard that is not allowed, Locked while another run holds the lock.
    """
    if planned.target.portal_id != session.account.portal_id:
        raise UsageError(
            f"the plan is for account {planned.target.portal_id}, "
            f"but target {session.pin.name} is account {session.account.portal_id}",
            hint="choose the plan's target, or make a plan for this one",
        )
    refused = [guard for guard in planned.guards if guard.name not in allow]
    if refused:
        raise GuardRefused(
            "; ".join(f"{guard.name}: {guard.message}" for guard in refused),
            hint="look at them in the plan, then add "
            + " ".join(f"--allow {guard.name}" for guard in refused),
        )
    _require_identities(planned, session)
    _require_lineage(planned, session.state())
    _require_scopes(session, planned)
    begun = time.monotonic()
    before = sum(session.hubspot.calls.values())
    now = datetime.now(UTC)
    info = LockInfo(who=who, since=now.isoformat(timespec="seconds"), doing="apply")
    with session.store.lock(info):
        state = session.state(writing=True)
        _require_lineage(planned, state)
        identities = session.settings.target.identity
        changing = {change.address.kind for change in planned.records()}
        used = [kind for kind in kinds().values() if kind.name in changing]
        definitions = Definitions(
            {kind.name: session.hubspot.properties(kind.object) for kind in used}
        )
        state.begin(session.account.portal_id)
        executor = Executor(
            Tools(session.hubspot, identities, definitions),
            state,
            run=f"{now:%Y%m%dT%H%M%S}-{token_hex(3)}",
            advance=advance,
        )
        outcomes = executor.carry_out(planned)
    return Report(
        target=session.pin,
        outcomes=outcomes,
        calls=sum(session.hubspot.calls.values()) - before,
        seconds=time.monotonic() - begun,
        interrupted=executor.interrupted,
    )


def _require_declared(recreate: frozenset[Address], everything: Sequence[Unit]) -> None:
    known = {record.address.folded() for unit in everything for record in unit.records}
    unknown = sorted(str(address) for address in recreate if address.folded() not in known)
    if unknown:
        raise UsageError(
            f"no manifest declares {', '.join(unknown)}",
            hint="--recreate takes addresses as the plan shows them, such as order/NW-10248",
        )


def _require_identities(planned: Plan, session: Session) -> None:
    now = session.settings.target.identity
    if planned.identities != tuple((kind, i.how, i.name) for kind, i in sorted(now.items())):
        raise StalePlan(
            "the target's `identity` in reconcile.yaml is not the one the plan was made with",
            hint="plan again: other properties would find, and name, the records",
        )


def _require_lineage(planned: Plan, state: State) -> None:
    if planned.lineage and planned.lineage != state.lineage:
        raise StalePlan(
            "the plan was made from another state than the one here",
            hint="plan again with this state, or bring back the one the plan was made from",
        )


def _require_scopes(session: Session, planned: Plan) -> None:
    """Refuse a token that would fail at the first write, where HubSpot tells its scopes."""
    scopes = session.hubspot.scopes()
    if scopes is None:
        return
    changing = {change.address.kind for change in planned.records() if change.fields}
    missing = sorted(
        " or ".join(kinds()[name].write_scopes)
        for name in changing
        if scopes.isdisjoint(kinds()[name].write_scopes)
    )
    if missing:
        raise AuthError(
            f"the token may not write these records: it lacks {', '.join(missing)}",
            status=403,
            hint="give it these scopes, or apply with one that has them; nothing was written",
        )
