"""`reconcile drift`."""

import os
import sys
from pathlib import Path

import click

from reconcile.cli.common import absolute, colored, settings_for, shows_personal
from reconcile.cli.given_selection import selection_for
from reconcile.cli.json_output import problems_as_json
from reconcile.model.drifted import DriftReport
from reconcile.project.declared import read_declared
from reconcile.render.progress import progress
from reconcile.session import connect
from reconcile.workflow import drift_report, plan


def run(
    *,
    paths: tuple[Path, ...],
    target: str | None,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    form: str,
    detailed_exitcode: bool,
    no_sources: bool,
) -> int:
    """Run `reconcile drift`."""
    as_json = form == "json"
    with problems_as_json(as_json):
        settings = settings_for(target)
        declared = read_declared(settings, absolute(paths))
        selection = selection_for(select, exclude, settings, declared, paths)
    with (
        problems_as_json(as_json),
        declared.problems_first(),
        connect(settings, os.environ, "read") as session,
        progress(None if selection else len(declared.units), "Comparing") as advance,
    ):
        made = plan(
            session,
            declared.units,
            declared=declared.everything,
            broken=declared.problems,
            selection=selection,
            advance=advance,
        )
        report = DriftReport(made) if no_sources else drift_report(session, made)
    _show(report, form)
    return 2 if detailed_exitcode and report.drifted else 0


def _show(report: DriftReport, form: str) -> None:
    match form:
        case "markdown":
            from reconcile.render.drift_markdown import drift_markdown  # noqa: PLC0415

            click.echo(drift_markdown(report), nl=False)
        case "json":
            from reconcile.render.json_drift import drift_json  # noqa: PLC0415

            click.echo(drift_json(report, personal=shows_personal()), nl=False)
        case _:
            from reconcile.render.drift_lines import drift_lines  # noqa: PLC0415
            from reconcile.render.drift_view import drift_view  # noqa: PLC0415
            from reconcile.render.output import write_lines  # noqa: PLC0415

            seen = drift_view(report, personal=shows_personal())
            write_lines(drift_lines(seen), sys.stdout, color=colored())
