"""The two stories, plan and apply, from top to bottom."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_hex

from reconcile.applying.executor import Executor
from reconcile.applying.item import Tools
from reconcile.errors import GuardRefused, ManifestError, Problem, StalePlan, UsageError
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.fetch import Fetcher
from reconcile.model.address import Address, fold
from reconcile.model.definitions import Definitions, Property
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind, kinds
from reconcile.model.outcome import Report
from reconcile.model.plan import Plan, UnitChange
from reconcile.model.records import Reference, Unit
from reconcile.planning.case import Context
from reconcile.planning.check import check
from reconcile.planning.plan import assemble
from reconcile.planning.planner import plan_unit
from reconcile.planning.references import Bindings, Bound, pointer
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
    recreate: frozenset[Address] = frozenset(),
    advance: Advance = lambda _: None,
) -> Plan:
    """What applying ``units`` would change. Writes nothing anywhere.

    Raises ManifestError for what the account's definitions refuse and for references to nothing.
    """
    state = session.state()
    identities = session.settings.target.identity
    definitions = read_definitions(session.hubspot, identities, units)
    if problems := check(units, definitions, identities):
        raise ManifestError(problems)
    fetcher = Fetcher(session.hubspot, identities, _properties(units), _pairs(units, state))
    declared = _declared(units)
    bindings, parents = _bind(fetcher, units, state, declared, recreate)
    context = Context(
        definitions,
        identities,
        state.hasher,
        bindings,
        declared,
        recreate,
        frozenset(_mutual(units, state, bindings)),
    )

    changes: list[UnitChange] = []
    unchanged = 0
    ordered = sorted(units, key=lambda unit: (shard_of(unit.address), unit.address))
    for start in range(0, len(ordered), CHUNK):
        chunk = ordered[start : start + CHUNK]
        last = {unit.address: state.unit(unit.address) for unit in chunk}
        known = {address: entry for entries in last.values() for address, entry in entries.items()}
        observed = fetcher.observe(chunk, known, parents)
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
        unchanged=unchanged,
        undeclared=_undeclared(state, declared),
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
    begun = time.monotonic()
    before = sum(session.hubspot.calls.values())
    now = datetime.now(UTC)
    info = LockInfo(who=who, since=now.isoformat(timespec="seconds"), doing="apply")
    with session.store.lock(info):
        state = session.state(writing=True)
        if planned.lineage and planned.lineage != state.lineage:
            raise StalePlan(
                "the plan was made from another state than the one here",
                hint="plan again with this state, or bring back the one the plan was made from",
            )
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


def read_definitions(
    hubspot: HubSpot, identities: Mapping[str, Identity], units: Iterable[Unit]
) -> Definitions:
    """The account's definitions that these units depend on.

    Raises UsageError where a kind's key property is missing or not unique.
    """
    used: set[str] = set()
    labelled: set[tuple[str, str]] = set()
    for unit in units:
        for record in unit.records:
            used.add(record.address.kind)
            labelled |= {(record.address.kind, r.to) for r in record.references if r.label}
    mine = [kind for kind in kinds().values() if kind.name in used]
    properties = {kind.name: hubspot.properties(kind.object) for kind in mine}
    for kind in mine:
        _require_key(kind, identities[kind.name], properties[kind.name])
    return Definitions(
        properties,
        {kind.name: hubspot.pipelines(kind.object) for kind in mine if kind.pipeline},
        {
            (name, to): hubspot.labels(kinds()[name].object, kinds()[name].associations[to].object)
            for name, to in sorted(labelled)
        },
    )


def _require_key(kind: Kind, identity: Identity, properties: Mapping[str, Property]) -> None:
    if not identity.unique:
        return
    definition = properties.get(identity.name)
    if definition is None:
        raise UsageError(
            f"the account has no property {identity.name!r} for {kind.plural}, "
            "so it cannot be told which record a key means",
            hint="run `reconcile init` once for this target: it plans and makes the property",
        )
    if not definition.unique:
        raise UsageError(
            f"the property {identity.name!r} of {kind.plural} is not unique, "
            "so two records could carry one key",
            hint="uniqueness can only be given when a property is made: name another property "
            "under the target's `identity`, then run `reconcile init`",
        )


def _properties(units: Iterable[Unit]) -> Mapping[str, Sequence[str]]:
    names: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        for record in unit.records:
            names[record.address.kind].update(record.properties)
    return {kind: sorted(found) for kind, found in names.items()}


def _pairs(units: Iterable[Unit], state: State) -> frozenset[tuple[str, str]]:
    declared = {(r.address.kind, ref.to) for u in units for r in u.records for ref in r.references}
    return state.linked() | declared


def _declared(units: Iterable[Unit]) -> Mapping[str, frozenset[str]]:
    keys: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        for record in unit.records:
            keys[record.address.kind].add(fold(record.address.key))
    return {kind: frozenset(found) for kind, found in keys.items()}


def _bind(
    fetcher: Fetcher,
    units: Sequence[Unit],
    state: State,
    declared: Mapping[str, frozenset[str]],
    recreate: frozenset[Address],
) -> tuple[Bindings, Mapping[Address, str]]:
    """What every reference points at, and the ids of parents that something else owns."""
    references = [r for unit in units for record in unit.records for r in record.references]
    outside = {unit.address: unit.parent for unit in units if unit.root is None and unit.parent}
    found = fetcher.resolve([*references, *outside.values()])
    by_fold = {
        (unit.address.kind, fold(unit.address.key)): unit.address for unit in units if unit.root
    }
    bindings: dict[tuple[str, str, str], Bound] = {}
    problems: list[Problem] = []
    for reference in references:
        end = pointer(reference)
        if end in found:
            bindings[end] = Bound(id=found[end])
        elif reference.by == "key" and fold(reference.value) in declared.get(reference.to, ()):
            address = by_fold[reference.to, fold(reference.value)]
            entry = state.unit(address).get(address)
            if entry is None or address in recreate:
                bindings[end] = Bound(address=address)
            else:
                bindings[end] = Bound(id=entry.id)
        else:
            problems.append(_dangling(reference))
    problems += (_dangling(r) for r in outside.values() if pointer(r) not in found)
    if problems:
        raise ManifestError(problems)
    return bindings, {address: found[pointer(r)] for address, r in outside.items()}


def _mutual(
    units: Iterable[Unit], state: State, bindings: Bindings
) -> Iterable[tuple[str, str, str, str]]:
    """Associations of known records as their other end sees them; see Context."""
    for unit in units:
        for record in unit.records:
            ends = [r for r in record.references if r.to in kinds()]
            if ends and (entry := state.unit(unit.address).get(record.address)):
                for reference in ends:
                    other = bindings[pointer(reference)].id
                    yield reference.to, other, record.address.kind, entry.id


def _dangling(reference: Reference) -> Problem:
    return Problem(
        *reference.place,
        f"no {reference.to} has {reference.by} {reference.value!r}",
        "neither HubSpot nor the manifests have it" if reference.by == "key" else "",
    )


def _undeclared(state: State, declared: Mapping[str, frozenset[str]]) -> Iterable[Address]:
    return [
        record
        for _, record in state.addresses()
        if fold(record.key) not in declared.get(record.kind, frozenset())
    ]
