"""The lines of a report on drift, for every renderer that shows text."""

from collections.abc import Iterator, Sequence

from reconcile.model.drifted import Fate
from reconcile.model.plan import Plan
from reconcile.model.plan_options import options_to_put_back
from reconcile.render.drift_view import DriftedValue, DriftView, PropertyGroup, SourceGroup
from reconcile.render.drift_words import unread_note
from reconcile.render.escaping import CLEARED, EMPTY, pair, shorten, value, visible, width
from reconcile.render.not_applied import how_to_accept
from reconcile.render.plan_lines import (
    LEFT_OUT,
    LEFT_OUT_HINT,
    PUT_BACK,
    address_list,
    option_lines,
    selection_lines,
)
from reconcile.render.styled_lines import BLANK, Line, Span, plain
from reconcile.render.unit_lines import NAMES

WHAT = "Changed in HubSpot by others, and not in the manifests"
NO_HISTORY = "removed; HubSpot keeps no history of associations"
LEGEND = "declared -> in HubSpot; times are UTC"
_MOMENT = len("2026-11-30 11:10")
_FATES = {
    Fate.PUT_BACK: "put back by the next apply",
    Fate.HELD_BACK: "held back with the rest",
}


def drift_lines(view: DriftView) -> Iterator[Line]:
    """Yield the whole report, from target line to target line."""
    heading = plain(visible(view.heading), "heading")
    plan = view.report.plan
    yield heading
    yield from selection_lines(plan)
    yield BLANK
    if plan.in_doubt:
        yield plain(f"{LEFT_OUT}: {address_list(plan.in_doubt)}", "conflict")
        yield plain(f"hint: {LEFT_OUT_HINT}", "note", indent=2)
        yield BLANK
    if view.groups:
        yield plain(WHAT, "heading")
        yield plain(LEGEND, "note")
        yield BLANK
    for group in view.groups:
        yield plain(group_text(group), "address")
        for one in group.sources:
            if by := source_text(one):
                yield plain(by, "drift", indent=2)
            yield from value_lines(one)
        yield BLANK
    why = view.report.unread
    notes = [unread_note(why, personal=view.personal)] if why else []
    notes += [view.both] if view.both else []
    yield from (plain(visible(note), "conflict") for note in notes)
    if any(one.fate is Fate.LEFT_ALONE for one in view.values):
        yield from _what_to_do(plan)
    if notes or view.groups:
        yield BLANK
    yield plain(view.footer, "heading")
    yield heading


def _what_to_do(plan: Plan) -> Iterator[Line]:
    """Yield how to put drift back, and how to accept it."""
    yield from option_lines(PUT_BACK, options_to_put_back(plan))
    if hint := how_to_accept(plan):
        yield plain(f"hint: {hint}", "note", indent=2)


def group_text(group: PropertyGroup) -> str:
    """Return ``hs_pipeline_stage: 812 orders``."""
    return f"{visible(shorten(group.name))}: {group.many}"


def source_text(group: SourceGroup) -> str:
    """Return ``809 by integration Shopify``; empty if nobody looked for the source."""
    if any(one.link for one in group.values):
        return NO_HISTORY
    return f"{len(group.values):,} by {visible(group.by)}" if group.by else ""


def value_lines(group: SourceGroup) -> Iterator[Line]:
    """Yield a line for each value: when it was set, of which record, and what it is."""
    addresses = [visible(shorten(str(one.address))) for one in group.values]
    column = min(max(map(width, addresses)), NAMES)
    timed = any(one.at for one in group.values)
    for one, address in zip(group.values, addresses, strict=True):
        when = f"{one.at[:_MOMENT].replace('T', ' '):{_MOMENT}}  " if timed else ""
        gap = " " * (max(0, column - width(address)) + 2)
        spans: list[Span] = [(when, "note")] if when else []
        yield Line(4, "", "", (*spans, (address + gap, ""), *_what(one)))


def _what(one: DriftedValue) -> Sequence[Span]:
    """Return what was changed: the declared value and HubSpot's, or the association."""
    spans: list[Span] = []
    if one.field and one.field.hidden:
        spans.append((one.field.shown_before, "empty"))
    elif one.field:
        declared, there = one.field.shown_after, one.field.shown_before
        if declared and there:
            old, new = pair(declared, there)
        else:
            old = value(declared) if declared else EMPTY
            new = value(there) if there else CLEARED
        spans += [(old, "old"), (" -> ", "arrow"), (new, "new")]
    elif one.link:
        spans.append((visible(one.link.text), "old"))
    if one.fate in _FATES:
        spans.append((f"  # {_FATES[one.fate]}", "drift"))
    return spans
