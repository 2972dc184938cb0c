"""The command line of `reconcile status`."""

from typing import Any

import click

from reconcile.cli.options import target_option


@click.command("status")
@target_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(**given: Any) -> None:
    """Show whether a run was interrupted, how far it got, and how to resume it.

    Reads only the state's store, not HubSpot.
    """
    from reconcile.cli import status

    status.run(**given)
