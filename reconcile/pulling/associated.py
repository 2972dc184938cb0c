"""How documents of new records name what these are associated with."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from reconcile.hubspot.client import HubSpot
from reconcile.manifests.document_writer import NewReference
from reconcile.manifests.field_reader import name_fault
from reconcile.model.kinds import Association, Kind
from reconcile.model.records import Link

_Type = tuple[str, int]


class _Names(NamedTuple):
    """How the other ends are named, by id, and the labels of association types."""

    ends: Mapping[str, tuple[str, str]]
    labels: Mapping[_Type, str]


def associated(
    hubspot: HubSpot, kind: Kind, to: str, ids: Sequence[str]
) -> Mapping[str, list[NewReference]]:
    """Return the associations of each record with one object, by ids; without any, none.

    The other end is named by a unique property, else by its id, once for each label of the pair.
    """
    association = kind.associations[to]
    links = hubspot.associations.links(kind.object, to, association.object, ids)
    names = _Names(_ends(hubspot, association, links.values()), _labels(hubspot, kind, to, links))
    return {one: list(_references(found, names)) for one, found in links.items() if found}


def _ends(
    hubspot: HubSpot, association: Association, links: Iterable[frozenset[Link]]
) -> Mapping[str, tuple[str, str]]:
    if not association.by:
        return {}
    by = association.by[0]
    ids = sorted({link.id for found in links for link in found}, key=int)
    read = hubspot.records.read(association.object, ids, [by]) if ids else {}
    values = {one: actual.properties.get(by) or "" for one, actual in read.items()}
    return {one: (by, value) for one, value in values.items() if not name_fault(value)}


def _labels(
    hubspot: HubSpot, kind: Kind, to: str, links: Mapping[str, frozenset[Link]]
) -> Mapping[_Type, str]:
    """Return the names of the labelled types that are there; HubSpot is asked for its own only."""
    association = kind.associations[to]
    found = {("HUBSPOT_DEFINED", number): name for name, number in association.labels.items()}
    there = {(link.category, link.type_id) for some in links.values() for link in some}
    if there - found.keys() - {association.plain(())}:
        known = hubspot.definitions.labels(kind.object, association.object)
        found = {(one.category, one.type_id): one.label for one in known if one.label} | found
    return found


def _references(links: frozenset[Link], names: _Names) -> Iterator[NewReference]:
    for end in sorted({link.id for link in links}, key=int):
        types = {(link.category, link.type_id) for link in links if link.id == end}
        labels = sorted(names.labels[one] for one in types & names.labels.keys())
        for label in labels or [""]:
            yield NewReference(*names.ends.get(end, ("id", end)), label)
