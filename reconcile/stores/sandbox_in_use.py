"""Who serves the sandbox that lies in a target's folder: nobody is to erase it meanwhile.

Every process that has the sandbox's database open holds a lock of its own beside it. The lock is
the operating system's, so it ends with the process; the file's name says which process that is.
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
def serving(home: Path) -> Iterator[None]:
    """Be one of those that have the sandbox open. The folder has to be there.

    Whoever erases the sandbox marks the folder first and then looks for servers. So look for the
    mark inside of this, before opening anything.
    """
    file = home / f"serving-{os.getpid()}-{token_hex(4)}.lock"
    with file_lock(file):
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def refuse_served(home: Path) -> None:
    """Raise Locked, naming the process, where one has the sandbox open."""
    for file, process in _files(home):
        if is_locked(file):
            raise Locked(
                f"the sandbox in {home} is in use by process {process}",
                hint="wait until that process has ended, or end it first (Ctrl-C where `reconcile "
                "sandbox serve` runs); nothing was erased",
            )


def remove_left(home: Path) -> None:
    """Remove what servers that were killed have left."""
    for file, _ in _files(home):
        file.unlink(missing_ok=True)


def _files(home: Path) -> list[tuple[Path, str]]:
    """Return the servers' files, and the number of the process of each."""
    named = ((file, _NAME.fullmatch(file.name)) for file in sorted(home.glob("serving-*.lock")))
    return [(file, found[1]) for file, found in named if found]
