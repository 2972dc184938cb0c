"""What a plan needs to know beyond its units: definitions, what references point at, the state."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconcile.errors import ManifestError, Problem, UsageError
from reconcile.hubspot.fetch import Fetcher
from reconcile.model.address import Address, fold
from reconcile.model.definitions import Definitions, Property
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind, kinds
from reconcile.model.records import LastApplied, Reference, Unit
from reconcile.model.values import show
from reconcile.planning.references import Bindings, Bound, pointer
from reconcile.session import Session
from reconcile.stores.state import State


@dataclass(frozen=True, slots=True)
class Survey:
    """What the state says of the declared records as a whole. Addresses are folded ones.

    ``undeclared`` are managed records, as last spelled, that nothing declares; ``moved`` entries
    of declared records that the state has under another unit; ``shared`` declared records that
    the state has under one and the same id.
    """

    undeclared: tuple[Address, ...]
    moved: Mapping[Address, LastApplied]
    shared: frozenset[Address]

    def moved_to(self, unit: Unit) -> Mapping[Address, LastApplied]:
        """Entries of a unit's records that the state has elsewhere."""
        addresses = (record.address.folded() for record in unit.records)
        return {name: self.moved[name] for name in addresses if name in self.moved}


def survey(state: State, units: Iterable[Unit]) -> Survey:
    """Go through the state once, a shard at a time; only addresses and ids are held."""
    homes = {
        record.address.folded(): unit.address.folded() for unit in units for record in unit.records
    }
    undeclared: list[Address] = []
    candidates: dict[Address, LastApplied] = {}
    owned: set[Address] = set()
    by_id: dict[tuple[str, str], set[Address]] = defaultdict(set)
    for unit, address, entry in state.entries():
        home = homes.get(address)
        if home is None:
            undeclared.append(Address(address.kind, entry.key))
            continue
        by_id[address.kind, entry.id].add(address)
        if home == unit:
            owned.add(address)
        else:
            candidates[address] = entry
    return Survey(
        tuple(undeclared),
        {address: entry for address, entry in candidates.items() if address not in owned},
        frozenset(address for same in by_id.values() if len(same) > 1 for address in same),
    )


def read_definitions(session: Session, units: Iterable[Unit]) -> Definitions:
    """The account's definitions that these units depend on.

    Raises UsageError where a kind's key property is missing or not unique.
    """
    hubspot, identities = session.hubspot, session.settings.target.identity
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
        session.account.currencies,
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
    if definition.type != "string":
        raise UsageError(
            f"the property {identity.name!r} of {kind.plural} holds a {definition.type}, and "
            "HubSpot would spell keys its own way there",
            hint="name a unique text property under the target's `identity`",
        )


def properties_of(units: Iterable[Unit]) -> Mapping[str, Sequence[str]]:
    """The names of the properties that units declare, by kind."""
    names: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        for record in unit.records:
            names[record.address.kind].update(record.properties)
    return {kind: sorted(found) for kind, found in names.items()}


def pairs_of(units: Iterable[Unit], state: State) -> frozenset[tuple[str, str]]:
    """The (kind, associated word) pairs that units declare or the state has made."""
    declared = {(r.address.kind, ref.to) for u in units for r in u.records for ref in r.references}
    return state.linked() | declared


def declared_keys(units: Iterable[Unit]) -> Mapping[str, frozenset[str]]:
    """The folded keys of every declared record, by kind."""
    keys: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        for record in unit.records:
            keys[record.address.kind].add(fold(record.address.key))
    return {kind: frozenset(found) for kind, found in keys.items()}


def bind(
    fetcher: Fetcher,
    units: Sequence[Unit],
    everything: Sequence[Unit],
    state: State,
    recreate: frozenset[Address],
) -> tuple[Bindings, Mapping[Address, str]]:
    """What references point at, and the ids of parents that something else owns.

    ``everything`` is all that is declared, ``units`` what is planned. Raises ManifestError for
    references of ``units`` to nothing.
    """
    references = [r for unit in units for record in unit.records for r in record.references]
    between = [
        r
        for unit in everything
        for record in unit.records
        for r in record.references
        if r.to in kinds()
    ]
    outside = {unit.address: unit.parent for unit in units if unit.root is None and unit.parent}
    found = fetcher.resolve([*references, *between, *outside.values()])
    roots = {unit.address.folded(): unit.address for unit in everything if unit.root}
    bindings: dict[tuple[str, str, str], Bound] = {}
    problems: list[Problem] = []
    planned = set(references)
    for reference in dict.fromkeys([*references, *between]):
        end = pointer(reference)
        if end in found:
            bindings[end] = Bound(id=found[end])
        elif reference.by == "key" and (
            address := roots.get(Address(reference.to, fold(reference.value)))
        ):
            entry = state.unit(address).get(address.folded())
            if entry is None or address.folded() in recreate:
                bindings[end] = Bound(address=address)
            else:
                bindings[end] = Bound(id=entry.id)
        elif reference in planned:
            problems.append(_dangling(reference))
    problems += (_dangling(r) for r in outside.values() if pointer(r) not in found)
    if problems:
        raise ManifestError(problems)
    return bindings, {address: found[pointer(r)] for address, r in outside.items()}


def mutual_links(
    units: Iterable[Unit], state: State, bindings: Bindings
) -> Iterable[tuple[str, str, str, str]]:
    """Associations of known records as their other end sees them; see Context."""
    for unit in units:
        for record in unit.records:
            ends = [r for r in record.references if r.to in kinds()]
            if ends and (entry := state.unit(unit.address).get(record.address.folded())):
                for reference in ends:
                    if other := bindings.get(pointer(reference)):
                        yield reference.to, other.id, record.address.kind, entry.id


def _dangling(reference: Reference) -> Problem:
    hint = "make it in HubSpot first, or correct what stands here"
    if reference.by == "key":
        hint = "neither HubSpot nor the manifests have it: declare it, or correct the key"
    message = f"no {reference.to} has {reference.by} {show(reference.value)}"
    return Problem(*reference.place, message, hint)
