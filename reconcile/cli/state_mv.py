"""`reconcile state mv`: rename a record in the manifests, and nothing else."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click

from reconcile.atomic_files import atomic_write
from reconcile.cli.common import (
    addresses,
    colored,
    settings_for,
    shows_personal,
)
from reconcile.cli.next_command import command_line
from reconcile.errors import UsageError
from reconcile.manifests.files import ManifestFile, ManifestFiles
from reconcile.manifests.rename import rename
from reconcile.model.records import Unit
from reconcile.project import Settings
from reconcile.project.declared import found_by_id, read_declared
from reconcile.render.changed_lines import changed_lines
from reconcile.render.escaping import visible
from reconcile.render.output import write_lines


class _File(NamedTuple):
    path: Path
    content: ManifestFile


def move(*, target: str | None, old: str, new: str, dry_run: bool) -> None:
    """Run `reconcile state mv`."""
    (former,), (wanted,) = addresses((old,)), addresses((new,))
    settings = settings_for(target)
    files, units = _manifests(settings)
    content = {name: file.content for name, file in files.items()}
    edited = rename(content, units, former, wanted, by_id=found_by_id(settings))
    if not dry_run:
        _write(settings.root, files, edited)
    for name, after in edited.items():
        before = content[name].data.decode("utf-8")
        lines = changed_lines(name, before, after.decode("utf-8"), personal=shows_personal())
        write_lines(lines, sys.stdout, color=colored())
    if dry_run:
        click.echo("Nothing was written.", err=True)
        return
    click.echo(
        f"Renamed {visible(old)} to {visible(new)} in the manifests. "
        f"Next: `{command_line('plan')}`."
    )


def _manifests(settings: Settings) -> tuple[dict[str, _File], Sequence[Unit]]:
    """Return all manifests by name, and what they declare.

    Raise ManifestError with all problems of the project.
    """
    names = ManifestFiles(settings.root)
    files: dict[str, _File] = {}

    def seen(path: Path, data: bytes) -> None:
        name = names.name(path)
        files[name] = _File(path, ManifestFile(name, data, names.folder(path)))

    declared = read_declared(settings, seen=seen)
    declared.require_valid()
    return files, declared.everything


def _write(root: Path, files: Mapping[str, _File], edited: Mapping[str, bytes]) -> None:
    """Replace files, each atomically and with the mode it has.

    All are written before the first is replaced. The one that declares the record is replaced
    first: if the others are not, validating the project names the references that are left.
    """
    try:
        with ExitStack() as replaced_last_to_first:
            for name, data in reversed([*edited.items()]):
                path = _own_path(root, name, files[name])
                mode = path.stat().st_mode & 0o777
                file = replaced_last_to_first.enter_context(atomic_write(path, mode=mode))
                file.write(data)
                file.flush()
    except OSError as error:
        raise UsageError(
            f"the manifests cannot be written: {error.strerror}",
            hint=f"run `{command_line('validate')}` to see whether any was",
        ) from error


def _own_path(root: Path, name: str, file: _File) -> Path:
    """Return the path to replace. Raise UsageError if the file is not ours to change.

    A link within the project stays: what it leads to is replaced.
    """
    path = file.path.resolve()
    if not path.is_relative_to(root):
        raise UsageError(f"{visible(name)} is outside the project", hint="edit it by hand")
    if not path.stat().st_mode & 0o222:
        raise UsageError(f"{visible(name)} is read-only", hint="make it writable, and try again")
    if path.read_bytes() != file.content.data:
        raise UsageError(f"{visible(name)} was changed meanwhile", hint="run the command again")
    return path
