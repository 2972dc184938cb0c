"""The steps of a plan, from the manifests' units to a ``Plan``."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from reconcile.errors import (
    CallRefused,
    ManifestError,
    Problem,
    UsageError,
)
from reconcile.fetching.actual import Fetcher
from reconcile.fetching.foreign_lines import has_exact_lines
from reconcile.fetching.parents import ParentReader
from reconcile.fetching.references import bind, mutual_links
from reconcile.fetching.requirements import (
    association_pairs,
    declared_keys,
    properties_to_read,
    read_definitions,
    readable_pairs,
)
from reconcile.manifests.files import PROJECT_FILE
from reconcile.model.address import Address
from reconcile.model.batches import shard_of
from reconcile.model.bound_records import BoundRecords, bound_records
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Plan
from reconcile.model.policy import Policy
from reconcile.model.records import Lifecycle, Unit
from reconcile.model.references import Bindings, pointer
from reconcile.planning.assemble import assemble
from reconcile.planning.exact_lines import once
from reconcile.planning.identity_collisions import mark_collisions
from reconcile.planning.moves import count_leaving, keep_parents
from reconcile.planning.planner import unit_faults
from reconcile.planning.policy_problems import policy_problems
from reconcile.planning.record_input import Context, RecordInput
from reconcile.planning.unreachable_references import without_unplanned
from reconcile.project.declared import target_problems
from reconcile.recovery.in_doubt import addresses_in_doubt
from reconcile.recovery.runs import unfinished
from reconcile.selecting.selectors import Selection
from reconcile.session import Session
from reconcile.state.applied_plans import AppliedPlans
from reconcile.state.managed import ManagedRecords, find_managed
from reconcile.state.state import State
from reconcile.stores.contract import Store
from reconcile.workflow.limited_units import limit
from reconcile.workflow.planned_units import PlannedUnits, Seen

CHUNK = 1000
"""Units that are read and compared at a time; only keys are held for all of them."""

Advance = Callable[[int], None]


def plan(
    session: Session,
    units: Sequence[Unit],
    *,
    declared: Sequence[Unit] = (),
    recreate: frozenset[Address] = frozenset(),
    prune: bool = False,
    allow: Collection[str] = (),
    broken: Sequence[Problem] = (),
    selection: Selection | None = None,
    advance: Advance = lambda _: None,
    watch: Callable[[RecordInput], None] | None = None,
) -> Plan:
    """Return what applying ``units`` would change. Writes nothing anywhere.

    - ``declared``: all units of the project, if ``units`` are only some of them, so that a record
      declared elsewhere counts as declared.
    - ``recreate``: addresses of records to create again if they were archived or deleted.
    - ``prune``: archive what the state manages and nothing declares. It requires all units, but
      for those that the selection leaves out: what it does not select is not archived either.
    - ``allow``: what is let in that would be held back, as ``--allow`` takes it.
    - ``broken``: the problems of manifests that could not be read.
    - ``selection``: what to plan of the units, and of what nothing declares any more.
    - ``watch``: gets what is compared of each record that is planned.

    Units with an in-doubt write of an interrupted run are left out (``Plan.in_doubt``), and so are
    units that refer to a record which such a write may have created.

    Raises UsageError for a selection that matches nothing.

    Raises ManifestError for ``broken``, for what the other manifests get wrong by themselves, and
    for properties of the project's policy that the account does not have, together with what the
    account refuses of the rest. Without such errors, what the account refuses is a conflict of the
    record that it concerns.
    """
    state = session.state()
    AppliedPlans(session.store, state)  # raises if damaged: the plan could not be applied
    everything = declared or units
    identities = session.settings.target.identity
    manage = session.settings.target.manage
    limited = limit(units, selection, everything=everything, state=state, broken=broken)
    units = limited.units
    _require_planned(recreate, units, everything)
    known = find_managed(state, everything, prune=prune, selected=limited.names)
    declarations = {unit.address: unit for unit in units}
    reverts = {kind: frozenset(names) for kind, names in session.settings.drift.items()}
    units = tuple(map(manage.opened, known.with_removals(units)))
    problems = {*broken, *target_problems(units, session.settings)}
    if problems:  # what may not be written is not read either
        units, everything = tuple(map(manage.only, units)), tuple(map(manage.only, everything))
    inputs = _inputs(
        session,
        units,
        everything,
        state=state,
        known=known,
        recreate=frozenset(address.folded() for address in recreate),
        policy=Policy(reverts, drift=any(one.startswith("drift=") for one in allow), manage=manage),
        incomplete=bool(broken),
    )
    context = inputs.context
    # A reference may lead through units beside those that are planned.
    in_doubt = _left_out((*everything, *units), _in_doubt(session.store), context.bindings)
    planned = [unit for unit in units if unit.address not in in_doubt]
    chunks = _observe(planned, state, known, inputs)
    problems |= {*policy_problems(session.settings.drift, context.definitions)}
    _require_no(problems, chunks, context)
    reader = ParentReader(session.hubspot)
    made = PlannedUnits(context, reader, declarations, watch)
    stood: list[Address] = []
    for chunk in chunks:
        made.add(chunk)
        stood += (unit.address for unit, _, _ in chunk if state.has_standing(unit.address))
        state.release()
        advance(len(chunk))
    changes = tuple(once(without_unplanned(made.changes)))
    changes = tuple(mark_collisions(changes, identities, state.entries))
    assembled = assemble(
        tuple(keep_parents(changes, made.under, made.bound)),
        target=session.pin,
        lineage=state.lineage,
        identities=identities,
        unchanged=made.unchanged,
        undeclared=known.undeclared,
        limits=session.settings.limits.limits(known.managed),
        allowed=frozenset(allow),
        reverts=reverts,
        manage=manage,
        definitions=context.definitions,
        prune=prune,
        unchecked=reader.unchecked,
        recorded_conflicts=stood,
        serial=state.serial,
        hasher=state.hasher if state.has_key else None,
    )
    left_out = in_doubt.intersection(unit.address for unit in units)
    folded = {unit.address.folded() for unit in planned}
    return replace(
        assembled,
        in_doubt=tuple(sorted(left_out)),
        unkeyed=_unkeyed(session, assembled, known),
        others=max(0, made.others - count_leaving(assembled.units, folded)),
        selected=limited.selected,
    )


def _bound(
    session: Session, state: State, units: Collection[Unit], everything: Collection[Unit]
) -> BoundRecords:
    """Return what documents are bound to, if a plan of ``units`` may archive anything."""
    going = [one for unit in units for one in unit.records if one.lifecycle is Lifecycle.ABSENT]
    if not going and not any(map(has_exact_lines, units)):
        return BoundRecords()
    gone = (r for unit in units for r in unit.records if r.lifecycle is not Lifecycle.PRESENT)
    names = (one.folded() for r in gone for one in (r.address, r.former) if one is not None)
    target = session.settings.target
    return bound_records(
        state.entries(),
        everything,
        removed=frozenset(names),
        identities=target.identity,
        target=target.name,
    )


def _unkeyed(session: Session, made: Plan, known: ManagedRecords) -> tuple[tuple[str, int], ...]:
    """Return how many other records without a key there are of the orders and carts to be created.

    What is to be created may be one of them. The number is for people: it may be missing, and the
    index that it comes from lags.
    """
    creates = {one.address.kind for one in made.records() if one.action is Action.CREATE}
    adopted = Counter(
        one.address.kind for unit in made.units for one in (*unit.changes, *unit.held) if one.adopts
    )
    found: dict[str, int] = {}
    for kind in kinds().values():
        identity = session.settings.target.identity[kind.name]
        if kind.name in creates and kind.is_unit and identity.key_property:
            with suppress(CallRefused):
                number = session.hubspot.searches.count_without(kind.object, identity.key_property)
                without = adopted[kind.name]
                without += known.managed[kind.name] if identity.may_lack_key else 0
                found[kind.name] = max(0, number - without)
    return tuple(sorted((kind, number) for kind, number in found.items() if number))


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What all units of a plan share.

    ``fetcher`` reads their records; ``parents`` are the ids of parents that no manifest declares,
    by unit.
    """

    fetcher: Fetcher
    parents: Mapping[Address, str]
    context: Context


