"""Drift: what others changed while the manifest did not is left alone, unless it was asked for.

Fields that mean something only together go or stay together. Where one of them drifted and the
manifest changed another, both sides have moved (``Reason.BOTH``). So they have where the manifest
changed a line item that others took out of its order or cart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconcile.model.plan import FieldChange, LeftAlone, LinkChange, Reason
from reconcile.planning.record_input import RecordInput


def split_drift(
    record: RecordInput, fields: Sequence[FieldChange], links: Sequence[LinkChange]
) -> tuple[tuple[FieldChange, ...], tuple[LinkChange, ...], LeftAlone | None]:
    """Return the changes to make of a record that exists, and the drift to leave alone, if any."""
    fields = _with_groups(record, fields)
    left = tuple(one for one in fields if _is_left(record, one))
    left_links = tuple(one for one in links if _has_drifted(record, one))
    if record.context.policy.drift:
        left_links = ()
    if len(left) < len(fields) and any(not one.references for one in left_links):
        fields = [one if one in left else replace(one, reason=Reason.BOTH) for one in fields]
        left_links = tuple(one for one in left_links if one.references)  # but for the parent
    if not (left or left_links) or record.actual is None:
        return tuple(fields), tuple(links), None
    return (
        tuple(one for one in fields if one not in left),
        tuple(one for one in links if one not in left_links),
        LeftAlone(
            record.address,
            record.actual.id,
            record.desired.properties.get(record.kind.title, ""),
            left,
            left_links,
        ),
    )


def _is_left(record: RecordInput, field: FieldChange) -> bool:
    is_drift = field.reason is Reason.DRIFT and field.name != record.identity.key_property
    return is_drift and not record.context.policy.puts_back(record.kind.name, field.name)


def _with_groups(record: RecordInput, fields: Iterable[FieldChange]) -> list[FieldChange]:
    """Return the fields, with the reasons of those that belong together made one."""
    found = list(fields)
    for group in record.kind.together:
        members = [one for one in found if one.name in group]
        left = [one for one in members if _is_left(record, one)]
        if left and len(left) < len(members):
            found = [replace(one, reason=Reason.BOTH) if one in members else one for one in found]
    return found


def _has_drifted(record: RecordInput, link: LinkChange) -> bool:
    """Return whether others removed an association that the last apply made or found."""
    if not link.add or not link.id or record.last is None:
        return False
    if not link.references:  # with the line item's parent
        parent = record.last.parent
        return parent is not None and parent.folded() == record.unit.address.folded()
    had = {
        (one.category, one.type_id)
        for one in record.last.links
        if (one.to, one.id) == (link.to, link.id)
    }
    return had.issuperset(link.ours)
