"""The command line of `reconcile pull`."""

from pathlib import Path
from typing import Any

import click

from reconcile.cli.options import target_option


def _names(_: click.Context, __: click.Parameter, given: str | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(one.strip() for one in given.split(",") if one.strip())


@click.command("pull")
@click.argument("kind", metavar="KIND", type=click.Choice(("orders", "carts")))
@target_option
@click.option("--all", "everything", is_flag=True, help="Pull all records that are not archived.")
@click.option(
    "--ids",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Pull the records with these ids, one on each line of FILE.",
)
@click.option(
    "--where", metavar="PROPERTY=VALUE", help="Pull the records whose PROPERTY has this VALUE."
)
@click.option(
    "--properties",
    callback=_names,
    metavar="NAMES",
    help="Declare these properties, separated by commas. Without it: those that can be written, "
    "are not personal, and that no integration keeps writing.",
)
@click.option(
    "--lines",
    callback=_names,
    metavar="NAMES",
    help="Declare the line items too, with these properties.",
)
@click.option(
    "--associations",
    callback=_names,
    metavar="NAMES",
    help="Declare the associations with these objects too, such as contact,company.",
)
@click.option(
    "--key",
    metavar="PROPERTY",
    help="Take keys from this property. Without it they are the records' ids.",
)
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write into this folder. Without it: into the first one under `manifests:`.",
)
@click.option(
    "--split",
    metavar="month|NUMBER",
    default="1000",
    show_default=True,
    help="Write a file for each month of creation, or with NUMBER documents each.",
)
def command(**given: Any) -> None:
    """Write manifests for the orders or carts of the account.

    Each document adopts its record by id. Records that a document or the state knows are left out,
    so a second run adds only what is new. Nothing is written in HubSpot.
    """
    from reconcile.cli import pull

    pull.run(**given)
