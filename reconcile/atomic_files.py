"""Write files atomically: a crash, a full disk or an error leaves the former content."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from reconcile.errors import UsageError


@contextmanager
def atomic_write(path: Path, *, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """Open a temporary file, which replaces ``path`` once the block ends without an error.

    The content is on disk before that, and the replacement once this returns. ``mode`` is the new
    file's permissions. Raises OSError.
    """
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            yield file
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            # On a full disk what is still buffered cannot be written either.
            with suppress(OSError):
                file.close()
            temporary.unlink(missing_ok=True)
            raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make durable what was added to a folder, replaced in it or removed from it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def save_file(path: Path, pieces: Iterable[bytes], what: str) -> None:
    """Write a file for the user, mode 0600, whole or not at all; ``what`` names it in errors.

    Raises UsageError if it cannot be written.
    """
    try:
        with atomic_write(path) as file:
            file.writelines(pieces)
    except OSError as error:
        raise UsageError(f"{what} cannot be saved in {path}: {error.strerror}") from error
