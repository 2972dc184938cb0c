"""Connections to PostgreSQL. The only module that uses psycopg.

Statements run one at a time, whichever thread they come from, and each is a transaction of its own:
a client that stops between two of them holds no lock that others wait for. A connection that broke
while idle is opened again, once; a statement that may have been carried out is never repeated.
"""

import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, LiteralString

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from reconcile.call_watchdog import CALL_LIMIT, watched
from reconcile.errors import ReconcileError, UsageError
from reconcile.model.printable import clean
from reconcile.stores.lease import monotonic

_IDLE = 1.0
"""Seconds of idling after which a connection is tested before it is used."""

WAIT = 5.0
"""Seconds that the server lets a statement wait for a row that another transaction has locked."""

LIMIT = CALL_LIMIT
"""Seconds that a statement may take in all; the server and this client both enforce it."""

_SETTINGS: Mapping[str, Any] = {
    "application_name": "reconcile",
    "connect_timeout": 10,
    "options": f"-c lock_timeout={WAIT:.0f}s -c statement_timeout={LIMIT:.0f}s "
    f"-c idle_in_transaction_session_timeout={LIMIT:.0f}s",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""For libpq, unless the URL says otherwise, so that a lost server is noticed within seconds."""

_GRACE = 5.0
"""Seconds by which the client's limit is longer, so that the server's own error arrives first."""


class Busy(UsageError):
    """Another transaction has locked a row that a statement needs."""


Row = tuple[Any, ...]
Values = Sequence[object] | Mapping[str, object]


class Database:
    """One connection, opened when first used. Methods raise UsageError for all errors.

    Messages name the ``target`` beside the database.
    """

    def __init__(self, url: str, target: str) -> None:
        given = _parsed(url)
        options = " ".join(filter(None, (_SETTINGS["options"], given.get("options"))))
        self._settings = {**_SETTINGS, **given, "options": options}
        address = ":".join(str(given[name]) for name in ("host", "port") if name in given)
        self.where = f"postgresql://{address}/{given.get('dbname', '')} ({target})"
        self._connection: psycopg.Connection[Row] | None = None
        self._used = 0.0
        self._turn = threading.RLock()

    def read(self, query: LiteralString, values: Values) -> list[Row]:
        """Return rows; none where a table does not exist. Repeat once when the connection broke.

        A missing table is empty, since readers may not be allowed to create it.
        """
        with self._turn, self._explained():
            try:
                return self._rows(query, values)
            except psycopg.OperationalError:
                if self._connection is None or not self._connection.broken:
                    raise
                return self._rows(query, values)
            except (errors.UndefinedTable, errors.InvalidSchemaName):
                return []

    def write(self, query: LiteralString, values: Values) -> list[Row]:
        """Execute one statement, once, and return its rows.

        Raise Busy where another transaction keeps it waiting for more than ``WAIT``.
        """
        with self._turn, self._explained():
            return self._rows(query, values)

    def define(self, statements: Sequence[LiteralString]) -> None:
        """Execute statements that create tables, in one transaction."""
        with self._turn, self._explained():
            connection = self._connected()
            with self._limited(connection), connection.transaction():
                for statement in statements:
                    connection.execute(statement)
            self._used = monotonic()

    def close(self) -> None:
        """Close the connection."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _rows(self, query: LiteralString, values: Values) -> list[Row]:
        connection = self._connected()
        with self._limited(connection):
            rows = connection.execute(query, values).fetchall()
        self._used = monotonic()
        return rows

    @contextmanager
    def _limited(self, connection: psycopg.Connection[Row]) -> Iterator[None]:
        """Cut the connection when no response comes: a hung server does not enforce its limit."""
        cut = partial(_cut, connection.fileno())
        with watched(f"the store {self.where}", limit=LIMIT + _GRACE, cut=cut):
            yield

    def _connected(self) -> psycopg.Connection[Row]:
        if self._connection is not None and monotonic() - self._used > _IDLE:
            with suppress(psycopg.Error), self._limited(self._connection):
                self._connection.execute("select 1")
        if self._connection is None or self._connection.closed:
            self.close()
            # No prepared statements: a connection pooler may give each statement another session.
            with watched(f"the store {self.where}"):
                self._connection = psycopg.connect(
                    **self._settings, autocommit=True, prepare_threshold=None
                )
        return self._connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise self._problem(error) from None

    def _problem(self, error: psycopg.Error) -> ReconcileError:
        text = clean(str(error.diag.message_primary or error))
        if isinstance(error, errors.LockNotAvailable):
            return Busy(
                f"the store {self.where} is busy: another connection keeps one of its rows locked",
                hint="find that connection with `select * from pg_stat_activity`, and end it",
            )
        if isinstance(error, errors.InsufficientPrivilege | errors.ReadOnlySqlTransaction):
            return UsageError(
                f"the store {self.where} refused: {text}",
                hint="grant USAGE on the schema reconcile and SELECT on its tables for reading; "
                "INSERT, UPDATE and DELETE for apply; CREATE on the database for the first apply",
            )
        hint = "check the store's address, the user, the password (PGPASSWORD) and the network"
        if self._connection is not None and not self._connection.closed:
            hint = "try again; if the error persists, see the database's log"
        return UsageError(f"the store {self.where} cannot be used: {text}", hint=hint)


def _cut(socket_number: int) -> None:
    """Shut down a connection's socket, so that a waiting call fails with an error."""
    with suppress(OSError), socket.socket(fileno=os.dup(socket_number)) as same:
        same.shutdown(socket.SHUT_RDWR)


def _parsed(url: str) -> dict[str, Any]:
    """Return the URL's parts. Raise UsageError, quoting none of them, for an invalid URL.

    A password whose special characters are not escaped ends up in the host, port or database.
    """
    given: dict[str, Any] | None = None
    with suppress(psycopg.ProgrammingError):
        given = conninfo_to_dict(url)
    if (
        given is None
        or "@" in f"{given.get('host', '')}{given.get('dbname', '')}"
        or not re.fullmatch("[0-9,]*", str(given.get("port", "")))
    ):
        raise UsageError(
            "the store's PostgreSQL URL is not valid",
            hint="write postgresql://USER@HOST:PORT/DATABASE, with the password in PGPASSWORD or "
            "~/.pgpass; escape special characters as %XX",
        )
    return given
