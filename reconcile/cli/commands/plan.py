"""The command line of `reconcile plan`."""

from pathlib import Path
from typing import Any

import click

from reconcile.cli.options import (
    allow_option,
    full_option,
    json_option,
    paths_argument,
    prune_option,
    recreate_option,
    request_options,
    selection_options,
    sources_option,
    target_option,
    verbose_option,
)


@click.command("plan")
@paths_argument
@target_option
@selection_options
@request_options
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save the plan, so that `apply FILE` does exactly this. It holds order data: mode 0600.",
)
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 when there are changes or conflicts, also held back; 0 for drift alone.",
)
@json_option
@allow_option
@recreate_option
@prune_option
@full_option
@verbose_option
@sources_option
def command(**given: Any) -> int:
    """Show what apply would change. Writes nothing, in HubSpot or in the state.

    PATHS are files or folders of manifests; without them the project file says where they are.
    """
    from reconcile.cli import plan

    return plan.run(**given)
