"""Compare what a saved plan was made from with what is there when it is applied.

This covers the manifests, the labels that the plan shows and the records that its references lead
to. ``prepare`` compares the state and the property definitions, record by record.
"""

from collections.abc import Iterator, Mapping, Sequence

from reconcile.fetching.references import resolve
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address, fold
from reconcile.model.definitions import Definitions, Owners, Property
from reconcile.model.digest import desired_digest
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind, is_custom_object, kinds
from reconcile.model.plan import LinkChange, Plan, RecordChange, UnitChange
from reconcile.model.records import Reference, Unit
from reconcile.model.references import association_types, pointer
from reconcile.model.values import same
from reconcile.planning.wire_values import display_value
from reconcile.state.state import State

_GONE = "no manifest declares it any more; plan again"
_DECLARED = "it has been declared since planning; plan again"
_CHANGED = "its manifest has changed since planning; plan again"
_OTHERWISE = "its manifest declares otherwise what the plan would remember; plan again"
_LABELS = "labels have changed in HubSpot since planning; plan again"


def stale_units(
    planned: Plan,
    state: State,
    hubspot: HubSpot,
    identities: Mapping[str, Identity],
    *,
    declared: Sequence[Unit],
    properties: Mapping[str, Mapping[str, Property]],
) -> Mapping[Address, str]:
    """Return the units that must be left alone, with the reason.

    ``declared`` is what the manifests declare now; ``properties`` are the account's property
    definitions, by kind and name.
    """
    now = {unit.address.folded(): unit for unit in declared}
    definitions = _labels_now(hubspot, planned, properties)
    stale = dict(_references_that_moved(planned, state, hubspot, identities, now))
    for unit in planned.units:
        if _shows_other_labels(unit, definitions):
            stale[unit.address] = _LABELS
        if reason := _manifest(unit, now.get(unit.address.folded())):
            stale[unit.address] = reason
    return stale


def _manifest(unit: UnitChange, declared: Unit | None) -> str:
    if declared is None:
        return _GONE if unit.manifest else ""
    if not unit.manifest:
        return _DECLARED
    if desired_digest(declared) != unit.manifest:
        return _CHANGED
    return "" if _remembers_as_declared(unit, declared) else _OTHERWISE


def _remembers_as_declared(unit: UnitChange, declared: Unit) -> bool:
    """Return whether a unit lets the state remember no other protection than is declared.

    No effect digest covers such changes of the state alone.
    """
    protected = {record.address.folded(): record.protect for record in declared.records}
    return all(
        protected.get(change.address.folded()) is change.protect
        for change in unit.changes
        if change.is_remembered
    )


def _links(planned: Plan) -> Iterator[tuple[UnitChange, RecordChange, LinkChange]]:
    for unit in planned.units:
        for change in unit.changes:
            for link in change.links:
                yield unit, change, link


def _labels_now(
    hubspot: HubSpot, planned: Plan, properties: Mapping[str, Mapping[str, Property]]
) -> Definitions:
    """Read the account's labels for the values and association types that a plan changes."""
    # Kinds of which nothing changes are those of what is held back or left alone.
    shown = [label for label in planned.labels if label.kind in properties]
    of_pipelines = {
        label.kind
        for label in shown
        if (names := kinds()[label.kind].pipeline) and label.property in names.together
    }
    of_owners = any(
        (one := properties[label.kind].get(label.property)) is not None and one.owner
        for label in shown
    )
    pairs = {
        (change.address.kind, link.to)
        for _, change, link in _links(planned)
        if any(one.label for one in link.references) or is_custom_object(link.to)
    }
    owners = hubspot.definitions.owners() if of_owners else None
    return Definitions(
        properties,
        {
            name: hubspot.definitions.pipelines(kinds()[name].object)
            for name in sorted(of_pipelines)
        },
        {
            (name, to): hubspot.definitions.labels(
                kinds()[name].object, kinds()[name].association(to).object
            )
            for name, to in sorted(pairs)
        },
        owners=None if owners is None else Owners.of(owners),
    )


