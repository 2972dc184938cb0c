"""Manifests that a command edits in place: reading them, and replacing those that change."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from reconcile.atomic_files import atomic_write
from reconcile.cli.common import colored, shows_personal
from reconcile.cli.next_command import command_line
from reconcile.errors import UsageError
from reconcile.manifests.files import ManifestFile, ManifestFiles
from reconcile.project import Settings
from reconcile.project.declared import Declared, read_declared
from reconcile.render.changed_lines import changed_lines
from reconcile.render.escaping import visible
from reconcile.render.output import write_lines


class EditedFile(NamedTuple):
    """A manifest: where it is, and what it held when it was read."""

    path: Path
    content: ManifestFile


Files = Mapping[str, EditedFile]
"""All manifests of a project by name."""


def read_manifests(settings: Settings, paths: Sequence[Path] = ()) -> tuple[Files, Declared]:
    """Return all manifests by name, and what they declare; ``paths`` say what to plan.

    Raise ManifestError with all problems of the project.
    """
    names = ManifestFiles(settings.root)
    files: dict[str, EditedFile] = {}

    def seen(path: Path, data: bytes) -> None:
        name = names.name(path)
        files.pop(name, None)  # with paths, all are read once more, and in their order
        files[name] = EditedFile(path, ManifestFile(name, data, names.folder(path)))

    declared = read_declared(settings, paths, seen=seen)
    declared.require_valid()
    return files, declared


def show_edits(files: Files, edited: Mapping[str, bytes]) -> None:
    """Print the changed lines, or in CI only their places."""
    for name, after in edited.items():
        before = files[name].content.data.decode("utf-8")
        lines = changed_lines(name, before, after.decode("utf-8"), personal=shows_personal())
        write_lines(lines, sys.stdout, color=colored())


def require_replaceable(root: Path, files: Files, edited: Mapping[str, bytes]) -> None:
    """Raise UsageError unless every file can be replaced, and holds what was read."""
    with _unwritable():
        for name in edited:
            _own_path(root, name, files[name])


def replace_files(root: Path, files: Files, edited: Mapping[str, bytes]) -> None:
    """Replace files, each atomically and with the mode it has.

    All are written before the first is replaced. They are replaced in the order of ``edited``.
    """
    with _unwritable(), ExitStack() as replaced_last_to_first:
        for name, data in reversed([*edited.items()]):
            path = _own_path(root, name, files[name])
            mode = path.stat().st_mode & 0o777
            file = replaced_last_to_first.enter_context(atomic_write(path, mode=mode))
            file.write(data)
            file.flush()


@contextmanager
def _unwritable() -> Iterator[None]:
    """Turn an OSError of the block into a UsageError."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"the manifests cannot be written: {error.strerror}",
            hint=f"run `{command_line('validate')}` to see whether any was",
        ) from error


def _own_path(root: Path, name: str, file: EditedFile) -> Path:
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