def _inputs(
    session: Session,
    units: Sequence[Unit],
    everything: Sequence[Unit],
    *,
    state: State,
    known: ManagedRecords,
    recreate: frozenset[Address],
    policy: Policy,
    incomplete: bool,
) -> _Inputs:
    """Read the account's definitions, and the records that references point at."""
    hubspot, identities = session.hubspot, session.settings.target.identity
    bound = _bound(session, state, units, everything)
    pairs = association_pairs(everything, state, policy.manage)
    currencies = session.account.currencies
    definitions = read_definitions(hubspot, identities, currencies, units, pairs)
    fetcher = Fetcher(
        hubspot,
        identities,
        properties_to_read(units, known.removed_properties, policy.manage, bound),
        readable_pairs(pairs, definitions),
        target=session.settings.target.name,
        defined=definitions.properties,
        bound=bound,
    )
    found = bind(
        hubspot,
        identities,
        units,
        everything=everything,
        state=state,
        known=known,
        recreate=recreate,
    )
    mutual = dict(mutual_links(everything, state, known, found.bindings))
    context = Context(
        definitions,
        identities,
        state.hasher,
        found.bindings,
        declared=declared_keys(everything),
        recreate=recreate,
        shared_ids=known.sharing_an_id,
        reverse_associations=frozenset(mutual),
        referred={
            (to, bound.id): by
            for (to, by, _), bound in found.bindings.items()
            if to in kinds() and by not in ("key", "id")
        },
        applied_from_other_end=frozenset(one for one, applied in mutual.items() if applied),
        unresolved=found.unresolved,
        keys=known.unit_keys,
        policy=policy,
        target=session.settings.target.name,
        bound=bound,
        incomplete=incomplete,
    )
    return _Inputs(fetcher, found.parents, context)


