"""`reconcile state mv`: rename a record in the manifests, and nothing else."""

import click

from reconcile.cli.common import addresses, settings_for
from reconcile.cli.manifest_edits import read_manifests, replace_files, show_edits
from reconcile.cli.next_command import command_line
from reconcile.manifests.rename import rename
from reconcile.project.declared import found_by_id
from reconcile.render.escaping import visible


def move(*, target: str | None, old: str, new: str, dry_run: bool) -> None:
    """Run `reconcile state mv`."""
    (former,), (wanted,) = addresses((old,)), addresses((new,))
    settings = settings_for(target)
    files, declared = read_manifests(settings)
    content = {name: file.content for name, file in files.items()}
    units = declared.everything
    edited = rename(content, units, former, wanted, by_id=found_by_id(settings))
    if not dry_run:
        # The one that declares the record is replaced first: if the others are not, validating the
        # project names the references that are left.
        replace_files(settings.root, files, edited)
    show_edits(files, edited)
    if dry_run:
        click.echo("Nothing was written.", err=True)
        return
    click.echo(
        f"Renamed {visible(old)} to {visible(new)} in the manifests. "
        f"Next: `{command_line('plan')}`."
    )
