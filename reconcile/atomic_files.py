"""Write files atomically: a crash, a full disk or an error leaves the former content."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from reconcile.errors import UsageError

_NO_LINKS = {errno.EACCES, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
"""What file systems answer that have no hard links."""


@contextmanager
def atomic_write(path: Path, *, mode: int = 0o600, new: bool = False) -> Iterator[IO[bytes]]:
    """Open a temporary file, which replaces ``path`` once the block ends without an error.

    The content is on disk before that, and the replacement once this returns. ``mode`` is the new
    file's permissions. Raises OSError; FileExistsError if the file is to be ``new`` and there is
    one, which is left as it is.
    """
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            yield file
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
            if new:
                _place(temporary, path)
            else:
                temporary.replace(path)
        except BaseException:
            # On a full disk what is still buffered cannot be written either.
            with suppress(OSError):
                file.close()
            temporary.unlink(missing_ok=True)
            raise
    sync_folder(path.parent)


def _place(temporary: Path, path: Path) -> None:
    """Rename a file where no other one has the name. Raise FileExistsError if one has it."""
    try:
        path.hardlink_to(temporary)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        path.touch(exist_ok=False)  # reserves the name
        temporary.replace(path)
    else:
        temporary.unlink()


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
