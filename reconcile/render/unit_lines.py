"""The lines of one unit: its records, with what changes in each."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from reconcile.model.explanation import Explanation, reasons_with_hints
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, PropertyDefine
from reconcile.render.escaping import CLEARED, DIFFERS, EMPTY, pair, quoted, value, visible, width
from reconcile.render.phrasing import count
from reconcile.render.record_views import FieldView, LinkView, RecordView, UnitView, listed_fields
from reconcile.render.styled_lines import Line, Span, plain

WIDE = 96
"""Packed fields start a new line before this column."""
NAMES = 40
"""Columns of names or titles are aligned up to this width."""
REASONS = 5
"""Maximum reasons for one record in a list of several; the plan itself shows all."""

_REMOVED = "-"
_STAYS = "  # dissociate; both records stay"
_DEFINED = "  unique text, the key property"


def explanation_lines(why: Sequence[Explanation], indent: int) -> Iterator[Line]:
    """Yield the reasons of a conflict, a line each, and each hint below the last it is for."""
    for reason, hint in reasons_with_hints(why):
        yield Line(indent, "", Action.CONFLICT, ((visible(reason), "conflict"),))
        if hint:
            yield hint_line(hint, indent, Action.CONFLICT)


def hint_line(hint: str, indent: int, mark: str) -> Line:
    """Return the line of a hint. ``mark`` is the action that it is about."""
    return Line(indent, "", mark, ((f"hint: {visible(hint)}", "note"),))


def unit_lines(unit: UnitView) -> Iterator[Line]:
    """Yield one unit: the order or cart, what changes in it, then its line items."""
    for lines in record_lines(unit):
        yield from lines
    if unit.others:
        yield plain(visible(unit.others_note), "note", indent=4)


def record_lines(unit: UnitView) -> Iterator[list[Line]]:
    """Yield the lines of each record of a unit; the first ones name the unit."""
    above = []
    if unit.root is None:
        above = [Line(4, "", "", ((visible(str(unit.address)), "address"),))]
    packed = [_packed(record) for record in unit.records]
    columns = _columns(unit.records, packed)
    for record, fields in zip(unit.records, packed, strict=True):
        yield [*above, *_record_lines(record, fields, columns)]
        above = []


def lines_of_record(record: RecordView) -> Iterator[Line]:
    """Yield one record with what changes in it."""
    packed = _packed(record)
    yield from _record_lines(record, packed, _columns([record], [packed]))


def record_name(record: RecordView) -> tuple[Span, ...]:
    """Return the address and title of a record."""
    title = f"  {quoted(record.title)}" if record.title else ""
    return (visible(str(record.address)), str(record.action)), (title, "title")


def unit_line(unit: UnitView) -> Line:
    """Return a unit on one line: the order or cart, and counts of actions below it."""
    under = Counter(
        (record.action, record.address.kind) for record in unit.records if not record.root
    )
    parts = [f"{count(kind, number)}: {action}" for (action, kind), number in under.items()]
    note: tuple[Span, ...] = ((f"  ({', '.join(parts)})", "note"),) if parts else ()
    if unit.root is None:
        address = visible(str(unit.address))
        return Line(4, "", Action.UPDATE, ((address, "address"), *note))
    head = _head(unit.root, (0, 0), "")
    return head._replace(spans=head.spans + note)


def define_line(define: PropertyDefine) -> Line:
    """Return the line of a property definition to create."""
    known = kinds().get(define.kind)
    name = f"{known.object if known else define.kind}.{define.name}"
    spans = ((f"property {visible(name)}", "create"), (_DEFINED, ""))
    return Line(2, Action.DEFINE.glyph, Action.DEFINE, spans)


def _record_lines(
    record: RecordView, packed: list[str], columns: tuple[int, int]
) -> Iterator[Line]:
    indent = 6 if record.root else 8
    beside = packed[0] if len(packed) == 1 and sum(columns) + len(packed[0]) < WIDE else ""
    yield _head(record, columns, beside)
    if record.conflicts:
        yield from explanation_lines(record.conflicts, indent)
    else:
        yield from (hint_line(hint, indent, record.action) for hint in record.hints)
    if packed:
        for text in () if beside else packed:
            yield Line(indent, "", record.action, ((text, ""),))
    else:
        yield from _field_lines(record, indent)
    for link in record.links:
        yield _link_line(link, indent)


def _head(record: RecordView, columns: tuple[int, int], beside: str) -> Line:
    style = str(record.action)
    address = visible(str(record.address))
    title = quoted(record.title) if record.title else ""
    if beside:
        address += " " * (columns[0] - width(address))
        title += " " * (columns[1] - width(title))
    spans: list[Span] = [(address, style)]
    if title.strip() or beside:
        spans.append((f"  {title}", "title"))
    if beside:
        spans.append((f"  {beside}", ""))
    quiet = record.action in (Action.ADOPT, Action.CONFLICT)
    spans += [(f"  # {visible(note)}", "note" if quiet else "drift") for note in record.notes]
    return Line(2 if record.root else 4, record.action.glyph, style, tuple(spans))


def _columns(records: Iterable[RecordView], packed: Iterable[list[str]]) -> tuple[int, int]:
    """Return the width of addresses and of titles of records with fields beside them."""
    beside = [record for record, fields in zip(records, packed, strict=True) if len(fields) == 1]
    addresses = [width(visible(str(record.address))) for record in beside]
    titles = [width(quoted(record.title)) if record.title else 0 for record in beside]
    return max(addresses, default=0), min(max(titles, default=0), NAMES)


def _packed(record: RecordView) -> list[str]:
    """Return a created line item's fields, several on a line; empty for other records."""
    if record.root or record.action is not Action.CREATE:
        return []
    lines = [""]
    for field in listed_fields(record):
        shown = field.shown_after if field.hidden else value(field.shown_after)
        text = f"{visible(field.name)}={shown}"
        if lines[-1] and len(lines[-1]) + len(text) > WIDE - 10:
            lines.append("")
        lines[-1] += f"  {text}" if lines[-1] else text
    return lines if lines[0] else []


