"""Drift: what others changed while the manifest did not is left alone, unless it was asked for.

First the reasons of what belongs together are made to agree, whatever the policy is: fields that
mean something only together have changed on both sides (``Reason.BOTH``) if one of them drifted
and the manifest changed another; so has the parent of a line item that others took out of it while
the manifest changed something else of the line item. Then the policy decides about what is drift.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconcile.model.kinds import Kind
from reconcile.model.plan import (
    FieldChange,
    LeftAlone,
    LinkChange,
    Reason,
)
from reconcile.planning.record_input import RecordInput


def split_drift(
    record: RecordInput, fields: Sequence[FieldChange], links: Sequence[LinkChange]
) -> tuple[tuple[FieldChange, ...], tuple[LinkChange, ...], LeftAlone | None]:
    """Return the changes to make of a record that exists, and the drift to leave alone, if any."""
    copies = [_with_copies(record.kind, one) for one in fields]
    groups = (*record.kind.together, *filter(None, copies))
    declared = [found for found, one in zip(copies, fields, strict=True) if not _is_drift(one)]
    for group in (*record.kind.together, *declared):
        fields = _agreed(fields, group)
    links = _with_parent(fields, links, record.identity.key_property)
    names = _left_names(record, fields, groups)
    left = tuple(one for one in fields if one.name in names)
    left_links = () if record.context.policy.drift else tuple(filter(_is_drift, links))
    if not (left or left_links) or record.actual is None:
        return tuple(fields), tuple(links), None
    return (
        tuple(one for one in fields if one not in left),
        tuple(one for one in links if one not in left_links),
        LeftAlone(record.address, record.actual.id, record.title, left, left_links),
    )


def _with_copies(kind: Kind, field: FieldChange) -> frozenset[str]:
    """Return a field with those that HubSpot changes when it is written; empty for most fields.

    A line item that gets another product gets the product's price, unless a price is sent too.
    """
    copied = kind.copied_into((field.name,))
    return copied | {field.name} if copied else copied


def _agreed(fields: Sequence[FieldChange], group: Iterable[str]) -> Sequence[FieldChange]:
    """Return the fields, those of a group as changed on both sides if some drifted and some not.

    A field that a stricter guard concerns keeps its reason.
    """
    members = {one.name: one.reason for one in fields if one.name in group}
    reasons = set(members.values())
    if Reason.DRIFT not in reasons or reasons == {Reason.DRIFT}:
        return fields
    return [
        replace(one, reason=Reason.BOTH)
        if one.name in members and one.reason in (Reason.DRIFT, Reason.CHANGE)
        else one
        for one in fields
    ]


def _with_parent(
    fields: Sequence[FieldChange], links: Sequence[LinkChange], key: str
) -> Sequence[LinkChange]:
    """Return the links, that with the parent changed on both sides if git changed anything else.

    A key that others changed is put back by itself only where the guard of keys is allowed, and
    needs the line item under its parent: then the parent is put back with it.
    """
    if not (all(map(_is_drift, fields)) and all(map(_is_drift, links))):
        reason = Reason.BOTH
    elif any(one.name == key for one in fields):
        reason = Reason.CHANGE
    else:
        return links
    return [
        replace(one, reason=reason) if one.is_to_parent and _is_drift(one) else one for one in links
    ]


def _left_names(
    record: RecordInput, fields: Iterable[FieldChange], groups: Iterable[Iterable[str]]
) -> set[str]:
    """Return the names of the fields to leave alone, of a group all or none of those that drifted.

    A key that was changed in HubSpot is never left so: the record could not be found by it.
    """
    policy, kind = record.context.policy, record.kind
    drifted = {one.name for one in fields if _is_drift(one)} - {record.identity.key_property}
    left = {name for name in drifted if not policy.puts_back(kind.name, name)}
    for group in groups:
        if not left.isdisjoint(group):
            left |= drifted.intersection(group)
    return left


def _is_drift(change: FieldChange | LinkChange) -> bool:
    return change.reason is Reason.DRIFT
