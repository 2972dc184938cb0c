"""The command line of `reconcile init`."""

from typing import Any

import click

from reconcile.cli.options import target_option
from reconcile.cli.project_fields import FIELDS


@click.command("init", epilog=FIELDS)
@target_option
@click.option("--auto-approve", is_flag=True, help="Do not ask before creating the properties.")
def command(**given: Any) -> int:
    """Write the project file and create the key properties.

    HubSpot has no property of its own that identifies an order, cart or line item, so each kind
    gets a unique text property for the manifests' keys. Properties that exist are left as they are,
    so init can be run again.
    """
    from reconcile.cli import init

    return init.run(**given)
