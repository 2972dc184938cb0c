"""Annotations on the files of a pull request, where GitHub runs the command."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from reconcile.errors import Problem
from reconcile.github.job_variables import is_github_job
from reconcile.render.error_lines import Level, github_annotations


def annotate(level: Level, problems: Iterable[Problem], *, err: bool = False) -> None:
    """Print a workflow command for each problem; nothing outside GitHub's runners.

    They go to stdout after an error, and to stderr where stdout holds a plan, or JSON (``err``);
    GitHub reads both.
    """
    if not is_github_job(os.environ):
        return
    found = [replace(one, file=_in_repository(one.file)) for one in problems]
    for line in github_annotations(found, level):
        click.echo(line, err=err or level == "warning")


def _in_repository(file: str) -> str:
    """Return a file's path relative to the repository, as GitHub expects, not to the project."""
    path, repository = Path.cwd() / file, os.environ.get("GITHUB_WORKSPACE")
    if not repository or not path.is_relative_to(repository):
        return file
    return path.relative_to(repository).as_posix()
