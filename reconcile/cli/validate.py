"""`reconcile validate`: the manifests alone, without a call to HubSpot."""

from collections import Counter
from pathlib import Path

import click

from reconcile.cli.common import manifests_of, paths_argument, settings_for, target_option
from reconcile.cli.machine import json_option, problems_as_json, write_json
from reconcile.render.jsonproblems import valid_json
from reconcile.render.words import listed


@click.command("validate")
@paths_argument
@target_option
@json_option
def command(paths: tuple[Path, ...], target: str | None, *, as_json: bool) -> None:
    """Check the project file and the manifests, offline.

    PATHS are files or folders of manifests; without them the project file says where they are.
    What only the account can tell (property names, options, stages) is checked by plan.
    """
    with problems_as_json(as_json):
        units = manifests_of(settings_for(target), paths)
    counted = Counter(record.address.kind for unit in units for record in unit.records)
    if as_json:
        write_json(valid_json(counted))
        return
    click.echo(f"The manifests are valid: {listed(counted)}.")
