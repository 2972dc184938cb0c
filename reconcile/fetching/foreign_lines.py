"""Read the line items that others added to orders and carts whose lines are exact."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconcile.hubspot.client import HubSpot
from reconcile.model.address import BY_ID, Address, fold
from reconcile.model.identity import Identity
from reconcile.model.kinds import kinds
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
        unit.address: sorted(one for one in _ids(unit, links) if one[1] not in found)
        for unit in units
        if has_exact_lines(unit)
    }
    read: dict[Address, Actual] = {}
    for name in sorted({kind for ids in under.values() for kind, _ in ids}):
        kind, key = kinds()[name], identities[name].key_property
        ids = [one for some in under.values() for of, one in some if of == name]
        wanted = [one for one in ids if (name, one) not in ours.managed]
        names = [kind.title, *([key] if key else [])]
        for one, actual in (
            hubspot.records.read(kind.object, wanted, names).items() if wanted else ()
        ):
            held = actual.properties.get(key) if key else None
            if not held or fold(held) not in ours.declared.get(name, ()):
                read[Address(name, f"{BY_ID}{one}")] = actual
    return {
        unit: {
            address: read[address]
            for name, one in ids
            if (address := Address(name, f"{BY_ID}{one}")) in read
        }
        for unit, ids in under.items()
    }


def _ids(unit: Unit, links: Links) -> Iterator[tuple[str, str]]:
    """Yield the kinds and ids of the line items under a unit."""
    children = kinds()[unit.address.kind].children
    yield from ((link.to, link.id) for link in links.get(unit.address, ()) if link.to in children)
