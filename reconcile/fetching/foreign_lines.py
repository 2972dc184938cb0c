"""Read the line items that neither a plan nor the state knows, where that matters.

Those of others are removed from orders and carts whose lines are exact; those that documents are
bound to keep an order or cart from being archived.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from reconcile.fetching.observation import ChunkFindings, UnknownLines
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import BY_ID, Address
from reconcile.model.bound_records import BoundRecords, RecordId
from reconcile.model.definitions import Property, editable
from reconcile.model.identity import Identity
from reconcile.model.kinds import kinds
from reconcile.model.records import Actual, Lifecycle, Link, Unit

Links = Mapping[Address, frozenset[Link]]


def has_exact_lines(unit: Unit) -> bool:
    """Return whether a unit is to have no other line items than the declared ones."""
    root = unit.root
    return root is not None and root.exact_lines and root.lifecycle is Lifecycle.PRESENT


def is_removed(unit: Unit) -> bool:
    """Return whether a unit's root is to be archived."""
    return unit.root is not None and unit.root.lifecycle is Lifecycle.ABSENT


def unknown_lines(
    hubspot: HubSpot,
    identities: Mapping[str, Identity],
    units: Iterable[Unit],
    links: Links,
    *,
    findings: ChunkFindings,
    bound: BoundRecords,
    defined: Mapping[str, Mapping[str, Property]],
) -> Mapping[Address, UnknownLines]:
    """Return the unknown line items of the units whose lines are exact, or whose root goes.

    They have all values that people gave them: nothing of what goes may be unseen. What a line in
    conflict may be is not foreign, nor what a forgotten line was that only the state led to.
    """
    units = [unit for unit in units if has_exact_lines(unit) or is_removed(unit)]
    under = {unit.address: _unknown(unit, links, findings, bound) for unit in units}
    values = {name: editable(known, kinds()[name].computed) for name, known in defined.items()}
    names = {
        name: {*more, *identities[name].properties, *values.get(name, ())}
        for name, more in bound.properties().items()
    }
    read = read_lines(hubspot, (one for lines in under.values() for one in lines), names)
    return {
        unit.address: _sorted_out(
            unit,
            {one: read[one] for one in under[unit.address] if one in read},
            identities,
            findings,
            bound,
        )
        for unit in units
        if under[unit.address]
    }


def read_lines(
    hubspot: HubSpot, lines: Iterable[RecordId], names: Mapping[str, Collection[str]]
) -> Mapping[RecordId, Actual]:
    """Return line items with the properties that ``names`` has for their kinds, if it has any."""
    ids: dict[str, list[str]] = defaultdict(list)
    for name, id_ in dict.fromkeys(lines):
        ids[name].append(id_)
    return {
        (name, id_): actual
        for name, some in sorted(ids.items())
        if names[name]
        for id_, actual in hubspot.records.read(
            kinds()[name].object, some, sorted(names[name])
        ).items()
    }


def _unknown(
    unit: Unit, links: Links, findings: ChunkFindings, bound: BoundRecords
) -> Sequence[RecordId]:
    """Return the line items under a unit that nothing leads to by an id."""
    children = kinds()[unit.address.kind].children
    under = {(one.to, one.id) for one in links.get(unit.address, ()) if one.to in children}
    ours = {actual.id for actual in findings.records.values()}
    return sorted(one for one in under if one[1] not in ours and bound.document(one) is None)


def _sorted_out(
    unit: Unit,
    lines: Mapping[RecordId, Actual],
    identities: Mapping[str, Identity],
    findings: ChunkFindings,
    bound: BoundRecords,
) -> UnknownLines:
    """Return which unknown lines of a unit documents are bound to, and which are foreign."""
    parent_id, candidates = findings.records[unit.address].id, findings.candidates()
    needed: dict[RecordId, Address] = {}
    foreign: dict[Address, Actual] = {}
    for one, actual in lines.items():
        kind, id_ = one
        if (document := bound.line(one, actual, parent_id)) is not None:
            needed[one] = document
        elif id_ not in candidates and not _forgets(unit, kind, identities[kind]):
            foreign[Address(kind, f"{BY_ID}{id_}")] = actual
    return UnknownLines({} if is_removed(unit) else foreign, needed)


def _forgets(unit: Unit, kind: str, identity: Identity) -> bool:
    """Return whether a line of a unit is forgotten that has no key to know its record by."""
    return bool(identity.sibling_property or identity.may_lack_key) and any(
        line.lifecycle is Lifecycle.FORGET for line in unit.lines if line.address.kind == kind
    )
