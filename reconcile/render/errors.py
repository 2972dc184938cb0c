"""Errors as people meet them: lines for stderr, and annotations on a pull request's files."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from reconcile.errors import ApiError, ManifestError, Problem, ReconcileError
from reconcile.render.safe import (
    annotation_data,
    annotation_property,
    line_start,
    shorten,
    visible,
)
from reconcile.render.words import plural

ANNOTATIONS = 9
"""GitHub shows ten of a kind for each step; the tenth says how many more there are."""


def format_error(error: ReconcileError) -> str:
    """The lines for stderr, without a newline at the end."""
    return "\n".join(line_start(line) for line in _lines(error))


def github_annotations(problems: Sequence[Problem]) -> list[str]:
    """A workflow command for each problem, the first ones only where there are many.

    Paths are taken as they are: they must be relative to the repository's root.
    """
    lines = [_annotation(problem) for problem in problems[:ANNOTATIONS]]
    more = len(problems) - ANNOTATIONS
    if more > 0:
        lines.append(f"::error title=reconcile::{plural(more, 'more problem')}; the log lists all")
    return lines


def _lines(error: ReconcileError) -> Iterator[str]:
    first, *rest = str(error).split("\n")
    yield f"error: {visible(first)}"
    for line in rest:  # indented, so that no message can pretend to be another error
        yield f"  {visible(line)}"
    if isinstance(error, ManifestError):
        for problem, following in zip_longest(error.problems, error.problems[1:]):
            yield visible(str(problem))
            if problem.hint and not (following and following.hint == problem.hint):
                yield f"  hint: {visible(problem.hint)}"
    if isinstance(error, ApiError) and error.correlation_id:
        yield f"  HubSpot's correlation id: {visible(error.correlation_id)}"
    if error.hint:
        yield f"hint: {visible(error.hint)}"


def _annotation(problem: Problem) -> str:
    place = []
    if problem.file:
        place.append(f"file={annotation_property(visible(problem.file))}")
    if problem.line:
        place += [f"line={problem.line}", f"col={problem.column}"]
    text = visible(shorten(problem.message))
    if problem.hint:
        text += f"\nhint: {visible(shorten(problem.hint))}"
    return f"::error {','.join(place)}::{annotation_data(text)}".replace("::error ::", "::error::")
