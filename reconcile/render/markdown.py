"""A plan as GitHub Markdown: a comment on a pull request, a step summary. No personal values.

Text from manifests or HubSpot only ever stands in inline code, in fenced blocks, and HTML-escaped
in a summary: nowhere else could it be kept from being markup, a mention, a reference or a link.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from reconcile.model.explanation import Explanation, reasons_with_hints
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Plan, TargetPin
from reconcile.model.plan_options import options_again, options_to_let_in, options_to_put_back
from reconcile.render.drift_words import unread_note
from reconcile.render.escaping import code_span, fenced, html_code, marker_name, shorten
from reconcile.render.not_applied import (
    HELD_BACK,
    KEEP,
    LEFT_ALONE,
    DriftRow,
    drift_rows,
    held_changes,
    how_to_accept,
    how_to_keep,
    sources_note,
)
from reconcile.render.phrasing import in_order, plural, selection_words
from reconcile.render.plan_lines import (
    HELD_LISTED,
    LEFT_OUT,
    LEFT_OUT_HINT,
    LET_IN,
    LET_THROUGH,
    PUT_BACK,
    REASONS,
    Line,
    address_list,
    define_line,
    left_alone,
    limit_line,
    others_note,
    record_lines,
    undeclared_hint,
    unit_line,
    unit_lines,
    warning,
)
from reconcile.render.plan_view import PlanView, UnitView, view
from reconcile.render.tree_banner import banner

LIMIT = 65_000
"""GitHub takes comments of 65,536 characters; step summaries of 1 MiB."""

_ALL = "`reconcile show FILE` prints the whole plan."
_JSON = "`reconcile show FILE --format json` has it all."
_FEW = 5
_LISTED = 20
_COLORED = {  # GitHub's diff colours: green, orange, red
    Action.DEFINE: "+",
    Action.CREATE: "+",
    Action.ASSOCIATE: "+",
    Action.UPDATE: "!",
    Action.CONFLICT: "!",
    Action.ARCHIVE: "-",
    "-": "-",
}


def marker(target: str) -> str:
    """Return the hidden first line that identifies the comment with a target's plan."""
    return f"<!-- reconcile:plan:{marker_name(target)} -->"


def markdown(plan: Plan, *, limit: int = LIMIT, digest: str = "") -> str:
    """Return the plan within ``limit`` bytes, which are never fewer than characters.

    What does not fit is left out by level: the fields, then units, then all units; the text says
    so. Counts, guards and the first conflicts always stay, so a tiny limit may be exceeded.
    """
    seen = view(plan, personal=False)
    head = "\n\n".join(_head(seen))
    tail = "\n\n".join(_tail(seen, digest))
    room = limit - _size(head) - _size(tail) - len("\n\n\n\n\n")
    body = _full(seen, room)
    if body is None:
        body = _brief(seen, room)
    return "\n\n".join(part for part in (head, body, tail) if part) + "\n"


def heading(of: str, target: TargetPin) -> str:
    """Return the heading of a document about a target."""
    sandbox = "sandbox " if target.sandbox else ""
    kind = f" {code_span(target.account_type)}" if target.account_type else ""
    name = code_span(shorten(target.name))
    return f"### {of} {name}: {sandbox}account {target.portal_id}{kind}"


def selection(plan: Plan) -> Iterator[str]:
    """Yield what a plan is limited to."""
    if options := plan.selected.options:
        shown = code_span(shorten(" ".join(options)))
        yield f"Selection: {shown}: {selection_words(plan.selected)}."


def _banner(plan: Plan) -> Iterator[str]:
    """Yield what a plan of a pull request says first."""
    for one in banner(plan):
        text = f"{one.text}: {code_span(one.quoted)}" if one.quoted else one.text
        yield f"> **Warning:** {text}" if one.warns else text


def _diff_block(lines: Iterable[Line]) -> str:
    return fenced((_diff_line(line) for line in lines), "diff")


