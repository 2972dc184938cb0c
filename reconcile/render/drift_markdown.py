"""A report on drift as GitHub Markdown: a step summary or an issue. No personal values."""

from collections.abc import Iterator, Sequence
from itertools import islice

from reconcile.model.drifted import DriftReport, Fate
from reconcile.model.plan_options import options_to_put_back
from reconcile.render.drift_lines import LEGEND, WHAT, source_text, value_lines
from reconcile.render.drift_view import DriftView, PropertyGroup, SourceGroup, drift_view
from reconcile.render.drift_words import Sum, main_sources, unread_note
from reconcile.render.escaping import code_span, fenced, html_code, marker_name, shorten
from reconcile.render.markdown import LIMIT, heading, selection, with_options
from reconcile.render.not_applied import how_to_accept
from reconcile.render.phrasing import plural
from reconcile.render.plan_lines import LEFT_OUT, LEFT_OUT_HINT, PUT_BACK, address_list

_VALUES = 100
"""Maximum values of one source and property to list."""
_GROUPS = 50
"""Maximum properties to list."""
_ALL = "`reconcile drift` prints all."


def marker(target: str) -> str:
    """Return the hidden first line that identifies the comment with a target's drift."""
    return f"<!-- reconcile:drift:{marker_name(target)} -->"


def drift_markdown(report: DriftReport, *, limit: int = LIMIT) -> str:
    """Return the report within ``limit`` bytes; what does not fit is counted.

    Properties, sources and their numbers come first, then as many of the values as fit.
    """
    seen = drift_view(report, personal=False)
    head, tail = list(_head(seen)), code_span(shorten(seen.heading))
    room = limit - len("\n\n".join([*head, tail]).encode()) - 200
    blocks, left_out = _details(seen, room)
    if left_out:
        blocks.append(f"Left out to fit: {plural(left_out, 'value')}. {_ALL}")
    return "\n\n".join([*head, *blocks, tail]) + "\n"


def _head(seen: DriftView) -> Iterator[str]:
    plan = seen.report.plan
    yield marker(plan.target.name)
    yield heading("Drift in", plan.target)
    yield from selection(plan)
    if plan.in_doubt:
        names = code_span(address_list(plan.in_doubt))
        yield f"**{LEFT_OUT}**: {names}  \nHint: {LEFT_OUT_HINT}"
    yield seen.footer
    if seen.groups:
        listed = [f"- {_group(group)}" for group in seen.groups[:_GROUPS]]
        more = len(seen.groups) - _GROUPS
        if more > 0:
            listed.append(f"- … and {plural(more, 'more property', 'more properties')}")
        yield "\n".join((f"{WHAT}:\n", *listed))
    if why := seen.report.unread:
        yield f"> {code_span(unread_note(why, personal=False))}"
    if seen.both:
        yield f"{seen.both}."
    if any(one.fate is Fate.LEFT_ALONE for one in seen.values):
        yield f"Hint: {with_options(PUT_BACK, options_to_put_back(plan))}"
        if hint := how_to_accept(plan):
            yield f"Hint: {hint}."


def _group(group: PropertyGroup) -> str:
    """Return ``hs_tags: 2 orders (2 by integration Shopify)``."""
    sums: Sequence[Sum] = [Sum(one.by, len(one.values)) for one in group.sources if one.by]
    by = f" ({main_sources(sums, code_span)})" if sums else ""
    return f"{code_span(shorten(group.name))}: {group.many}{by}"


def _details(seen: DriftView, room: int) -> tuple[list[str], int]:
    """Return a block for each property and source, as many as fit, and how many values do not."""
    blocks: list[str] = []
    left_out = 0
    for group in seen.groups:
        for one in group.sources:
            block = _block(group, one)
            size = len(block.encode()) + 2
            if size > room:
                left_out += len(one.values)
                continue
            room -= size
            blocks.append(block)
            left_out += max(0, len(one.values) - _VALUES)
    if blocks:
        blocks.insert(0, f"In each, {LEGEND}:")
    return blocks, left_out


def _block(group: PropertyGroup, one: SourceGroup) -> str:
    summary = html_code(f"{shorten(group.name)}: {source_text(one) or group.many}")
    lines = [line.text().strip() for line in islice(value_lines(one), _VALUES)]
    return f"<details><summary>{summary}</summary>\n\n{fenced(lines)}\n\n</details>"
