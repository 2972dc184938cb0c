"""A small file beside the database, for what is not part of the account's data.

A request that changes nothing must leave the database as it was, so the log of requests and the
counts are stored apart. Nothing here is worth an error: a damaged file is recreated, a busy one is
written the next time.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconcile.sandbox.storage.database_file import transaction

_VERSION = 2
_PATIENCE_SECONDS = 0.05  # nothing here is a reason to let a client wait for another process
_DAMAGED = {"SQLITE_NOTADB", "SQLITE_CORRUPT"}
_TABLES = {
    "request": """(
        number INTEGER PRIMARY KEY, server TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
        query TEXT NOT NULL, status INTEGER NOT NULL, inputs INTEGER NOT NULL, at TEXT NOT NULL,
        milliseconds REAL NOT NULL, outcome TEXT NOT NULL, committed INTEGER NOT NULL,
        faults TEXT NOT NULL
    ) STRICT""",
    "kept": "(name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT",
}


class SideFile:
    """One server's connection to the file, which other servers of the same database share."""

    def __init__(self, database: Path) -> None:
        """Open nothing yet: the first write creates the file."""
        self._path = database.with_name(f"{database.name}-requests")
        self._connection: sqlite3.Connection | None = None

    def write(self, act: Callable[[sqlite3.Connection], None]) -> bool:
        """Run a write in one transaction; return whether that was possible."""
        try:
            connection = self._open()
            with transaction(connection, write=True):
                act(connection)
        except (sqlite3.Error, OSError) as error:
            self._discard(error)
            return False
        return True

    def read(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Return rows; a missing or damaged file has none."""
        if self._connection is None and not self._path.exists():
            return []
        try:
            return self._open().execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            if not self._discard(error):
                raise
            return []

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _discard(self, error: Exception) -> bool:
        """Remove a file that is damaged or not a database; return whether it was."""
        if getattr(error, "sqlite_errorname", "") not in _DAMAGED:
            return False
        self.close()
        self._path.unlink(missing_ok=True)
        return True

    def _open(self) -> sqlite3.Connection:
        """Open the file; one of another version is recreated."""
        if self._connection is not None:
            return self._connection
        os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
        connection = sqlite3.connect(
            self._path, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA synchronous = OFF")
            with transaction(connection, write=True):
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                if version != _VERSION:
                    for name, columns in _TABLES.items():
                        connection.execute(f"DROP TABLE IF EXISTS {name}")
                        connection.execute(f"CREATE TABLE {name} {columns}")
                    connection.execute(f"PRAGMA user_version = {_VERSION}")
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection
