"""`reconcile sandbox`: the HubSpot-compatible server on this machine."""

from pathlib import Path

import click

from reconcile.cli.common import confirm, settings_for, target_option
from reconcile.config import Settings
from reconcile.errors import UsageError
from reconcile.sandbox import Sandbox, describe
from reconcile.session import sandbox_file, serve_sandbox
from reconcile.stores.local import LocalStore


@click.group("sandbox")
def command() -> None:
    """A HubSpot-compatible server on this machine, with its data under state/.

    plan and apply start it by themselves where the target is a sandbox.
    """


@command.command("serve")
@target_option
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free one.")
def serve(target: str | None, port: int) -> None:
    """Serve the sandbox to other tools, on this machine only, until interrupted."""
    settings, _ = _sandbox(target)
    with serve_sandbox(settings, port=port) as sandbox:
        click.echo(f"URL    {sandbox.url}")
        click.echo(f"Token  {sandbox.token}")
        click.echo(
            f"Try    curl -H 'Authorization: Bearer {sandbox.token}' "
            f"{sandbox.url}/crm/v3/objects/orders"
        )
        click.echo("Stop with Ctrl-C; the data stays.", err=True)
        try:
            sandbox.wait()
        except KeyboardInterrupt:
            click.echo("stopped", err=True)


@command.command("reset")
@target_option
@click.option("--auto-approve", is_flag=True, help="Do not ask before erasing.")
def reset(*, target: str | None, auto_approve: bool) -> int:
    """Erase the sandbox's data, and the target's state with it."""
    settings, path = _sandbox(target)
    if not path.exists():
        click.echo(f"Target {settings.target.name} has no sandbox data yet.")
        return 0
    if not auto_approve and not confirm(f"Erase the sandbox of {settings.target.name}?"):
        click.echo("Nothing was erased.", err=True)
        return 1
    Sandbox.reset(path)
    LocalStore(settings.home).erase()
    click.echo(f"Erased the sandbox of {settings.target.name}.")
    return 0


@command.command("info")
@target_option
def info(target: str | None) -> None:
    """Show the sandbox's account, token and contents, without starting it."""
    settings, path = _sandbox(target)
    if not path.exists():
        click.echo(f"Target {settings.target.name} has no sandbox data yet.")
        return
    try:
        found = describe(path)
    except ValueError as error:
        raise UsageError(str(error), hint="`reconcile sandbox reset` erases it") from None
    click.echo(f"Target   {settings.target.name}")
    click.echo(f"Account  {found.portal_id}")
    click.echo(f"Token    {found.token}")
    click.echo(f"File     {path} ({found.size_bytes:,} bytes)")
    for name, number in sorted(found.counts.items()):
        click.echo(f"  {name:<12} {number:>9,}")


def _sandbox(target: str | None) -> tuple[Settings, Path]:
    settings = settings_for(target)
    if settings.target.sandbox is None:
        raise UsageError(f"target {settings.target.name} is a HubSpot account, not a sandbox")
    return settings, sandbox_file(settings)
