"""The steps of a plan, from the manifests' units to a ``Plan``."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reconcile.errors import (
    ManifestError,
    Problem,
    UsageError,
)
from reconcile.fetching.actual import Fetcher
from reconcile.fetching.parents import ParentReader
from reconcile.fetching.references import bind, mutual_links
from reconcile.fetching.requirements import (
    association_pairs,
    declared_keys,
    properties_to_read,
    read_definitions,
)
from reconcile.model.address import Address
from reconcile.model.batches import shard_of
from reconcile.model.digest import desired_digest
from reconcile.model.plan import Plan, UnitChange
from reconcile.model.records import LastApplied, Lifecycle, Observed, Unit
from reconcile.model.references import Bindings, pointer
from reconcile.planning.assemble import assemble
from reconcile.planning.identity_collisions import mark_collisions
from reconcile.planning.parent_conflicts import other_parents
from reconcile.planning.planner import plan_unit, unit_faults
from reconcile.planning.record_input import Context
from reconcile.planning.validate import identity_problems
from reconcile.recovery.in_doubt import units_in_doubt
from reconcile.recovery.runs import unfinished
from reconcile.session import Session
from reconcile.state.applied_plans import AppliedPlans
from reconcile.state.managed import find_managed

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
    advance: Advance = lambda _: None,
) -> Plan:
    """Return what applying ``units`` would change. Writes nothing anywhere.

    - ``declared``: all units of the project, if ``units`` are only some of them, so that a record
      declared elsewhere counts as declared.
    - ``recreate``: addresses of records to create again if they were archived or deleted.
    - ``prune``: archive what the state manages and nothing declares. It requires all units.
    - ``allow``: the guards that may trip, as ``--allow`` takes them.
    - ``broken``: the problems of manifests that could not be read.

    Units with an in-doubt write of an interrupted run are left out (``Plan.in_doubt``), and so are
    units that refer to a record which such a write may have created.

    Raises ManifestError for ``broken`` and for what the other manifests get wrong by themselves,
    together with what the account refuses of the rest. Without such errors, what the account
    refuses is a conflict of the record that it concerns.
    """
    state = session.state()
    AppliedPlans(session.store, state)  # raises if damaged: the plan could not be applied
    in_doubt = frozenset(
        address
        for one in unfinished(session.store)
        for address in units_in_doubt(one.run, one.plan)
    )
    everything = declared or units
    _require_declared(recreate, everything)
    again = frozenset(address.folded() for address in recreate)
    identities = session.settings.target.identity
    known = find_managed(state, everything, prune=prune)
    declarations = {unit.address: unit for unit in units}
    units = known.with_removals(units)
    errors = {
        *broken,
        *(problem for unit in units for problem in identity_problems(unit, identities)),
    }
    conflicts: list[Problem] = []
    definitions = read_definitions(session.hubspot, identities, session.account.currencies, units)
    fetcher = Fetcher(
        session.hubspot,
        identities,
        properties_to_read(units, known.removed_properties),
        association_pairs(everything, state),
    )
    bindings, parents = bind(
        session.hubspot,
        identities,
        units,
        everything=everything,
        state=state,
        known=known,
        recreate=again,
    )
    context = Context(
        definitions,
        identities,
        state.hasher,
        bindings,
        declared=declared_keys(everything),
        recreate=again,
        shared_ids=known.sharing_an_id,
        reverse_associations=frozenset(mutual_links(everything, state, known, bindings)),
        keys=known.unit_keys,
        incomplete=bool(broken),
    )

    left_out = _left_out(units, in_doubt, bindings)
    reader = ParentReader(session.hubspot)
    changes: list[UnitChange] = []
    stood: list[Address] = []
    unchanged = 0
    planned = [unit for unit in units if unit.address not in left_out]
    ordered = sorted(planned, key=lambda unit: (shard_of(unit.address), unit.address))
    for start in range(0, len(ordered), CHUNK):
        chunk = ordered[start : start + CHUNK]
        last = {unit.address: known.last_applied(unit, state) for unit in chunk}
        known_ids = {name: entry for unit in last.values() for name, entry in unit.items()}
        observed = fetcher.observe(chunk, known_ids, parents)
        seen = [(unit, observed[unit.address], last[unit.address]) for unit in chunk]
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
    made = assemble(
        tuple(mark_collisions(changes, identities, state.entries)),
        target=session.pin,
        lineage=state.lineage,
        identities=identities,
        unchanged=unchanged,
        undeclared=known.undeclared,
        limits=session.settings.guards.limits(),
        allowed=frozenset(allow),
        definitions=definitions,
        prune=prune,
        unchecked=reader.unchecked,
        recorded_conflicts=stood,
        serial=state.serial,
    )
    return replace(made, in_doubt=tuple(sorted(left_out)))


def _left_out(
    units: Iterable[Unit], in_doubt: frozenset[Address], bindings: Bindings
) -> frozenset[Address]:
    """Return the units in doubt, and those that refer to records which these may create."""
    left = {
        unit.address
        for unit in units
        if unit.address.folded() in in_doubt
        or (unit.former is not None and unit.former.folded() in in_doubt)
    }
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


def _pinned(change: UnitChange, declared: Unit | None) -> UnitChange:
    return replace(change, manifest=desired_digest(declared)) if declared is not None else change


def _plan_chunk(
    units: Sequence[tuple[Unit, Observed, Mapping[Address, LastApplied]]],
    context: Context,
    parents: ParentReader,
) -> Iterator[tuple[UnitChange | None, int]]:
    """Plan units, and again those with a changed line item that belongs to another record.

    So only the parents of line items that would change are read.
    """
    drafts = [plan_unit(unit, seen, last, context) for unit, seen, last in units]
    owners = parents.before(change for one, _ in drafts if one for change in one.changes)
    for (unit, seen, last), draft in zip(units, drafts, strict=True):
        elsewhere = other_parents(draft[0], owners) if draft[0] else {}
        if elsewhere:
            yield plan_unit(unit, replace(seen, other_parents=elsewhere), last, context)
        else:
            yield draft


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
