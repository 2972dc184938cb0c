"""Views of records and units: what is shown of each change, before any medium.

Pure. Texts are unescaped; renderers escape them for their medium (``escaping``). Personal values
are already left out here when they must not be shown.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation, hints_of
from reconcile.model.kinds import kinds
from reconcile.model.plan import (
    Action,
    FieldChange,
    LeftAlone,
    LinkChange,
    Reason,
    RecordChange,
    UnitChange,
)
from reconcile.render.escaping import DIFFERS, PERSONAL, mask
from reconcile.render.phrasing import count
from reconcile.render.remarks import NOTES, RESTATED, notes


@dataclass(frozen=True, slots=True)
class FieldView:
    """One property. ``before`` and ``after`` are the wire's; ``shown_*`` what people read.

    An absent value is ``""``. ``sensitive`` marks personal values, ``hidden`` those left out.
    ``differs`` are fields whose value before is left out, since reconcile does not know the record
    yet: what others keep in HubSpot is not for everybody who reads the repository.
    """

    name: str
    before: str
    after: str
    shown_before: str
    shown_after: str
    reason: Reason
    note: str
    sensitive: bool
    hidden: bool
    differs: bool


@dataclass(frozen=True, slots=True)
class LinkView:
    """One association to make or to remove; ``text`` names the other record.

    ``id`` is the other record's, empty where it is not known yet or must not be shown. ``declared``
    are the types that are asked for, of those that the pair has afterwards.
    """

    add: bool
    to: str
    text: str
    id: str
    types: tuple[tuple[str, int], ...]
    declared: tuple[tuple[str, int], ...]
    hidden: bool


@dataclass(frozen=True, slots=True)
class RecordView:
    """One record. ``notes`` say what is special about it; ``why`` explains why it is left alone,
    or a part of it left out.
    """

    action: Action
    address: Address
    id: str
    parent_id: str
    title: str
    notes: tuple[str, ...]
    why: tuple[Explanation, ...]
    fields: tuple[FieldView, ...]
    links: tuple[LinkView, ...]
    root: bool
    adopts: bool
    rekey: bool
    recreates: bool
    foreign: bool
    pruned: bool
    moved_from: str

    @property
    def conflicts(self) -> tuple[Explanation, ...]:
        """The explanations that no note gives: those of a conflict."""
        return self.why if self.action is Action.CONFLICT else ()

    @property
    def hints(self) -> tuple[str, ...]:
        """What to do about a conflict, or about what is left out."""
        return hints_of(self.why)


@dataclass(frozen=True, slots=True)
class LeftAloneView:
    """The drift of one record: declared values ``after``, those in HubSpot ``before``."""

    address: Address
    id: str
    title: str
    fields: tuple[FieldView, ...]
    links: tuple[LinkView, ...]


@dataclass(frozen=True, slots=True)
class UnitView:
    """One unit. ``others`` counts the records under it that no manifest declares."""

    address: Address
    records: tuple[RecordView, ...]
    others: int

    @property
    def root(self) -> RecordView | None:
        """The order or cart itself, if it changes."""
        return next((record for record in self.records if record.root), None)

    @property
    def others_note(self) -> str:
        """``(+ 2 line items in HubSpot that no manifest declares; left alone)``."""
        under = [kind.name for kind in kinds().values() if self.address.kind in kind.parents]
        many = count(under[0] if len(under) == 1 else "", self.others)
        alone = "left alone"
        if self.root is not None and self.root.action is Action.ARCHIVE:
            alone += f", and left without their {self.address.kind}"
        return f"(+ {many} in HubSpot that no manifest declares; {alone})"


def listed_fields(record: RecordView) -> Sequence[FieldView]:
    """Return the fields to list: not the key and title that a created record's first line shows,
    nor the values of an archived record, unless somebody changed them.
    """
    if record.action is Action.ARCHIVE:
        return [field for field in record.fields if field.note]
    if record.action is not Action.CREATE:
        return record.fields
    kind = kinds().get(record.address.kind)
    title = kind.title if kind and record.title else ""
    fields = list(record.fields)
    if fields and fields[0].after == record.address.key:  # the key's property comes first
        del fields[0]
    return [field for field in fields if field.name != title or field.after != record.title]


def height(record: RecordView) -> int:
    """Return about how many lines a record takes below its first one."""
    packed = record.action is Action.CREATE and not record.root  # its fields share a line
    return len(record.links) + (1 if packed else len(listed_fields(record)))


def personal_values(change: RecordChange) -> Iterator[str]:
    """Yield the personal values that a record's change holds."""
    for field in change.fields:
        if field.personal:
            yield from (field.before, field.after, field.shown_before, field.shown_after)
    for link in change.links:
        if link.personal:
            yield link.shown


