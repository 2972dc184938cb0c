"""`reconcile plan`."""

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from reconcile.audit.actor import commit
from reconcile.cli.common import (
    absolute,
    addresses,
    colored,
    echo_warnings,
    settings_for,
    shows_personal,
    write_digest,
)
from reconcile.cli.cost import cost
from reconcile.cli.git_commit import files_read, source_of, write_source
from reconcile.cli.github_annotations import annotate
from reconcile.cli.given_selection import selection_for
from reconcile.cli.json_output import problems_as_json
from reconcile.cli.next_command import command_line
from reconcile.cli.requested import requested
from reconcile.cli.status import unfinished_notes
from reconcile.errors import Problem, UsageError
from reconcile.model.plan import Plan
from reconcile.model.source import Source
from reconcile.plan_files import save_plan
from reconcile.planning.guards import is_allowed, require_allowed
from reconcile.planning.plan_file import content_digest
from reconcile.project import Settings
from reconcile.project.declared import Declared, beside_project, read_declared
from reconcile.render.error_lines import conflicts_in
from reconcile.render.escaping import visible
from reconcile.render.output import write_plan
from reconcile.render.plan_view import view
from reconcile.render.progress import progress
from reconcile.selecting.selectors import Selection
from reconcile.session import Session, connect
from reconcile.stores.lease import utc_now
from reconcile.workflow import plan, with_drift_sources


def run(
    *,
    paths: tuple[Path, ...],
    target: str | None,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    tree: str | None,
    trusted_ref: str | None,
    out: Path | None,
    detailed_exitcode: bool,
    as_json: bool,
    recreate: tuple[str, ...],
    prune: bool,
    allow: tuple[str, ...],
    full: bool,
    verbose: bool,
    no_sources: bool,
) -> int:
    """Run `reconcile plan`."""
    if prune and paths:
        raise UsageError(
            "--prune cannot be combined with PATHS: records outside PATHS are not undeclared",
            hint="omit PATHS, or declare what to archive with lifecycle: {state: absent}",
        )
    with problems_as_json(as_json):
        beside = {"PATHS": paths, "--select": select, "--exclude": exclude}
        settings, declared, selection, source = requested(
            tree, trusted_ref, target, beside
        ) or _in_folder(paths, target, select, exclude)
    again = addresses(recreate)
    with (
        problems_as_json(as_json),
        declared.problems_first(),
        connect(settings, os.environ, "read") as session,
        progress(None if selection else len(declared.units), "Planning") as advance,
    ):
        made = plan(
            session,
            declared.units,
            declared=declared.everything,
            recreate=again,
            prune=prune,
            allow=allow,
            broken=declared.problems,
            selection=selection,
            advance=advance,
        )
        made = made if no_sources else with_drift_sources(session, made)
        notes = list(_notes(session, made))
    allowed = is_allowed(made)
    made = replace(made, source=source)
    if out is not None and allowed:
        made = replace(made, paths=beside_project(settings, absolute(paths)))
        save_plan(made, out, created=utc_now())
    digest = content_digest(made)
    _write(made, digest, declared.warnings, as_json=as_json, full=full, verbose=verbose)
    annotate("warning", conflicts_in(view(made, personal=shows_personal())))
    write_digest(digest)
    write_source(made.source)
    echo_warnings(() if as_json else declared.warnings, "reconcile plan --json")
    for line in notes:
        click.echo(line, err=True)
    if out is not None:
        click.echo(_saved(out, made) if allowed else "The plan is not saved.", err=True)
    require_allowed(made)
    return 2 if detailed_exitcode and (made.in_doubt or not made.empty) else 0


def _in_folder(
    paths: tuple[Path, ...],
    target: str | None,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
) -> tuple[Settings, Declared, Selection | None, Source]:
    """Return what the project in the current folder declares, and what of it is selected."""
    settings = settings_for(target)
    read = files_read(settings, commit(os.environ, settings.root))
    declared = read_declared(settings, absolute(paths), seen=read.add)
    source = source_of(read, settings, paths)
    return settings, declared, selection_for(select, exclude, settings, declared, paths), source


def _write(
    made: Plan,
    digest: str,
    warnings: Sequence[Problem],
    *,
    as_json: bool,
    full: bool,
    verbose: bool,
) -> None:
    """Write the plan to stdout, for people or for programs."""
    if not as_json:
        write_plan(
            made, sys.stdout, personal=shows_personal(), color=colored(), full=full, verbose=verbose
        )
        return
    from reconcile.render.json_plan import to_json  # noqa: PLC0415

    text = to_json(made, personal=shows_personal(), digest=digest, warnings=warnings)
    click.echo(text, nl=False)


def _notes(session: Session, made: Plan) -> Iterator[str]:
    """Yield which runs are unfinished, and what applying takes where the plan can be applied."""
    yield from unfinished_notes(session.store)
    if is_allowed(made) and (says := cost(session, made)):
        yield says


def _saved(out: Path, made: Plan) -> str:
    """Return where the plan is, and how to apply exactly this one, if it may be."""
    saved = f"The plan is saved in {visible(shlex.quote(str(out)))}."
    if made.source.request is not None:
        return f"{saved} It is for review: what is applied is what is merged."
    return f"{saved} To apply exactly this plan: {command_line('apply', str(out))}"