def _shows_other_labels(unit: UnitChange, now: Definitions) -> bool:
    """Return whether a unit's changes are shown with labels that the account no longer has."""
    for change in unit.changes:
        kind = kinds()[change.address.kind]
        for field in change.fields:
            definition = now.properties[kind.name].get(field.name)
            if definition is None or field.name in kind.looked_up:
                continue  # the unit is stale for that already, or the names are looked up again
            shown = (field.before, field.shown_before), (field.after, field.shown_after)
            if any(_is_other_label(kind, now, definition, *one) for one in shown):
                return True
        for link in change.links:
            for one in link.references:
                reference = Reference(link.to, one.by, one.value, one.label)
                asked = association_types(reference, kind, now)
                if asked != ((one.category, one.type_id),):
                    return True
    return False


def _is_other_label(
    kind: Kind, now: Definitions, definition: Property, value: str, text: str
) -> bool:
    """Return whether the account calls a value otherwise than a text that it is shown as."""
    means = same(text, value, definition)  # a date in its author's spelling
    called = display_value(kind, now, definition.name, value)
    return bool(text) and not means and _parts(called) != _parts(text)


def _parts(text: str) -> list[str]:
    """Return the parts of a text, folded; several owners may have spaces between them."""
    return [fold(part) for part in text.split(";") if part]


def _references_that_moved(
    planned: Plan,
    state: State,
    hubspot: HubSpot,
    identities: Mapping[str, Identity],
    declared: Mapping[Address, Unit],
) -> Mapping[Address, str]:
    """Return the units with a reference that leads to another record than it did when planning."""
    links = [
        (unit, link, Reference(link.to, one.by, one.value))
        for unit, _, link in _links(planned)
        for one in link.references
        if link.add and link.id and one.by != "id"
    ]
    looked_up = list(_lookups(planned, declared))
    wanted = [reference for _, _, reference in (*links, *looked_up)]
    found = resolve(hubspot, identities, wanted).ids
    ids = {change.address.folded(): change.id for change in planned.records()}
    formers = {one.former.folded(): one.id for one in planned.records() if one.former}
    moved: dict[Address, str] = {}
    for unit, link, reference in links:
        if link.id not in tuple(_leads_to(reference, found.get(pointer(reference)), ids, state)):
            moved[unit.address] = _leads_elsewhere(link.to)
    for unit, id_, reference in looked_up:
        if found.get(pointer(reference)) != id_:
            moved[unit.address] = _leads_elsewhere(reference.to)
    named = (
        (unit, link, Address(link.to, one.value).folded())
        for unit, _, link in _links(planned)
        for one in link.references
        if not link.add and one.by == "key"
    )
    for unit, link, address in named:
        entry = state.unit(address).get(address)
        if link.id not in (entry and entry.id, formers.get(address)):
            moved[unit.address] = (
                f"a {link.to} to be dissociated has another key in the state than it had when "
                "planning; plan again"
            )
    state.release()
    return moved


def _leads_elsewhere(to: str) -> str:
    return f"a reference to a {to} leads to another record than it did when planning; plan again"


def _lookups(
    planned: Plan, declared: Mapping[Address, Unit]
) -> Iterator[tuple[UnitChange, str, Reference]]:
    """Yield the references that give the values of a plan's fields, with these."""
    for unit in planned.units:
        now = declared.get(unit.address.folded())
        lookups = {one.address.folded(): one.lookups for one in now.records} if now else {}
        for change in unit.changes:
            mine = lookups.get(change.address.folded(), {})
            for field in change.fields:
                if reference := mine.get(field.name):
                    yield unit, field.after, reference


def _leads_to(
    reference: Reference, found: str | None, ids: Mapping[Address, str], state: State
) -> Iterator[str]:
    """Yield the ids that a reference can mean.

    A declared record that has no key in HubSpot yet is found by its id in the plan or the state.
    """
    if found is not None:
        yield found
    elif reference.by == "key":
        address = Address(reference.to, reference.value)
        yield ids.get(address.folded(), "")
        entry = state.unit(address).get(address.folded())
        if entry is not None:
            yield entry.id