def masked(why: Sequence[Explanation], secret: Iterable[str]) -> tuple[Explanation, ...]:
    """Return explanations without personal values, of which ``secret`` are known."""
    values = tuple(secret) if why else ()
    return tuple(
        replace(one, reason=mask(one.reason, values), hint=mask(one.hint, values)) for one in why
    )


def unit_view(unit: UnitChange, *, personal: bool) -> UnitView:
    records = tuple(record_view(change, unit.address, personal=personal) for change in unit.changes)
    return UnitView(unit.address, records, unit.others)


def record_view(change: RecordChange, unit: Address, *, personal: bool) -> RecordView:
    why = change.why
    title = change.title
    if not personal:
        title = "" if _is_title_personal(change) else title
        why = masked(why, personal_values(change))
    return RecordView(
        action=change.action,
        address=change.address,
        id=change.id,
        parent_id=change.parent_id,
        title=title,
        notes=tuple(notes(change, why)),
        why=why,
        fields=tuple(
            replace(_field(field, personal=personal), note=RESTATED)
            if change.action is Action.UPDATE and field.is_restated
            else _field(field, personal=personal, known=not change.adopts)
            for field in change.fields
        ),
        links=tuple(_link(link, personal=personal) for link in change.links),
        root=change.address == unit,
        adopts=change.adopts,
        rekey=change.rekey,
        recreates=change.recreates,
        foreign=change.foreign,
        pruned=change.pruned,
        moved_from=change.moved_from,
    )


def left_alone_view(left: LeftAlone, *, personal: bool) -> LeftAloneView:
    """Return the view of a record's drift."""
    return LeftAloneView(
        left.address,
        left.id,
        left.title if personal or not _is_title_personal(left) else "",
        tuple(_field(field, personal=personal) for field in left.fields),
        tuple(_link(link, personal=personal) for link in left.links),
    )


def _is_title_personal(change: RecordChange | LeftAlone) -> bool:
    kind = kinds().get(change.address.kind)
    if kind is None:
        return False
    return kind.is_personal(kind.title) or any(
        field.personal for field in change.fields if field.name == kind.title
    )


def _field(field: FieldChange, *, personal: bool, known: bool = True) -> FieldView:
    hidden = field.personal and not personal
    differs = not (personal or known or hidden) and field.before != ""
    before, after = field.before, field.after
    shown_before, shown_after = field.shown_before or before, field.shown_after or after
    if shown_before == shown_after:  # one label for two ids would hide the change
        shown_before, shown_after = before, after
    if hidden:
        before = after = shown_before = shown_after = PERSONAL
    elif differs:
        before = shown_before = DIFFERS
    return FieldView(
        name=field.name,
        before=before,
        after=after,
        shown_before=shown_before,
        shown_after=shown_after,
        reason=field.reason,
        note=NOTES[field.reason],
        sensitive=field.personal,
        hidden=hidden,
        differs=differs,
    )


def _link(link: LinkChange, *, personal: bool) -> LinkView:
    hidden = link.personal and not personal
    text = link.shown or (str(link.address) if link.address else f"id={link.id}")
    if hidden:
        text = PERSONAL
    if not text.startswith((f"{link.to} ", f"{link.to}/")):
        text = f"{link.to} {text}"
    shown_id = "" if hidden else link.id
    return LinkView(link.add, link.to, text, shown_id, link.types, link.ours, hidden)
