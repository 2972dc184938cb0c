"""The command line of `reconcile init`."""

from typing import Any

import click

from reconcile.cli.options import target_option
from reconcile.cli.project_fields import FIELDS


@click.command("init", epilog=FIELDS)
@target_option
@click.option("--auto-approve", is_flag=True, help="Do not ask before making the properties.")
def command(**given: Any) -> int:
    """Write the project file and make the properties that find records.

    HubSpot has no property of its own that tells one order, cart or line item from another, so
    each kind gets a unique text property for the manifests' keys. What is there already is left
    as it is, so init can be run again.
    """
    from reconcile.cli import init

    return init.run(**given)
