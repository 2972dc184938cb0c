"""Writing a file that a person asked for as a whole, or leaving what was there."""

import os
from collections.abc import Iterable
from pathlib import Path


def write_whole(path: Path, pieces: Iterable[bytes], *, mode: int = 0o600) -> None:
    """Put ``pieces`` in the place of a file: a full disk or an error leaves it as it was.

    ``mode`` are the permissions that the file gets. Raises OSError.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(pieces)
        part.chmod(mode)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
