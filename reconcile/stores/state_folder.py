"""Files that are written whole or not at all, for their owner's eyes only."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOTDIR
from pathlib import Path

from reconcile.atomic_files import atomic_write
from reconcile.errors import UsageError

GITIGNORE = ".gitignore"

_LEAVE_ALONE = b"""\
# reconcile keeps a target's state here: ids, hashes and their key, plans, the audit log with its
# values, a sandbox's data. None of it belongs in git.
*
"""


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Say what is wrong with a folder of ours as a UsageError."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"the state folder {folder} cannot be used: {error.strerror or error}",
            hint="check that the disk has room and that the folder is yours",
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
        written = os.fstat(file.fileno()).st_mtime_ns
    sync_folder(path.parent)
    return written


def make_state_folder(home: Path) -> None:
    """Make the folder of a target's state, which git is to leave alone with all that is in it.

    The ``.gitignore`` that says so is made where it is missing, and otherwise left as it is.
    """
    make_folder(home)
    if not (home / GITIGNORE).exists():
        replace_file(home / GITIGNORE, _LEAVE_ALONE)


def refuse_links(home: Path, *paths: Path) -> None:
    """Raise UsageError where a path below ``home`` is, or goes through, a symbolic link.

    What is written there must not end up elsewhere, nor what lies elsewhere be read from there.
    """
    for path in paths:
        for part in (path, *path.parents):
            if part == home:
                break
            if part.is_symlink():
                raise UsageError(
                    f"{part} is a symbolic link, which reconcile does not follow",
                    hint="put what it leads to in its place",
                )


def make_folder(folder: Path) -> None:
    """Make a folder, mode 0700, and those above it, so that a crash does not undo it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError as error:
        if not folder.is_dir():
            raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(folder)) from error
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make what was added to a folder, or removed from it, durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
