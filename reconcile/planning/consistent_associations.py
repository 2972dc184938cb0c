"""Checks that the associations of a plan are those that its references ask for."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from reconcile.model.address import Address
from reconcile.model.kinds import Kind
from reconcile.model.plan import LinkChange, RecordChange, UnitChange
from reconcile.model.values import show

MOST = 2**53
"""The largest number that every reader of JSON reads exactly."""

_PLAIN = "HUBSPOT_DEFINED"
ID = re.compile(r"[0-9]{1,20}")
_PROPERTY = re.compile(r"[a-z][a-z0-9_]{0,99}")


def link_faults(change: RecordChange, unit: UnitChange, kind: Kind) -> Iterator[str]:
    """Yield contradictions in a record's associations."""
    ends = [(link.add, link.to, link.id, link.address) for link in change.links]
    if len(set(ends)) != len(ends):
        yield "an association occurs twice"
    if list(change.kept_links) != sorted(set(change.kept_links)):
        yield "its associations are not in order"
    for link in change.links:
        if not kind.may_have(link.to):
            yield f"it cannot be associated with {show(link.to)}"
        elif not link.types or not rises(link.types) or not _are_types(link.types):
            yield f"{link.to}: its types are not in order"
        elif not (ID.fullmatch(link.id) if link.address is None else not link.id):
            yield f"{link.to}: it does not name the other record"
        elif not link.add:
            yield from _of_names(link, kind)
        elif not link.references:
            yield from _of_parent_link(link, change, unit, kind)
        else:
            yield from _of_references(link, kind)


def _of_names(link: LinkChange, kind: Kind) -> Iterator[str]:
    """Yield what is wrong with the names of an association to remove.

    Whether a key is the record's is checked against HubSpot during apply.
    """
    if not {(one.category, one.type_id) for one in link.references} <= set(link.types):
        yield f"{link.to}: it names a type that is not removed"
    if list(link.references) != sorted(link.references, key=lambda one: one[:3]):
        yield f"{link.to}: its references are not in order"
    for one in link.references:
        if one.by == "id" and one.value == link.id:
            continue
        if one.by != "key" or not kind.association(link.to).kind:
            yield f"{link.to}: the reference is to another record"
    yield from _of_labels(link, kind)


def _of_parent_link(
    link: LinkChange, change: RecordChange, unit: UnitChange, kind: Kind
) -> Iterator[str]:
    """Yield what is wrong with the association of a line item with its parent."""
    plain = ((_PLAIN, kind.association(link.to).type_id),)
    end = (change.parent_id, None) if change.parent_id else ("", unit.address)
    if kind.is_unit or link.to != unit.address.kind or link.types != plain:
        yield f"{link.to}: no reference asks for this association"
    elif (link.id, link.address) != end:
        yield "it gets another parent"


def _of_references(link: LinkChange, kind: Kind) -> Iterator[str]:
    yield from _of_labels(link, kind)
    if not set(link.ours) <= set(link.types) or not _are_types(link.ours):
        yield f"{link.to}: its references ask for other types"
    if list(link.references) != sorted(link.references, key=lambda one: one[:3]):
        yield f"{link.to}: its references are not in order"
    for one in link.references:
        leads = {
            "id": link.address is None and one.value == link.id,
            "key": link.address is None
            or Address(link.to, one.value).folded() == link.address.folded(),
        }
        if not leads.get(one.by, bool(_PROPERTY.fullmatch(one.by)) and link.address is None):
            yield f"{link.to}: the reference is to another record"


def _of_labels(link: LinkChange, kind: Kind) -> Iterator[str]:
    """Yield references whose label is not that of their type."""
    association = kind.association(link.to)
    if association.is_custom:
        if any(one.label for one in link.references):
            yield f"{link.to}: custom objects have no labels here"
        return
    own = {"": association.type_id, **association.labels}
    for one in link.references:
        asks = (one.category, one.type_id)
        if one.label in own and asks != (_PLAIN, own[one.label]):
            yield f"{link.to}: the type is not that of its label"
        if one.label not in own and asks == (_PLAIN, association.type_id):
            yield f"{link.to}: its label is not that of the type"


def _are_types(types: Iterable[tuple[str, int]]) -> bool:
    return all(category and 0 < number <= MOST for category, number in types)


def rises(items: Sequence[object]) -> bool:
    """Return whether items are sorted and different."""
    return all(one < other for one, other in pairwise(items))  # type: ignore[operator]
