"""`reconcile lock`: who is applying, and what to do when that one hangs."""

import os

import click

from reconcile.audit.actor import origin
from reconcile.audit.log import AuditLog
from reconcile.audit.recording import lock_broken
from reconcile.cli.again import command_line
from reconcile.cli.common import settings_for, target_option
from reconcile.errors import UsageError
from reconcile.render.safe import visible
from reconcile.session import open_home
from reconcile.stores.contract import Holder


@click.group("lock")
def command() -> None:
    """The lock that lets one run at a time write to a target."""


@command.command("show")
@target_option
def show(target: str | None) -> None:
    """Say who holds the lock, since when, doing what, and its number."""
    settings = settings_for(target)
    with open_home(settings, os.environ) as store:
        holder = store.holder()
    name = visible(settings.target.name)
    if holder is None:
        click.echo(f"Target {name} is not locked.")
        return
    click.echo(f"Target {name} is locked by {visible(told(holder))}.")
    if holder.silent is not None:
        click.echo(f"It last gave a sign of life about {holder.silent:.0f} s ago.")
    click.echo(
        f"Its number is {holder.number}. If that run hangs: "
        f"{command_line('lock', 'break', str(holder.number))}"
    )


@command.command("break")
@target_option
@click.argument("number", type=click.IntRange(min=1))
@click.option("--reason", default="", metavar="TEXT", help="Why, for the audit log.")
def break_(target: str | None, number: int, reason: str) -> None:
    """Take the lock from the run with this NUMBER, as `lock show` tells it.

    That run sends nothing any more once it notices; what it had begun is settled by the next.
    """
    settings = settings_for(target)
    with open_home(settings, os.environ) as store:
        holder = store.holder()
        if holder is None:
            raise UsageError(f"target {settings.target.name} is not locked")
        store.break_lock(number)
        info = holder.info
        event = lock_broken(
            origin(os.environ, settings.root, reason),
            number=number,
            who=info.who,
            since=info.since,
            doing=info.doing,
        )
        AuditLog(store).append([event])
    click.echo(f"The lock of {visible(told(holder))} is broken.")


def told(holder: Holder) -> str:
    """Who holds a lock, since when, doing what."""
    return f"{holder.info.who}, since {holder.info.since}, doing {holder.info.doing}"