def _observe(
    units: Iterable[Unit], state: State, known: ManagedRecords, inputs: _Inputs
) -> Iterator[list[Seen]]:
    """Yield units, a chunk at a time, with what HubSpot and the state have of them."""
    ordered = sorted(units, key=lambda unit: (shard_of(unit.address), unit.address))
    for start in range(0, len(ordered), CHUNK):
        chunk = ordered[start : start + CHUNK]
        last = {unit.address: known.last_applied(unit, state) for unit in chunk}
        known_ids = {name: entry for unit in last.values() for name, entry in unit.items()}
        observed = inputs.fetcher.observe(chunk, known_ids, inputs.parents)
        yield [(unit, observed[unit.address], last[unit.address]) for unit in chunk]


def _require_no(
    problems: Collection[Problem], chunks: Iterable[Sequence[Seen]], context: Context
) -> None:
    """Raise ManifestError for problems, with what the account refuses of all the rest."""
    if problems:
        faults = (
            fault for chunk in chunks for one in chunk for fault in unit_faults(*one, context)
        )
        files = {PROJECT_FILE if one.file == PROJECT_FILE else "the manifests" for one in problems}
        title = " and ".join(sorted(files))
        raise ManifestError(tuple(problems), title=title, conflicts=list(faults))


def _in_doubt(store: Store) -> frozenset[Address]:
    return frozenset(
        address for one in unfinished(store) for address in addresses_in_doubt(one.run, one.plan)
    )


def _left_out(
    units: Iterable[Unit], in_doubt: frozenset[Address], bindings: Bindings
) -> frozenset[Address]:
    """Return the units in doubt, and those that refer to records which these may create.

    A unit is in doubt by its own address, a former one, or a record that was moved into it.
    """
    if not in_doubt:
        return frozenset()
    left = {unit.address for unit in units if not in_doubt.isdisjoint(_addresses(unit))}
    while left:
        more = {
            unit.address
            for unit in units
            for record in unit.records
            for reference in record.references
            if (bound := bindings.get(pointer(reference))) is not None
            and bound.address in left
            and unit.address not in left
        }
        if not more:
            break
        left |= more
    return frozenset(left)


def _addresses(unit: Unit) -> Iterator[Address]:
    """Yield the folded addresses of a unit and its records, former ones too."""
    yield unit.address.folded()
    for record in unit.records:
        yield record.address.folded()
        if record.former is not None:
            yield record.former.folded()


def _require_planned(
    recreate: frozenset[Address], units: Iterable[Unit], everything: Iterable[Unit]
) -> None:
    """Raise UsageError for addresses to create again that no manifest declares, or no plan has."""
    wanted = {address.folded(): str(address) for address in recreate}
    unknown = sorted(wanted[one] for one in wanted.keys() - _present(everything))
    if unknown:
        raise UsageError(
            f"no manifest declares {', '.join(unknown)}",
            hint="--recreate takes addresses as the plan shows them, such as order/NW-10248",
        )
    left_out = sorted(wanted[one] for one in wanted.keys() - _present(units))
    if left_out:
        raise UsageError(
            f"this plan leaves out {', '.join(left_out)}, which --recreate names",
            hint="plan with paths and a selection that take in what --recreate names",
        )


def _present(units: Iterable[Unit]) -> frozenset[Address]:
    """Return the folded addresses of the records that are declared to exist."""
    return frozenset(
        record.address.folded()
        for unit in units
        for record in unit.records
        if record.lifecycle is Lifecycle.PRESENT
    )
