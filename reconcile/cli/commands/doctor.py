"""The command line of `reconcile doctor`."""

from pathlib import Path
from typing import Any

import click

from reconcile.cli.options import target_option


@click.command("doctor")
@target_option
@click.option(
    "--probe",
    "probes",
    is_flag=True,
    help="Test in the account what HubSpot does not document, with records of its own that are "
    "removed again. For developer test accounts.",
)
@click.option("--allow-standard", is_flag=True, help="With --probe: also in a STANDARD account.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --probe: save what was found as JSON, mode 0600.",
)
@click.option("--auto-approve", is_flag=True, help="With --probe: do not ask before it begins.")
def command(**given: Any) -> int:
    """Check the account, the token's scopes for each command, and the limits left.

    Uses the write token if there is one. Exits with 1 when plan or apply lack a scope; with
    --probe, when it was refused or did not complete.
    """
    from reconcile.cli import doctor

    return doctor.run(**given)
