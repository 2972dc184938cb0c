"""What follows from the rest of a plan: titles, labels, what is personal, what links are called.

A plan file does not hold these. They are worked out when a plan is put together and again when it
is loaded, so nothing that people read can differ from what is written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.plan import (
    Action,
    FieldChange,
    LinkChange,
    RecordChange,
    UnitChange,
    ValueLabel,
)
from reconcile.model.records import Reference

_Labels = Mapping[tuple[str, str, str], str]


@dataclass(frozen=True, slots=True)
class Legend:
    """What the texts of a plan are derived with, as the plan holds it: both sorted."""

    labels: tuple[ValueLabel, ...] = ()
    personal: tuple[tuple[str, str], ...] = ()


def legend_of(units: Iterable[UnitChange]) -> Legend:
    """Return what the fields of some units show in place of stored values, one text for each.

    The account's own spelling of a label, as the value before has it, goes before a manifest's.
    """
    written: dict[tuple[str, str, str], str] = {}
    held: dict[tuple[str, str, str], str] = {}
    personal: set[tuple[str, str]] = set()
    for unit in units:
        for change in unit.changes:
            kind = change.address.kind
            for field in change.fields:
                if field.shown_after:
                    name = kind, field.name, field.after
                    written[name] = min(field.shown_after, written.get(name, field.shown_after))
                if field.shown_before:
                    held[kind, field.name, field.before] = field.shown_before
                if field.personal and not _is_always_personal(kind, field.name):
                    personal.add((kind, field.name))
    labels = (ValueLabel(*name, text) for name, text in (written | held).items())
    return Legend(tuple(sorted(labels)), tuple(sorted(personal)))


def derived(units: Iterable[UnitChange], legend: Legend) -> tuple[UnitChange, ...]:
    """Return the units with everything that follows from the rest of them and from ``legend``."""
    labels = {(kind, name, value): text for kind, name, value, text in legend.labels}
    personal = frozenset(legend.personal)
    return tuple(
        replace(
            unit,
            changes=tuple(
                _record(change, unit.address, labels, personal) for change in unit.changes
            ),
        )
        for unit in units
    )


def described(link: LinkChange, parent: Address | None) -> LinkChange:
    """Return an association with what it is called, and what of it is ours and personal.

    ``parent`` is the address of the record's parent, which an association without references is
    with.
    """
    if not link.add:
        return replace(link, shown=_removed(link), ours=(), personal=False)
    if not link.references:
        return replace(link, shown=str(parent or ""), ours=(), personal=False)
    named = (Reference(link.to, one.by, one.value, one.label) for one in link.references)
    return replace(
        link,
        shown=", ".join(map(str, named)),
        ours=tuple(sorted({(one.category, one.type_id) for one in link.references})),
        personal=any(one.by not in ("key", "id") for one in link.references),
    )


def _removed(link: LinkChange) -> str:
    """Return what an association to be removed is called: a label without a name by its number."""
    named = [str(Reference(link.to, one.by, one.value, one.label)) for one in link.references]
    known = {(one.category, one.type_id) for one in link.references}
    for category, number in link.types:
        if category != "HUBSPOT_DEFINED" and (category, number) not in known:
            named.append(f"{link.to} id={link.id} (label type {number})")
    return ", ".join(named) or f"{link.to} id={link.id}"


def _record(
    change: RecordChange, unit: Address, labels: _Labels, personal: frozenset[tuple[str, str]]
) -> RecordChange:
    kind = kinds().get(change.address.kind)
    parent = None if kind is None or kind.is_unit else unit
    fields = tuple(_field(change.address.kind, f, labels, personal) for f in change.fields)
    conflict = change.action is Action.CONFLICT
    return replace(
        change,
        fields=fields,
        links=tuple(described(link, parent) for link in change.links),
        parent=parent,
        # Nothing is done to a record in conflict, so there is nothing to take its title from.
        title=change.title if conflict else _title(change),
        keep=() if conflict else change.keep,
        kept_links=() if conflict else change.kept_links,
        ignore=() if conflict else change.ignore,
    )


def _field(
    kind: str, field: FieldChange, labels: _Labels, personal: frozenset[tuple[str, str]]
) -> FieldChange:
    return replace(
        field,
        shown_before=labels.get((kind, field.name, field.before), ""),
        shown_after=labels.get((kind, field.name, field.after), ""),
        personal=_is_always_personal(kind, field.name) or (kind, field.name) in personal,
    )


def _title(change: RecordChange) -> str:
    """What people call the record: the value of its title that is written, or that it has."""
    kind = kinds().get(change.address.kind)
    if kind is None:
        return ""
    for field in change.fields:
        if field.name == kind.title:
            return field.before if change.action is Action.ARCHIVE else field.after
    return next((value for name, value in change.keep if name == kind.title), "")


def _is_always_personal(kind: str, name: str) -> bool:
    known = kinds().get(kind)
    return known is not None and known.is_personal(name)
