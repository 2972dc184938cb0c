"""A plan as GitHub Markdown: a comment on a pull request, a step summary. No personal values.

Text from manifests or HubSpot only ever stands in inline code, in fenced blocks, and HTML-escaped
in a summary: nowhere else could it be kept from being markup, a mention, a reference or a link.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from reconcile.model.explanation import Explanation, reasons_with_hints
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Plan, TargetPin
from reconcile.model.plan_options import options_again, options_to_let_in, options_to_put_back
from reconcile.render.change_groups import Section, sections
from reconcile.render.drift_words import unread_note
from reconcile.render.escaping import code_span, fenced, html_code, marker_name, shorten
from reconcile.render.markdown_groups import ALL, grouped_body
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
from reconcile.render.overview import LOOK_TWICE, anomaly_texts, total_texts
from reconcile.render.phrasing import in_order, listed, plural, selection_words
from reconcile.render.plan_lines import (
    HELD_LISTED,
    LEFT_OUT,
    LEFT_OUT_HINT,
    LET_IN,
    LET_THROUGH,
    PUT_BACK,
    address_list,
    left_alone,
    limit_line,
    others_note,
    undeclared_hint,
    warning,
)
from reconcile.render.plan_view import PlanView, view
from reconcile.render.record_views import personal_values
from reconcile.render.risk import Risk
from reconcile.render.styled_lines import Line
from reconcile.render.tree_banner import banner
from reconcile.render.unit_lines import REASONS, define_line, unit_line, unit_lines

LIMIT = 65_000
"""GitHub takes comments of 65,536 characters; step summaries of 1 MiB."""

_HELD_ROOM = 8_000
"""Bytes for what is held back."""
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


def markdown(plan: Plan, *, limit: int = LIMIT, digest: str = "", cost: str = "") -> str:
    """Return the plan within ``limit`` bytes, which are never fewer than characters.

    ``cost`` says what applying it takes, in a sentence. A plan beyond a screenful, or one that does
    not fit, is grouped (``markdown_groups``), and says what is left out. Counts, guards and the
    first conflicts always stay, so a tiny limit may be exceeded.
    """
    seen = view(plan, personal=False)
    found = sections(seen.units) if seen.is_long or seen.conflicts else []
    head = "\n\n".join(_head(seen, found, digest, cost))
    tail = "\n\n".join(_tail(seen))
    room = limit - _size(head) - _size(tail) - len("\n\n\n\n\n")
    body = None if seen.is_long else _full(seen, room)
    if body is None:
        body = grouped_body(found or sections(seen.units), room, _diff_block)
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


def _head(seen: PlanView, found: Sequence[Section], digest: str, cost: str) -> Iterator[str]:
    yield marker(seen.plan.target.name)
    yield heading("Plan for", seen.plan.target)
    yield from selection(seen.plan)
    yield from _banner(seen.plan)
    if seen.plan.in_doubt:
        names = code_span(address_list(seen.plan.in_doubt))
        yield f"**{LEFT_OUT}**: {names}  \nHint: {LEFT_OUT_HINT}"
    yield seen.footer
    if says := list(_overview(seen)):
        yield "\n".join(says)
    if about := [one for one in (cost, digest and f"Content digest: {code_span(digest)}") if one]:
        yield "  \n".join(about)
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
        yield "\n".join(_conflicts(found))
    yield from _held(seen)
    yield from _drift(seen)
    if seen.plan.others:
        yield others_note(seen.plan)
    if seen.plan.undeclared:
        names = code_span(address_list(seen.plan.undeclared))
        yield f"{left_alone(seen)}: {names}  \nHint: {undeclared_hint(seen)}"


def _overview(seen: PlanView) -> Iterator[str]:
    """Yield the money that the plan moves, and what looks like a slip."""
    yield from (f"- Totals: {text}" for text in total_texts(seen, code_span))
    yield from (f"- **{LOOK_TWICE}**: {text}" for text in anomaly_texts(seen, code_span))


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
    lines = list(islice(chain.from_iterable(map(unit_lines, seen.held())), HELD_LISTED + 1))
    if len(lines) > HELD_LISTED:
        yield grouped_body(sections(seen.held), _HELD_ROOM, _diff_block)
    else:
        yield _diff_block(lines)
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


def _conflicts(found: Iterable[Section]) -> Iterator[str]:
    """Yield the conflicts, one of each sort."""
    yield "**Conflicts**, left alone:\n"
    groups = [one for section in found if section.risk is Risk.CONFLICT for one in section.groups]
    for group in groups[:_LISTED]:
        record = group.apart[0].records[0]
        more = f", and {group.size - 1:,} more like this" if group.size > 1 else ""
        yield f"- {code_span(shorten(str(record.address)))}{more}"
        yield from (f"  - {item}" for item in _explained(record.conflicts))
    if left := sum(group.size for group in groups[_LISTED:]):
        yield f"- … and {left:,} more. {ALL}"


def _explained(why: Sequence[Explanation]) -> Iterator[str]:
    for reason, hint in reasons_with_hints(why[:REASONS]):
        yield code_span(shorten(reason))
        if hint:
            yield f"Hint: {code_span(shorten(hint))}"
    if len(why) > REASONS:
        yield f"… and {plural(len(why) - REASONS, 'more reason')}. {ALL}"


def _tail(seen: PlanView) -> Iterator[str]:
    hidden: Counter[str] = Counter()
    for change in seen.plan.records():
        hidden[change.address.kind] += any(True for _ in personal_values(change))
    if hidden.total():
        many = listed(hidden)
        yield f"Personal values are hidden here, in {many}: read them in the diff of the manifests."
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


def _diff_line(line: Line) -> str:
    mark = _COLORED.get(line.mark, " ")
    text = line.text()
    if line.glyph == mark:  # the diff mark shows it already
        text = f"{text[: line.indent]} {text[line.indent + 1 :]}"
    return f"{mark} {text[2:] if line.indent > 1 else text}".rstrip()


def _size(text: str) -> int:
    return len(text.encode())
