"""`reconcile plan`."""

import os
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from reconcile import __version__
from reconcile.cli.common import (
    addresses,
    colored,
    paths_argument,
    project_of,
    recreate_option,
    save,
    settings_for,
    shows_personal,
    target_option,
)
from reconcile.planning.planfile import dump
from reconcile.render.progress import progress
from reconcile.render.safe import visible
from reconcile.render.text import write_plan
from reconcile.session import connect
from reconcile.workflow import plan


@click.command("plan")
@paths_argument
@target_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save the plan, so that `apply FILE` does exactly this. It holds order data: mode 0600.",
)
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 when there are changes, 0 when there are none.",
)
@recreate_option
def command(
    *,
    paths: tuple[Path, ...],
    target: str | None,
    out: Path | None,
    detailed_exitcode: bool,
    recreate: tuple[str, ...],
) -> int:
    """Show what apply would change. Writes nothing, in HubSpot or in the state.

    PATHS are files or folders of manifests; without them the project file says where they are.
    """
    settings = settings_for(target)
    again = addresses(recreate)
    units, everything = project_of(settings, paths)
    with (
        connect(settings, os.environ, "read") as session,
        progress(len(units), "Planning") as advance,
    ):
        made = plan(session, units, declared=everything, recreate=again, advance=advance)
    if out is not None:
        created = datetime.now(UTC).isoformat(timespec="seconds")
        save(out, dump(made, version=__version__, created=created), "the plan")
    write_plan(made, sys.stdout, personal=shows_personal(), color=colored())
    if out is not None:
        name = visible(shlex.quote(str(out)))
        click.echo(
            f"The plan is saved in {name}. To do exactly this: reconcile apply {name}", err=True
        )
    return 2 if detailed_exitcode and not made.empty else 0
