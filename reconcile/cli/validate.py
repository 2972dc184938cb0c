"""`reconcile validate`: check the manifests offline."""

from collections import Counter
from pathlib import Path

import click

from reconcile.cli.common import absolute, echo_warnings, settings_for
from reconcile.cli.json_output import problems_as_json
from reconcile.cli.requested import requested
from reconcile.project.declared import read_declared
from reconcile.render.json_problems import valid_json
from reconcile.render.phrasing import listed


def run(
    paths: tuple[Path, ...],
    target: str | None,
    *,
    tree: str | None,
    trusted_ref: str | None,
    as_json: bool,
) -> None:
    """Run `reconcile validate`."""
    with problems_as_json(as_json):
        found = requested(tree, trusted_ref, target, {"PATHS": paths})
        declared = found.declared if found else read_declared(settings_for(target), absolute(paths))
        declared.require_valid()
        units = declared.units
    counted = Counter(record.address.kind for unit in units for record in unit.records)
    if as_json:
        click.echo(valid_json(counted, declared.warnings), nl=False)
        return
    echo_warnings(declared.warnings, "reconcile validate --json")
    click.echo(f"The manifests are valid: {listed(counted)}.")
