"""`reconcile sandbox`: the HubSpot-compatible server on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from reconcile.cli.common import confirm, settings_for
from reconcile.cli.seeds import find_seed
from reconcile.errors import UsageError
from reconcile.project import Settings
from reconcile.sandbox import Sandbox, SeedError, UnusableError, describe, load_seed
from reconcile.session import sandbox_file, sandbox_in_use, serve_sandbox
from reconcile.stores.contract import LockInfo
from reconcile.stores.erase import erase, holds_state, is_half_erased, refuse_half_erased
from reconcile.stores.lease import utc_now
from reconcile.stores.sandbox_in_use import refuse_served
from reconcile.stores.this_process import lock_holder


def serve(target: str | None, port: int, plan: str | None) -> None:
    """Run `reconcile sandbox serve`."""
    settings, _ = _sandbox(target)
    with serve_sandbox(settings, port=port, plan=plan) as sandbox:
        try:
            click.echo(f"URL    {sandbox.url}")
            click.echo(f"Token  {sandbox.token}")
            click.echo(
                f"Try    curl -H 'Authorization: Bearer {sandbox.token}' "
                f"{sandbox.url}/crm/v3/objects/orders"
            )
            click.echo(f"Look   {sandbox.page_url}")
            click.echo("Stop with Ctrl-C; the data stays.", err=True)
            sandbox.wait()
        except KeyboardInterrupt:
            click.echo("stopped", err=True)


def seed(target: str | None, source: str) -> None:
    """Run `reconcile sandbox seed`."""
    settings, path = _sandbox(target)
    refuse_half_erased(settings.local_folder)
    file = find_seed(source, settings.root)
    if not path.exists():
        with serve_sandbox(settings):  # creates it, with the seed of its target
            click.echo(f"Created the sandbox of target {settings.target.name}.")
    try:
        with _explained(), sandbox_in_use(settings):
            seeded = load_seed(path, file)
    except SeedError as error:
        message = f"the seed cannot be loaded; nothing was added: {error}"
        raise UsageError(message) from None
    click.echo(f"Loaded {file} into the sandbox of target {settings.target.name}.")
    for name in sorted(seeded.added.keys() | seeded.left.keys()):
        added, left = seeded.added.get(name, 0), seeded.left.get(name, 0)
        click.echo(f"  {name:<20} {added:>7,} added {left:>7,} already there")


def reset(*, target: str | None, auto_approve: bool) -> int:
    """Run `reconcile sandbox reset`."""
    settings, path = _sandbox(target)
    folder = settings.local_folder
    resumed = is_half_erased(folder)
    if not (resumed or any(folder.glob(f"{path.name}*")) or holds_state(folder)):
        click.echo(f"Target {settings.target.name} has no sandbox data yet.")
        return 0
    with _explained():
        Sandbox.check_reset(path)
    refuse_served(settings.local_folder)
    if resumed:
        click.echo("The last reset was interrupted.", err=True)
    if not auto_approve and not confirm(f"Erase the sandbox of target {settings.target.name}?"):
        click.echo("Nothing was erased.", err=True)
        return 1
    since = utc_now()
    info = LockInfo(lock_holder(), since, "sandbox reset")
    erase(settings.local_folder, info, lambda: Sandbox.reset(path))
    click.echo(f"Erased the sandbox of target {settings.target.name}.")
    return 0


def info(target: str | None) -> None:
    """Run `reconcile sandbox info`."""
    settings, path = _sandbox(target)
    refuse_half_erased(settings.local_folder)
    if not path.exists():
        click.echo(f"Target {settings.target.name} has no sandbox data yet.")
        return
    with _explained():
        found = describe(path)
    click.echo(f"Target   {settings.target.name}")
    click.echo(f"Account  {found.portal_id}")
    click.echo(f"Token    {found.token}")
    click.echo(f"File     {path} ({found.size_bytes:,} bytes)")
    for name, number in sorted(found.counts.items()):
        click.echo(f"  {name:<12} {number:>9,}")


@contextmanager
def _explained() -> Iterator[None]:
    """Raise UsageError for an unusable database; suggest a reset only if nothing else helps."""
    try:
        yield
    except UnusableError as error:
        hint = "`reconcile sandbox reset` erases it" if error.lost else error.hint
        raise UsageError(str(error), hint=hint) from None


def _sandbox(target: str | None) -> tuple[Settings, Path]:
    settings = settings_for(target)
    if settings.target.sandbox is None:
        raise UsageError(f"target {settings.target.name} is a HubSpot account, not a sandbox")
    return settings, sandbox_file(settings)
