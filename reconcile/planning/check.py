"""Manifests against the account's definitions: every value HubSpot would refuse, with its place."""

from collections.abc import Iterable, Iterator, Mapping

from reconcile.errors import Problem
from reconcile.model.address import Address, fold
from reconcile.model.definitions import Definitions, Property
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind, kinds
from reconcile.model.records import Desired, Life, Place, Reference, Unit
from reconcile.model.values import fault, nearest
from reconcile.planning.references import association_types
from reconcile.planning.wire import wire


def check(
    units: Iterable[Unit], definitions: Definitions, identities: Mapping[str, Identity]
) -> list[Problem]:
    """All problems of the declared records, in the order they stand."""
    return sorted(
        problem
        for unit in units
        for problem in (
            *(p for one in unit.records for p in _check_record(one, definitions, identities)),
            *_check_within(unit, identities),
        )
    )


def _check_within(unit: Unit, identities: Mapping[str, Identity]) -> Iterator[Problem]:
    """Each line that is found through its parent must say how, unlike every other one there."""
    seen: dict[tuple[str, str], Address] = {}
    for line in unit.lines:
        kind = kinds()[line.address.kind]
        name = identities[kind.name].name
        if line.life is not Life.PRESENT or not identities[kind.name].within_parent:
            continue
        if name in line.ignore:
            message = f"lifecycle.ignore names {name}, and {kind.plural} are told apart by it"
            yield _problem(line.place, message)
        value = fold(line.properties.get(name, ""))
        other = seen.setdefault((kind.name, value), line.address)
        if not value:
            message = f"{name} is missing, by which {kind.plural} are told apart here"
            yield _problem(line.place_of(name), message)
        elif other != line.address:
            message = f"{name} is {value!r} as in {other}, and {kind.plural} are told apart by it"
            yield _problem(line.place_of(name), message)


def _check_record(
    desired: Desired, definitions: Definitions, identities: Mapping[str, Identity]
) -> Iterator[Problem]:
    kind = kinds()[desired.address.kind]
    identity = identities[kind.name]
    known = definitions.properties[kind.name]
    values, faults = wire(desired, kind, definitions)
    for bad in faults:
        yield _problem(desired.place_of(bad.property), f"{bad.property}: {bad.message}")
    unresolved = {bad.property for bad in faults}
    for name, value in values.items():
        if name in unresolved:
            continue
        message = _property_fault(name, value, known, kind, identity)
        if not message and name == kind.currency:
            message = _currency_fault(value, definitions)
        if message:
            yield _problem(desired.place_of(name), message)
    for name in sorted(desired.ignore - known.keys()):
        message = f"lifecycle.ignore names {name!r}, which {kind.plural} do not have"
        yield _problem(desired.place, message + nearest(name, list(known)))
    for reference in desired.references:
        message = _label_fault(reference, kind, definitions)
        if message:
            yield _problem(reference.place, message)
    if identity.by_id and not desired.address.key.isdigit():
        yield _problem(
            desired.place,
            f"{desired.address.key!r} is no HubSpot record id, and {kind.plural} are found by id "
            "here (identity: id)",
        )


def _property_fault(
    name: str, value: str, known: Mapping[str, Property], kind: Kind, identity: Identity
) -> str | None:
    definition = known.get(name)
    if definition is None:
        return f"{kind.plural} have no property {name!r}{nearest(name, list(known))}"
    if identity.unique and name == identity.name:
        return f"{name} holds the record's key; write it as `key:` only"
    if definition.read_only:
        return f"{name} is read-only: HubSpot computes it"
    if kind.pipeline and name in (kind.pipeline.pipeline, kind.pipeline.stage):
        return None  # resolved against the pipelines themselves
    message = fault(value, definition)
    return f"{name}: {message}" if message else None


def _currency_fault(value: str, definitions: Definitions) -> str | None:
    """Why an account does not take a currency; its definitions do not list them (reference §12)."""
    if not value or not definitions.currencies or value in definitions.currencies:
        return None
    listed = ", ".join(definitions.currencies)
    return f"{value!r} is no currency of this account ({listed})"


def _label_fault(reference: Reference, kind: Kind, definitions: Definitions) -> str | None:
    if not reference.label or association_types(reference, kind, definitions):
        return None
    known = [
        label.label
        for label in definitions.labels.get((kind.name, reference.to), ())
        if label.label
    ]
    folded = {label.casefold() for label in known}
    known += [name for name in kind.associations[reference.to].labels if name not in folded]
    listed = ", ".join(sorted(known)) or "there are none"
    return (
        f"{reference.label!r} is no association label from {kind.plural} to {reference.to} "
        f"({listed}){nearest(reference.label, known)}"
    )


def _problem(place: Place, message: str) -> Problem:
    return Problem(place.file, place.line, place.column, message)
