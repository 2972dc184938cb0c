"""`reconcile plan`."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from reconcile import __version__
from reconcile.cli.common import (
    addresses,
    colored,
    manifests_of,
    paths_argument,
    project_of,
    recreate_option,
    settings_for,
    shows_personal,
    target_option,
)
from reconcile.errors import UsageError
from reconcile.model.plan import Plan
from reconcile.planning.planfile import dump
from reconcile.render.progress import progress
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
    units, everything = project_of(settings, paths, manifests_of(settings, paths))
    with (
        connect(settings, os.environ, "read") as session,
        progress(len(units), "Planning") as advance,
    ):
        made = plan(session, units, declared=everything, recreate=again, advance=advance)
    if out is not None:
        save(made, out)
    write_plan(made, sys.stdout, personal=shows_personal(), color=colored())
    if out is not None:
        click.echo(
            f"The plan is saved in {out}. To do exactly this: reconcile apply {out}", err=True
        )
    return 2 if detailed_exitcode and not made.empty else 0


def save(made: Plan, path: Path) -> None:
    """Write a plan file, mode 0600, all or nothing."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(dump(made, version=__version__, created=created))
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"the plan cannot be saved in {path}: {error.strerror}") from error
