"""Parts of a plan that follow from the rest: titles, labels, association names, what is personal.

A plan file does not contain these. They are derived when a plan is assembled and again when it is
loaded, so what people read cannot differ from what is written.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconcile.model.address import Address
from reconcile.model.kinds import kinds, may_be_referred, referred
from reconcile.model.plan import (
    Action,
    FieldChange,
    LeftAlone,
    LinkChange,
    RecordChange,
    UnitChange,
    ValueLabel,
)
from reconcile.model.records import Reference

_NOT_PERSONAL = frozenset(("key", "id"))

_Labels = Mapping[tuple[str, str, str], str]


@dataclass(frozen=True, slots=True)
class Legend:
    """The labels and personal properties of a plan, sorted: what its texts are derived from."""

    labels: tuple[ValueLabel, ...] = ()
    personal: tuple[tuple[str, str], ...] = ()


def legend_of(units: Iterable[UnitChange]) -> Legend:
    """Return the labels and personal properties in the fields of some units, one text a value.

    The account's spelling of a label, as in the value before, is preferred to a manifest's.
    """
    written: dict[tuple[str, str, str], str] = {}
    held: dict[tuple[str, str, str], str] = {}
    personal: set[tuple[str, str]] = set()
    for kind, field in _fields(units):
        if field.shown_after:
            name = kind, field.name, field.after
            written[name] = min(field.shown_after, written.get(name, field.shown_after))
        if field.shown_before:
            held[kind, field.name, field.before] = field.shown_before
        if field.personal and not _is_always_personal(kind, field.name):
            personal.add((kind, field.name))
    labels = (ValueLabel(*name, text) for name, text in (written | held).items())
    return Legend(tuple(sorted(labels)), tuple(sorted(personal)))


def _fields(units: Iterable[UnitChange]) -> Iterator[tuple[str, FieldChange]]:
    """Yield the fields that a plan shows, with their kinds: what changes, is held or left alone."""
    for unit in units:
        shown: tuple[RecordChange | LeftAlone, ...] = (*unit.changes, *unit.held, *unit.left_alone)
        for one in shown:
            yield from ((one.address.kind, field) for field in one.fields)


def derived(units: Iterable[UnitChange], legend: Legend) -> tuple[UnitChange, ...]:
    """Return the units with everything that follows from their content and ``legend``."""
    labels = {(kind, name, value): text for kind, name, value, text in legend.labels}
    personal = frozenset(legend.personal)
    return tuple(
        replace(
            unit,
            changes=tuple(_record(one, unit.address, labels, personal) for one in unit.changes),
            held=tuple(_record(one, unit.address, labels, personal) for one in unit.held),
            left_alone=tuple(_left(one, unit.address, labels, personal) for one in unit.left_alone),
        )
        for unit in units
    )


def described(link: LinkChange, parent: Address | None) -> LinkChange:
    """Return an association with its ``shown``, ``ours`` and ``personal``.

    ``parent`` is the address of the record's parent, the other end if there are no references.
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
        personal=any(one.by not in _NOT_PERSONAL | _searched(link.to) for one in link.references),
    )


def _searched(to: str) -> frozenset[str]:
    """Return the properties of an object that are searched for; they are not personal."""
    return frozenset(referred(to).search) if may_be_referred(to) else frozenset()


def _removed(link: LinkChange) -> str:
    """Return the text for an association to remove; a label without a name is shown by number."""
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
        title=change.title if (title := derivable_title(change)) is None else title,
        keep=() if conflict else change.keep,
        kept_links=() if conflict else change.kept_links,
        ignore=() if conflict else change.ignore,
    )


def _left(
    left: LeftAlone, unit: Address, labels: _Labels, personal: frozenset[tuple[str, str]]
) -> LeftAlone:
    kind = kinds().get(left.address.kind)
    parent = None if kind is None or kind.is_unit else unit
    return replace(
        left,
        fields=tuple(_field(left.address.kind, one, labels, personal) for one in left.fields),
        links=tuple(described(link, parent) for link in left.links),
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


def derivable_title(change: RecordChange) -> str | None:
    """Return the record's title as it is written or kept; None if it is neither."""
    kind = kinds().get(change.address.kind)
    if kind is None or change.action is Action.CONFLICT:
        return None
    for field in change.fields:
        if field.name == kind.title:
            return field.before if change.action is Action.ARCHIVE else field.after
    unknown = "" if change.action is Action.CREATE else None
    return next((value for name, value in change.keep if name == kind.title), unknown)


def _is_always_personal(kind: str, name: str) -> bool:
    known = kinds().get(kind)
    return known is not None and known.is_personal(name)
