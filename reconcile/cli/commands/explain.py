"""The command line of `reconcile explain`."""

from typing import Any

import click

from reconcile.cli.options import json_option, target_option


@click.command("explain")
@click.argument("address", metavar="[ADDRESS]", required=False)
@target_option
@json_option
def command(**given: Any) -> None:
    """Show who may write what, or where the values of one record come from.

    Without ADDRESS, show one table: which kinds and properties may be written, who does, and the
    line of reconcile.yaml that says so. With ADDRESS (order/KEY), show for each declared value
    where it is declared, what HubSpot has now, whether that is as last applied, and what a plan
    would do and why. Writes nothing.
    """
    from reconcile.cli import explain

    explain.run(**given)
