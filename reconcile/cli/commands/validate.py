"""The command line of `reconcile validate`."""

from typing import Any

import click

from reconcile.cli.options import json_option, paths_argument, request_options, target_option


@click.command("validate")
@paths_argument
@target_option
@request_options
@json_option
def command(**given: Any) -> None:
    """Check the project file and the manifests, offline.

    PATHS are files or folders of manifests; without them the project file says where they are.
    What only the account knows (property names, options, stages) is checked by plan.
    """
    from reconcile.cli import validate

    validate.run(**given)
