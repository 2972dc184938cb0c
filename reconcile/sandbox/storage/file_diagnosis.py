"""Why a database file cannot be used, with a hint that helps.

SQLite distinguishes a full disk, a missing permission and a damaged file, but not always by its
code: a side file that cannot be made on a full disk is "disk I/O error" or "unable to open". The
operating system is asked then, by writing something beside the database.
"""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

_LITTLE = 1024 * 1024
"""More than SQLite needs to open or make a small database."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MAKE_ROOM = "make room on the disk, then try again; the data are as they were"
_GET_PERMISSION = "see that the folder and the files in it are yours to read and write"


class UnusableError(Exception):
    """A database cannot be used; ``lost`` means that only erasing it helps."""

    def __init__(self, message: str, *, hint: str = "", lost: bool = False) -> None:
        """Take the problem, and the hint as a field of its own."""
        super().__init__(message)
        self.hint = hint
        self.lost = lost


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise UnusableError, with its cause, if SQLite cannot use the database at ``path``."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(path, error) from error
    except UnicodeDecodeError as error:  # SQLite quotes a damaged table's definition
        raise _damaged(path) from error


def explain(path: Path, error: sqlite3.Error) -> UnusableError:
    """Return the cause of SQLite's error."""
    name = getattr(error, "sqlite_errorname", "")
    what = f"the sandbox's database {path}"
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return _damaged(path)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return UnusableError(
            f"{what} is locked by another process", hint="end that process, or try again"
        )
    if name == "SQLITE_FULL":
        return UnusableError(f"{what} cannot be written: the disk is full", hint=_MAKE_ROOM)
    cause = _cause(path)
    if cause is None:
        return UnusableError(f"{what} cannot be used: {error}")
    hint = _MAKE_ROOM if cause.errno in _NO_ROOM else _GET_PERMISSION
    return UnusableError(f"{what} cannot be used: {cause.strerror}", hint=hint)


def _damaged(path: Path) -> UnusableError:
    return UnusableError(f"{path} is damaged, or not a sandbox database", lost=True)


def _cause(path: Path) -> OSError | None:
    """Return what keeps us from writing to the file or beside it, by trying."""
    try:
        if path.exists():
            path.open("r+b").close()
        with TemporaryFile(dir=path.parent) as file:
            file.write(bytes(_LITTLE))
            file.flush()
    except OSError as error:
        return error
    return None
