"""A target's folder on this machine: private files, durable writes, no symbolic links."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ENOTDIR
from pathlib import Path

from reconcile.atomic_files import atomic_write, sync_folder
from reconcile.errors import UsageError

GITIGNORE = ".gitignore"

_GITIGNORE_TEXT = b"""\
# reconcile keeps a target's state here: ids, hashes and their key, plans, the audit log with its
# values, a sandbox's data. None of it belongs in git.
*
"""


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Turn an OSError of the block into a UsageError that names the folder."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"the state folder {folder} cannot be used: {error.strerror or error}",
            hint="check that the disk has free space and that you own the folder",
        ) from error


def replace_file(path: Path, data: bytes, *, after: int = 0) -> int:
    """Replace a file, mode 0600, durably, so that a crash leaves the old content or the new.

    Return its modification time in nanoseconds: now, or one more than ``after`` if that is later.
    """
    with atomic_write(path) as file:
        file.write(data)
        file.flush()
        stamp = max(time.time_ns(), after + 1)
        os.utime(file.fileno(), ns=(stamp, stamp))
        return os.fstat(file.fileno()).st_mtime_ns


def make_state_folder(folder: Path) -> None:
    """Make the folder of a target's state, with a ``.gitignore`` that keeps all of it out of git.

    An existing ``.gitignore`` is left as it is.
    """
    make_folder(folder)
    if not (folder / GITIGNORE).exists():
        replace_file(folder / GITIGNORE, _GITIGNORE_TEXT)


def refuse_links(folder: Path, *paths: Path) -> None:
    """Raise UsageError where a path below ``folder`` is, or leads through, a symbolic link.

    Otherwise files outside the folder could be read or overwritten.
    """
    for path in paths:
        for part in (path, *path.parents):
            if part == folder:
                break
            if part.is_symlink():
                raise UsageError(
                    f"{part} is a symbolic link, which reconcile does not follow",
                    hint="replace the link by the file or folder that it leads to",
                )


def make_folder(folder: Path) -> None:
    """Make a folder durably, mode 0700, and those above it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError as error:
        if not folder.is_dir():
            raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(folder)) from error
    sync_folder(folder.parent)


def remove_empty(folder: Path, *, below: Path) -> None:
    """Make durable what was removed from a folder; where it is empty now, remove it as well.

    So on with the folders above it, but not with ``below`` itself.
    """
    while folder.is_dir():
        with suppress(OSError):
            if folder != below:
                folder.rmdir()
        if folder.is_dir():
            sync_folder(folder)
            return
        folder = folder.parent
