"""Drift: what others changed while the manifest did not is left alone, unless it was asked for.

Fields that mean something only together go or stay together. Where one of them drifted and the
manifest changed another, both sides have moved (``Reason.BOTH``). So they have where the manifest
changed a line item that others took out of its order or cart.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import replace

from reconcile.model.plan import FieldChange, LeftAlone, LinkChange, Reason
from reconcile.planning.record_input import RecordInput


def split_drift(
    record: RecordInput, fields: Sequence[FieldChange], links: Sequence[LinkChange]
) -> tuple[tuple[FieldChange, ...], tuple[LinkChange, ...], LeftAlone | None]:
    """Return the changes to make of a record that exists, and the drift to leave alone, if any."""
    fields, names = _with_groups(record, fields)
    links = [replace(one, drifted=_has_drifted(record, one)) for one in links]
    if not record.context.policy.drift and names != {one.name for one in fields}:
        fields, links = _with_parent(fields, links, names)
    left = tuple(one for one in fields if one.name in names)
    left_links = tuple(filter(_is_drifted, links)) if not record.context.policy.drift else ()
    if not (left or left_links) or record.actual is None:
        return tuple(fields), tuple(links), None
    title = record.desired.properties.get(record.kind.title, "")
    return (
        tuple(one for one in fields if one not in left),
        tuple(one for one in links if one not in left_links),
        LeftAlone(record.address, record.actual.id, title, left, left_links),
    )


def _with_parent(
    fields: Iterable[FieldChange], links: Sequence[LinkChange], left: Set[str]
) -> tuple[list[FieldChange], tuple[LinkChange, ...]]:
    """Return the changes of a record, of which something besides ``left`` changes in git.

    If others took it out of its parent, what changes has changed on both sides, the parent too.
    """
    if not any(map(_is_from_parent, links)):
        return list(fields), tuple(links)
    return (
        [one if one.name in left else _as_both(one) for one in fields],
        tuple(replace(one, drifted=False) if _is_from_parent(one) else one for one in links),
    )


def _is_left(record: RecordInput, field: FieldChange) -> bool:
    is_drift = field.reason is Reason.DRIFT and field.name != record.identity.key_property
    return is_drift and not record.context.policy.puts_back(record.kind.name, field.name)


def _with_groups(
    record: RecordInput, fields: Iterable[FieldChange]
) -> tuple[list[FieldChange], set[str]]:
    """Return the fields, and the names of those to leave alone.

    Of fields that belong together all are left alone, or all have changed on both sides.
    """
    found = list(fields)
    left = {one.name for one in found if _is_left(record, one)}
    for group in record.kind.together:
        members = {one.name: one.reason for one in found if one.name in group}
        if left.isdisjoint(members):
            continue
        if set(members.values()) == {Reason.DRIFT}:
            left |= members.keys()
            continue
        left -= members.keys()
        found = [_as_both(one) if one.name in members else one for one in found]
    return found, left


def _as_both(field: FieldChange) -> FieldChange:
    """Return a field as changed on both sides, unless a stricter guard concerns it anyway."""
    known = field.reason in (Reason.DRIFT, Reason.CHANGE)
    return replace(field, reason=Reason.BOTH) if known else field


def _is_drifted(link: LinkChange) -> bool:
    return link.drifted


def _is_from_parent(link: LinkChange) -> bool:
    """Return whether others removed a line item from its parent."""
    return link.drifted and not link.references


def _has_drifted(record: RecordInput, link: LinkChange) -> bool:
    """Return whether others removed an association that the last apply made or found."""
    if not link.add or not link.id or record.last is None:
        return False
    if not link.references:  # with the line item's parent
        parent, unit = record.last.parent, record.unit
        names = {one.folded() for one in (unit.address, unit.former) if one is not None}
        return parent is not None and parent.folded() in names
    had = {
        (one.category, one.type_id)
        for one in record.last.links
        if (one.to, one.id) == (link.to, link.id)
    }
    return had.issuperset(link.ours)
