"""Unfinished runs: how far they got, and the command that resumes them."""

from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from reconcile.model.outcome import Progress, Status
from reconcile.render.escaping import visible
from reconcile.render.json_text import json_text
from reconcile.render.output import write_lines
from reconcile.render.phrasing import plural
from reconcile.render.styled_lines import BLANK, Line, plain

FORMAT_VERSION = "1.0"
"""MAJOR.MINOR: a reader ignores names it does not know and refuses another major."""

RESUME = "reconcile resume"


def write_status(
    target: str,
    runs: Sequence[Progress],
    holder: str,
    stream: TextIO,
    *,
    color: bool,
    resume: str = RESUME,
) -> None:
    """Write the unfinished runs. ``holder`` is who holds the lock now, or empty.

    ``resume`` is the command that resumes the last run.
    """
    write_lines(_lines(target, runs, holder, resume), stream, color=color)


def _lines(target: str, runs: Sequence[Progress], holder: str, resume: str) -> Iterator[Line]:
    yield plain(f"Target {visible(target)}", "heading")
    yield BLANK
    if holder:
        yield plain(f"Locked by {visible(holder)}.")
    if not runs:
        yield plain("No run is unfinished.")
        return
    for run in runs:
        yield plain(f"Run {visible(run.run)} is not finished: {so_far(run)}.")
        if run.why:
            yield plain(f"It ended early: {visible(run.why)}", indent=2)
        yield plain(
            f"Started {visible(run.since)} by {visible(run.who or 'an unknown user')}", indent=2
        )
        yield plain(f"Plan {visible(run.plan[:16])}", indent=2)
    yield BLANK
    yield plain(
        "Wait until the run that holds the lock has ended."
        if holder
        else f"Continue with: {resume}"
    )


def so_far(run: Progress) -> str:
    """Return ``300 of 830 records done, 2 failed, 100 in doubt, 428 not begun``."""
    parts = [f"{run.counts.get(Status.DONE, 0):,} of {plural(run.total, 'record')} done"]
    parts += (
        f"{run.counts[status]:,} {'in conflict' if status is Status.CONFLICT else status}"
        for status in Status
        if status is not Status.DONE and run.counts.get(status)
    )
    if run.in_doubt:
        parts.append(f"{run.in_doubt:,} in doubt")
    if run.left:
        parts.append(f"{run.left:,} not begun")
    return ", ".join(parts)


def unfinished_note(run: Progress, resume: str = RESUME) -> str:
    """Return one sentence for a plan that is made meanwhile."""
    return f"run {visible(run.run)} is not finished ({so_far(run)}); continue with `{resume}`."


def status_json(target: str, runs: Sequence[Progress], holder: str, *, resume: str = RESUME) -> str:
    """Return the same for programs, in ASCII."""
    data = {
        "format_version": FORMAT_VERSION,
        "target": target,
        "locked_by": holder or None,
        "runs": [_run(run) for run in runs],
        "next": resume if runs and not holder else None,
    }
    return json_text(data, indent=2) + "\n"


def _run(run: Progress) -> dict[str, Any]:
    return {
        "run": run.run,
        "plan": run.plan,
        "who": run.who,
        "since": run.since,
        "ended_early": run.why or None,
        "records": run.total,
        "outcomes": {str(status): run.counts.get(status, 0) for status in Status},
        "in_doubt": run.in_doubt,
        "not_begun": run.left,
    }
