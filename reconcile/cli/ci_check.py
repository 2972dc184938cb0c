"""`reconcile ci github check`: which settings of the repository that the gate relies on are off."""

import os
from collections.abc import Mapping

import click

from reconcile.errors import UsageError
from reconcile.github.access import access
from reconcile.github.gate_settings import gate_report
from reconcile.github.job import Repository, repository_named
from reconcile.github.job_variables import VARIABLES
from reconcile.github.repository_rules import read_rules
from reconcile.github.rest_client import GitHub
from reconcile.render.gate_lines import format_gate
from reconcile.render.json_gate import gate_document
from reconcile.render.json_text import json_text


def run(
    *,
    repository: str | None,
    branch: str | None,
    environment: str,
    check: str,
    detailed_exitcode: bool,
    as_json: bool,
) -> int:
    """Print the settings; return 2 if ``detailed_exitcode`` and one is not known to be on."""
    named = _repository(repository, os.environ)
    for option, value in (("--environment", environment), ("--check", check)):
        if not value:
            raise UsageError(f"{option} needs a name")
    with GitHub(access(os.environ)) as github:
        rules = read_rules(github, named, branch=branch or "", environment=environment)
    report = gate_report(rules, environment=environment, check=check)
    if as_json:
        click.echo(json_text(gate_document(report), indent=2))
    else:
        click.echo(format_gate(report))
    return 2 if detailed_exitcode and not report.is_complete else 0


def _repository(given: str | None, environ: Mapping[str, str]) -> Repository:
    """Return the repository that was named, else the job's."""
    if given:
        return repository_named(given, origin="--repository")
    if text := environ.get(VARIABLES["repository"]):
        return repository_named(text, origin=VARIABLES["repository"])
    raise UsageError(
        f"no repository is named, and {VARIABLES['repository']} is not set",
        hint="name one with --repository OWNER/NAME",
    )
