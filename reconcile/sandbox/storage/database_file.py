"""The database file: its tables, creating it and opening it.

A new database is built in a temporary file beside its place and linked there when complete, so an
interruption leaves nothing half made and two processes cannot both make it.
"""

import json
import os
import random
import re
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconcile.sandbox.object_types import BY_ID, OBJECT_TYPES, infer_object_type
from reconcile.sandbox.scopes import ALL_SCOPES
from reconcile.sandbox.storage.file_diagnosis import UnusableError, explained

_APPLICATION_ID = 0x52435342  # "RCSB", so that another program's file is never mistaken for ours
_VERSION = 3
_MAGIC, _ID_AT, _HEAD_BYTES = b"SQLite format 3\0", 68, 72  # https://sqlite.org/fileformat.html
_BUSY_SECONDS = 10.0
_TOKEN = re.compile(r"pat-na1-[0-9a-f-]{36}")
_FIRST_ID = 41_000_000_001  # ids in recordings have 9 to 12 digits and ascend

_TABLES = """
CREATE TABLE account (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE token (
    token TEXT PRIMARY KEY, scopes TEXT NOT NULL, revoked INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE record (
    type TEXT NOT NULL, id INTEGER NOT NULL, properties TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, archived_at INTEGER,
    shown_name TEXT GENERATED ALWAYS AS (substr(coalesce(
        nullif(properties ->> '$.hs_order_name', ''), nullif(properties ->> '$.hs_cart_name', ''),
        nullif(properties ->> '$.name', ''), nullif(properties ->> '$.dealname', ''),
        trim(coalesce(properties ->> '$.firstname', '') || ' '
            || coalesce(properties ->> '$.lastname', ''))
    ), 1, 200)) VIRTUAL,  -- for lists and for looking for a part of it
    PRIMARY KEY (type, id)
) STRICT;
CREATE INDEX record_recent ON record (type, archived_at, updated_at, id, shown_name);
CREATE INDEX record_archived ON record (archived_at) WHERE archived_at IS NOT NULL;
CREATE TABLE created (type TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE merged (
    type TEXT NOT NULL, old_id INTEGER NOT NULL, new_id INTEGER NOT NULL,
    PRIMARY KEY (type, old_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE unique_value (
    type TEXT NOT NULL, property TEXT NOT NULL, value TEXT NOT NULL, record_id INTEGER NOT NULL,
    PRIMARY KEY (type, property, value, record_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX unique_value_record ON unique_value (type, record_id);
CREATE TABLE association (
    from_type TEXT NOT NULL, from_id INTEGER NOT NULL,
    to_type TEXT NOT NULL, to_id INTEGER NOT NULL,
    category TEXT NOT NULL, type_id INTEGER NOT NULL,
    PRIMARY KEY (from_type, from_id, to_type, to_id, category, type_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE former_association (
    from_type TEXT NOT NULL, from_id INTEGER NOT NULL,
    to_type TEXT NOT NULL, to_id INTEGER NOT NULL,
    category TEXT NOT NULL, type_id INTEGER NOT NULL,
    until INTEGER NOT NULL, was_there INTEGER NOT NULL,
    PRIMARY KEY (from_type, from_id, to_type, to_id, category, type_id, until)
) STRICT, WITHOUT ROWID;
CREATE TABLE label (
    category TEXT NOT NULL, type_id INTEGER NOT NULL, from_type TEXT NOT NULL,
    to_type TEXT NOT NULL, label TEXT NOT NULL, name TEXT NOT NULL, inverse_id INTEGER NOT NULL,
    PRIMARY KEY (category, type_id, from_type, to_type)
) STRICT, WITHOUT ROWID;
CREATE TABLE property (
    type TEXT NOT NULL, name TEXT NOT NULL, definition TEXT NOT NULL, archived_at INTEGER,
    PRIMARY KEY (type, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX property_archived ON property (archived_at) WHERE archived_at IS NOT NULL;
CREATE TABLE property_group (
    type TEXT NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, display_order INTEGER NOT NULL,
    archived INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (type, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE pipeline (
    type TEXT NOT NULL, id TEXT NOT NULL, label TEXT NOT NULL, display_order INTEGER NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, archived INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (type, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE stage (
    type TEXT NOT NULL, pipeline_id TEXT NOT NULL, id TEXT NOT NULL, label TEXT NOT NULL,
    display_order INTEGER NOT NULL, metadata TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, archived INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (type, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE former (
    type TEXT NOT NULL, id INTEGER NOT NULL, until INTEGER NOT NULL, properties TEXT,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, archived_at INTEGER,
    source TEXT NOT NULL,
    PRIMARY KEY (type, id, until)
) STRICT, WITHOUT ROWID;
CREATE INDEX former_until ON former (type, until);
CREATE TABLE recalculation (
    type TEXT NOT NULL, id INTEGER NOT NULL, due INTEGER NOT NULL,
    PRIMARY KEY (type, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX recalculation_due ON recalculation (due);
CREATE TABLE pipeline_audit (
    type TEXT NOT NULL, pipeline_id TEXT NOT NULL, stage_id TEXT, action TEXT NOT NULL,
    at INTEGER NOT NULL, content TEXT NOT NULL
) STRICT;
"""


