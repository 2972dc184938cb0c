"""Errors for people: lines for stderr, and annotations on a pull request's files."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Literal

from reconcile.errors import HubSpotError, ManifestError, Problem, ReconcileError
from reconcile.render.capped import capped
from reconcile.render.escaping import (
    annotation_data,
    annotation_property,
    line_start,
    shorten,
    visible,
)
from reconcile.render.phrasing import plural
from reconcile.render.plan_view import PlanView

Level = Literal["error", "warning"]

ANNOTATIONS = 9
"""GitHub shows ten of a kind for each step; the tenth says how many more there are."""


def format_error(error: ReconcileError, *, every: str = "reconcile plan --json") -> str:
    """Return the lines for stderr, without a newline at the end.

    ``every`` is the command that lists all problems where they are too many to be shown.
    """
    return "\n".join(line_start(line) for line in _lines(error, every))


def format_warnings(warnings: Sequence[Problem], *, every: str) -> str:
    """Return the lines for stderr, grouped and capped, without a newline at the end."""
    head = f"warning: {plural(len(warnings), 'reference')} will not fit another target"
    return "\n".join(line_start(line) for line in (head, *_listed(warnings, "warning", every)))


def format_left_out(records: int, problems: Sequence[Problem]) -> str:
    """Return the lines for stderr about records whose values cannot be written into manifests."""
    them = plural(records, "record is left out: its", "records are left out: their")
    head = f"warning: {them} values cannot all be written into the manifests"
    return "\n".join(line_start(line) for line in (head, *_listed(problems, "problem", "")))


def github_annotations(problems: Sequence[Problem], level: Level = "error") -> list[str]:
    """Return a workflow command for each problem; beyond a limit only the first ones.

    Paths are taken as they are: they must be relative to the repository's root.
    """
    lines = [_annotation(problem, level) for problem in problems[:ANNOTATIONS]]
    more = len(problems) - ANNOTATIONS
    if more > 0:
        what = plural(more, "more problem" if level == "error" else "more conflict")
        lines.append(f"::{level} title=reconcile::{what}; the log has more, and --json has all")
    return lines


def conflicts_in(plan: PlanView) -> Iterator[Problem]:
    """Yield the reasons of a plan's conflicts that have a location in a manifest, each once."""
    yield from dict.fromkeys(
        Problem(*one.location, one.reason, one.hint)
        for record in plan.conflicting()
        for one in record.conflicts
        if one.location.file
    )


def _lines(error: ReconcileError, every: str) -> Iterator[str]:
    text = error.summary if isinstance(error, ManifestError) else str(error)
    first, *rest = text.split("\n")
    yield f"error: {visible(first)}"
    for line in rest:  # indented, so that no message can pretend to be another error
        yield f"  {visible(line)}"
    if isinstance(error, ManifestError):
        yield from _listed(error.problems, "problem", every)
        if error.conflicts:
            yield f"and {plural(len(error.conflicts), 'conflict')} with what the account holds"
            yield from _listed(error.conflicts, "conflict", every)
    if isinstance(error, HubSpotError) and error.correlation_id:
        yield f"  HubSpot's correlation id: {visible(error.correlation_id)}"
    if error.hint:
        yield f"hint: {visible(error.hint)}"


def _listed(problems: Sequence[Problem], what: str, every: str) -> Iterator[str]:
    found = capped(problems, lambda one: (one.message, one.hint))
    for one, following in zip_longest(found.shown, found.shown[1:]):
        yield visible(str(one.item))
        if one.more:
            yield f"  … and {one.more:,} more like this"
        hint = one.item.hint
        if hint and not (following and following.item.hint == hint):
            yield f"  hint: {visible(hint)}"
    if found.left_out:
        yield f"… and {plural(len(found.left_out), f'more {what}')}"
    if every and len(found.shown) < len(problems):
        yield f"`{visible(every)}` lists every {what}"


def _annotation(problem: Problem, level: Level) -> str:
    place = []
    if problem.file:
        place.append(f"file={annotation_property(visible(problem.file))}")
    if problem.line:
        place += [f"line={problem.line}", f"col={problem.column}"]
    text = visible(shorten(problem.message))
    if problem.hint:
        text += f"\nhint: {visible(shorten(problem.hint))}"
    where = f" {','.join(place)}" if place else ""
    return f"::{level}{where}::{annotation_data(text)}"
