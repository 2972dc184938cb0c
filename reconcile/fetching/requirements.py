"""What a plan needs to know beyond its units: definitions, and what references point at."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from reconcile.errors import UsageError
from reconcile.fetching.actual import Fetcher
from reconcile.model.address import Address, fold
from reconcile.model.definitions import Definitions, Owners, Property
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind, kinds
from reconcile.model.records import Lifecycle, Unit
from reconcile.planning.owners import named_owners
from reconcile.planning.references import Bindings, Bound, pointer
from reconcile.session import Session
from reconcile.state.managed import Survey
from reconcile.state.state import State


def read_definitions(session: Session, units: Sequence[Unit]) -> Definitions:
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
        _owners(session, properties, units),
    )


def _owners(
    session: Session, properties: Mapping[str, Mapping[str, Property]], units: Iterable[Unit]
) -> Owners | None:
    """The account's owners, where some declared value names one and the token may read them."""
    if not any(named_owners(properties, units)):
        return None
    found = session.hubspot.owners()
    return Owners.of(found) if found is not None else None


def _require_key(kind: Kind, identity: Identity, properties: Mapping[str, Property]) -> None:
    if identity.by_id:
        return
    definition = properties.get(identity.name)
    if identity.within_parent:
        if definition is None or not definition.usable_as_identity:
            raise UsageError(
                f"{kind.plural} have no text property {identity.name!r} to write, by which they "
                "are to be found under their parents",
                hint="name one under the target's `identity`, for example within_parent:hs_sku",
            )
        return
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


def properties_of(
    units: Iterable[Unit], managed: Mapping[str, Iterable[str]]
) -> Mapping[str, Sequence[str]]:
    """The names of the properties to read, by kind: those that units declare, and of records to
    be removed what was last applied (``managed``) and what people call them. Of a pipeline and its
    stage both are read where either is declared, since one limits the other.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for kind, found in managed.items():
        names[kind].update(found)
    for unit in units:
        for record in unit.records:
            names[record.address.kind].update(record.properties)
            if record.lifecycle is Lifecycle.ABSENT:
                names[record.address.kind].add(kinds()[record.address.kind].title)
    for name, found in names.items():
        pipeline = kinds()[name].pipeline
        if pipeline and not pipeline.together.isdisjoint(found):
            found.update(pipeline.together)
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
    known: Survey,
    *,
    recreate: frozenset[Address],
) -> tuple[Bindings, Mapping[Address, str]]:
    """Return what references point at, and the ids of parents that something else owns.

    ``everything`` is all that is declared, ``units`` what is planned. What points at nothing is in
    neither answer.
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
    roots = {
        unit.address.folded(): unit
        for unit in everything
        if unit.root and unit.root.lifecycle is Lifecycle.PRESENT
    }
    formers = [unit.root.moved_from for unit in roots.values() if unit.root and unit.former]
    found = fetcher.resolve(
        [*references, *between, *outside.values(), *(former for former in formers if former)]
    )
    bindings: dict[tuple[str, str, str], Bound] = {}
    for reference in dict.fromkeys([*references, *between]):
        end = pointer(reference)
        if end in found:
            bindings[end] = Bound(id=found[end])
        elif reference.by == "key" and (
            unit := roots.get(Address(reference.to, fold(reference.value)))
        ):
            id_ = _known_id(unit, state, known, found, recreate)
            bindings[end] = Bound(id=id_) if id_ else Bound(address=unit.address)
    return bindings, {a: found[pointer(r)] for a, r in outside.items() if pointer(r) in found}


def _known_id(
    unit: Unit,
    state: State,
    known: Survey,
    found: Mapping[tuple[str, str, str], str],
    recreate: frozenset[Address],
) -> str:
    """The id of a declared root that is not under its key; empty where it is to be made."""
    if unit.root is None or unit.address.folded() in recreate:
        return ""
    entry = known.entry(unit, unit.root, state)
    if entry is not None:
        return entry.id
    return found.get(pointer(unit.root.moved_from), "") if unit.root.moved_from else ""


def mutual_links(
    units: Iterable[Unit], state: State, known: Survey, bindings: Bindings
) -> Iterable[tuple[str, str, str, str]]:
    """Associations of known records as their other end sees them; see Context."""
    for unit in units:
        for record in unit.records:
            ends = [r for r in record.references if r.to in kinds()]
            if ends and (entry := known.entry(unit, record, state)):
                for reference in ends:
                    if other := bindings.get(pointer(reference)):
                        yield reference.to, other.id, record.address.kind, entry.id
