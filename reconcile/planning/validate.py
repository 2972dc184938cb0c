"""Validation of declared records against the account.

What depends on what the account holds is a fault of the record, which is then in conflict; other
records are not affected. What manifests get wrong by themselves fails the plan (``manifests``).
"""

from collections.abc import Iterator

from reconcile.errors import Problem
from reconcile.model.definitions import Definitions
from reconcile.model.records import Location, Reference
from reconcile.model.references import association_types, pointer
from reconcile.model.values import fault, show
from reconcile.planning.record_input import Context, RecordInput


def account_faults(record: RecordInput) -> list[Problem]:
    """Return what the account does not accept of a record, sorted by location.

    An ignored property of an existing record is not checked, since it is not sent.
    """
    found = [*_of_properties(record), *_of_references(record)]
    known, kind, nearest = record.definitions, record.kind, record.context.suggestions.nearest
    for name in sorted(record.desired.ignore - known.keys()):
        message = f"lifecycle.ignore names {name!r}, which {kind.plural} do not have"
        found.append(_problem(record.desired.ignored_in, message + nearest(name, known)))
    return sorted(set(found))


def _of_properties(record: RecordInput) -> Iterator[Problem]:
    for name, value in record.wire_values.items():
        looked_up = record.desired.lookups.get(name)
        if looked_up is not None and pointer(looked_up) not in record.context.bindings:
            yield _dangling(looked_up, record.context)
            continue
        if name in record.unresolved:
            message = f"{name}: {record.unresolved[name]}"
        else:
            message = _property_fault(record, name, value)
        if message:
            yield _problem(record.desired.location_of(name), message)


def _property_fault(record: RecordInput, name: str, value: str) -> str:
    definition = record.definitions.get(name)
    kind = record.kind
    if definition is None:
        near = record.context.suggestions.nearest(name, record.definitions)
        return f"{kind.plural} have no property {name!r}{near}"
    if definition.read_only:
        return f"{name} is read-only: HubSpot computes it"
    message = fault(value, definition, record.context.suggestions.nearest)
    if not message and name == kind.currency:
        message = _currency_fault(value, record.context.definitions)
    return f"{name}: {message}" if message else ""


def _currency_fault(value: str, definitions: Definitions) -> str:
    """Return why the account does not accept a currency; no definition lists them (§12)."""
    if not value or not definitions.currencies or value in definitions.currencies:
        return ""
    listed = ", ".join(definitions.currencies)
    return f"{show(value)} is not a currency of this account ({listed})"


def _of_references(record: RecordInput) -> Iterator[Problem]:
    dangling = [r for r in record.desired.references if pointer(r) not in record.context.bindings]
    if record.unit.parent is not None and not record.parent_id:
        dangling.append(record.unit.parent)
    for reference in dangling:
        if not (record.context.incomplete and reference.by == "key"):
            yield _dangling(reference, record.context)
    for reference in record.desired.references:
        if message := _label_fault(reference, record):
            yield _problem(reference.location, message)


def _label_fault(reference: Reference, record: RecordInput) -> str:
    kind, definitions = record.kind, record.context.definitions
    if association_types(reference, kind, definitions):
        return ""
    if not reference.label:
        return f"{kind.plural} cannot be associated with {reference.to} in this account"
    known = [
        label.label
        for label in definitions.labels.get((kind.name, reference.to), ())
        if label.label
    ]
    folded = {label.casefold() for label in known}
    known += [name for name in kind.association(reference.to).labels if name not in folded]
    listed = ", ".join(sorted(known)) or "there are none"
    return (
        f"{show(reference.label)} is not an association label from {kind.plural} to {reference.to} "
        f"({listed}){record.context.suggestions.nearest(reference.label, known)}"
    )


def _dangling(reference: Reference, context: Context) -> Problem:
    if why := context.unresolved.get(pointer(reference)):
        return Problem(*reference.location, *why)
    hint = "create it in HubSpot first, or correct the reference"
    if reference.by == "key":
        hint = "neither HubSpot nor the manifests have it: declare it, or correct the key"
    message = f"no {reference.to} has {reference.by} {show(reference.value)}"
    return Problem(*reference.location, message, hint)


def _problem(location: Location, message: str) -> Problem:
    return Problem(location.file, location.line, location.column, message)
