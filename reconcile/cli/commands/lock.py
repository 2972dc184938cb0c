"""The command line of `reconcile lock`."""

from typing import Any

import click

from reconcile.cli.options import target_option


@click.group("lock")
def command() -> None:
    """Show or break the state lock, which lets one run at a time write to a target."""


url_argument = click.argument("url", metavar="[URL]", required=False, default="")


@command.command("show")
@target_option
@url_argument
def show(**given: Any) -> None:
    """Show who holds the lock, since when, doing what, and its fencing token.

    URL names a store other than the target's own, as in `state push URL`; it may be '${env:NAME}'.
    """
    from reconcile.cli import lock

    lock.show(**given)


@command.command("break")
@target_option
@click.argument("number", type=click.IntRange(min=1))
@url_argument
@click.option("--reason", default="", metavar="TEXT", help="The reason, for the audit log.")
def break_(**given: Any) -> None:
    """Break the lock with this fencing token (NUMBER), as `lock show` prints it.

    The run that held it stops writing once it notices; the next run resolves its in-doubt writes.

    URL names a store other than the target's own, as in `state push URL`; it may be '${env:NAME}'.
    """
    from reconcile.cli import lock

    lock.break_(**given)