def _head(seen: PlanView) -> Iterator[str]:
    yield marker(seen.plan.target.name)
    yield heading("Plan for", seen.plan.target)
    yield from selection(seen.plan)
    yield from _banner(seen.plan)
    if seen.plan.in_doubt:
        names = code_span(address_list(seen.plan.in_doubt))
        yield f"**{LEFT_OUT}**: {names}  \nHint: {LEFT_OUT_HINT}"
    yield seen.footer
    if seen.tallies:
        yield "\n".join(_table(seen))
    if seen.plan.guards:
        yield "\n".join(_limits(seen.plan))
    for text in seen.adoptions.texts(listed_above=seen.verbose):
        yield f"> {code_span(shorten(text))}"
    for text in seen.plan.unchecked:
        yield f"> {code_span(shorten(warning(text)))}"
    if seen.plan.defines:
        yield _diff_block(map(define_line, seen.plan.defines))
    if seen.conflicts:
        yield "\n".join(_conflicts(seen))
    yield from _held(seen)
    yield from _drift(seen)
    if seen.plan.others:
        yield others_note(seen.plan)
    if seen.plan.undeclared:
        names = code_span(address_list(seen.plan.undeclared))
        yield f"{left_alone(seen)}: {names}  \nHint: {undeclared_hint(seen)}"


def _limits(plan: Plan) -> Iterator[str]:
    """Yield which limits refuse the plan, and how to pass them."""
    for guard in plan.guards:
        yield f"> **Limit exceeded**: {code_span(shorten(limit_line(guard)))}  "
    yield f"> Hint: {with_options(LET_THROUGH, options_again(plan))}"


def with_options(says: str, options: Sequence[str]) -> str:
    """Return a hint that ends with options."""
    return f"{says} {code_span(' '.join(options))}."


def _held(seen: PlanView) -> Iterator[str]:
    """Yield what is held back, and how to let it in."""
    held = held_changes(seen.plan)
    if not held:
        return
    yield f"**{plural(held, 'declared change')} will NOT be applied.** {HELD_BACK}."
    lines: list[Line] = []
    shown = 0
    for of_record in chain.from_iterable(map(record_lines, seen.held())):
        if shown and len(lines) + len(of_record) > HELD_LISTED:
            break
        lines += of_record
        shown += 1
    yield _diff_block(lines[:HELD_LISTED])
    more = []
    if len(lines) > HELD_LISTED:
        more.append(f"{plural(len(lines) - HELD_LISTED, 'more line')} of this change")
    if held > shown:
        more.append(plural(held - shown, "more declared change"))
    if more:
        yield f"… and {' and '.join(more)}. {_JSON}"
    yield f"Hint: {with_options(LET_IN, options_to_let_in(seen.plan))}"
    if command := how_to_keep(seen.plan):
        yield f"Hint: {KEEP}: {code_span(command)}."


def _drift(seen: PlanView) -> Iterator[str]:
    """Yield the drift that is left alone, a line for each property."""
    rows = drift_rows(seen.plan, personal=seen.personal)
    if not rows:
        return
    listed = [f"- {_drift_row(row)}" for row in rows[:_LISTED]]
    if len(rows) > _LISTED:
        listed.append(f"- … and {plural(len(rows) - _LISTED, 'more property', 'more properties')}")
    yield "\n".join((f"{LEFT_ALONE}:\n", *listed))
    if why := seen.plan.drift_sources.unread:
        yield f"> {code_span(unread_note(why, personal=seen.personal))}"
    note = sources_note(seen.plan)
    hint = with_options(PUT_BACK, options_to_put_back(seen.plan))
    yield f"{note[0].upper()}{note[1:]}.  \nHint: {hint}"
    if accepted := how_to_accept(seen.plan):
        yield f"Hint: {accepted}."


