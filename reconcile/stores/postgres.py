"""A store in PostgreSQL: rows in three tables of the schema ``reconcile``, by target.

What a holder of the lock writes is checked in the same transaction against the lock's row, so one
that lost it writes nothing, whatever its clock says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from reconcile.stores.contract import LEASE, Holder, Lease, LockInfo, VersionMoved
from reconcile.stores.database import Cursor, Database
from reconcile.stores.lease import Held
from reconcile.stores.naming import check_blob, check_entry, check_log
from reconcile.stores.postgres_lock import PostgresLock

_PAGE = 1000

_THERE = "select to_regclass('reconcile.blob'), to_regclass('reconcile.entry'), \
to_regclass('reconcile.lock'), to_regnamespace('reconcile')"
_ALONE = "select pg_advisory_xact_lock(hashtextextended('reconcile', 0))"
_SCHEMA = "create schema if not exists reconcile"
_TABLES = (
    """
    create table if not exists reconcile.blob (
        home text not null,
        name text collate "C" not null,
        data bytea not null,
        serial bigint generated always as identity,
        primary key (home, name)
    )
    """,
    """
    create table if not exists reconcile.entry (
        home text not null,
        log text collate "C" not null,
        position bigint not null,
        entry bytea not null,
        primary key (home, log, position)
    )
    """,
    """
    create table if not exists reconcile.lock (
        home text primary key,
        number bigint not null,
        token text not null,
        who text not null,
        since text not null,
        doing text not null,
        lease double precision not null,
        renewed timestamptz not null
    )
    """,
)
_LOGS = """
    with recursive found as (
        (
            select log from reconcile.entry
            where home = %(home)s and log >= %(prefix)s order by log limit 1
        )
        union all
        select (
            select later.log from reconcile.entry as later
            where later.home = %(home)s and later.log > found.log order by later.log limit 1
        )
        from found where starts_with(found.log, %(prefix)s)
    )
    select log from found where starts_with(log, %(prefix)s)
"""
"""From one log to the next by the index, so that a long one costs no more than a short one."""


class PostgresStore:
    """The rows of ``home`` in the database of ``url``. Reading makes nothing.

    Tables are made by the first write. Versions are numbers that the database gives out once.
    """

    def __init__(self, url: str, home: str) -> None:
        self._home = home
        self._database = Database(url, home)
        self._lock = PostgresLock(url, home, self._database)
        self._held = Held()
        self._making = Lock()
        self._made = False

    @property
    def where(self) -> str:
        """See Store."""
        return self._database.where

    def read(self, name: str) -> tuple[bytes, str] | None:
        """See Store."""
        query = "select data, serial::text from reconcile.blob where home = %s and name = %s"
        rows = self._database.read(query, (self._home, check_blob(name)))
        return (bytes(rows[0][0]), rows[0][1]) if rows else None

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """See Store."""
        check_blob(name)
        with self._writing() as cursor:
            if expected is None:
                cursor.execute(
                    "insert into reconcile.blob (home, name, data) values (%s, %s, %s) "
                    "on conflict do nothing returning serial::text",
                    (self._home, name, data),
                )
            else:
                cursor.execute(
                    "update reconcile.blob set data = %s, serial = default "
                    "where home = %s and name = %s and serial::text = %s returning serial::text",
                    (data, self._home, name, expected),
                )
            row = cursor.fetchone()
            if row is None:
                raise VersionMoved(f"{name} was written by somebody else in between")
        return str(row[0])

    def remove(self, name: str) -> None:
        """See Store."""
        check_blob(name)
        with self._writing() as cursor:
            cursor.execute(
                "delete from reconcile.blob where home = %s and name = %s", (self._home, name)
            )

    def names(self, prefix: str) -> Iterator[str]:
        """See Store."""
        query = "select name from reconcile.blob where home = %s and starts_with(name, %s) \
order by name"
        return (str(row[0]) for row in self._database.read(query, (self._home, prefix)))

    def append(self, log: str, position: int, entry: bytes) -> None:
        """See Store."""
        check_log(log)
        check_entry(position, entry)
        with self._writing() as cursor:
            cursor.execute(
                "insert into reconcile.entry (home, log, position, entry) "
                "values (%s, %s, %s, %s) on conflict do nothing",
                (self._home, log, position, entry),
            )
            if not cursor.rowcount:
                raise VersionMoved(f"{log} has an entry {position} already")

    def entries(self, log: str, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """See Store."""
        query = "select position, entry from reconcile.entry \
where home = %s and log = %s and position >= %s order by position limit %s"
        check_log(log)
        while rows := self._database.read(query, (self._home, log, start, _PAGE)):
            for position, entry in rows:
                yield int(position), bytes(entry)
            start = int(rows[-1][0]) + 1

    def logs(self, prefix: str) -> Iterator[str]:
        """See Store."""
        values = {"home": self._home, "prefix": prefix}
        return (str(row[0]) for row in self._database.read(_LOGS, values))

    def drop(self, log: str) -> None:
        """See Store."""
        check_log(log)
        with self._writing() as cursor:
            cursor.execute(
                "delete from reconcile.entry where home = %s and log = %s", (self._home, log)
            )

    @contextmanager
    def lock(
        self, info: LockInfo, *, timeout: float = 0.0, lease: float = LEASE
    ) -> Iterator[Lease]:
        """See Store."""
        self._make()
        with self._lock.hold(info, timeout, lease) as taken, self._held.under(taken):
            yield taken

    def holder(self) -> Holder | None:
        """See Store."""
        return self._lock.holder()

    def break_lock(self, number: int) -> None:
        """See Store."""
        self._lock.break_(number)

    def close(self) -> None:
        """See Store."""
        self._database.close()

    @contextmanager
    def _writing(self) -> Iterator[Cursor]:
        self._make()
        lease = self._held.lease
        with self._database.writing() as cursor:
            if lease is not None:
                self._lock.keep(cursor, lease)
            yield cursor

    def _make(self) -> None:
        """Make what is missing. Two at once wait for each other: `if not exists` alone can fail."""
        with self._making:
            if self._made:
                return
            ((*tables, schema),) = self._database.read(_THERE, ())
            if not all(tables):
                with self._database.writing() as cursor:
                    cursor.execute(_ALONE)
                    if not schema:
                        cursor.execute(_SCHEMA)
                    for table in _TABLES:
                        cursor.execute(table)
            self._made = True