def _field_lines(record: RecordView, indent: int) -> Iterator[Line]:
    fields = listed_fields(record)
    column = min(max((width(visible(field.name)) for field in fields), default=0), NAMES)
    hidden = [visible(field.name) for field in fields if field.hidden and not field.note]
    for field in fields:
        if not field.hidden or field.note:
            yield _field_line(record, field, indent, column)
    if hidden:
        yield Line(indent, "", record.action, ((f"changed (personal): {', '.join(hidden)}", ""),))


def _field_line(record: RecordView, field: FieldView, indent: int, column: int) -> Line:
    name = visible(field.name)
    spans: list[Span] = [(name + " " * (column - width(name) + 2), "name")]
    if field.hidden:
        spans.append((field.shown_after, "empty"))
    elif record.action is Action.CREATE:
        spans.append((value(field.shown_after), "new"))
    elif record.action is Action.ARCHIVE:
        shown = value(field.shown_before) if field.shown_before else EMPTY
        spans.append((shown, "old"))
    elif field.before == field.after:
        spans.append((value(field.after) if field.after else EMPTY, ""))
    elif field.differs:
        after = value(field.shown_after) if field.shown_after else CLEARED
        spans += [(DIFFERS, "empty"), (" -> ", "arrow"), (after, "new")]
    elif not field.shown_before:
        spans += [(EMPTY, "empty"), (" -> ", "arrow"), (value(field.shown_after), "new")]
    elif not field.shown_after:
        spans += [(value(field.shown_before), "old"), (" -> ", "arrow"), (CLEARED, "empty")]
    else:
        before, after = pair(field.shown_before, field.shown_after)
        spans += [(before, "old"), (" -> ", "arrow"), (after, "new")]
    if field.note:
        spans.append((f"  # {field.note}", "drift"))
    return Line(indent, "", record.action, tuple(spans))


def _link_line(link: LinkView, indent: int) -> Line:
    text = visible(link.text)
    if link.add:
        return Line(indent, Action.ASSOCIATE.glyph, Action.ASSOCIATE, ((text, "new"),))
    return Line(indent, _REMOVED, _REMOVED, ((text, "old"), (_STAYS, "note")))
