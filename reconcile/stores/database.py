"""Connections to PostgreSQL. The only module that knows psycopg.

Statements pass one at a time, whichever thread they come from, and each is a transaction of its
own: a client that stops between two of them holds nothing that others wait for. A connection that
broke while it lay idle is made again, once; a statement that may have been carried out is never
repeated.
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
from reconcile.stores.lease import monotonic

_IDLE = 1.0
"""Seconds after which a connection is asked whether it still is one."""

WAIT = 5.0
"""Seconds that the server lets a statement wait for a row that somebody else has locked."""

LIMIT = CALL_LIMIT
"""Seconds that a statement may take in all, by the server's clock and by ours."""

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
"""libpq's, unless the URL says otherwise: a server that is gone is noticed within seconds."""

_PATIENCE = 5.0
"""Seconds that we wait longer than the server does, so that its own word arrives first."""


class Busy(UsageError):
    """Somebody else's transaction has locked a row that a statement needs."""


Row = tuple[Any, ...]
Values = Sequence[object] | Mapping[str, object]


class Database:
    """One connection, made when first used. Raises UsageError for all that goes wrong.

    ``target`` is the part of the database that messages name beside it.
    """

    def __init__(self, url: str, target: str) -> None:
        given = _understood(url)
        options = " ".join(filter(None, (_SETTINGS["options"], given.get("options"))))
        self._settings = {**_SETTINGS, **given, "options": options}
        place = ":".join(str(given[name]) for name in ("host", "port") if name in given)
        self.where = f"postgresql://{place}/{given.get('dbname', '')} ({target})"
        self._connection: psycopg.Connection[Row] | None = None
        self._used = 0.0
        self._turn = threading.RLock()

    def read(self, query: LiteralString, values: Values) -> list[Row]:
        """Rows; none where the tables are not there yet. Repeated once when the connection broke.

        A table that is not there holds nothing: readers may not be allowed to make it.
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
        """Carry out one statement, once, and return its rows.

        Raises Busy where somebody else's transaction keeps it waiting for more than ``WAIT``.
        """
        with self._turn, self._explained():
            return self._rows(query, values)

    def define(self, statements: Sequence[LiteralString]) -> None:
        """Carry out statements that make tables, all of them or none."""
        with self._turn, self._explained():
            connection = self._connected()
            with self._limited(connection), connection.transaction():
                for statement in statements:
                    connection.execute(statement)
            self._used = monotonic()

    def close(self) -> None:
        """Let go of the connection."""
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
        """Cut the connection where no answer comes: a server that hangs ends nothing by itself."""
        cut = partial(_cut, connection.fileno())
        with watched(f"the store {self.where}", limit=LIMIT + _PATIENCE, cut=cut):
            yield

    def _connected(self) -> psycopg.Connection[Row]:
        if self._connection is not None and monotonic() - self._used > _IDLE:
            with suppress(psycopg.Error), self._limited(self._connection):
                self._connection.execute("select 1")
        if self._connection is None or self._connection.closed:
            self.close()
            # No prepared statements: a pooler between may give each statement another session.
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
        words = " ".join(str(error.diag.message_primary or error).split())
        words = "".join(character if character.isprintable() else "?" for character in words)
        if isinstance(error, errors.LockNotAvailable):
            return Busy(
                f"the store {self.where} is busy: another connection keeps a row of it locked",
                hint="`select * from pg_stat_activity` in the database names who; end what it does",
            )
        if isinstance(error, errors.InsufficientPrivilege | errors.ReadOnlySqlTransaction):
            return UsageError(
                f"the store {self.where} refused: {words}",
                hint="reading needs USAGE on the schema reconcile and SELECT on its tables; apply "
                "also INSERT, UPDATE and DELETE, and the first one CREATE on the database",
            )
        hint = "check the store's address, the user, the password (PGPASSWORD) and the network"
        if self._connection is not None and not self._connection.closed:
            hint = "try again; if it happens again, the database's log says more"
        return UsageError(f"the store {self.where} cannot be used: {words}", hint=hint)


def _cut(socket_number: int) -> None:
    """Shut a connection's socket, so that whoever waits for it is answered with an error."""
    with suppress(OSError), socket.socket(fileno=os.dup(socket_number)) as same:
        same.shutdown(socket.SHUT_RDWR)


def _understood(url: str) -> dict[str, Any]:
    """The URL's parts, or UsageError without any of them: they may be pieces of a password.

    A password whose special characters are not written out ends up in the host, port or database.
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
            "the store's PostgreSQL URL cannot be understood",
            hint="it is postgresql://USER@HOST:PORT/DATABASE, with the password in PGPASSWORD or "
            "~/.pgpass; special characters are written %XX",
        )
    return given