@dataclass(frozen=True)
class Info:
    """What a database holds, for people."""

    path: Path
    portal_id: int
    token: str
    counts: dict[str, int]
    """Records that are not archived, by object type."""

    size_bytes: int


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing database; the caller begins and ends transactions.

    Raise UnusableError, with the cause, if it cannot be used.
    """
    if not path.exists():
        raise FileNotFoundError(f"no sandbox database at {path}")
    with explained(path):
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _require_ours(connection, path)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA cache_size = -65536")
            connection.execute("PRAGMA mmap_size = 1073741824")
        except BaseException:
            connection.close()
            raise
    return connection


def create(path: Path, fill: Callable[[sqlite3.Connection], None], at: int) -> None:
    """Create the database at ``path`` unless it exists; ``fill`` adds the first content.

    Raise UnusableError if only a part of one exists: SQLite would put the former database's
    last writes into the new one.
    """
    if path.exists():
        return
    for part in _parts(path, "-wal", "-journal"):
        if part.exists() and not path.exists():
            raise UnusableError(f"{part} belongs to a database that no longer exists", lost=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.new")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")  # losing a draft in a crash does no harm
            connection.executescript(_TABLES)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            with transaction(connection, write=True):
                _fill_account(connection, at)
                fill(connection)
            connection.execute("PRAGMA journal_mode = WAL")
        # A link refuses to replace what another process has put there meanwhile.
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        erase(draft)


def erase(path: Path) -> None:
    """Delete a database, the files beside it, and the drafts that killed processes left."""
    for draft in path.parent.glob(f".{path.name}.*.new*"):
        draft.unlink(missing_ok=True)
    for part in _parts(path, "", "-wal", "-shm", "-journal", "-requests", "-requests-journal"):
        part.unlink(missing_ok=True)


def refuse_foreign(path: Path) -> None:
    """Raise UnusableError if a file is another program's database."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        return
    application = int.from_bytes(head[_ID_AT:_HEAD_BYTES], "big")
    if head.startswith(_MAGIC) and application != _APPLICATION_ID:
        raise _foreign(path)


@contextmanager
def transaction(connection: sqlite3.Connection, *, write: bool) -> Iterator[None]:
    """Run the block in one transaction; a writer takes its lock at the start."""
    connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def account_value(connection: sqlite3.Connection, name: str) -> int:
    """Return one number about the account. Raise UnusableError if it is missing."""
    value = _account(connection, name)
    if not isinstance(value, int):
        raise _incomplete(name)
    return value


def next_id(connection: sqlite3.Connection) -> int:
    """Return a new id: ascending, with gaps, never used before in any object type."""
    last = account_value(connection, "last_id")
    fresh = last + 1 + last % 7
    connection.execute("UPDATE account SET value = ? WHERE name = 'last_id'", (fresh,))
    return fresh


def add_token(connection: sqlite3.Connection, scopes: frozenset[str]) -> str:
    """Create a token in a private app's format (ref §15); every token may read the account (§2)."""
    token = f"pat-na1-{uuid.uuid4()}"
    text = json.dumps(sorted(scopes | {"oauth"}))
    connection.execute("INSERT INTO token (token, scopes) VALUES (?, ?)", (token, text))
    return token


def full_token(connection: sqlite3.Connection) -> str:
    """Return the full-scope token that was created with the database.

    Raise UnusableError if it is missing.
    """
    token = _account(connection, "token")
    if not (isinstance(token, str) and _TOKEN.fullmatch(token)):
        raise _incomplete("token")
    return token


def describe(path: Path) -> Info:
    """Return what the database at ``path`` holds, without serving it."""
    path = Path(path)
    with explained(path), closing(connect(path)) as connection:
        counts = dict.fromkeys((kind.plural for kind in OBJECT_TYPES), 0)
        rows = connection.execute(
            "SELECT type, count(*) FROM record WHERE archived_at IS NULL GROUP BY type"
        )
        for type_id, count in rows:
            if infer_object_type(type_id) is None:
                message = f"{path} is damaged: it holds records of an unknown type"
                raise UnusableError(message, lost=True)
            counts[BY_ID[type_id].plural] = count
        return Info(
            path=path,
            portal_id=account_value(connection, "portal_id"),
            token=full_token(connection),
            counts=counts,
            size_bytes=path.stat().st_size,
        )


def _account(connection: sqlite3.Connection, name: str) -> object:
    row = connection.execute("SELECT value FROM account WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def _incomplete(name: str) -> UnusableError:
    message = f"the sandbox's database is damaged: its account has no usable {name}"
    return UnusableError(message, lost=True)


def _require_ours(connection: sqlite3.Connection, path: Path) -> None:
    """Raise UnusableError unless a file is a database of this program and version."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application == _APPLICATION_ID and version != _VERSION:
        message = f"{path} is not a sandbox database of this version: {version}, not {_VERSION}"
        raise UnusableError(message, lost=True)
    if application != _APPLICATION_ID and path.stat().st_size:
        raise _foreign(path)
    if application != _APPLICATION_ID:
        raise UnusableError(f"{path} is damaged: it is empty", lost=True)


def _foreign(path: Path) -> UnusableError:
    return UnusableError(f"{path} is another program's database", hint="move it away")


def _parts(path: Path, *suffixes: str) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in suffixes]


def _fill_account(connection: sqlite3.Connection, at: int) -> None:
    """Give the account its fixed identity and its first token."""
    portal_id = random.randint(40_000_000, 49_999_999)
    values: dict[str, object] = {
        "portal_id": portal_id,
        "app_id": portal_id // 10,
        "user_id": portal_id + 7,
        "created_at": at,
        "last_id": _FIRST_ID,
        "definitions_revision": 1,
        "token": add_token(connection, ALL_SCOPES),
    }
    connection.executemany("INSERT INTO account (name, value) VALUES (?, ?)", values.items())
