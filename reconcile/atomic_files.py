"""Write files atomically: a crash, a full disk or an error leaves the former content."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO


@contextmanager
def atomic_write(path: Path, *, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """Open a temporary file, which replaces ``path`` once the block ends without an error.

    The content is on disk before that. ``mode`` is the new file's permissions. Raises OSError.
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
            with suppress(
                OSError
            ):  # on a full disk what is still buffered cannot be written either
                file.close()
            temporary.unlink(missing_ok=True)
            raise
