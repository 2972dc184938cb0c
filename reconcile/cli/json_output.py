"""JSON on stdout, for programs: the result, or every problem that prevented it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import click

from reconcile.cli.github_annotations import annotate
from reconcile.errors import ManifestError
from reconcile.render.escaping import mask, visible
from reconcile.render.json_problems import problems_json


@contextmanager
def problems_as_json(wanted: bool) -> Iterator[None]:  # noqa: FBT001
    """Print the problems of manifests as JSON where that is ``wanted``, and exit with 1."""
    try:
        yield
    except ManifestError as error:
        if not wanted:
            raise
        shown = without_personal(error) if os.environ.get("CI") else error
        click.echo(problems_json(shown), nl=False)
        click.echo(f"error: {visible(shown.summary)}", err=True)
        annotate("error", shown.problems, err=True)
        annotate("warning", shown.conflicts)
        raise click.exceptions.Exit(error.exit_code) from None


def without_personal(error: ManifestError) -> ManifestError:
    """Return the same problems without personal values: others may read a CI log."""
    problems, conflicts = (
        [replace(one, message=mask(one.message)) for one in some]
        for some in (error.problems, error.conflicts)
    )
    hint = mask(error.hint)
    return ManifestError(problems, title=error.title, conflicts=conflicts, hint=hint)
