"""The command line of `reconcile apply`."""

import re
from pathlib import Path
from typing import Any

import click

from reconcile.cli.options import (
    allow_option,
    full_option,
    prune_option,
    recreate_option,
    running_options,
    target_option,
)
from reconcile.model.values import show


def _digest(_: click.Context, option: click.Parameter, given: str | None) -> str:
    if given is None:
        return ""
    if not re.fullmatch(r"[0-9a-f]{16,64}", given):
        message = f"{show(given)} is not a content digest: 16 to 64 of 0-9 and a-f"
        raise click.BadParameter(message, param=option)
    return given


@click.command("apply")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@target_option
@click.option("--auto-approve", is_flag=True, help="Do not ask before applying.")
@allow_option
@click.option(
    "--expect-digest",
    metavar="DIGEST",
    callback=_digest,
    help="Apply only a plan with this content digest, as plan, show and apply print it; exit with "
    "6 for any other. The first 16 characters or more are enough.",
)
@recreate_option
@prune_option
@full_option
@running_options
def command(**given: Any) -> int:
    """Carry out a plan.

    With FILE, apply exactly the plan saved there, without asking. Without it, plan, show the plan,
    ask, and apply. Applying the same plan again resumes where it ended. Records whose manifest has
    changed since the plan was saved are left alone.
    """
    from reconcile.cli import apply

    return apply.run(**given)
