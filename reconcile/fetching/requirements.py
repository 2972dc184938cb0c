"""Definitions, properties and associations that a plan needs to read."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconcile.errors import CallRefused, UsageError
from reconcile.fetching.foreign_lines import has_exact_lines
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import fold
from reconcile.model.bound_records import BoundRecords
from reconcile.model.definitions import Definitions, Label, Owners, Property
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind, is_custom_object, kinds
from reconcile.model.manage import Manage
from reconcile.model.records import Unit
from reconcile.state.state import State


def read_definitions(
    hubspot: HubSpot,
    identities: Mapping[str, Identity],
    currencies: tuple[str, ...],
    units: Sequence[Unit],
    pairs: Iterable[tuple[str, str]] = (),
) -> Definitions:
    """Return the account's definitions that these units depend on.

    ``pairs`` are all (kind, associated word) pairs. Those with custom objects that the account does
    not have, or cannot associate, have no labels.

    Raise UsageError if a kind's key property is missing, not unique or not a text.
    """
    labelled = {(name, to) for name, to in pairs if is_custom_object(to)}
    for record in (record for unit in units for record in unit.records):
        labelled |= {(record.address.kind, r.to) for r in record.references if r.label}
    used = _kinds_used(units)
    mine = [kind for kind in kinds().values() if kind.name in used]
    properties = {kind.name: hubspot.definitions.properties(kind.object) for kind in mine}
    for kind in mine:
        _require_key(kind, identities[kind.name], properties[kind.name])
    return Definitions(
        properties,
        {kind.name: hubspot.definitions.pipelines(kind.object) for kind in mine if kind.pipeline},
        {(name, to): _labels(hubspot, kinds()[name], to) for name, to in sorted(labelled)},
        currencies,
        _owners(hubspot, properties, units),
    )


def _kinds_used(units: Iterable[Unit]) -> set[str]:
    """Return the kinds of records that a plan of these units may change."""
    used: set[str] = set()
    for unit in units:
        used.update(record.address.kind for record in unit.records)
        if has_exact_lines(unit):
            used.update(kinds()[unit.address.kind].children)
    return used


def _labels(hubspot: HubSpot, kind: Kind, to: str) -> tuple[Label, ...]:
    try:
        return hubspot.definitions.labels(kind.object, kind.association(to).object)
    except CallRefused:
        if is_custom_object(to):
            return ()  # the account has no such object
        raise


def _require_key(kind: Kind, identity: Identity, properties: Mapping[str, Property]) -> None:
    fault = identity.account_fault(properties.get(identity.name), kind.plural)
    if fault is not None:
        raise UsageError(fault.message, hint=fault.hint)


def _owners(
    hubspot: HubSpot, properties: Mapping[str, Mapping[str, Property]], units: Iterable[Unit]
) -> Owners | None:
    """Return the account's owners if a declared value names one and the token may read them."""
    if not any(named_owners(properties, units)):
        return None
    found = hubspot.definitions.owners()
    return Owners.of(found) if found is not None else None


def named_owners(
    properties: Mapping[str, Mapping[str, Property]], units: Iterable[Unit]
) -> Iterator[str]:
    """Yield the values, as written, that units declare for properties that refer to owners."""
    names = {
        kind: [one.name for one in known.values() if one.owner]
        for kind, known in properties.items()
    }
    for unit in units:
        for record in unit.records:
            found = (record.properties.get(name) for name in names.get(record.address.kind, ()))
            yield from filter(None, found)


def properties_to_read(
    units: Iterable[Unit],
    managed: Mapping[str, Iterable[str]],
    manage: Manage,
    bound: BoundRecords,
) -> Mapping[str, Sequence[str]]:
    """Return the names of the properties to read, by kind.

    They are those that units declare or adopt records by, those last applied to records to be
    removed (``managed``) as far as they may still be written, those that lead other documents to
    such records (``bound``), and the titles, by which people know records. A pipeline and its stage
    are read together, because one limits the other.
    """
    names: dict[str, set[str]] = defaultdict(set, bound.properties())
    for kind, last in managed.items():
        names[kind].update(name for name in last if manage.allows(kind, name))
    for record in (record for unit in units for record in unit.records):
        kind = record.address.kind
        names[kind].update(record.properties)
        names[kind].add(kinds()[kind].title)
        names[kind].update(one.by for one in record.adopt if one.by != "id")
    for name, found in names.items():
        pipeline = kinds()[name].pipeline
        if pipeline and not pipeline.together.isdisjoint(found):
            found.update(pipeline.together)
    return {kind: sorted(found) for kind, found in names.items()}


def readable_pairs(
    pairs: Iterable[tuple[str, str]], definitions: Definitions
) -> frozenset[tuple[str, str]]:
    """Return the pairs without those of custom objects that the account does not associate."""
    return frozenset(
        pair for pair in pairs if not is_custom_object(pair[1]) or definitions.labels.get(pair)
    )


def association_pairs(
    units: Iterable[Unit], state: State, manage: Manage
) -> frozenset[tuple[str, str]]:
    """Return the (kind, associated word) pairs that units declare or the state has recorded.

    Those that may not be written are left out.
    """
    declared = {(r.address.kind, ref.to) for u in units for r in u.records for ref in r.references}
    return frozenset(pair for pair in state.associated() | declared if manage.allows(*pair))


def declared_keys(units: Iterable[Unit]) -> Mapping[str, frozenset[str]]:
    """Return the folded keys of every declared record, by kind."""
    keys: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        for record in unit.records:
            keys[record.address.kind].add(fold(record.address.key))
    return {kind: frozenset(found) for kind, found in keys.items()}
