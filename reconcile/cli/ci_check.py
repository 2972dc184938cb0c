"""`reconcile ci github check`: which settings of the repository that the gate relies on are off."""

import os
import re
from collections.abc import Mapping

import click

from reconcile.errors import UsageError
from reconcile.github.access import access
from reconcile.github.gate_settings import gate_report
from reconcile.github.job import VARIABLES
from reconcile.github.repository_rules import read_rules
from reconcile.github.rest_client import GitHub
from reconcile.model.values import show
from reconcile.render.gate_lines import format_gate
from reconcile.render.json_gate import gate_document
from reconcile.render.json_text import json_text

_REPOSITORY = re.compile(r"([A-Za-z0-9-]{1,39})/([A-Za-z0-9._-]{1,100})")


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
    owner, name = _repository(repository, os.environ)
    for option, value in (("--environment", environment), ("--check", check)):
        if not value:
            raise UsageError(f"{option} needs a name")
    with GitHub(access(os.environ)) as github:
        rules = read_rules(github, owner, name, branch=branch or "", environment=environment)
    report = gate_report(rules, environment=environment, check=check)
    if as_json:
        click.echo(json_text(gate_document(report), indent=2))
    else:
        click.echo(format_gate(report))
    return 2 if detailed_exitcode and not report.is_complete else 0


def _repository(given: str | None, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return owner and name. Raises UsageError if there is no repository, or it has no such name.

    An owner's name is as GitHub makes them, so that no part of a path can be anything else.
    """
    variable = VARIABLES["repository"]
    text = given or environ.get(variable, "")
    if not text:
        raise UsageError(
            f"no repository is named, and {variable} is not set",
            hint="name one with --repository OWNER/NAME",
        )
    found = _REPOSITORY.fullmatch(text)
    if found is None or found[2] in (".", ".."):
        origin = "--repository" if given else variable
        raise UsageError(f"{origin} is not OWNER/NAME: {show(text)}")
    return found[1], found[2]
