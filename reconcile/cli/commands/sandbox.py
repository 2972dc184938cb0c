"""The command line of `reconcile sandbox`."""

from typing import Any

import click

from reconcile.cli.options import target_option
from reconcile.sandbox import PLANS


@click.group("sandbox")
def command() -> None:
    """Run a HubSpot-compatible server on this machine, with its data under state/.

    plan and apply start it by themselves where the target is a sandbox.
    """


@command.command("serve")
@target_option
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free one.")
@click.option(
    "--plan",
    type=click.Choice(list(PLANS)),
    help="Limit calls as HubSpot does on this subscription. Default: no limits.",
)
def serve(**given: Any) -> None:
    """Serve the sandbox to other tools, on this machine only, until interrupted."""
    from reconcile.cli import sandbox

    sandbox.serve(**given)


@command.command("seed")
@target_option
@click.argument("source", metavar="NAME|FILE")
def seed(**given: Any) -> None:
    """Add an example's records to the sandbox, or those of a seed file.

    Records that exist already, by id or unique value, are left as they are: it can be repeated.
    """
    from reconcile.cli import sandbox

    sandbox.seed(**given)


@command.command("reset")
@target_option
@click.option("--auto-approve", is_flag=True, help="Do not ask before erasing.")
def reset(**given: Any) -> int:
    """Erase the sandbox's data, and the target's state with it."""
    from reconcile.cli import sandbox

    return sandbox.reset(**given)


@command.command("info")
@target_option
def info(**given: Any) -> None:
    """Show the sandbox's account, token and contents, without starting it."""
    from reconcile.cli import sandbox

    sandbox.info(**given)
