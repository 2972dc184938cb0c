"""The lines of grouped changes: what differs first, then what the others have in common."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from reconcile.model.plan import Action
from reconcile.render.change_groups import Group, Section
from reconcile.render.cohorts import Row
from reconcile.render.escaping import CLEARED, DIFFERS, EMPTY, PERSONAL, pair, value, visible, width
from reconcile.render.overview import money, times
from reconcile.render.patterns import How, Pattern
from reconcile.render.phrasing import count, in_order, plural
from reconcile.render.styled_lines import BLANK, Line, Span, plain
from reconcile.render.unit_lines import NAMES, lines_of_record, record_name, unit_lines

ROWS = 40
"""Maximum properties of a group to show."""
SORTS = 50
"""Maximum sorts of conflicts to show."""
DEEPER = 4
"""Columns by which an example stands below its group."""


def section_lines(section: Section) -> Iterator[Line]:
    """Yield the changes of one risk: those listed one by one, then each group."""
    for unit in section.listed:
        yield from _block(unit_lines(unit))
    if section.left_out:
        yield plain(f"… and {counted(section.left_out)}, not listed", "note", indent=2)
        yield BLANK
    for group in section.groups[:SORTS]:
        yield from group_lines(group)
    if more := section.groups[SORTS:]:
        number = sum(group.size for group in more)
        yield plain(f"… and {plural(number, 'more record')} of other sorts", "conflict", indent=2)
        yield BLANK


def group_lines(group: Group) -> Iterator[Line]:
    """Yield a group, its exceptions first; of conflicts of one sort, a few."""
    apart = sum(len(unit.records) for unit in group.apart)
    if group.rows and apart:
        yield apart_line(group, apart)
    yield from _block(chain.from_iterable(map(unit_lines, group.apart)), end=not group.more)
    if group.more:
        yield plain(f"… and {group.more:,} more like this", "conflict", indent=2)
        yield BLANK
    if group.rows or not group.apart:
        yield from _block(chain(common_lines(group, apart), example_lines(group)))


def apart_line(group: Group, apart: int) -> Line:
    """Return the line above the exceptions of a group."""
    are = "is not like the others" if apart == 1 else "are not like the others"
    return plain(f"{apart:,} of {count(group.kind, group.size)} {are}:", "drift", indent=2)


def common_lines(group: Group, apart: int) -> Iterator[Line]:
    """Yield what the records of a group have in common, but for those that are ``apart``."""
    action = str(group.action)
    the = "the other " if apart else ""
    head = f"{group.action} {the}{count(group.kind, group.size - apart)}"
    notes: list[Span] = [(f"  # {visible(note)}", "drift") for note in group.notes]
    yield Line(2, group.action.glyph, action, ((head, action), *notes))
    column = min(
        max((width(_name(row)) + 2 * row.what.link for row in group.rows), default=0), NAMES
    )
    for row in group.rows[:ROWS]:
        yield from _row_lines(group.action, row, column, group.size - apart)
    if len(group.rows) > ROWS:
        more = plural(len(group.rows) - ROWS, "more property", "more properties")
        yield plain(f"… and {more}", "note", indent=6)


def example_lines(group: Group) -> Iterator[Line]:
    """Yield one record of a group: only its name if the rows say all there is."""
    record = group.example
    if record is None:
        return
    if all(map(_is_one_value, group.rows)):
        spans: tuple[Span, ...] = (("for example ", "note"), *record_name(record))
        yield Line(6, "", str(record.action), spans)
        return
    yield plain("for example", "note", indent=6)
    for line in lines_of_record(record):
        yield line._replace(indent=line.indent + DEEPER + (2 if record.root else 0))


def _is_one_value(row: Row) -> bool:
    found = row.found
    return not found.rest and len(found.common) == 1 and found.common[0].how is How.SAME


def _block(lines: Iterator[Line], *, end: bool = True) -> Iterator[Line]:
    some = False
    for line in lines:
        some = True
        yield line
    if some and end:
        yield BLANK


def counted(left_out: Mapping[tuple[Action, str], int]) -> str:
    """Return ``12 orders to update, 3 line items to archive``, of records by action and kind."""
    order = in_order({kind for _, kind in left_out})
    actions = list(Action)
    found = sorted(
        left_out.items(), key=lambda one: (actions.index(one[0][0]), order.index(one[0][1]))
    )
    return ", ".join(f"{count(kind, number)} to {action}" for (action, kind), number in found)


def _name(row: Row) -> str:
    return visible(row.what.name)


def _row_lines(action: Action, row: Row, column: int, size: int) -> Iterator[Line]:
    """Yield what is done to one property, a line for each way in which it changes."""
    name = _name(row)
    glyph = "" if not row.what.link else Action.ASSOCIATE.glyph if row.what.adds else "-"
    texts = [*_patterns(action, row, size), *_rest(action, row)]
    note: list[Span] = [(f"  # {visible(row.what.note)}", "drift")] if row.what.note else []
    for place, spans in enumerate(texts):
        first = name if not place else ""
        padded = first + " " * (column - width(first) + (0 if glyph and not place else 2))
        yield Line(6, glyph if not place else "", str(action), ((padded, "name"), *spans, *note))


def _patterns(action: Action, row: Row, size: int) -> Iterator[list[Span]]:
    found = row.found
    alone = len(found.common) == 1 and found.common[0].records >= size
    for pattern in found.common:
        spans = list(_pattern(action, pattern, row))
        if not alone:
            spans.append((f"  on {pattern.records:,}", "note"))
        yield spans


def _pattern(action: Action, pattern: Pattern, row: Row) -> Iterator[Span]:
    if pattern.how is How.TIMES:
        yield times(pattern.number), "new"
    elif pattern.how is How.PLUS:
        sign = "+" if pattern.number >= 0 else ""
        yield f"{sign}{money(pattern.number)}", "new"
    else:
        yield from _same(action, pattern, row)


def _same(action: Action, pattern: Pattern, row: Row) -> Iterator[Span]:
    _, _, before, after = pattern.value
    if row.what.hidden:
        yield PERSONAL, "empty"
    elif action is Action.CREATE:
        yield (value(after), "new") if after else ("(not set)", "empty")
    elif before == after:
        yield (value(after) if after else EMPTY), ""
    elif row.what.link:
        yield value(after), "new" if row.what.adds else "old"
    elif row.what.differs:
        new = value(after) if after else CLEARED
        yield from ((DIFFERS, "empty"), (" -> ", "arrow"), (new, "new"))
    elif not before:
        yield from ((EMPTY, "empty"), (" -> ", "arrow"), (value(after), "new"))
    elif not after:
        yield from ((value(before), "old"), (" -> ", "arrow"), (CLEARED, "empty"))
    else:
        old, new = pair(before, after)
        yield from ((old, "old"), (" -> ", "arrow"), (new, "new"))


def _rest(action: Action, row: Row) -> Iterator[Sequence[Span]]:
    """Yield how many records change in a way of their own, and how far numbers go."""
    found = row.found
    if not found.rest:
        return
    word = "value" if action is Action.CREATE or row.what.link else "change"
    other = "other " if found.common else ""
    text = f"{other}{word}s on {found.rest:,}" if found.common else f"various {word}s"
    if found.bounds is not None:
        least, most = found.bounds
        new = action is Action.CREATE
        text += f", {least:,f} to {most:,f}" if new else f", by {least:+,f} to {most:+,f}"
    yield [(text, "note")]
