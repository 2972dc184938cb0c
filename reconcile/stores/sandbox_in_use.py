"""Which processes use the sandbox in a target's folder, so that it is not erased meanwhile.

Every process that has the sandbox's database open holds a lock file of its own beside it. The lock
is the operating system's, so it ends with the process; the file's name has the process id.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from reconcile.errors import Locked
from reconcile.stores.local_lock import file_lock, is_locked

_NAME = re.compile(r"serving-([0-9]+)-[0-9a-f]{8}\.lock")


@contextmanager
def serving(folder: Path) -> Iterator[None]:
    """Register this process as a user of the sandbox. The folder must exist.

    Erasing marks the folder first and then looks for users. So check for the mark inside of this
    block, before opening anything.
    """
    file = folder / f"serving-{os.getpid()}-{token_hex(4)}.lock"
    with file_lock(file):
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def refuse_served(folder: Path) -> None:
    """Raise Locked, naming the process, where one uses the sandbox."""
    for file, process in _files(folder):
        if is_locked(file):
            raise Locked(
                f"the sandbox in {folder} is in use by process {process}",
                hint="nothing was erased; wait until that process ends, or stop it (Ctrl-C where "
                "`reconcile sandbox serve` runs)",
            )


def remove_left(folder: Path) -> None:
    """Remove the lock files that killed processes have left."""
    for file, _ in _files(folder):
        file.unlink(missing_ok=True)


def _files(folder: Path) -> list[tuple[Path, str]]:
    """Return the lock files, and the process id of each."""
    named = ((file, _NAME.fullmatch(file.name)) for file in sorted(folder.glob("serving-*.lock")))
    return [(file, found[1]) for file, found in named if found]
