"""Find line items through their parent (identity ``within_parent``)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from reconcile.hubspot.client import HubSpot
from reconcile.model.address import fold
from reconcile.model.kinds import Kind, kinds
from reconcile.model.records import Actual

Parent = tuple[str, str]
"""A parent record: its kind's name and its id."""

Lines = Mapping[str, Actual]
"""The records under one parent, by id."""


def lines_under(
    hubspot: HubSpot,
    kind: Kind,
    parents: Collection[Parent],
    properties: Sequence[str],
    *,
    without: Collection[str] = (),
) -> Mapping[Parent, Lines]:
    """Return the records of a kind under each parent, except the ids in ``without``."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for name, parent_id in sorted(set(parents)):
        by_kind[name].append(parent_id)
    under: dict[Parent, list[str]] = {}
    for name, ids in by_kind.items():
        links = hubspot.associations.links(kinds()[name].object, kind.name, kind.object, ids)
        for parent_id in ids:
            there = {link.id for link in links.get(parent_id, ())}
            under[name, parent_id] = sorted(there.difference(without))
    everyone = sorted({line for lines in under.values() for line in lines})
    read = hubspot.records.read(kind.object, everyone, properties) if everyone else {}
    return {
        parent: {line: read[line] for line in lines if line in read}
        for parent, lines in under.items()
    }


def parents_of(
    hubspot: HubSpot, kind: Kind, names: Iterable[str], ids: Sequence[str]
) -> Mapping[str, frozenset[str]]:
    """Return the ids of each record's parents of these kinds."""
    found: dict[str, frozenset[str]] = {}
    for name in sorted(set(names)):
        target = kind.associations[name].object
        for record_id, links in hubspot.associations.links(kind.object, name, target, ids).items():
            found[record_id] = found.get(record_id, frozenset()) | {link.id for link in links}
    return found


def lines_with_value(
    lines: Lines, name: str, value: str, *, without: Collection[str] = ()
) -> Sequence[Actual]:
    """Return the lines with this value of a property, except the ids in ``without``."""
    return [
        line
        for line in lines.values()
        if line.id not in without and fold(line.properties.get(name) or "") == fold(value)
    ]