def _drift_row(row: DriftRow) -> str:
    by = row.by(code_span)
    return f"{code_span(shorten(row.name))}: {row.many}{f' ({by})' if by else ''}"


def _table(seen: PlanView) -> Iterator[str]:
    names = in_order({name for tally in seen.tallies for name in tally.counts})
    known = kinds()
    yield "| | " + " | ".join(known[n].plural if n in known else "records" for n in names) + " |"
    yield "|---|" + "---:|" * len(names)
    for tally in seen.tallies:
        numbers = (f"{tally.counts[n]:,}" if tally.counts.get(n) else "" for n in names)
        yield f"| {tally.verb} | {' | '.join(numbers)} |"


def _conflicts(seen: PlanView) -> Iterator[str]:
    yield "**Conflicts**, left alone:\n"
    for number, record in enumerate(seen.conflicting()):
        if number == _LISTED:
            yield f"- … and {seen.conflicts - _LISTED:,} more. {_ALL}"
            return
        yield f"- {code_span(shorten(str(record.address)))}"
        yield from (f"  - {item}" for item in _explained(record.conflicts))


def _explained(why: Sequence[Explanation]) -> Iterator[str]:
    for reason, hint in reasons_with_hints(why[:REASONS]):
        yield code_span(shorten(reason))
        if hint:
            yield f"Hint: {code_span(shorten(hint))}"
    if len(why) > REASONS:
        yield f"… and {plural(len(why) - REASONS, 'more reason')}. {_ALL}"


def _tail(seen: PlanView, digest: str) -> Iterator[str]:
    if digest:
        yield f"Content digest: {code_span(digest)}"
    yield code_span(shorten(seen.heading))


def _full(seen: PlanView, room: int) -> str | None:
    """Return every unit with its fields, or None if they do not fit."""
    blocks: list[str] = []
    used = 0
    for block in _blocks(seen):
        used += _size(block) + 2
        if used > room:
            return None
        blocks.append(block)
    return "\n\n".join(blocks)


def _blocks(seen: PlanView) -> Iterator[str]:
    single: list[Line] = []  # units of one line share a block
    shut = "" if len(seen.changing) > _FEW else " open"
    for unit in seen.units():
        lines = list(unit_lines(unit))
        if len(lines) == 1:
            single += lines
            continue
        if single:
            yield _diff_block(single)
            single = []
        summary = html_code(unit_line(unit).text().strip())
        block = _diff_block(lines)
        yield f"<details{shut}><summary>{summary}</summary>\n\n{block}\n\n</details>"
    if single:
        yield _diff_block(single)


def _brief(seen: PlanView, room: int) -> str:
    """Return a line for each unit, for as many as fit."""
    lines: list[Line] = []
    used = 0
    for unit in seen.units():
        line = _short(unit)
        used += _size(line.text()) + 1
        if used > room:
            break
        lines.append(line)
    while lines:
        block = f"{_diff_block(lines)}\n\n{_left_out(len(seen.changing) - len(lines))}"
        if _size(block) <= room:
            return block
        lines = lines[: len(lines) * 9 // 10]
    return _left_out(len(seen.changing))


def _short(unit: UnitView) -> Line:
    line = unit_line(unit)
    return line._replace(spans=tuple((shorten(text), style) for text, style in line.spans))


def _left_out(units: int) -> str:
    if not units:
        return f"Left out to fit: the fields. {_ALL}"
    many = "1 unit" if units == 1 else f"{units:,} units"
    return f"Left out to fit: {many} (an order or cart with its line items), and all fields. {_ALL}"


def _diff_line(line: Line) -> str:
    mark = _COLORED.get(line.mark, " ")
    text = line.text()
    if line.glyph == mark:  # the diff mark shows it already
        text = f"{text[: line.indent]} {text[line.indent + 1 :]}"
    return f"{mark} {text[2:] if line.indent > 1 else text}".rstrip()


def _size(text: str) -> int:
    return len(text.encode())
