"""Read the line items that others added to orders and carts whose lines are exact."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconcile.hubspot.client import HubSpot
from reconcile.model.address import BY_ID, Address, fold
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind, kinds
from reconcile.model.records import Actual, Lifecycle, Link, Unit

Links = Mapping[Address, frozenset[Link]]


@dataclass(frozen=True, slots=True)
class Ours:
    """What is not foreign: the state's records by kind and id, and folded declared keys by kind."""

    managed: Collection[tuple[str, str]]
    declared: Mapping[str, Collection[str]]


def has_exact_lines(unit: Unit) -> bool:
    """Return whether a unit is to have no other line items than the declared ones."""
    root = unit.root
    return root is not None and root.exact_lines and root.lifecycle is Lifecycle.PRESENT


def foreign_lines(
    hubspot: HubSpot,
    identities: Mapping[str, Identity],
    units: Iterable[Unit],
    links: Links,
    *,
    found: Collection[str],
    ours: Ours,
) -> Mapping[Address, Mapping[Address, Actual]]:
    """Return the foreign line items of each unit, by the address that their id makes.

    ``found`` are the ids of the records that the declared line items are. One that the state knows,
    or that has a declared key, belongs to a document, wherever it is.
    """
    under = {
        unit.address: [one for one in sorted(_ids(unit, links)) if one[1] not in found]
        for unit in units
        if has_exact_lines(unit)
    }
    unknown: dict[str, list[str]] = defaultdict(list)
    for kind, one in (line for lines in under.values() for line in lines):
        if (kind, one) not in ours.managed:
            unknown[kind].append(one)
    read: dict[tuple[str, str], Actual] = {}
    for name, ids in sorted(unknown.items()):
        read |= _read(hubspot, identities[name], kinds()[name], ids, ours)
    return {
        unit: {Address(one[0], f"{BY_ID}{one[1]}"): read[one] for one in lines if one in read}
        for unit, lines in under.items()
    }


def _read(
    hubspot: HubSpot, identity: Identity, kind: Kind, ids: Sequence[str], ours: Ours
) -> Mapping[tuple[str, str], Actual]:
    """Return the records without a declared key, by kind and id."""
    key, declared = identity.key_property, ours.declared.get(kind.name, ())
    names = [kind.title, *([key] if key else [])]
    found = hubspot.records.read(kind.object, ids, names)
    held = {one: (actual.properties.get(key) or "") if key else "" for one, actual in found.items()}
    return {
        (kind.name, one): actual
        for one, actual in found.items()
        if not held[one] or fold(held[one]) not in declared
    }


def _ids(unit: Unit, links: Links) -> Iterator[tuple[str, str]]:
    """Yield the kinds and ids of the line items under a unit."""
    children = kinds()[unit.address.kind].children
    yield from ((link.to, link.id) for link in links.get(unit.address, ()) if link.to in children)
