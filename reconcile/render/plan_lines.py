"""The lines of a plan, for every renderer that shows text: styled pieces of visible text."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation, reasons_with_hints
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Guard, Plan, PropertyDefine
from reconcile.model.plan_options import options_again, options_to_let_in, options_to_put_back
from reconcile.render.conflict_groups import group_conflicts
from reconcile.render.drift_words import unread_note
from reconcile.render.escaping import CLEARED, EMPTY, pair, quoted, shorten, value, visible, width
from reconcile.render.not_applied import (
    HELD_BACK,
    KEEP,
    LEFT_ALONE,
    drift_rows,
    held_changes,
    how_to_accept,
    how_to_keep,
    sources_note,
)
from reconcile.render.phrasing import count, kind_order, plural, selection_words
from reconcile.render.plan_view import FieldView, LinkView, PlanView, RecordView, UnitView
from reconcile.render.tree_banner import banner

Span = tuple[str, str]
"""Visible text and the name of its style (``terminal.STYLES``), empty for none."""

COLUMNS = 80
"""Hints that end with options, and counts, fit into this many columns, so that none is broken."""
WIDE = 96
"""Packed fields start a new line before this column."""
NAMES = 40
"""Columns of names or titles are aligned up to this width."""
LISTED = 10
"""Maximum addresses to list; the rest is counted."""
HELD_LISTED = 40
"""Maximum records held back to list, and properties that drifted."""
REASONS = 5
"""Maximum reasons for one record in a list of several; the plan itself shows all."""


class Line(NamedTuple):
    """One line. ``glyph`` starts it, after the indentation; ``mark`` is the action it shows."""

    indent: int
    glyph: str
    mark: str
    spans: tuple[Span, ...]

    def text(self) -> str:
        """Return the line without styles."""
        glyph = f"{self.glyph} " if self.glyph else ""
        return " " * self.indent + glyph + "".join([text for text, _ in self.spans])


BLANK = Line(0, "", "", ())
_REMOVED = "-"
_STAYS = "  # dissociate; both records stay"
_DEFINED = "  unique text, the key property"

LET_IN = "to let them in, plan with"
PUT_BACK = "to put it back, plan with"
LET_THROUGH = "if this is intended, plan with"

LEFT_OUT = "Left out, because an interrupted run wrote to them and the outcome is not known yet"
LEFT_OUT_HINT = (
    "`reconcile resume` continues that run; any apply first finds out what became of its writes"
)


def plain(text: str, style: str = "", indent: int = 0) -> Line:
    """Return a line of one span."""
    return Line(indent, "", "", ((text, style),))


def plan_lines(view: PlanView) -> Iterator[Line]:
    """Yield the whole plan, from target line to target line."""
    heading = plain(visible(view.heading), "heading")
    yield heading
    yield from selection_lines(view.plan)
    yield from banner_lines(view.plan)
    yield BLANK
    yield from _left_out(view)
    yield from _held_first(view)
    above = 0
    for define in view.plan.defines:
        yield define_line(define)
        above = 2
    groups = group_conflicts(view.changing)
    for place, unit in enumerate(view.units()):
        if place in groups.hidden:
            continue
        lines = list(unit_lines(unit))
        if place in groups.more:
            more = f"… and {groups.more[place]:,} more like this"
            lines.append(plain(more, "conflict", indent=2))
        if above and above + len(lines) > 2:  # units of one line stand together
            yield BLANK
        above = len(lines)
        yield from lines
    if above:
        yield BLANK
    if groups.left_out:
        yield plain(f"… and {plural(groups.left_out, 'more conflict')}", "conflict")
    if groups.hidden:
        yield plain("`reconcile plan --json` lists every conflict", "note")
        yield BLANK
    yield from _adopted(view)
    yield from _held(view)
    yield from _drift(view)
    yield from _of_whole(view)
    yield plain(view.footer, "heading")
    yield heading


def _adopted(view: PlanView) -> Iterator[Line]:
    if texts := view.adoptions.texts(listed_above=view.verbose):
        yield from (plain(visible(text), "note") for text in texts)
        yield BLANK


def banner_lines(plan: Plan) -> Iterator[Line]:
    """Yield what a plan of a pull request says first."""
    for one in banner(plan):
        text = f"{one.text}: {visible(one.quoted)}" if one.quoted else one.text
        yield plain(text, "conflict" if one.warns else "note")


def selection_lines(plan: Plan) -> Iterator[Line]:
    """Yield what a plan is limited to."""
    if options := plan.selected.options:
        yield plain(f"Selection: {visible(' '.join(options))}", "note")
        yield plain(selection_words(plan.selected), "note", indent=2)


def _left_out(view: PlanView) -> Iterator[Line]:
    if view.plan.in_doubt:
        yield plain(f"{LEFT_OUT}: {address_list(view.plan.in_doubt)}", "conflict")
        yield plain(f"hint: {LEFT_OUT_HINT}", "note", indent=2)
        yield BLANK


def _held_first(view: PlanView) -> Iterator[Line]:
    if number := held_changes(view.plan):
        many = plural(number, "declared change")
        yield plain(f"{many} will NOT be applied: held back, see below", "conflict")
        yield BLANK


def _held(view: PlanView) -> Iterator[Line]:
    """Yield what is held back, and how to let it in."""
    number, more = 0, 0
    for unit in view.held():
        if not number:
            yield plain(HELD_BACK, "conflict")
        if number < HELD_LISTED:
            yield from unit_lines(unit)
        else:
            more += len(unit.records)
        number += len(unit.records)
    if number:
        if more:
            yield plain(f"… and {plural(more, 'more declared change')}", "conflict", indent=2)
            yield plain("`reconcile plan --json` lists every one", "note", indent=2)
        yield from option_lines(LET_IN, options_to_let_in(view.plan))
        if command := how_to_keep(view.plan):
            yield plain(f"hint: {KEEP}: `{visible(command)}`", "note", indent=2)
        yield BLANK


def _drift(view: PlanView) -> Iterator[Line]:
    """Yield the drift that is left alone, a line for each property."""
    rows = drift_rows(view.plan, personal=view.personal)
    if not rows:
        return
    yield plain(LEFT_ALONE, "heading")
    column = min(max(width(visible(row.name)) for row in rows), NAMES)
    for row in rows[:HELD_LISTED]:
        name, by = visible(row.name), row.by(visible)
        line = name + " " * (column - width(name) + 2) + row.many
        fits = width(f"{line}: {by}") <= COLUMNS - 4
        yield plain(f"{line}: {by}" if by and fits else line, "", indent=4)
        if by and not fits:
            yield plain(by, "", indent=6)
    if len(rows) > HELD_LISTED:
        yield plain(
            f"… and {plural(len(rows) - HELD_LISTED, 'more property', 'more properties')}",
            "note",
            indent=4,
        )
    if why := view.plan.drift_sources.unread:
        yield plain(visible(unread_note(why, personal=view.personal)), "conflict", indent=2)
    yield plain(sources_note(view.plan), "note", indent=2)
    yield from option_lines(PUT_BACK, options_to_put_back(view.plan))
    if hint := how_to_accept(view.plan):
        yield plain(f"hint: {hint}", "note", indent=2)
    yield BLANK


def _of_whole(view: PlanView) -> Iterator[Line]:
    """Yield what is not declared, what could not be checked, and the limits that are exceeded."""
    plan = view.plan
    if plan.others:
        yield plain(others_note(plan), "note")
    if plan.undeclared:
        yield plain(f"{left_alone(view)}: {address_list(plan.undeclared)}", "note")
        yield plain(f"hint: {undeclared_hint(view)}", "note", indent=2)
    for text in plan.unchecked:
        yield plain(warning(text), "conflict")
    for guard in plan.guards:
        yield Line(0, "!", Action.CONFLICT, ((limit_line(guard), "conflict"),))
    if plan.guards:
        yield from option_lines(LET_THROUGH, options_again(plan))
    if plan.others or plan.undeclared or plan.unchecked or plan.guards:
        yield BLANK


def left_alone(view: PlanView) -> str:
    """Return the heading for the records that no manifest declares."""
    if view.plan.prune:
        return "No longer declared, but protected or still referenced (left alone)"
    return "No longer declared (left alone)"


def others_note(plan: Plan) -> str:
    """Return how many line items nobody declares under what is declared."""
    children = {child for kind in kinds().values() for child in kind.children}
    many = count(children.pop() if len(children) == 1 else "", plan.others)
    are = "is" if plan.others == 1 else "are"
    return f"{many} under declared orders and carts {are} in no manifest (left alone)"


def undeclared_hint(view: PlanView) -> str:
    """Return what to do about the records that no manifest declares."""
    if view.plan.prune:
        return (
            "apply protected ones once without protect, remove the references to the others, or "
            "stop managing them with `reconcile state rm ADDRESS`"
        )
    return (
        "declare them again, archive them with `reconcile plan --prune`, or stop managing them "
        "with `reconcile state rm ADDRESS`"
    )


def address_list(addresses: Iterable[Address]) -> str:
    """Return ``order/X, order/Y, line_item/X:1, … and 12 more``: orders before their lines."""
    kinds_first = {name: rank for rank, name in enumerate(kind_order())}
    found = sorted(addresses, key=lambda one: (kinds_first.get(one.kind, len(kinds_first)), one))
    names = [visible(shorten(str(address))) for address in found[:LISTED]]
    more = len(found) - len(names)
    return ", ".join(names) + (f", … and {more:,} more" if more else "")


def warning(text: str) -> str:
    """Return the line for something that could not be checked."""
    return f"warning: {visible(text)}"


def limit_line(guard: Guard) -> str:
    """Return what exceeds a limit."""
    message = guard.message or f"{guard.count:,} where the limit is {guard.limit:,}"
    return f"{visible(guard.name)}: {visible(message)}"


def option_lines(says: str, options: Sequence[str]) -> Iterator[Line]:
    """Yield a hint that ends with options, which can be pasted if they take lines of their own."""
    shown = [visible(option) for option in options]
    hint = f"hint: {says}"
    if 2 + width(" ".join((hint, *shown))) <= COLUMNS:
        yield plain(" ".join((hint, *shown)), "note", indent=2)
        return
    yield plain(hint, "note", indent=2)
    rows = [""]
    for option in shown:
        if rows[-1] and 4 + width(f"{rows[-1]} {option} \\") > COLUMNS:
            rows.append("")
        rows[-1] += f" {option}" if rows[-1] else option
    *above, last = rows
    yield from (plain(f"{row} \\", "note", indent=4) for row in above)
    yield plain(last, "note", indent=4)


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
    for field in _created(record):
        shown = field.shown_after if field.hidden else value(field.shown_after)
        text = f"{visible(field.name)}={shown}"
        if lines[-1] and len(lines[-1]) + len(text) > WIDE - 10:
            lines.append("")
        lines[-1] += f"  {text}" if lines[-1] else text
    return lines if lines[0] else []


def _created(record: RecordView) -> list[FieldView]:
    """Return a created record's fields without key and title, which its first line shows."""
    kind = kinds().get(record.address.kind)
    title = kind.title if kind and record.title else ""
    fields = list(record.fields)
    if fields and fields[0].after == record.address.key:  # the key's property comes first
        del fields[0]
    return [field for field in fields if field.name != title or field.after != record.title]


def _field_lines(record: RecordView, indent: int) -> Iterator[Line]:
    creates = record.action is Action.CREATE
    fields: Sequence[FieldView] = _created(record) if creates else record.fields
    if record.action is Action.ARCHIVE:  # only values that differ from those last applied
        fields = [field for field in fields if field.note]
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
